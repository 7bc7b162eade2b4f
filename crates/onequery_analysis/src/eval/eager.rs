//! What calls load together with rows: options of queries, and queries that load into rows that are there.

use std::sync::Arc;

use onequery_core::Name;
use onequery_core::ir::{BinaryOp, ExprId, ExprKind, Literal, Spread};

use super::Eval;
use super::calls::Args;
use crate::catalog::{Loads, LoadsFrom};
use crate::models::literal;
use crate::program::{ClassId, Symbol};
use crate::rows::{Columns, Loaded, RowSource, Rows};
use crate::value::{Ty, Value};

/// What the arguments of a call load, as it is collected.
struct Loading {
    /// The path from the rows that the call's own paths go on from.
    base: Vec<Arc<str>>,
    /// The last path that was named.
    path: Vec<Arc<str>>,
    loaded: Loaded,
    columns: Vec<Arc<str>>,
    classes: Vec<ClassId>,
    /// What was loaded before is not loaded any more.
    clears: bool,
}

impl Loading {
    fn of(rows: &Rows) -> Self {
        let base = if rows.source == RowSource::Option {
            rows.option_path.clone()
        } else {
            rows.names()
        };
        Self {
            path: base.clone(),
            base,
            loaded: Loaded::default(),
            columns: Vec::new(),
            classes: Vec::new(),
            clears: false,
        }
    }

    /// What another call made: `Prefetch("lines")`, `selectinload(Author.books)`; or the query whose rows are loaded:
    /// `Prefetch("lines", queryset=Line.objects.select_related("product"))`.
    fn add_option(&mut self, value: &Value, is_spread: bool) {
        match value.rows.as_deref() {
            Some(option) if option.source == RowSource::Option => {
                // A list may hold texts beside its options.
                self.loaded.unknown |= is_spread;
                self.loaded.add_below(&self.base, &option.loaded);
            }
            Some(nested) => {
                self.loaded.add_below(&self.path, &nested.loaded);
                self.loaded.by_own_query = true;
            }
            None => self.loaded.unknown = true,
        }
    }

    fn finish(mut self, loads: &Loads, rows: &mut Rows) {
        let columns = Some(self.columns).filter(|columns| !columns.is_empty());
        self.loaded.columns = match loads.from {
            LoadsFrom::Columns => columns.map(Columns::Only),
            LoadsFrom::AllColumnsBut => columns.map(Columns::AllBut),
            _ => None,
        };
        if self.clears {
            rows.loaded = Loaded::default();
        }
        rows.loaded.add_below(&[], &self.loaded);
        if rows.source == RowSource::Option {
            rows.option_path = self.path;
        }
    }
}

