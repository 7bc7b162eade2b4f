//! Implicit loops: what a framework does with the rows that a class shows or lists.

use std::sync::Arc;

use onequery_core::ir::{ExprId, ExprKind, Function, Literal};

use super::Eval;
use super::calls::{Args, SUPER};
use super::loops::{element_of, site_over};
use crate::catalog::{Access, Decorates, Lists, Position, ShownGiven, Shows, Table, Walks};
use crate::facts::{Given, QuerySource, Site, SiteKind, What};
use crate::known::About;
use crate::models::keyword_arg;
use crate::program::{ClassId, ClassReturned, FnId, Symbol, Written};
use crate::rows::{Asked, RowSource, Rows};
use crate::value::{Bits, Deps, Ty, Value};

/// How many types may be around what a resolver lists: `Result<Option<Vec<Book>>>`.
const MAX_WRAPPED: usize = 4;

impl<'a> Eval<'_, 'a> {
    /// Evaluates what a framework does with a class: with a row, which is the only parameter, or with the rows it lists.
    pub(super) fn present(&mut self, id: FnId, class: ClassId) {
        // All that it does needs a place in the text: at the least, that of what makes the class one that is called.
        let ir = self.program.class_ir(class);
        let Some(&place) = ir.bases.first().or(ir.decorators.first()) else {
            return;
        };
        if let Some(shows) = self.program.shows(class) {
            let decided = |names: &[String]| {
                names.iter().any(|name| {
                    self.program.method(class, name).is_some() || self.program.written(class, name).is_some()
                })
            };
            if !decided(&shows.unless) {
                let mut row = self.row_shown(id, class, shows);
                row.likely |= shows.if_asked || decided(&shows.unsure_if);
                self.show(class, shows, &row, place);
            }
        }
        if let Some(lists) = self.program.lists(class) {
            self.list(class, lists, place);
        }
        if let Some(page) = self.program.page(class) {
            self.show_page(class, page, place);
        }
        if let Some(table) = self.program.table(class) {
            self.tabulate(class, table, place);
        }
        if let Some(walks) = self.program.walks(class) {
            self.walk_rows(class, walks, place);
        }
    }

    /// The row that is shown: of the model that the class names, or of what it is called with.
    fn row_shown(&mut self, id: FnId, class: ClassId, shows: &Shows) -> Value {
        let to_it = self.known_passed(About::Passed, id);
        let program = self.program;
        let named = program
            .written_at(class, shows.model.as_deref())
            .and_then(|model| {
                match program.resolve_expr(model.file, program.scope_of_class(model.class), model.value) {
                    Symbol::Class(model) => Some(Ty::Instance(model)),
                    _ => None,
                }
            });
        let passed = || {
            let passed = to_it?.type_of(0);
            (!passed.is_unknown()).then_some(passed)
        };
        let ty = named.or_else(passed).unwrap_or_default();
        let model = program.row_class(&ty);
        let deps = Deps {
            params: Bits::one(0),
            ..Deps::default()
        };
        Value {
            whole_params: Bits::one(0),
            rows: Some(Arc::new(Rows::from(RowSource::Param(0), model))),
            ..Value::of(ty).with_deps(deps)
        }
    }

    fn show(&mut self, class: ClassId, shows: &'a Shows, row: &Value, place: ExprId) {
        if let Some(name) = &shows.method
            && let Some(method) = self.program.method(class, name)
        {
            let start = self.facts.facts.len();
            self.call_with(method, Some(class), row, place);
            self.label_facts(start, class, name);
            if !self.calls_base(method) {
                return;
            }
        }
        self.show_fields(class, shows, row, place);
    }

    /// Names what was found since `start` after the field that shows it.
    pub(super) fn label_facts(&mut self, start: usize, class: ClassId, name: &str) {
        let label = format!("{}.{name}", self.program.class_name(class));
        for fact in &mut self.facts.facts[start..] {
            fact.label.clone_from(&label);
        }
    }

    /// Whether a method calls the one that it overrides.
    pub(super) fn calls_base(&self, method: FnId) -> bool {
        let (file, _, function) = self.program.function(method);
        let ir = self.program.ir(file);
        let mut exprs = ir.exprs.iter();
        exprs.any(|expr| {
            matches!(expr.kind, ExprKind::Name(name) if ir.name(name) == SUPER)
                && function.span.contains(expr.span)
        })
    }

    /// Follows a path of attributes; methods on the way are called.
    pub(super) fn walk(&mut self, row: &Value, path: &[&'a str], at: ExprId) -> Value {
        let mut value = row.clone();
        for name in path {
            self.note_key(self.ir.span(at), name);
            let owner = value;
            value = match owner.ty {
                Ty::Instance(class) => self.instance_attribute(class, &owner, name, at),
                _ => return Value::default(),
            };
            if let Ty::Function(method) = value.ty {
                value = self.call_with(method, None, &owner, at);
            }
        }
        value
    }

    /// Calls a method with a row: the row's own, or one of the class that shows it.
    pub(super) fn call_with(&mut self, method: FnId, of: Option<ClassId>, row: &Value, at: ExprId) -> Value {
        let given = Given {
            deps: row.deps,
            ty: row.ty.clone(),
            rows: row.rows.clone(),
            own_param: row.whole_params.only(),
            is_written: true,
            ..Given::default()
        };
        let of = of.filter(|_| !self.is_static(method));
        let own = of.map(|_| Given::default());
        let args: Vec<Given> = own.into_iter().chain([given]).collect();
        self.call_noted(at, method, args, row.deps, row.likely)
    }

    fn is_static(&self, method: FnId) -> bool {
        let (file, _, function) = self.program.function(method);
        let scope = self.program.scope_id(file, function.scope);
        let mut decorators = function.decorators.iter();
        decorators.any(|&decorator| self.program.decorates(file, scope, decorator) == Some(Decorates::Static))
    }

    /// Shows one row through a class. What was made of a row by such a class is none, and who asks for one row seldom asks
    /// for all that is behind it.
    pub(super) fn show_one(&mut self, class: ClassId, row: &Value, at: ExprId) {
        let program = self.program;
        let is_made = match row.ty {
            Ty::Instance(of) => program.shows(of).is_some() && !program.is_model(of),
            _ => false,
        };
        if is_made || self.is_asked(class) {
            return;
        }
        if let Some(shown) = program.presentation(class) {
            self.call_with(shown, None, row, at);
        }
    }

    /// Whether who asks says which of the fields of a class are shown.
    fn is_asked(&self, class: ClassId) -> bool {
        self.program.shows(class).is_some_and(|shows| shows.if_asked)
    }

    /// Shows each row of many through a class.
    pub(super) fn show_each(&mut self, class: ClassId, rows: &Value, at: ExprId) {
        // Which rows they are must be known where it is not known what is asked for.
        let is_unknown = rows.rows.as_ref().is_none_or(|rows| rows.model.is_none());
        let is_asked = self.is_asked(class);
        if is_asked && is_unknown {
            return;
        }
        let deps = self.ask_for(at, rows);
        let rows = rows.clone().with_deps(deps);
        let element = self.row_of(&rows);
        self.each_row(
            at,
            &rows,
            &element,
            &mut |eval, row| match eval.program.presentation(class) {
                Some(shown) if is_asked => {
                    eval.call_with(shown, None, row, at);
                }
                _ => eval.show_one(class, row, at),
            },
        );
    }

    /// A server goes through the objects that a resolver lists, and calls those of their type's resolvers that are asked
    /// for.
    pub(super) fn resolve_listed(&mut self, id: FnId, function: &Function) {
        let program = self.program;
        let (Some(declared), Some(body)) = (&function.returns, function.body) else {
            return;
        };
        let own = program.class_of(id).and_then(|class| program.resolvers(class));
        if !own.is_some_and(|resolvers| resolvers.methods.contains(&id)) {
            return;
        }
        let mut listed = program.declared(self.type_scope(), declared);
        for _ in 0..MAX_WRAPPED {
            listed = program.inner(&listed);
        }
        let Ty::Instance(class) = program.item(&listed) else {
            return;
        };
        let Some(resolvers) = program.resolvers(class) else {
            return;
        };
        let at = match &self.ir.expr(body).kind {
            ExprKind::Block { items, value: true } => items.last().copied().unwrap_or(body),
            _ => body,
        };
        let rows = self.facts.returns.clone().unwrap_or_default();
        let object = Value {
            ty: Ty::Instance(class),
            likely: true,
            ..element_of(&rows)
        };
        let site = Site {
            by: Some(resolvers.by),
            ..site_over(SiteKind::Framework, self.here(self.ir.span(at)), &rows)
        };
        self.each_row_of(site, &object, &mut |eval, object| {
            for &resolver in resolvers.methods.iter().filter(|&&resolver| resolver != id) {
                let start = eval.facts.facts.len();
                eval.call_with(resolver, None, object, at);
                for fact in &mut eval.facts.facts[start..] {
                    fact.label = program.qualified_name(resolver);
                }
            }
        });
    }

    /// One of many rows.
    pub(super) fn row_of(&self, rows: &Value) -> Value {
        // A manager is no list, but its rows are of a model.
        let model = rows.rows.as_ref().and_then(|rows| rows.model);
        let item = match (self.item_of(rows), model) {
            (Ty::Unknown, Some(model)) => Ty::Instance(model),
            (item, _) => item,
        };
        Value {
            ty: item,
            ..element_of(rows)
        }
    }

    /// Runs `body` once per row as a framework does.
    pub(super) fn each_row(
        &mut self,
        at: ExprId,
        rows: &Value,
        element: &Value,
        body: &mut dyn FnMut(&mut Self, &Value),
    ) {
        let site = site_over(SiteKind::Framework, self.here(self.ir.span(at)), rows);
        self.each_row_of(site, element, body);
    }

    fn each_row_of(&mut self, site: Site, element: &Value, body: &mut dyn FnMut(&mut Self, &Value)) {
        self.repeat(site, None, false, &mut |eval, bit| {
            let deps = Deps {
                loops: bit,
                ..element.deps
            };
            let row = Value {
                deps,
                whole: bit,
                ..element.clone()
            };
            body(eval, &row);
        });
    }

    /// Goes through rows, those of a relation's manager included.
    pub(super) fn ask_for(&mut self, at: ExprId, value: &Value) -> Deps {
        let asked = value.rows.as_ref().filter(|rows| rows.pending.is_some());
        let last = asked.and_then(|rows| rows.path.last());
        match (self.rows_asked(value, false), last) {
            (Asked::Relation(load), Some(hop)) => {
                let what = What::Query {
                    access: Access::Read,
                    source: QuerySource::Relation(hop.relation),
                    load: Some(load),
                };
                self.fact(at, what, value.deps, value.likely)
            }
            (Asked::Nothing, Some(_)) => Deps::default(),
            _ => self.consume(at, value),
        }
    }

    /// A call of a class that shows rows: `BookSerializer(books, many=True)`.
    pub(super) fn shown_by_call(&mut self, id: ExprId, class: ClassId, args: &Args<'a>) {
        let Some(shows) = self.program.shows(class) else {
            return;
        };
        if let Some(given) = &shows.given {
            self.shown_through(id, class, given, args, None);
        }
        // `BookPage(items=books)` checks each of them as the field is declared.
        if shows.annotated && !shows.if_asked {
            for (arg, value) in args.written.iter().zip(&args.values) {
                if let Some(name) = arg.name {
                    let declared = self.field_type(class, self.text(name));
                    self.show_as(&declared, value, arg.value);
                }
            }
        }
    }

    /// A call that shows rows through a class: `BookSchema(many=True).dump(books)`. `made_many` is what the instance was
    /// told of how many rows it shows.
    pub(super) fn shown_through(
        &mut self,
        id: ExprId,
        class: ClassId,
        given: &ShownGiven,
        args: &Args<'a>,
        made_many: Option<&Value>,
    ) {
        let by_keyword = |keyword: &Option<String>| {
            let keyword = keyword.as_ref()?;
            args.find(self.ir, &Position::Keyword(keyword.clone()))
        };
        let found = args
            .find(self.ir, &Position::Index(given.rows))
            .or_else(|| by_keyword(&given.rows_keyword));
        let Some(rows) = found.and_then(|ix| args.values.get(ix)).cloned() else {
            return;
        };
        // What it is given to check is not shown.
        if by_keyword(&given.unless_keyword).is_some() {
            return;
        }
        let many = by_keyword(&given.many).map(|ix| args.values[ix].truth);
        match many.or(made_many.map(|many| many.truth)) {
            Some(Some(true)) => self.show_each(class, &rows, id),
            None | Some(Some(false)) => self.show_one(class, &rows, id),
            Some(None) => {}
        }
    }

    /// What a framework does to list the rows of a class.
    fn list(&mut self, class: ClassId, lists: &Lists, place: ExprId) {
        let overrides = lists
            .method
            .as_deref()
            .and_then(|name| self.program.method(class, name));
        if lists.only_asked || overrides.is_some_and(|method| !self.calls_base(method)) {
            return;
        }
        if let (Some(rows), Some((shown_by, at))) =
            (self.rows_listed(class, lists, place), self.shower(class, None))
        {
            let at = Some(at).filter(|written| written.file == self.file);
            self.show_each(shown_by, &rows, at.map_or(place, |written| written.value));
        }
    }

    /// The rows that a class lists.
    fn rows_listed(&mut self, class: ClassId, lists: &Lists, place: ExprId) -> Option<Value> {
        let [method, attribute] = &lists.rows;
        let stored = self.stored_attribute(class, attribute);
        let value = match self.program.method(class, method) {
            Some(method) => self.started_from(class, method, stored.as_ref(), place),
            None => stored?,
        };
        let mut rows = value.rows.clone()?;
        for name in &lists.through {
            if let Some(method) = self.program.method(class, name) {
                let returned = self.returned_by(method);
                let given = |param: usize| (param == 1).then(|| rows.clone());
                rows = self.returned_rows(&returned, &given, self.here(self.ir.span(place)))?;
            }
        }
        Some(Value {
            rows: Some(rows),
            ..value
        })
    }

    /// The rows that a class's method gives, which may start from those that an attribute or a base gives.
    pub(super) fn started_from(
        &self,
        class: ClassId,
        method: FnId,
        base: Option<&Value>,
        place: ExprId,
    ) -> Value {
        let given = |param: usize| base.filter(|_| param == 0)?.rows.clone();
        let returned = self.returned_by(method);
        let returned = self
            .specialized(method, &returned, Some(&Ty::Instance(class)), &[])
            .unwrap_or(returned);
        self.returned_value(returned, &given, self.here(self.ir.span(place)))
    }

    /// What a framework does to ask something of each of the rows that a class gives.
    fn walk_rows(&mut self, class: ClassId, walks: &'a Walks, place: ExprId) {
        let program = self.program;
        let [method, attribute] = &walks.rows;
        let stored = self.stored_attribute(class, attribute);
        let rows = match program.method(class, method) {
            Some(method) => Some(self.started_from(class, method, stored.as_ref(), place)),
            None => stored,
        };
        let Some(rows) = rows.filter(|rows| rows.rows.as_ref().is_some_and(|rows| rows.model.is_some()))
        else {
            return;
        };
        let deps = self.ask_for(place, &rows);
        let rows = rows.with_deps(deps);
        let row = self.row_of(&rows);
        self.each_row(place, &rows, &row, &mut |eval, row| {
            for name in &walks.asks {
                let start = eval.facts.facts.len();
                if let Some(method) = program.method(class, name) {
                    eval.call_with(method, Some(class), row, place);
                } else if let Some([_, own]) = walks.falls_back.iter().find(|[asked, _]| asked == name)
                    && let Ty::Instance(model) = row.ty
                    && let Some(method) = program.method(model, own)
                {
                    eval.call_with(method, None, row, place);
                }
                eval.label_facts(start, class, name);
            }
        });
    }

    /// What a framework does to show all rows of a model in columns.
    fn tabulate(&mut self, class: ClassId, table: &'a Table, place: ExprId) {
        let program = self.program;
        let decides = |name: &String| program.method(class, name).is_some();
        let Some(model) = program.registered(class) else {
            return;
        };
        if table.unless.iter().any(decides) {
            return;
        }
        let columns = program.written(class, &table.columns);
        let at = columns.filter(|written| written.file == self.file);
        let at = at.map_or(place, |written| written.value);
        let names = columns.map(|written| program.names_listed(written, false));
        let Some(mut names) = names.unwrap_or_else(|| Some(Vec::new())) else {
            return;
        };
        if names.is_empty() {
            let text = Written {
                class,
                file: self.file,
                value: at,
            };
            names.push((table.text.as_str(), text));
        }
        let rows = match program.method(class, &table.rows) {
            Some(method) => self.returned_by(method).rows,
            None => {
                let at = self.here(self.ir.span(at));
                Some(self.all_rows(model, at))
            }
        };
        let Some(mut rows) = rows.filter(|rows| rows.model == Some(model)) else {
            return;
        };
        if !self.load_table(class, model, table, &names, Arc::make_mut(&mut rows)) {
            return;
        }
        let rows = Value {
            rows: Some(Arc::new(rows.settled())),
            ..Value::of(Ty::Instance(model))
        };
        self.each_row(at, &rows, &rows, &mut |eval, row| {
            for (name, listed) in &names {
                let own = (listed.file == eval.file).then_some(listed.value);
                eval.show_column(class, table, row, name, own.unwrap_or(at));
            }
        });
    }

    /// Loads the relations that a table loads with its rows; says whether that is known.
    fn load_table(
        &self,
        class: ClassId,
        model: ClassId,
        table: &Table,
        names: &[(&str, Written)],
        rows: &mut Rows,
    ) -> bool {
        let program = self.program;
        let eager = program.written(class, &table.eager);
        let written = eager.map(|eager| &program.ir(eager.file).expr(eager.value).kind);
        match (eager, written) {
            (None, _) | (_, Some(ExprKind::Literal(Literal::Bool(false)))) => {
                let is_key = |(name, _): &(&str, Written)| {
                    let relation = program.relation_of(model, name);
                    let relation = relation.map(|relation| program.relation(relation));
                    relation.is_some_and(|relation| !relation.to_many && relation.key.is_some())
                };
                rows.loaded.to_one |= names.iter().any(is_key);
                true
            }
            (_, Some(ExprKind::Literal(Literal::Bool(true)))) => {
                rows.loaded.to_one = true;
                true
            }
            (Some(eager), _) => {
                let paths = program.names_listed(eager, true);
                for (path, _) in paths.iter().flatten() {
                    let path: Vec<Arc<str>> = path.split(&table.path_separator).map(Arc::from).collect();
                    rows.loaded.add(0, &path);
                }
                paths.is_some()
            }
        }
    }

    /// One column of a table for one row.
    fn show_column(&mut self, class: ClassId, table: &Table, row: &Value, name: &'a str, at: ExprId) {
        let start = self.facts.facts.len();
        if let Some(method) = self.program.method(class, name) {
            self.call_with(method, Some(class), row, at);
        } else {
            let value = self.walk(row, &[name], at);
            // A related row is shown by its text.
            if let (Ty::Instance(shown), Some(_)) = (&value.ty, &value.rows)
                && let Some(method) = self.program.method(*shown, &table.text)
            {
                self.call_with(method, None, &value, at);
            }
        }
        self.label_facts(start, class, name);
    }

    /// The class that shows the rows which another lists, and where that is said.
    /// `action` is what is asked for, unless rows are to be listed.
    pub(super) fn shower(&self, class: ClassId, action: Option<&str>) -> Option<(ClassId, Written)> {
        let lists = self.program.lists(class)?;
        let [method, attribute] = &lists.shown_by;
        if let Some(decides) = self.program.method(class, method) {
            let mut asked: Vec<[String; 2]> = Vec::new();
            if let Some([name, list]) = &lists.action {
                asked.push([name.clone(), action.unwrap_or(list).to_owned()]);
            }
            asked.extend(lists.verb.clone().filter(|_| action.is_none()));
            match self.program.class_returned(decides, &asked, &lists.shown_by)? {
                ClassReturned::Class(shown_by, written) => return Some((shown_by, written)),
                ClassReturned::Own => {}
            }
        }
        let (written, stored) = match self.set_by_decorator(class, attribute) {
            Some((written, value)) => (written, value),
            None => (
                self.program.written(class, attribute)?,
                self.stored_attribute(class, attribute)?,
            ),
        };
        match stored.ty {
            Ty::Class(shown_by) => Some((shown_by, written)),
            _ => None,
        }
    }

    /// What a decorator of the method at hand makes an attribute of its object: `@action(serializer_class=…)`. What is
    /// made at the decorator is not known.
    pub(super) fn set_by_decorator(&self, class: ClassId, attribute: &str) -> Option<(Written, Value)> {
        let program = self.program;
        let function = self.ir.function(self.current);
        let scope = program.scope_id(self.file, function.scope);
        function.decorators.iter().find_map(|&decorator| {
            let value = match &self.ir.expr(decorator).kind {
                ExprKind::Call { args, .. } => keyword_arg(self.ir, args, attribute)?,
                _ => return None,
            };
            let entry = program.decorating(self.file, scope, decorator)?;
            let written = Written {
                class,
                file: self.file,
                value,
            };
            let symbol = program.resolve_expr(self.file, scope, value);
            program
                .catalogs
                .call(entry)
                .sets_attributes
                .then(|| (written, self.symbol_value(symbol)))
        })
    }
}
