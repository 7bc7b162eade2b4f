//! Pages: views of a framework that render a template with the rows they show.

use std::sync::Arc;

use onequery_core::ir::ExprId;
use onequery_core::{FileId, Language};

use super::Eval;
use crate::catalog::{Page, PageRows};
use crate::models::literal;
use crate::program::{ClassId, Symbol};
use crate::record::Record;
use crate::rows::{RowSource, Rows};
use crate::value::{Ty, Value};

impl<'a> Eval<'_, 'a> {
    /// What a framework does to show a page.
    pub(super) fn show_page(&mut self, class: ClassId, page: &Page, place: ExprId) {
        if let Some(template) = self.page_template(class, place) {
            let context = self.page_context(class, page, place);
            self.render(template, context);
        }
    }

    /// The template of a page.
    pub(super) fn page_template(&self, class: ClassId, place: ExprId) -> Option<FileId> {
        let program = self.program;
        let page = program.page(class)?;
        if let Some(method) = program.method(class, &page.template_method) {
            if let Some(name) = self.returned_by(method).text {
                return program.template(name.0, program.text(name));
            }
            // An override that falls back on the base's chooses what is named there in some cases.
            if !self.calls_base(method) {
                return None;
            }
        }
        match program.written(class, &page.template) {
            Some(written) => {
                let name = literal(program.ir(written.file), written.value)?;
                program.template(written.file, name)
            }
            None => {
                let (model, _) = self.rows_of_page(class, page.rows.as_ref()?, place)?;
                program.default_template(class, model, page.suffix.as_ref()?)
            }
        }
    }

    /// What the template of a page is given without the page's own methods: the page itself, and what it shows.
    pub(super) fn shown_names(&self, class: ClassId, place: ExprId) -> Record {
        let program = self.program;
        let mut context = Record::default();
        let Some(page) = program.page(class) else {
            return context;
        };
        context.set(&page.itself, Value::of(Ty::Instance(class)));
        if let Some(rows) = &page.rows
            && let Some((model, value)) = self.rows_of_page(class, rows, place)
        {
            let named = program.written(class, &rows.named);
            let named = named.and_then(|named| literal(program.ir(named.file), named.value));
            let by_model = || {
                let model = program.class_name(model).to_lowercase();
                format!("{model}{}", rows.name_suffix)
            };
            let named = named.map_or_else(by_model, ToOwned::to_owned);
            for name in rows.names.iter().chain([&named]) {
                context.set(name, value.clone());
            }
        }
        context
    }

    /// What the template of a page is given.
    fn page_context(&self, class: ClassId, page: &Page, place: ExprId) -> Record {
        let program = self.program;
        let mut context = self.shown_names(class, place);
        for &base in program.class(class).mro.iter().rev() {
            let Some(&method) = program.class(base).methods.get(page.context.as_str()) else {
                continue;
            };
            let returned = self.returned_by(method);
            for (name, value) in returned.record.iter().flat_map(|record| record.iter()) {
                // A base passes on what it cannot know: which rows this class shows.
                let is_query = |rows: &Arc<Rows>| matches!(rows.source, RowSource::Query(_));
                if context.get(name).is_none() || value.rows.as_ref().is_some_and(is_query) {
                    context.set(name, value.clone());
                }
            }
        }
        context
    }

    /// What an attribute of a page is that holds what it shows.
    pub(super) fn shown_as(&self, class: ClassId, name: &str, place: ExprId) -> Option<Value> {
        let rows = self.program.page(class)?.rows.as_ref()?;
        let is_shown = rows.names.iter().any(|known| known == name);
        let (_, value) = is_shown.then(|| self.rows_of_page(class, rows, place))??;
        Some(value)
    }

    /// What a page shows, as its method gives it.
    pub(super) fn shown_by_page(&self, class: ClassId, place: ExprId) -> Option<Value> {
        let rows = self.program.page(class)?.rows.as_ref()?;
        Some(self.rows_of_page(class, rows, place)?.1)
    }

    /// The rows that a page shows, or the one, with their model.
    fn rows_of_page(&self, class: ClassId, page: &PageRows, place: ExprId) -> Option<(ClassId, Value)> {
        let program = self.program;
        let [method, attribute] = &page.rows;
        let stored = self.stored_attribute(class, attribute);
        let of_model = self.all_rows_of_page(class, page, place);
        let named = of_model.as_ref().and_then(|all| all.rows.as_ref()?.model);
        let base = stored.or(of_model);
        let value = match program.method(class, method) {
            Some(method) => self.started_from(class, method, base.as_ref(), place),
            None => base?,
        };
        let rows = value.rows.as_ref()?;
        // What a base builds of `self.model` is of the model that the class names.
        let model = rows.model.or(named)?;
        let mut rows = rows.settled();
        rows.model = Some(model);
        let ty = if page.one {
            rows.take_one();
            Ty::Instance(model)
        } else {
            let list = program.catalogs.literals(Language::Python).list;
            Ty::lib(list, vec![Ty::Instance(model)])
        };
        let shown = Value {
            rows: Some(Arc::new(rows)),
            origin: value.origin,
            ..Value::of(ty)
        };
        Some((model, shown))
    }

    /// All rows of the model that a page names.
    fn all_rows_of_page(&self, class: ClassId, page: &PageRows, place: ExprId) -> Option<Value> {
        let program = self.program;
        let written = program.written(class, &page.model)?;
        let scope = program.scope_of_class(written.class);
        let symbol = program.resolve_expr(written.file, scope, written.value);
        let named = match symbol {
            Symbol::Unknown => self.stored_attribute(class, &page.model)?,
            named => self.symbol_value(named),
        };
        let Ty::Class(model) = named.ty else {
            return None;
        };
        let at = if written.file == self.file {
            written.value
        } else {
            place
        };
        let at = self.here(self.ir.span(at));
        Some(Value {
            rows: Some(self.all_rows(model, at)),
            origin: Some(at),
            ..Value::of(Ty::Instance(model))
        })
    }
}
