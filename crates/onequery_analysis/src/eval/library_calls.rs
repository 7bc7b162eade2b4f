//! What a library's functions and methods do and give, as its catalogue says.

use std::sync::Arc;

use onequery_core::Name;
use onequery_core::ir::{ExprId, ExprKind, Pattern, Spread, TypeRef};

use super::calls::Args;
use super::operators::{FEW_ROWS, few};
use super::{Eval, settled};
use crate::catalog::template::Template;
use crate::catalog::{Access, BoundKind, CallId, CallInfo, Consumed, Grows, Kind};
use crate::facts::{QuerySource, What};
use crate::models::keyword_arg;
use crate::record::Record;
use crate::rows::{Asked, RowSource, Rows};
use crate::sql::Statement;
use crate::types::Holes;
use crate::value::{Bits, Bound, Deps, Measure, Ty, Value};

impl<'a> Eval<'_, 'a> {
    /// What a lambda or a generator takes from outside, which may become part of a query.
    fn captured(&self, id: ExprId) -> Deps {
        let expr = self.ir.expr(id);
        let own: Vec<Name> = match &expr.kind {
            ExprKind::Lambda(ix) => {
                let params = self.ir.function(*ix).params.iter();
                let named = params.filter_map(|param| match param.pattern {
                    Pattern::Name(name, _) => Some(name),
                    _ => None,
                });
                named.collect()
            }
            ExprKind::Comprehension { .. } => Vec::new(),
            _ => return Deps::default(),
        };
        // What an expression is made of stands before it.
        let parts = self.ir.exprs[..id.index()].iter().rev();
        let parts = parts.take_while(|part| expr.span.contains(part.span));
        let outside = parts.filter_map(|part| match part.kind {
            ExprKind::Name(name) if !own.contains(&name) => self.env.get(name),
            _ => None,
        });
        outside.fold(Deps::default(), |deps, value| deps.with(value.deps))
    }

    /// A call of a catalogue's entry.
    pub(super) fn entry(
        &mut self,
        id: ExprId,
        entry: CallId,
        receiver: Option<(ExprId, &Value)>,
        args: &mut Args<'a>,
        generics: &'a [TypeRef],
    ) -> Value {
        self.count(|counted| counted.to_catalogue += 1);
        let info = self.program.catalogs.call(entry);
        let own = receiver.map(|(_, value)| value.clone()).unwrap_or_default();
        let mut deps = own.deps.with(args.deps());
        for consumed in &info.consumes {
            match consumed {
                Consumed::Receiver(_) => {
                    if let Some((base, value)) = receiver {
                        deps.add(self.consume(base, value));
                    }
                }
                Consumed::Arg(ix) => {
                    if let (Some(arg), Some(value)) = (args.written.get(*ix), args.values.get(*ix)) {
                        deps.add(self.consume(arg.value, &value.clone()));
                    }
                }
            }
        }
        deps.add(self.taken_whole(info, args));
        if self.program.catalogs.kind_of(entry) == Kind::Orm {
            for arg in args.written {
                deps.add(self.captured(arg.value));
            }
        }
        let returned = match &info.callback {
            Some(callback) => self.called_back(id, callback, &own, args),
            None => Value::default(),
        };
        if info.stops {
            self.note_stop(id);
        }
        deps.add(returned.deps);
        self.facts.counts |= info.counts;
        if let Some(kind) = info.enters {
            self.note_registered(id, kind, args.written);
        }
        if info.leaves {
            self.leave_by_error();
        }
        if info.paces {
            self.mark_site(|site| site.paced = true);
        }
        if info.takes {
            self.mark_site(|site| {
                site.has_elements = true;
                site.origin = site.origin.or(own.origin);
                site.source_known |= !own.ty.is_unknown();
                if own.bound != Bound::Data {
                    site.bound = own.bound;
                }
            });
            deps.loops.add(self.innermost());
        }
        if let (Some(grows), Some((base, _))) = (info.grows, receiver) {
            self.note_growth(base, &own, args, grows);
        }
        if info.fills {
            self.changed.extend(own.looked_up);
        }
        if info.shows_text {
            for (arg, value) in args.written.iter().zip(&args.values) {
                self.show_text(arg.value, value);
            }
        }
        if !info.reads_each.is_empty() {
            self.read_each(id, &info.reads_each, args);
        }
        if let Some(renders) = &info.renders {
            self.render_call(id, renders, &own, args);
        }
        if info.lists_own
            && let Ty::Instance(class) = own.ty
            && let Some((shown_by, _)) = self.shower(class, self.own_name())
        {
            self.shown_by_call(id, shown_by, args);
        }
        if let (Some(given), Ty::Class(class) | Ty::Instance(class)) = (&info.shows, &own.ty) {
            let many = given.many.as_deref().zip(own.record.as_deref());
            let many = many.and_then(|(many, made_with)| made_with.get(many).cloned());
            self.shown_through(id, *class, given, args, many.as_ref());
        }
        if info.gives_shown
            && let Ty::Instance(class) = own.ty
            && let Some(shown) = self.shown_by_page(class, id)
        {
            return shown.with_deps(deps);
        }
        if let (Some(ix), Some(whole)) = (info.slices, args.values.first()) {
            let bounds = args.values.get(ix).and_then(|bounds| bounds.text);
            let most = bounds.and_then(|bounds| few_of(self.program.text(bounds)));
            return Self::cut(whole.clone(), most).with_deps(deps);
        }
        if info.gives_registered
            && let Ty::Instance(class) = own.ty
            && let Some(model) = self.program.registered(class)
        {
            let at = self.here(self.ir.span(id));
            return Value {
                rows: Some(self.all_rows(model, at)),
                origin: Some(at),
                ..Value::of(self.program.fill_receiver(&info.gives, &own.ty))
            };
        }
        if let (Some(name), Ty::Instance(class)) = (&info.gives_attribute, &own.ty)
            && let Some(stored) = self
                .set_by_decorator(*class, name)
                .filter(|_| own.whole_params.only() == Some(0))
                .map(|(_, value)| value)
                .or_else(|| self.stored_attribute(*class, name))
        {
            return stored.with_deps(deps);
        }
        if info.reads_attribute
            && let Some(read) = self.attribute_by_name(id, args)
        {
            return read.with_deps(deps);
        }
        let text = info.sql.and_then(|ix| args.values.get(ix));
        // A list of statements is executed one by one: a migration, not rows.
        let is_listed = text.is_some_and(|text| {
            let made = matches!(text.ty, Ty::Unknown | Ty::Plain) && text.deps.loops.meets(self.active());
            made || text.whole.meets(self.active())
        });
        let statement = match text.map(|text| text.statement) {
            Some(Statement::Unknown) if is_listed => Statement::Other,
            None | Some(Statement::Unknown) => own.statement,
            Some(known) => known,
        };
        let likely = own.likely || info.likely || text.is_some_and(|text| text.likely);
        let type_args = self.type_args(generics);
        let view = self.view(&own);
        let holes = Holes {
            receiver: &own.ty,
            view: &view,
            args: &args.values,
            returned: &returned.ty,
            type_args: &type_args,
        };
        let ty = self.program.fill(&info.gives, &holes);
        let ty = self.own_query(&own.ty, ty);
        let is_off = info
            .unless_keyword
            .as_ref()
            .is_some_and(|keyword| keyword_arg(self.ir, args.written, keyword).is_some());
        let may_be_held =
            info.looks_among_held && matches!(&ty, Ty::Instance(class) if self.held.contains(class));
        let unchanging = deps.loops.is_empty() && deps.varies.is_empty() && deps.params.is_empty();
        let executed = match (info.runs, statement) {
            _ if is_off || may_be_held => None,
            // It has written what it wanted the first time, and looks for it each other time.
            (Some(_), _) if info.writes_once && unchanging => Some(Access::Read),
            (Some(Access::Commit), _) => Some(Access::Commit),
            (_, Statement::Other) => None,
            (Some(access), Statement::Unknown) => Some(access),
            (Some(_), Statement::Rows(access)) => Some(access),
            (None, _) => None,
        };
        let (executed, load) = match executed {
            Some(Access::Read) => match self.rows_asked(&own, !self.is_answered_by_loaded(info, &own)) {
                Asked::Nothing => (None, None),
                Asked::Query if own.fetched && self.is_answered_by_loaded(info, &own) => (None, None),
                Asked::Query => (executed, None),
                Asked::Relation(load) => (executed, Some(load)),
            },
            other => (other, None),
        };
        if let Some(access) = executed {
            let what = What::Query {
                access,
                source: QuerySource::Call(entry),
                load,
            };
            let path = self.path;
            self.path.isolated |= info.often_wanted;
            // A commit depends on whose transaction it ends, not on what was done in it.
            let asked = if access == Access::Commit { own.deps } else { deps };
            deps.add(self.fact(id, what, asked, likely));
            self.path = path;
        }
        // `list(batch)` and `batch.iter()` are still the batch.
        let passed_whole = (info.bound == Some(BoundKind::Passes)).then(|| match receiver {
            Some((_, value)) if !matches!(value.ty, Ty::External(_) | Ty::Module(_)) => Some(value),
            _ => args.values.first(),
        });
        let passed_whole = passed_whole.flatten();
        let is_query = matches!(&ty, Ty::Lib(lib, _) if self.program.inherited(*lib, |info| info.runs_on_iterate.then_some(())).is_some());
        let origin = if is_query || info.runs.is_some() {
            Some(self.here(self.ir.span(id)))
        } else {
            own.origin
        };
        if info.empty {
            let own_model = own.rows.as_ref().and_then(|rows| rows.model);
            let model = self.program.row_class(&ty).or(own_model);
            return Value {
                rows: Some(Arc::new(Rows::from(RowSource::Empty, model))),
                likely,
                ..Value::of(ty)
            }
            .with_deps(deps);
        }
        let rows = self.rows_of_entry(id, entry, &own, args, &returned, &ty);
        if self.program.catalogs.kind_of(entry) == Kind::Orm {
            let typed = rows.as_ref().is_some_and(|rows| rows.model.is_some());
            let gives_rows = rows.is_some() || self.is_lazy(&ty);
            self.count(|counted| {
                counted.queries += usize::from(gives_rows);
                counted.typed_queries += usize::from(typed);
            });
        }
        let bound = match self.bound_of(info, &own, args) {
            Bound::Data if rows.as_ref().is_some_and(|rows| rows.few) => Bound::Constant,
            bound => bound,
        };
        let record = if info.gives_variables {
            Some(self.variables())
        } else {
            info.gives_entries.then(|| {
                let mut entries = match &own.ty {
                    Ty::Super(page) | Ty::Instance(page) if info.gives_context => self.shown_names(*page, id),
                    _ => Record::default(),
                };
                for (name, value) in self.entries_given(args).iter() {
                    entries.set(name, value.clone());
                }
                Arc::new(entries)
            })
        };
        let passes_itself = info.bound == Some(BoundKind::Passes) && info.gives == Template::Receiver;
        let stands_for = info.stands_for.and_then(|ix| args.values.get(ix)?.text);
        Value {
            bound,
            record: record.filter(|record| !record.is_empty()),
            text: stands_for,
            measure: if info.measures {
                self.size_measured(receiver, args)
            } else {
                Measure::None
            },
            likely,
            statement,
            whole: passed_whole.map_or(Bits::default(), |value| value.whole),
            whole_params: passed_whole.map_or(Bits::default(), |value| value.whole_params),
            looked_up: match receiver {
                Some((base, _)) if info.looks_up => self.looked_up_in(base),
                // A guard stands for what it locks.
                Some((base, _)) if passes_itself => self
                    .looked_up_in(base)
                    .filter(|&of| self.outlives_call(of))
                    .or(own.looked_up),
                _ => own.looked_up,
            },
            origin,
            is_error: info.fails,
            truth: info.given,
            rows,
            ..Value::of(ty)
        }
        .with_deps(deps)
    }

    /// What follows when arguments are taken as whole sets: `id__in=batch`, `insert_many(batch)`.
    fn taken_whole(&mut self, info: &CallInfo, args: &Args<'_>) -> Deps {
        let mut batched = Bits::default();
        for (ix, (arg, value)) in args.written.iter().zip(&args.values).enumerate() {
            let by_keyword = arg.name.is_some_and(|name| {
                info.takes_all_suffix
                    .as_ref()
                    .is_some_and(|suffix| self.text(name).ends_with(suffix.as_str()))
            });
            // `update(**changes)` takes the names of an element, not a set of rows.
            let stands_there = arg.name.is_none() && arg.spread != Spread::Keyword;
            if by_keyword || (stands_there && info.takes_all.contains(&ix)) {
                batched.add(value.batch());
                self.facts.collections.add(value.whole_params);
            }
        }
        Deps {
            batched,
            ..Deps::default()
        }
    }

    /// What the size of something says: of what is kept from round to round, `len(batch)`, as opposed to
    /// `len(order.items)`.
    fn size_measured(&self, receiver: Option<(ExprId, &Value)>, args: &Args<'_>) -> Measure {
        let measured = receiver.map(|(base, value)| (base, value.deps));
        let first = || Some((args.written.first()?.value, args.values.first()?.deps));
        let Some((place, deps)) = measured.or_else(first) else {
            return Measure::None;
        };
        let is_variable = matches!(self.ir.expr(place).kind, ExprKind::Name(_));
        if self.root_name(place).is_some_and(|name| self.is_carried(name)) {
            Measure::Size
        } else if deps.loops.meets(self.innermost()) {
            Measure::None
        } else if is_variable {
            Measure::Total
        } else {
            Measure::Size
        }
    }

    /// A manager that is made of a queryset class of the project gives queries of that class, whatever its library says.
    fn own_query(&self, receiver: &Ty, given: Ty) -> Ty {
        let (Ty::Instance(manager), Ty::Lib(query, _)) = (receiver, &given) else {
            return given;
        };
        let program = self.program;
        let mro = &program.class(*manager).mro;
        let mut querysets = mro
            .iter()
            .copied()
            .filter(|&class| class != *manager && program.class_extends(class, *query));
        querysets.next().map_or(given, Ty::Instance)
    }

    /// How many elements the result of an entry has.
    pub(super) fn bound_of(&self, info: &CallInfo, own: &Value, args: &Args<'_>) -> Bound {
        let first = args.values.first();
        match info.bound {
            None => Bound::Data,
            Some(BoundKind::Passes) => {
                // A receiver that is a module or class passes nothing on; then it is the first argument.
                let of_receiver =
                    matches!(own.ty, Ty::Lib(..) | Ty::Unknown | Ty::Tuple(_)) && !own.ty.is_unknown();
                let from = if of_receiver { Some(own) } else { first };
                from.map_or(Bound::Data, |value| value.bound)
            }
            Some(BoundKind::Shortest) if args.values.iter().any(|value| value.bound == Bound::Constant) => {
                Bound::Constant
            }
            Some(BoundKind::Shortest) => Bound::Data,
            Some(BoundKind::Together) => {
                let is_container = matches!(own.ty, Ty::Lib(..));
                let parts = args.values.iter().chain(is_container.then_some(own));
                if parts.into_iter().all(|part| self.holds_few(part)) {
                    Bound::Constant
                } else {
                    Bound::Data
                }
            }
            Some(BoundKind::Range) => {
                let int = |ix: usize| args.values.get(ix).and_then(|value| value.int);
                match args.values.len() {
                    1 if few(Some(0), int(0)) => Bound::Constant,
                    2 if few(int(0), int(1)) => Bound::Constant,
                    // `range(0, n, size)` starts a batch each time; a step of one does not.
                    3 if int(2).is_none_or(|step| step.abs() != 1) => Bound::Chunks,
                    _ => Bound::Data,
                }
            }
            Some(BoundKind::Chunks) => Bound::Chunks,
            Some(BoundKind::Pages) => Bound::Pages,
            Some(BoundKind::Few) => Bound::Constant,
            Some(BoundKind::Limit)
                if first
                    .and_then(|first| first.int)
                    .is_some_and(|most| most <= FEW_ROWS) =>
            {
                Bound::Constant
            }
            Some(BoundKind::Limit) => match (own.bound, first.and_then(|first| first.int)) {
                (Bound::Data, Some(_)) => Bound::Limited,
                (bound, _) => bound,
            },
        }
    }

    fn holds_few(&self, value: &Value) -> bool {
        let is_single = matches!(value.ty, Ty::Lib(lib, _) if self.program.catalogs.ty(lib).single);
        is_single || value.bound == Bound::Constant
    }

    /// `any(query(x) for x in xs)` ends when a query's result says so.
    fn note_stop(&mut self, id: ExprId) {
        let (at, outside) = (self.here(self.ir.span(id)), self.active());
        for fact in &mut self.facts.facts {
            if at.file == fact.at.file && at.span.contains(fact.at.span) {
                fact.path.decides.add(fact.path.loops.without(outside));
            }
        }
    }

    /// What a call gives to a dictionary: its keyword arguments, and what dictionaries among its arguments have.
    pub(super) fn entries_given(&self, args: &Args<'_>) -> Record {
        let mut entries = Record::default();
        for (arg, value) in args.written.iter().zip(&args.values) {
            match (arg.name, &value.record) {
                (Some(name), _) => entries.set(self.text(name), value.clone()),
                (None, Some(record)) => entries.extend(record),
                (None, None) => {}
            }
        }
        entries
    }

    /// A literal that something is added to is no constant, and it depends on what is added.
    fn note_growth(&mut self, base: ExprId, own: &Value, args: &Args<'_>, grows: Grows) {
        let added = args.values.last();
        let item = added.map(|added| match grows {
            Grows::One => added.ty.clone(),
            Grows::Many => self.item_of(added),
        });
        if let (Some(holder), Ty::Lib(list, _), Some(item)) = (self.holder_of(base), &own.ty, &item) {
            self.changed.push(holder);
            let held = Value {
                rows: added.and_then(settled),
                ..Value::of(Ty::lib(*list, vec![item.clone()]))
            };
            return self.note_entry(holder, Ty::Unknown, &held.with_deps(args.deps()));
        }
        self.changed.extend(self.looked_up_in(base));
        let Some(name) = self.root_name(base) else { return };
        self.changed.push(name);
        let is_name = matches!(self.ir.expr(base).kind, ExprKind::Name(_));
        let entries = self.entries_given(args);
        // One element more, once, leaves it as small as it was.
        let grows_per_round = self.grows_with_data(name);
        let gathered = self.gathered_of(name);
        if let Some(variable) = self.env.get_mut(name) {
            if grows == Grows::Many || grows_per_round {
                variable.bound = Bound::Data;
            }
            variable.deps.add(args.deps());
            variable.whole = Bits(variable.whole.0 & gathered.0);
            if let (Grows::One, true, Some(added)) =
                (grows, is_name, added.and_then(|added| added.record.clone()))
            {
                let record = variable.record.get_or_insert_default();
                *record = Arc::new(Arc::unwrap_or_clone(record.clone()).join(&added));
            }
            if grows == Grows::Many && is_name && !entries.is_empty() {
                Arc::make_mut(variable.record.get_or_insert_default()).extend(&entries);
            }
            if let (Ty::Lib(list, None), Some(item), true) = (&variable.ty, item, is_name) {
                variable.ty = Ty::lib(*list, vec![item]);
                variable.rows = added.and_then(settled);
            }
        }
    }
}

/// How many elements `"2:5"` is at most.
fn few_of(bounds: &str) -> Option<i64> {
    let (from, to) = bounds.split_once(':')?;
    let from: i64 = if from.is_empty() { 0 } else { from.parse().ok()? };
    let to: i64 = to.parse().ok()?;
    (from >= 0 && to >= 0).then(|| to.saturating_sub(from))
}
