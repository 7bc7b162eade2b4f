//! Relations of models: reading them, loading them with their rows, and what that leaves to be asked.

use std::sync::Arc;

use onequery_core::ir::{ExprId, ExprKind, Literal};
use onequery_core::{Location, Name, Span};

use super::Eval;
use super::calls::Args;
use crate::catalog::template::Template;
use crate::catalog::{Access, BoundKind, CallId, CallInfo, Kind, Loads};
use crate::facts::{QuerySource, What};
use crate::known::About;
use crate::models::{RelId, keyword_arg};
use crate::program::ClassId;
use crate::rows::{Asked, Extensible, Hop, Load, Pending, RowSource, Rows, Wanted};
use crate::value::{Bits, Bound, Ty, Value};

impl<'a> Eval<'_, 'a> {
    /// Reading a relation of a row.
    pub(super) fn related(&mut self, base: &Value, relation: RelId, id: ExprId) -> Value {
        let program = self.program;
        let declared = program.relation(relation);
        let info = program.catalogs.relation(declared.kind);
        let model = program.row_class(&declared.target);
        let hop = Hop {
            relation,
            name: declared.name.clone(),
        };
        let of_owner = |rows: &&Rows| {
            let known = rows.model;
            known.is_none_or(|model| program.related_classes(model, declared.owner))
        };
        let rows = base
            .rows
            .as_deref()
            .map(Rows::settled)
            .as_ref()
            .filter(of_owner)
            .and_then(|rows| rows.follow(hop, model, declared.to_many));
        // `for line in order.lines: line.order` is the one order that they were reached from, whichever line it is. In an
        // outer loop over orders it is another one each time.
        let is_way_back = !declared.to_many
            && self.loops.len() <= 1
            && (base.rows.as_deref()).is_some_and(|rows| rows.way_back.as_ref() == Some(&declared.name));
        let deps = if is_way_back {
            base.deps.of_no_element()
        } else {
            base.deps
        };
        let likely = base.likely || info.finds_by_key && !declared.to_many;
        let query_type = match &info.strategy {
            Some(strategy) if declared.is_query => Some(&strategy.query_type),
            _ => info.manager.as_ref().filter(|_| declared.to_many),
        };
        if let Some(template) = query_type {
            let own_manager = model.and_then(|model| self.manager_of(model));
            let rows = rows.unwrap_or_else(|| Rows::from(RowSource::Unknown, model));
            let pending = Pending {
                refined: declared.is_query,
                at: self.here(self.ir.span(id)),
            };
            let mut rows = Rows {
                pending: Some(pending),
                ..rows
            };
            self.note_inverse(relation, &mut rows);
            let ty = own_manager.unwrap_or_else(|| {
                program.fill_receiver(template, &Ty::tuple(vec![declared.target.clone()]))
            });
            return Value {
                likely: base.likely,
                rows: Some(Arc::new(rows)),
                ..Value::of(ty)
            }
            .with_deps(deps);
        }
        let ty = if declared.to_many {
            let list = program.catalogs.literals(self.language()).list;
            Ty::lib(list, vec![declared.target.clone()])
        } else {
            declared.target.clone()
        };
        let mut value = Value {
            held: base.held,
            likely: base.likely,
            ..Value::of(ty)
        }
        .with_deps(deps);
        let Some(mut rows) = rows else {
            return value;
        };
        // Where rows are found by their key, one that was fetched before may be the one.
        let may_be_among = info.finds_by_key
            && !declared.to_many
            && matches!((&declared.target, &base.rows), (Ty::Instance(target), Some(rows))
                if rows.model == Some(*target) || self.held.contains(target));
        if declared.always_loaded || may_be_among {
            let names = rows.names();
            rows.loaded.add_end(names);
        } else if !rows.are_loaded(declared.leads_to_one())
            && matches!(rows.source, RowSource::Query(_) | RowSource::Param(_))
        {
            let what = What::Query {
                access: Access::Read,
                source: QuerySource::Relation(relation),
                load: Some(Load {
                    rows: Arc::new(rows.clone()),
                    defeats: false,
                    wanted: Wanted::Rows,
                }),
            };
            let path = self.path;
            self.path.keep_in(base.held);
            value.deps.add(self.fact(id, what, deps, likely));
            self.path = path;
        }
        self.note_inverse(relation, &mut rows);
        if is_way_back {
            rows.take_one();
        }
        value.rows = Some(Arc::new(rows));
        value
    }

    /// Reading a column of a row, which asks for it when the rows' query left it out.
    pub(super) fn column(&mut self, class: ClassId, base: &Value, name: &str, id: ExprId) -> Option<Value> {
        let rows = base.rows.as_ref().filter(|rows| rows.leave_out(name))?;
        if !self.program.has_column(class, name) {
            return None;
        }
        let what = What::Query {
            access: Access::Read,
            source: QuerySource::Column,
            load: Some(Load {
                rows: rows.clone(),
                defeats: false,
                wanted: Wanted::Column(name.into()),
            }),
        };
        let deps = self.fact(id, what, base.deps, base.likely);
        Some(Value::plain().with_deps(base.deps).with_deps(deps))
    }

    /// `book.author.id`: of the row that was just asked for only the key is wanted, which `book` has, too.
    pub(super) fn note_key_read(&mut self, base: ExprId, name: Name) {
        self.note_key(self.ir.span(base), self.text(name));
    }

    /// The attribute `text` is read of what was read last, at `span`.
    pub(super) fn note_key(&mut self, span: Span, text: &str) {
        if self.muted > 0 {
            return;
        }
        let at = self.here(span);
        let Some(fact) = self.facts.facts.last_mut().filter(|fact| fact.at == at) else {
            return;
        };
        if let What::Query {
            source: QuerySource::Relation(relation),
            load: Some(load),
            ..
        } = &mut fact.what
        {
            let declared = self.program.relation(*relation);
            if let (Some(key), true) = (&declared.key, self.program.is_key_name(declared.owner, text)) {
                load.wanted = Wanted::Key(key.clone());
            }
        }
    }

    /// The rows in a part of a value that has some: those of another model are in another part.
    pub(super) fn rows_of_part(&self, rows: Option<Arc<Rows>>, part: &Ty) -> Option<Arc<Rows>> {
        let model = self.program.row_class(part);
        rows.filter(|rows| match (rows.model, model) {
            (Some(of), Some(model)) => self.program.related_classes(of, model),
            _ => true,
        })
    }

    /// A row that is reached from its only other side knows that side: `author.books.all()[0].author`.
    fn note_inverse(&self, relation: RelId, rows: &mut Rows) {
        let declared = self.program.relation(relation);
        let Some(inverse) = &declared.inverse else { return };
        let known = match declared.target {
            Ty::Instance(target) => self.program.relation_of(target, inverse),
            _ => None,
        };
        if self.program.catalogs.relation(declared.kind).forgets_other_side {
            return;
        }
        if known.is_some_and(|known| !self.program.relation(known).to_many) {
            let mut names = rows.names();
            names.push(inverse.clone());
            rows.loaded.add_end(names);
            rows.way_back = declared.to_many.then(|| inverse.clone());
        }
    }

    /// The type of a model's default manager, the first that it declares, when the project wrote that.
    fn manager_of(&self, model: ClassId) -> Option<Ty> {
        let program = self.program;
        let first = program.class(model).mro.iter().find_map(|&base| {
            let ir = program.ir(program.class(base).file);
            let fields = program.class_ir(base).fields.iter();
            // A manager is made by a call.
            let made = fields.filter(|field| {
                field
                    .value
                    .is_some_and(|value| matches!(ir.expr(value).kind, ExprKind::Call { .. }))
            });
            made.filter(|field| program.relation_of(base, ir.name(field.name)).is_none())
                .filter_map(|field| self.stored_attribute(base, ir.name(field.name)))
                .map(|stored| stored.ty)
                .find(|ty| program.serves(ty))
        });
        first.filter(|ty| matches!(ty, Ty::Instance(_)))
    }

    /// All rows of a model, as its default manager gives them to who asks at a place.
    pub(super) fn all_rows(&self, model: ClassId, at: Location) -> Arc<Rows> {
        let program = self.program;
        let all = Arc::new(Rows::of_query(Some(model), at, true));
        let start = || {
            let Some(Ty::Instance(manager)) = self.manager_of(model) else {
                return None;
            };
            let returned = self.returned_by(program.method(manager, program.starts_from(manager)?)?);
            self.returned_rows(&returned, &|param| (param == 0).then(|| all.clone()), at)
        };
        let start = start().filter(|rows| rows.model == Some(model));
        start.unwrap_or_else(|| all.clone())
    }

    /// What a value is as a library's type: a project's queryset class is its library's queryset of its rows.
    pub(super) fn view(&self, value: &Value) -> Ty {
        self.program.view(value)
    }

    /// What the elements of a value are.
    pub(super) fn item_of(&self, value: &Value) -> Ty {
        self.program.item(&self.view(value))
    }

    /// Whether rows that were loaded before answer an entry: some need them in order.
    pub(super) fn is_answered_by_loaded(&self, info: &CallInfo, own: &Value) -> bool {
        let in_order = || {
            let rows = own.rows.as_deref()?;
            Some(rows.loaded.by_own_query || self.program.is_ordered(rows.model?))
        };
        info.uses_loaded || (info.uses_loaded_if_ordered && in_order().unwrap_or(false))
    }

    /// What asking for the rows of a value means.
    pub(super) fn rows_asked(&self, value: &Value, narrowed: bool) -> Asked {
        value
            .rows
            .as_deref()
            .map_or(Asked::Query, |rows| rows.ask(narrowed))
    }

    /// The rows in what an entry of a catalogue gives.
    pub(super) fn rows_of_entry(
        &mut self,
        id: ExprId,
        entry: CallId,
        own: &Value,
        args: &Args<'a>,
        returned: &Value,
        ty: &Ty,
    ) -> Option<Arc<Rows>> {
        if self.program.models.is_empty() {
            return None;
        }
        let info = self.program.catalogs.call(entry);
        let here = self.here(self.ir.span(id));
        let loads = info.loads.as_ref();
        if let Some(loads) = loads
            && let Some(into) = self.loaded_into(id, loads, args)
        {
            self.load_into(loads, into, args);
            return None;
        }
        let model = self.program.row_class(ty);
        let is_orm = self.program.catalogs.kind_of(entry) == Kind::Orm;
        let bare = match ty {
            Ty::Instance(class) => self.program.is_model(*class),
            Ty::Tuple(_) => true,
            Ty::Unknown => true,
            _ => false,
        };
        let carried = self.carried(info, own, args, returned, ty, model);
        let lacks = |keyword: &String| keyword_arg(self.ir, args.written, keyword).is_none();
        let extensible = if info.loads_no_more {
            Extensible::No
        } else if info.loads_many_with.as_ref().is_some_and(lacks) {
            Extensible::ToOne
        } else {
            Extensible::Fully
        };
        let mut rows = match carried {
            Some(rows) if self.is_lazy(ty) => {
                let grown = rows.grown(here, !self.is_answered_by_loaded(info, own));
                // What is said of loading elsewhere may take back what is said at the source.
                let is_told_elsewhere = info.loads.is_some() && grown.source != RowSource::Query(here);
                Rows {
                    extensible: grown.extensible.min(extensible).only_if(!is_told_elsewhere),
                    ..grown
                }
            }
            Some(rows) => {
                let settled = rows.settled();
                Rows {
                    extensible: settled.extensible.min(extensible),
                    ..settled
                }
            }
            // What a query that is not followed loads is not known.
            None if own.rows.is_none() && self.is_query(&own.ty) && model.is_some() => {
                Rows::from(RowSource::Unknown, model)
            }
            None if is_orm && model.is_some() => Rows {
                extensible: extensible.only_if(self.is_lazy(ty)),
                ..Rows::of_query(model, here, !bare)
            },
            None => {
                // `Prefetch("lines")`, `selectinload(Author.books)`.
                let mut option = Rows::from(RowSource::Option, None);
                if let Some(before) = own
                    .rows
                    .as_deref()
                    .filter(|rows| rows.source == RowSource::Option)
                {
                    option = before.clone();
                }
                self.load(loads?, args, &mut option);
                return Some(Arc::new(option));
            }
        };
        if info.bound == Some(BoundKind::Limit) {
            rows.few = self.bound_of(info, own, args) == Bound::Constant;
        }
        if bare && is_orm && !info.takes {
            rows.take_one();
        }
        if is_orm && let Some(model) = model {
            self.note_pinned(model, args, &mut rows);
            let keywords = args.written.iter().filter_map(|arg| arg.name);
            let mut columns = keywords.map(|name| self.text(name));
            rows.few |= info.finds_by_columns && columns.any(|column| self.program.is_unique(model, column));
            if let Some(lacks) = &info.lacks {
                self.note_lacking(model, lacks, args, &mut rows);
            }
        }
        if info.names_columns
            && let Some(model) = rows.model
        {
            self.fill_cached(model, args);
        }
        if let Some(loads) = loads {
            self.load(loads, args, &mut rows);
        }
        Some(Arc::new(rows))
    }

    /// `annotate(n_books=…)` gives rows what a cached property of that name would ask for.
    fn fill_cached(&mut self, model: ClassId, args: &Args<'a>) {
        for arg in args.written {
            let Some(name) = arg.name.map(|name| self.text(name)) else {
                continue;
            };
            if self.program.method(model, name).is_some() {
                self.facts
                    .attributes
                    .push((model, name.to_owned(), Value::default()));
            }
        }
    }

    /// What a call loads relations into, if that isn't what it gives.
    fn loaded_into(&self, id: ExprId, loads: &Loads, args: &Args<'a>) -> Option<ExprId> {
        if let Some(into) = loads.into {
            return Some(args.written.get(into)?.value);
        }
        match (loads.into_receiver, &self.ir.expr(id).kind) {
            (true, ExprKind::Call { callee, .. }) => match self.ir.expr(*callee).kind {
                ExprKind::Attr { base, .. } => Some(base),
                _ => None,
            },
            _ => None,
        }
    }

    /// The rows that an entry passes on: its receiver's, an argument's, or its callback's.
    fn carried(
        &self,
        info: &CallInfo,
        own: &Value,
        args: &Args<'a>,
        returned: &Value,
        ty: &Ty,
        model: Option<ClassId>,
    ) -> Option<Arc<Rows>> {
        // In a manager's own methods the model is the callers' business.
        let is_row = ty.is_unknown() && own.rows.as_ref().is_some_and(|rows| rows.model.is_none());
        let of_any_model =
            model.is_none() && (self.is_lazy(ty) || (is_row && info.gives == Template::Param(0)));
        let fits = |rows: &&Arc<Rows>| {
            rows.source != RowSource::Option && (of_any_model || (model.is_some() && rows.model == model))
        };
        std::iter::once(own)
            .chain(&args.values)
            .chain(std::iter::once(returned))
            .filter_map(|value| value.rows.as_ref())
            .find(fits)
            .cloned()
    }

    /// Whether a type's rows are asked for when they are needed.
    pub(super) fn is_lazy(&self, ty: &Ty) -> bool {
        match ty {
            Ty::Lib(lib, _) => self
                .program
                .inherited(*lib, |info| {
                    (info.runs_on_iterate || info.serves_owner).then_some(())
                })
                .is_some(),
            Ty::Instance(class) => self.program.serves_owner(*class),
            _ => false,
        }
    }

    /// Whether a type is a query's, as opposed to a manager's, which makes new ones.
    fn is_query(&self, ty: &Ty) -> bool {
        match ty {
            Ty::Lib(lib, _) => self
                .program
                .inherited(*lib, |info| info.runs_on_iterate.then_some(()))
                .is_some(),
            Ty::Instance(class) => self.program.serves_owner(*class) && !self.program.is_manager(*class),
            _ => false,
        }
    }

    /// Rows that a variable keeps can be found by their key.
    pub(super) fn note_held(&mut self, value: &Value) {
        let literals = self.program.catalogs.literals(self.language());
        let keeps = matches!(value.ty, Ty::Lib(lib, _) if lib == literals.list || lib == literals.dict);
        if let (true, Some(rows)) = (keeps, &value.rows) {
            self.held.extend(rows.model.filter(|_| rows.many));
        }
    }

    /// `book.author = author`: reading it back asks nothing.
    pub(super) fn note_assigned(&mut self, base: ExprId, name: &str) {
        let ExprKind::Name(variable) = self.ir.expr(base).kind else {
            return;
        };
        let Some(value) = self.env.get_mut(variable) else {
            return;
        };
        if let (Ty::Instance(class), Some(rows)) = (&value.ty, &value.rows)
            && self.program.relation_of(*class, name).is_some()
        {
            let mut rows = rows.settled();
            let mut names = rows.names();
            names.push(name.into());
            rows.loaded.add_end(names);
            value.rows = Some(Arc::new(rows));
        }
    }

    /// What a called function returns, in terms of what it was given.
    pub(super) fn returned_value(
        &self,
        returned: Value,
        given: &dyn Fn(usize) -> Option<Arc<Rows>>,
        at: Location,
    ) -> Value {
        let rows = self.returned_rows(&returned, given, at);
        let passes_rows = returned.rows.as_ref().is_some_and(|rows| rows.are_a_parameters());
        let of_caller = rows.as_ref().filter(|_| passes_rows).and_then(|rows| rows.model);
        let record = returned.map_record(|value| self.returned_value(value.clone(), given, at));
        // Rows of this caller's model, whatever other callers give.
        let ty = match (of_caller, self.program.row_class(&returned.ty)) {
            (Some(own), Some(other)) if own != other => returned.ty.with_class(other, own),
            _ => returned.ty,
        };
        Value {
            ty,
            rows,
            record,
            ..returned
        }
    }

    /// What other functions find of a value that an attribute is given.
    pub(super) fn stored(&mut self, value: Value) -> Value {
        let Some(rows) = value.rows else {
            return value;
        };
        let mut likely = value.likely;
        if let RowSource::Param(param) = rows.source {
            self.facts.stores.add(Bits::one(param));
            self.facts.stored.add(Bits::one(param));
            likely = true;
        }
        Value {
            likely,
            rows: Some(self.rows_to_store(rows)),
            ..value
        }
    }

    /// What rows are whoever calls, as far as the calls that were seen tell.
    pub(super) fn rows_to_store(&self, rows: Arc<Rows>) -> Arc<Rows> {
        let RowSource::Param(param) = rows.source else {
            return rows;
        };
        let passed = self.known_passed(About::PassedRows, self.program.fn_id(self.file, self.current));
        let given = passed.and_then(|passed| passed.of(param)?.rows.as_ref());
        // What recursion leads to from rows that are not known would be further away in each round.
        let known = given.filter(|given| given.source != RowSource::Unknown);
        let of_callers = known.and_then(|given| rows.given(given));
        Arc::new(of_callers.unwrap_or_else(|| Rows::from(RowSource::Unknown, rows.model)))
    }

    /// The rows of a value that a function returns.
    pub(super) fn returned_rows(
        &self,
        returned: &Value,
        given: &dyn Fn(usize) -> Option<Arc<Rows>>,
        at: Location,
    ) -> Option<Arc<Rows>> {
        let rows = returned.rows.as_ref()?;
        let RowSource::Param(param) = rows.source else {
            return Some(rows.clone());
        };
        let rows = rows.given(&*given(param)?)?;
        let rows = if self.is_lazy(&returned.ty) {
            rows.grown(at, false)
        } else {
            rows
        };
        // `Book.objects.recent()`: what loads more relations may have no such method.
        let rows = Rows {
            extensible: rows.extensible.only_if(rows.source == RowSource::Query(at)),
            ..rows
        };
        Some(Arc::new(rows))
    }

    /// `getattr(book, "author")`.
    pub(super) fn attribute_by_name(&mut self, id: ExprId, args: &Args<'a>) -> Option<Value> {
        let (base, name) = (args.values.first()?.clone(), args.written.get(1)?.value);
        let name: Name = match self.ir.expr(name).kind {
            ExprKind::Literal(Literal::Str(name)) => name,
            _ => return None,
        };
        Some(self.attribute(&base, name, id))
    }
}