impl<'a> Eval<'_, 'a> {
    /// Notes what a call loads with the rows.
    pub(super) fn load(&self, loads: &Loads, args: &Args<'a>, rows: &mut Rows) {
        let mut loading = Loading::of(rows);
        let mut written = args.written.iter().zip(&args.values).skip(loads.skip).peekable();
        if written.peek().is_none() && loads.bare_loads_to_one {
            loading.loaded.to_one = true;
        }
        loading.loaded.unknown |= loads.from == LoadsFrom::Any;
        for (arg, value) in written {
            let keyword = arg.name.map(|name| self.text(name));
            let counts = loads.keyword.is_none() || keyword == loads.keyword.as_deref();
            if !counts || (keyword.is_some() && keyword == loads.renamed_by.as_deref()) {
                continue;
            }
            let is_spread = arg.spread != Spread::No;
            match loads.from {
                LoadsFrom::Nothing | LoadsFrom::Any => {}
                LoadsFrom::Others => loading.loaded.unknown = true,
                LoadsFrom::Columns | LoadsFrom::AllColumnsBut => {
                    loading.columns.extend(self.column_named(arg.value));
                }
                LoadsFrom::Models => match value.ty {
                    Ty::Class(class) => loading.classes.push(class),
                    _ => loading.loaded.unknown |= value.ty.is_unknown(),
                },
                LoadsFrom::Options => loading.add_option(value, is_spread),
                LoadsFrom::Paths if value.rows.is_some() => loading.add_option(value, is_spread),
                LoadsFrom::Relations if keyword.is_none() => {
                    self.load_relation(loads, arg.value, value, &mut loading);
                }
                LoadsFrom::Paths if keyword.is_none() => {
                    self.load_paths(loads, arg.value, is_spread, &mut loading);
                }
                LoadsFrom::Paths | LoadsFrom::Relations => {}
            }
        }
        self.rename(loads, args, &mut loading);
        self.load_classes(rows, &mut loading);
        loading.finish(loads, rows);
    }

    /// `select_related("author__country")`, `prefetch_related(None)`.
    fn load_paths(&self, loads: &Loads, arg: ExprId, is_spread: bool, loading: &mut Loading) {
        match self.texts_of(arg, is_spread) {
            Some(texts) => {
                for text in texts {
                    loading.path = loading.base.clone();
                    loading.path.extend(split(text, loads));
                    loading.loaded.add(loading.base.len(), &loading.path);
                }
            }
            None if self.is_none(arg) => loading.clears = true,
            None => loading.loaded.unknown = true,
        }
    }

    /// `selectinload(Author.books)`, `joinedload("author")`.
    fn load_relation(&self, loads: &Loads, arg: ExprId, value: &Value, loading: &mut Loading) {
        match (&value.ty, literal(self.ir, arg)) {
            (Ty::Relation(relation), _) => {
                loading.path.push(self.program.relation(*relation).name.clone());
                if !loads.only_walks {
                    loading.loaded.add_end(loading.path.clone());
                }
            }
            (_, Some(text)) if loads.any_relation.as_deref() != Some(text) => {
                let n_before = loading.path.len();
                loading.path.extend(split(text, loads));
                loading.loaded.add(n_before, &loading.path);
            }
            _ => loading.loaded.unknown = true,
        }
    }

    /// `Prefetch("books", to_attr="live_books")` loads nothing under the relation's own name.
    fn rename(&self, loads: &Loads, args: &Args<'a>, loading: &mut Loading) {
        let renamed = args.written.iter().find(|arg| {
            arg.name.map(|name| self.text(name)) == loads.renamed_by.as_deref() && arg.name.is_some()
        });
        if let Some(arg) = renamed {
            let name = literal(self.ir, arg.value).map(Arc::from);
            loading.loaded.rename(&loading.path, name);
        }
    }

    /// Adds the relations to one row of the classes that are selected, too, also those of rows that are loaded.
    fn load_classes(&self, rows: &Rows, loading: &mut Loading) {
        let Some(model) = rows.model else { return };
        if loading.classes.is_empty() {
            return;
        }
        // What was loaded with the rows that lead to these says nothing of these.
        let is_own = loading.base.is_empty();
        let mut all = if is_own {
            rows.loaded.clone()
        } else {
            Loaded::default()
        };
        all.add_below(&[], &loading.loaded);
        // A class may be reached through one that is named after it.
        for _ in 0..loading.classes.len() {
            for &class in &loading.classes {
                self.load_class(model, class, &mut all);
            }
        }
        loading.loaded = Loaded::default();
        loading.loaded.add_below(&loading.base, &all);
    }

    /// `filter(Line.order_id == order.id)`: where rows are found by their key, all rows lead to one and the same.
    pub(super) fn note_pinned(&self, model: ClassId, args: &Args<'a>, rows: &mut Rows) {
        let relations = self
            .program
            .relations_of(model)
            .map(|relation| self.program.relation(relation))
            .filter(|relation| !relation.to_many)
            .filter(|relation| self.program.catalogs.relation(relation.kind).finds_by_key);
        let mut relations = relations.peekable();
        if relations.peek().is_none() {
            return;
        }
        let mut compared = Vec::new();
        for arg in args.written {
            compared.extend(arg.name.map(|name| self.text(name)));
            self.compared_names(arg.value, &mut compared);
        }
        for relation in relations {
            let is_it = |name: &&str| **name == *relation.name || relation.key.as_deref() == Some(*name);
            if compared.iter().any(is_it) {
                let mut path = rows.names();
                path.push(relation.name.clone());
                rows.loaded.add_end(path);
            }
        }
    }

    /// `filter(parent__isnull=True)`: where there is no related row, none is asked for. `lacks` is what such a keyword is
    /// called.
    pub(super) fn note_lacking(&self, model: ClassId, lacks: &str, args: &Args<'a>, rows: &mut Rows) {
        for (arg, value) in args.written.iter().zip(&args.values) {
            let Some(keyword) = arg.name.filter(|_| value.truth == Some(true)) else {
                continue;
            };
            for relation in self.program.relations_of(model) {
                let relation = self.program.relation(relation);
                if !relation.to_many && self.text(keyword) == lacks.replace("{name}", &relation.name) {
                    let mut path = rows.names();
                    path.push(relation.name.clone());
                    rows.loaded.add_end(path);
                }
            }
        }
    }

    /// The attributes that a condition compares with something, whatever else it allows.
    fn compared_names(&self, id: ExprId, out: &mut Vec<&'a str>) {
        match &self.ir.expr(id).kind {
            ExprKind::Binary(BinaryOp::Equal, left, _) => {
                if let ExprKind::Attr { name, .. } = self.ir.expr(*left).kind {
                    out.push(self.text(name));
                }
            }
            ExprKind::Binary(BinaryOp::And | BinaryOp::BitAnd, left, right) => {
                self.compared_names(*left, out);
                self.compared_names(*right, out);
            }
            ExprKind::Call { callee, args, .. } if !self.loosens(*callee) => {
                for arg in args {
                    self.compared_names(arg.value, out);
                }
            }
            _ => {}
        }
    }

    /// Whether what is called makes a condition of which its arguments need not all hold: `or_(…)`.
    fn loosens(&self, callee: ExprId) -> bool {
        let Symbol::External(node) = self.program.resolve_expr(self.file, self.scope(), callee) else {
            return false;
        };
        let catalogs = self.program.catalogs;
        catalogs
            .call_at(node)
            .is_some_and(|entry| catalogs.call(entry).loosens)
    }

    /// Adds the relations to one row of a class, of the rows themselves and of what is loaded with them.
    fn load_class(&self, model: ClassId, class: ClassId, loaded: &mut Loaded) {
        let mut owners = vec![(model, Vec::new())];
        for path in loaded.paths().to_vec() {
            let end = path.iter().try_fold(model, |owner, name| {
                let relation = self.program.relation_of(owner, name)?;
                self.program.row_class(&self.program.relation(relation).target)
            });
            owners.extend(end.map(|end| (end, path)));
        }
        for (owner, path) in owners {
            for relation in self.program.relations_of(owner) {
                let relation = self.program.relation(relation);
                if !relation.to_many && relation.target == Ty::Instance(class) {
                    loaded.add_end(path.iter().chain([&relation.name]).cloned().collect());
                }
            }
        }
    }

    /// `prefetch_related_objects(books, "author")`: the variable's rows have it from now on.
    pub(super) fn load_into(&mut self, loads: &Loads, into: ExprId, args: &Args<'a>) {
        let variables = match &self.ir.expr(into).kind {
            ExprKind::Collection(_, items) => items,
            _ => std::slice::from_ref(&into),
        };
        for &variable in variables {
            // `page.object_list` is the rows of `page`.
            let variable = match self.ir.expr(variable).kind {
                ExprKind::Attr { base, name, .. } if self.is_rows_of(base, name) => base,
                _ => variable,
            };
            let ExprKind::Name(name) = self.ir.expr(variable).kind else {
                continue;
            };
            let Some(rows) = self.env.get(name).and_then(|value| value.rows.clone()) else {
                continue;
            };
            let mut rows = rows.settled();
            self.load(loads, args, &mut rows);
            if let Some(value) = self.env.get_mut(name) {
                value.rows = Some(Arc::new(rows));
            }
        }
    }

    /// Whether an attribute of a variable is the rows that the variable has.
    fn is_rows_of(&self, variable: ExprId, attribute: Name) -> bool {
        let ExprKind::Name(variable) = self.ir.expr(variable).kind else {
            return false;
        };
        let variable = self.env.get(variable);
        variable.is_some_and(|variable| self.holds_rows(variable, attribute))
    }

    /// The texts of a literal, of a collection of literals, or of a constant that is one.
    fn texts_of(&self, id: ExprId, spread: bool) -> Option<Vec<&'a str>> {
        let (mut ir, mut id) = (self.ir, id);
        if let ExprKind::Name(name) = ir.expr(id).kind
            && self.env.get(name).is_some()
        {
            // A variable of the function, which may be anything.
            return None;
        }
        if let ExprKind::Name(_) | ExprKind::Attr { .. } = ir.expr(id).kind
            && let Symbol::Variable(module, name) = self.program.resolve_expr(self.file, self.scope(), id)
        {
            ir = self.program.ir(self.program.file_of_scope(module));
            id = self.program.assigned_at(module, name)?;
        }
        match &ir.expr(id).kind {
            ExprKind::Literal(Literal::Str(text)) => Some(vec![ir.name(*text)]),
            ExprKind::Collection(_, items) if spread => items.iter().map(|&item| literal(ir, item)).collect(),
            _ => None,
        }
    }

    /// `only("title")`, `load_only(Book.title)`.
    fn column_named(&self, id: ExprId) -> Option<Arc<str>> {
        match self.ir.expr(id).kind {
            ExprKind::Attr { name, .. } => Some(self.text(name).into()),
            _ => literal(self.ir, id).map(Arc::from),
        }
    }

    fn is_none(&self, id: ExprId) -> bool {
        matches!(self.ir.expr(id).kind, ExprKind::Literal(Literal::None))
    }
}

/// The relations of a path.
fn split(text: &str, loads: &Loads) -> Vec<Arc<str>> {
    let separator = loads.separator.as_deref().unwrap_or(".");
    text.split(separator).map(Arc::from).collect()
}
