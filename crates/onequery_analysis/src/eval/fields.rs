//! What a class shows of a row, field by field.

use onequery_core::FileId;
use onequery_core::ir::{ExprId, ExprKind, Function, Literal};

use super::Eval;
use crate::catalog::{CallInfo, Field, FieldShows, Shows};
use crate::models::{keyword_arg, literal};
use crate::program::{ClassId, FieldOf, FnId, Symbol, Written};
use crate::record::Record;
use crate::value::{Ty, Value};

/// One field of what a class shows.
struct FieldShown<'a> {
    name: &'a str,
    /// Where it is listed, when it is.
    listed: Option<Written>,
    /// Its own declaration; without one it is what the model has under its name.
    declared: Option<Written>,
}

/// What a framework does with what a function gives.
#[derive(Clone, Debug)]
pub(super) enum ShownBy {
    /// It shows it as this type.
    Type(Ty),
    /// It renders this template with it.
    Template(FileId),
}

impl<'a> Eval<'_, 'a> {
    /// Shows all fields of a row that a class shows, one after the other.
    pub(super) fn show_fields(&mut self, class: ClassId, shows: &'a Shows, row: &Value, place: ExprId) {
        let depth = self.program.written_at(class, shows.depth.as_deref());
        let depth = depth.map(|depth| &self.program.ir(depth.file).expr(depth.value).kind);
        let is_deep = matches!(depth, Some(ExprKind::Literal(Literal::Int(levels))) if *levels > 0);
        for field in self.fields_shown(class, shows, row) {
            let start = self.facts.facts.len();
            let own = |written: &Written| written.file == self.file;
            let at = [field.declared, field.listed].into_iter().flatten().find(own);
            let at = at.map_or(place, |written| written.value);
            match self.resolver(class, shows, field.name) {
                Some(resolver) => {
                    self.call_with(resolver, None, row, at);
                }
                None => self.show_field(class, shows, row, &field, (at, is_deep)),
            }
            self.label_facts(start, class, field.name);
        }
        if shows.annotated {
            for method in self.program.field_methods(class) {
                let start = self.facts.facts.len();
                self.call_with(method, None, row, place);
                let (file, _, function) = self.program.function(method);
                let name = function.name.map_or("", |name| self.program.ir(file).name(name));
                self.label_facts(start, class, name);
            }
        }
    }

    /// The method of a class that gives what one of its fields shows.
    fn resolver(&self, class: ClassId, shows: &Shows, field: &str) -> Option<FnId> {
        let prefix = shows.resolver_prefix.as_ref()?;
        self.program.method(class, &format!("{prefix}{field}"))
    }

    /// Whether the first argument of a method is the row that its class shows, not an instance of the class.
    pub(super) fn takes_row(&self, class: ClassId, function: &Function) -> bool {
        let Some(shows) = self.program.shows(class) else {
            return false;
        };
        let resolves = shows.resolver_prefix.as_ref().zip(function.name);
        resolves.is_some_and(|(prefix, name)| self.text(name).starts_with(prefix))
            || shows.annotated && self.program.is_field(self.file, function)
    }

    /// What the first argument of such a method is: the row as the calls that were seen pass it, or an instance.
    pub(super) fn row_taken(&self, id: FnId, class: ClassId) -> Ty {
        match self.passed_type(id, 0) {
            Ty::Unknown => Ty::Instance(class),
            passed => passed,
        }
    }

    /// The fields that a class shows of a row.
    fn fields_shown(&self, class: ClassId, shows: &Shows, row: &Value) -> Vec<FieldShown<'a>> {
        let program = self.program;
        let declared = |name: &str| {
            let written = program.written(class, name)?;
            program.field_of(written).map(|_| written)
        };
        let is_all = |fields: &Written| {
            let text = literal(program.ir(fields.file), fields.value);
            text.is_some() && text == shows.all_fields.as_deref()
        };
        let listed = program
            .written_at(class, shows.fields.as_deref())
            .filter(|fields| !is_all(fields));
        let Some(fields) = listed else {
            return self.all_fields(class, shows, row);
        };
        let names = program.names_listed(fields, false).unwrap_or_default();
        names
            .into_iter()
            .map(|(name, at)| FieldShown {
                name,
                listed: Some(at),
                declared: declared(name),
            })
            .collect()
    }

    /// All that the model declares, and what the class adds to it.
    fn all_fields(&self, class: ClassId, shows: &Shows, row: &Value) -> Vec<FieldShown<'a>> {
        let program = self.program;
        let mut fields = self.fields_declared(class, shows);
        let Ty::Instance(model) = row.ty else {
            return fields;
        };
        let excluded = program.written_at(class, shows.excluded.as_deref());
        let names = excluded.and_then(|excluded| program.names_listed(excluded, true));
        let names = names.unwrap_or_default();
        let listed = program.written_at(class, shows.fields.as_deref());
        // A plain serializer shows what it declares and nothing else.
        let Some(named) = listed.or(excluded) else {
            return fields;
        };
        for name in program.own_relations(model) {
            let is_left_out = names.iter().any(|(excluded, _)| *excluded == name);
            if !is_left_out && fields.iter().all(|known| known.name != name) {
                fields.push(FieldShown {
                    name,
                    listed: Some(named),
                    declared: None,
                });
            }
        }
        fields
    }

    /// The fields that a class and its bases declare.
    fn fields_declared(&self, class: ClassId, shows: &Shows) -> Vec<FieldShown<'a>> {
        let program = self.program;
        let mut fields: Vec<FieldShown<'_>> = Vec::new();
        for &base in &program.class(class).mro {
            let ir = program.ir(program.class(base).file);
            for field in &program.class_ir(base).fields {
                let name = ir.name(field.name);
                let declared = program.written(class, name);
                let declared = declared.filter(|&written| program.field_of(written).is_some());
                let is_field = declared.is_some() || shows.annotated && field.ty.is_some();
                if is_field && fields.iter().all(|known| known.name != name) {
                    fields.push(FieldShown {
                        name,
                        listed: None,
                        declared,
                    });
                }
            }
        }
        fields
    }

    fn show_field(
        &mut self,
        class: ClassId,
        shows: &'a Shows,
        row: &Value,
        field: &FieldShown<'a>,
        (at, is_deep): (ExprId, bool),
    ) {
        let annotated = if shows.annotated {
            self.field_type(class, field.name)
        } else {
            Ty::Unknown
        };
        match field.declared {
            Some(declared) => self.show_declared(class, shows, row, (field.name, declared, &annotated), at),
            None if shows.annotated => self.show_path(row, &[field.name], &annotated, at),
            None => self.show_attribute(row, field.name, is_deep, at),
        }
    }

    /// Shows what is at the end of a path of attributes as a type says.
    fn show_path(&mut self, row: &Value, path: &[&'a str], ty: &Ty, at: ExprId) {
        let value = self.walk(row, path, at);
        self.show_as(ty, &value, at);
    }

    /// Shows a value through the class that a type names, or each of many.
    pub(super) fn show_as(&mut self, ty: &Ty, value: &Value, at: ExprId) {
        let shower = |ty: &Ty| match ty {
            Ty::Instance(class) => Some(*class).filter(|&class| self.program.shows(class).is_some()),
            _ => None,
        };
        match (shower(ty), shower(&self.program.item(ty))) {
            (Some(class), _) => self.show_one(class, value, at),
            (None, Some(class)) => self.show_each(class, value, at),
            (None, None) => {}
        }
    }

    /// Names what was found since `start` after the class that shows it.
    fn label_shown(&mut self, start: usize, ty: &Ty) {
        let (one, item) = (ty, self.program.item(ty));
        let classes = [one, &item].map(|ty| match ty {
            Ty::Instance(class) => Some(*class),
            _ => None,
        });
        if let Some(class) = classes.into_iter().flatten().next() {
            let label = self.program.class_name(class);
            for fact in &mut self.facts.facts[start..] {
                label.clone_into(&mut fact.label);
            }
        }
    }

    fn show_declared(
        &mut self,
        class: ClassId,
        shows: &'a Shows,
        row: &Value,
        (name, declared, annotated): (&'a str, Written, &Ty),
        at: ExprId,
    ) {
        let program = self.program;
        let ir = program.ir(declared.file);
        let is_true = |keyword: &Option<String>| {
            let value = keyword
                .as_ref()
                .and_then(|keyword| program.keyword(declared, keyword));
            value.is_some_and(|value| matches!(ir.expr(value).kind, ExprKind::Literal(Literal::Bool(true))))
        };
        if is_true(&shows.hidden_if) {
            return;
        }
        let mut sources = shows.source.iter();
        let source = sources.find_map(|source| program.keyword(declared, source));
        let path = match source.map(|source| literal(ir, source)) {
            None => name,
            Some(Some(path)) => path,
            Some(None) => return,
        };
        let parts: Vec<&str> = match &shows.path_separator {
            _ if shows.itself.as_deref() == Some(path) => Vec::new(),
            Some(separator) => path.split(separator.as_str()).collect(),
            None => vec![path],
        };
        let many = is_true(&shows.many);
        match program.field_of(declared) {
            Some(FieldOf::Class(shown_by)) => {
                let value = self.walk(row, &parts, at);
                if many {
                    self.show_each(shown_by, &value, at);
                } else {
                    self.show_one(shown_by, &value, at);
                }
            }
            Some(FieldOf::Own(own, field)) => self.show_own(own, field, row, (&parts, many), at),
            Some(FieldOf::Library(field)) if field.shows == FieldShows::Value && !annotated.is_unknown() => {
                self.show_path(row, &parts, annotated, at);
            }
            Some(FieldOf::Library(field)) => {
                self.show_library_field(class, field, declared, row, (name, &parts, many), at)
            }
            None => {}
        }
    }

    /// A field whose class says itself what it shows.
    fn show_own(
        &mut self,
        class: ClassId,
        field: &Field,
        row: &Value,
        (parts, many): (&[&'a str], bool),
        at: ExprId,
    ) {
        let Some([gives, shows]) = &field.overrides else {
            return;
        };
        let value = match self.program.method(class, gives) {
            Some(gives) => self.call_with(gives, Some(class), row, at),
            None => self.walk(row, parts, at),
        };
        let Some(shows) = self.program.method(class, shows) else {
            return;
        };
        if many {
            let deps = self.ask_for(at, &value);
            let rows = value.with_deps(deps);
            let element = self.row_of(&rows);
            self.each_row(at, &rows, &element, &mut |eval, row| {
                eval.call_with(shows, Some(class), row, at);
            });
        } else {
            self.call_with(shows, Some(class), &value, at);
        }
    }

    /// A field of a library's type.
    fn show_library_field(
        &mut self,
        class: ClassId,
        field: &Field,
        declared: Written,
        row: &Value,
        (name, parts, many): (&str, &[&'a str], bool),
        at: ExprId,
    ) {
        let program = self.program;
        let argument = program.field_argument(field, declared);
        let named = argument.and_then(|argument| literal(program.ir(declared.file), argument));
        match field.shows {
            FieldShows::Method => {
                let by_name = || format!("{}{name}", field.prefix.as_deref().unwrap_or_default());
                let method = named.map_or_else(by_name, str::to_owned);
                if let Some(method) = program.method(class, &method) {
                    let given = self.call_with(method, Some(class), row, at);
                    // A query that the method builds is executed when it is shown.
                    if self.is_lazy(&given.ty) {
                        self.ask_for(at, &given);
                    }
                }
                return;
            }
            FieldShows::Function => {
                if let Some(function) = argument {
                    self.show_by_function(
                        Written {
                            value: function,
                            ..declared
                        },
                        row,
                        at,
                    );
                }
                return;
            }
            FieldShows::Class => {
                let value = self.walk(row, parts, at);
                match program.class_shown(field, declared) {
                    Some((shown_by, inside_many)) if many || inside_many => {
                        self.show_each(shown_by, &value, at);
                    }
                    Some((shown_by, _)) => self.show_one(shown_by, &value, at),
                    None if many || field.many => {
                        self.ask_for(at, &value);
                    }
                    None => {}
                }
                return;
            }
            FieldShows::Value | FieldShows::Key | FieldShows::Text | FieldShows::Attribute => {}
        }
        // A key stands in the row before.
        let last = match (field.shows, many) {
            (FieldShows::Key, false) => parts.len().saturating_sub(1),
            _ => parts.len(),
        };
        let value = self.walk(row, &parts[..last], at);
        if many {
            self.ask_for(at, &value);
            return;
        }
        match (field.shows, &value.ty, &field.method) {
            (FieldShows::Text, Ty::Instance(shown), Some(method)) => {
                if let Some(method) = program.method(*shown, method) {
                    self.call_with(method, None, &value, at);
                }
            }
            (FieldShows::Attribute, ..) => {
                if let Some(name) = named {
                    self.walk(&value, &[name], at);
                }
            }
            _ => {}
        }
    }

    /// What a function that a field is given makes of a row.
    fn show_by_function(&mut self, function: Written, row: &Value, at: ExprId) {
        let program = self.program;
        match program.ir(function.file).expr(function.value).kind {
            ExprKind::Lambda(lambda) if function.file == self.file => {
                let deps = row.deps;
                self.inline(lambda, std::slice::from_ref(row), deps);
            }
            _ => {
                let scope = program.scope_of_class(function.class);
                if let Symbol::Function(id) = program.resolve_expr(function.file, scope, function.value) {
                    self.call_with(id, None, row, at);
                }
            }
        }
    }

    /// A field that only its name declares: what the model has under it.
    fn show_attribute(&mut self, row: &Value, name: &'a str, is_deep: bool, at: ExprId) {
        let Ty::Instance(model) = row.ty else { return };
        let relation = self.program.relation_of(model, name);
        let relation = relation.map(|relation| self.program.relation(relation));
        match relation {
            // Its key is in the row.
            Some(relation) if !relation.to_many && relation.key.is_some() && !is_deep => {}
            Some(_) => {
                let value = self.walk(row, &[name], at);
                self.ask_for(at, &value);
            }
            None => {
                self.walk(row, &[name], at);
            }
        }
    }

    /// What a framework does with what a function gives.
    pub(super) fn shown_by(&mut self, id: FnId, function: &Function) -> Option<ShownBy> {
        let program = self.program;
        for &decorator in &function.decorators {
            let (callee, args) = match &self.ir.expr(decorator).kind {
                ExprKind::Call { callee, args, .. } => (*callee, &args[..]),
                _ => (decorator, &[][..]),
            };
            let is_wanted =
                |info: &CallInfo| info.shows_returned.is_some() || info.renders_returned.is_some();
            let entry = self.decorator_entry(callee, is_wanted);
            let Some(info) = entry.map(|entry| program.catalogs.call(entry)) else {
                continue;
            };
            if let Some(keyword) = &info.renders_returned
                && let Some(name) = keyword_arg(self.ir, args, keyword)
                && let Some(name) = literal(self.ir, name)
            {
                return program.template(self.file, name).map(ShownBy::Template);
            }
            if let Some(shown) = &info.shows_returned {
                let keyword = shown.keyword.as_ref();
                let written = keyword.and_then(|keyword| keyword_arg(self.ir, args, keyword));
                let ty = match written {
                    Some(ty) => program.written_type(self.file, ty)?,
                    None => function.returns.clone()?,
                };
                return Some(ShownBy::Type(program.declared(self.type_scope(), &ty)));
            }
        }
        // `resolve_books` gives what the field `books` shows.
        let class = program.class_of(id)?;
        let prefix = program.shows(class)?.resolver_prefix.as_ref()?;
        let field = self.text(function.name?).strip_prefix(prefix.as_str())?;
        let written = program.written(class, field)?;
        let Some(FieldOf::Library(field)) = program.field_of(written) else {
            return None;
        };
        let (shown_by, many) = program.class_shown(field, written)?;
        let one = Ty::Instance(shown_by);
        let list = program.catalogs.literals(self.language()).list;
        Some(ShownBy::Type(if many { Ty::lib(list, vec![one]) } else { one }))
    }

    /// Does with what a function gives what a framework does.
    pub(super) fn show_returned(&mut self, value: &Value, at: ExprId) {
        match self.shown.clone() {
            Some(ShownBy::Type(ty)) => {
                let start = self.facts.facts.len();
                self.show_as(&ty, value, at);
                self.label_shown(start, &ty);
            }
            Some(ShownBy::Template(template)) => {
                if let Some(context) = &value.record {
                    self.render(template, Record::clone(context));
                }
            }
            None => {}
        }
    }
}
