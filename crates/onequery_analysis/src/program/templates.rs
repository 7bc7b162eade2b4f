//! Templates by their names, and the functions that they call.

use std::cmp::Reverse;

use onequery_core::ir::{Arg, ExprId, ExprKind, FnIx, ScopeIx, TemplatePart};
use onequery_core::{FileId, Language, Name, TEMPLATE_FOLDERS};
use rustc_hash::FxHashMap;

use super::linked::{Key, Keys};
use super::{ClassId, FnId, Program, ScopeId, Symbol, top_level_ids};
use crate::catalog::{Page, Position, RegistersTag, TagKind};
use crate::models::{keyword_arg, literal};

/// What is known of templates.
#[derive(Default)]
pub(crate) struct Templates {
    /// By the last part of their paths.
    by_file_name: FxHashMap<String, Vec<FileId>>,
    /// What other templates have to do with one, by file.
    parts: FxHashMap<FileId, Parts>,
    /// Functions that templates call, by name.
    functions: FxHashMap<String, Vec<TemplateFunction>>,
}

impl Templates {
    pub(super) fn hash_keys(&self, keys: &mut Keys) {
        keys.add(Key::TemplateFunctions, &self.functions);
    }
}

/// What of a template has to do with other templates.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    /// The name of the template that it extends.
    pub(crate) extends: Option<ExprId>,
    pub(crate) blocks: Vec<(Name, FnIx)>,
    /// All names of the file, by their texts.
    pub(crate) names: Vec<Name>,
}

/// A function that templates call.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct TemplateFunction {
    pub(crate) kind: TagKind,
    pub(crate) function: FnId,
    /// The expression that names the template it renders, and the file of that.
    pub(crate) template: Option<(FileId, ExprId)>,
    /// It is given the template's variables before its arguments.
    pub(crate) takes_context: bool,
}

/// Whether a path ends with the parts of another.
fn is_path_in(path: &str, name: &str) -> bool {
    let before = path.strip_suffix(name);
    before.is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// `events/display/header.html` of `events/templates/display/header.html`: what loaders of packages call it.
fn without_folder_of_templates(path: &str) -> String {
    let is_other = |part: &&str| !TEMPLATE_FOLDERS.contains(part);
    let parts: Vec<&str> = path.split('/').filter(is_other).collect();
    parts.join("/")
}

impl<'a> Program<'a> {
    /// Finds templates and the functions that they call.
    pub(super) fn find_templates(&mut self) {
        let mut found = Templates::default();
        for file in self.file_ids() {
            let source = self.files[file.index()];
            if source.ir.language != Language::Template {
                continue;
            }
            let name = source.path.rsplit('/').next().unwrap_or_default();
            found.by_file_name.entry(name.to_owned()).or_default().push(file);
            let mut parts = Parts {
                names: source.ir.names.all().collect(),
                ..Parts::default()
            };
            parts.names.sort_by_key(|&name| source.ir.name(name));
            for expr in &source.ir.exprs {
                let ExprKind::Template(part) = &expr.kind else {
                    continue;
                };
                match **part {
                    TemplatePart::Extends(parent) => parts.extends = Some(parent),
                    TemplatePart::Block(name, content) => parts.blocks.push((name, content)),
                    _ => {}
                }
            }
            found.parts.insert(file, parts);
        }
        if !found.parts.is_empty() {
            found.functions = self.template_functions();
        }
        self.templates = found;
    }

    /// The functions of the project that are made known to templates: by decorators, or by calls at the top level.
    fn template_functions(&self) -> FxHashMap<String, Vec<TemplateFunction>> {
        let mut found: FxHashMap<String, Vec<TemplateFunction>> = FxHashMap::default();
        for file in self.file_ids() {
            let ir = self.ir(file);
            let decorated = (0_u32..).zip(&ir.functions).flat_map(|(ix, function)| {
                let decorators = function.decorators.iter();
                decorators.map(move |&decorator| (self.fn_id(file, FnIx(ix)), decorator))
            });
            let called = top_level_ids(ir).filter_map(|statement| self.registered_by_call(file, statement));
            for (function, call) in decorated.chain(called) {
                let Some((registers, args)) = self.registers_tag(file, call) else {
                    continue;
                };
                let argument = |position: &Position| match position {
                    Position::Index(ix) => {
                        let arg = args.get(*ix).filter(|arg| arg.name.is_none())?;
                        Some(arg.value)
                    }
                    Position::Keyword(keyword) => keyword_arg(ir, args, keyword),
                };
                let (of, _, declared) = self.function(function);
                let named = registers.names.iter().filter_map(argument);
                let name = named.filter_map(|named| literal(ir, named)).next();
                let own_name = || Some(self.ir(of).name(declared.name?));
                let Some(name) = name.or_else(own_name) else {
                    continue;
                };
                let context = registers.context_keyword.as_deref();
                found.entry(name.to_owned()).or_default().push(TemplateFunction {
                    kind: registers.kind,
                    function,
                    template: registers
                        .template
                        .as_ref()
                        .and_then(argument)
                        .map(|name| (file, name)),
                    takes_context: context.is_some_and(|context| keyword_arg(ir, args, context).is_some()),
                });
            }
        }
        found
    }

    /// The function that a statement gives to a decorator: `register.filter("name", function)`,
    /// `register.inclusion_tag("row.html")(function)`. Gives the decorator's call with it.
    fn registered_by_call(&self, file: FileId, statement: ExprId) -> Option<(FnId, ExprId)> {
        let ir = self.ir(file);
        let ExprKind::Call { callee, args, .. } = &ir.expr(statement).kind else {
            return None;
        };
        let decorator = match ir.expr(*callee).kind {
            ExprKind::Call { .. } => *callee,
            ExprKind::Attr { .. } => statement,
            _ => return None,
        };
        let scope = self.scope_id(file, ScopeIx(0));
        let function = args
            .iter()
            .find_map(|arg| match self.resolve_expr(file, scope, arg.value) {
                Symbol::Function(function) => Some(function),
                _ => None,
            })?;
        Some((function, decorator))
    }

    /// What a decorator makes of a function for templates, with its arguments: `@register.filter`, where a call of a
    /// library's type made `register`.
    fn registers_tag(&self, file: FileId, decorator: ExprId) -> Option<(&'a RegistersTag, &'a [Arg])> {
        let ir = self.ir(file);
        let (callee, args): (ExprId, &[_]) = match &ir.expr(decorator).kind {
            ExprKind::Call { callee, args, .. } => (*callee, args),
            _ => (decorator, &[]),
        };
        let ExprKind::Attr { base, name, .. } = ir.expr(callee).kind else {
            return None;
        };
        let scope = self.scope_id(file, ScopeIx(0));
        let entries = match self.resolve_expr(file, scope, base) {
            Symbol::Variable(module, variable) => {
                let made_in = self.file_of_scope(module);
                let made = self.made_at(module, variable)?;
                let ExprKind::Call { callee, .. } = self.ir(made_in).expr(made).kind else {
                    return None;
                };
                let Symbol::External(node) = self.resolve_expr(made_in, module, callee) else {
                    return None;
                };
                let ty = self.catalogs.type_at(node)?;
                self.catalogs.methods(ty, ir.name(name), false)
            }
            Symbol::External(node) => {
                let call = self.catalogs.call_at(self.catalogs.child(node, ir.name(name)))?;
                return Some((self.catalogs.call(call).registers_tag.as_ref()?, args));
            }
            _ => return None,
        };
        let kind = entries
            .iter()
            .find_map(|&entry| self.catalogs.call(entry).registers_tag.as_ref())?;
        Some((kind, args))
    }

    /// A function that templates call by a name, of a kind. Of several the one in a module that the template
    /// loads is meant.
    pub(crate) fn template_function(
        &self,
        template: FileId,
        name: &str,
        kind: TagKind,
    ) -> Option<TemplateFunction> {
        self.ask(&(Key::TemplateFunctions, name));
        let functions = self.templates.functions.get(name)?;
        let mut fitting = functions.iter().filter(|known| known.kind == kind);
        let first = *fitting.clone().next()?;
        let ir = self.ir(template);
        let is_loaded = |known: &&TemplateFunction| {
            let path = self.path(self.function(known.function).0);
            let module = path.rsplit('/').next().and_then(|file| file.strip_suffix(".py"));
            let mut loads = ir.imports.iter().filter_map(|import| import.path.last());
            loads.any(|&last| Some(ir.name(last)) == module)
        };
        Some(fitting.find(is_loaded).copied().unwrap_or(first))
    }

    /// The template of a name, as a file sees it: of several that which lies nearest, and never the file itself.
    pub(crate) fn template(&self, from: FileId, name: &str) -> Option<FileId> {
        let name = name
            .rsplit(':')
            .next()?
            .trim_start_matches("./")
            .trim_start_matches('/');
        let last = name.rsplit('/').next()?;
        let candidates = self.templates.by_file_name.get(last)?.iter().copied();
        let path = |file: FileId| self.path(file);
        let fits = |file: &FileId| {
            is_path_in(path(*file), name) || is_path_in(&without_folder_of_templates(path(*file)), name)
        };
        let common = |file: FileId| {
            let parts = path(file).split('/').zip(path(from).split('/'));
            parts.take_while(|(a, b)| a == b).count()
        };
        // A name is a path from a folder of templates; projects may call such a folder otherwise.
        let is_whole = |file: FileId| {
            let before = path(file)
                .strip_suffix(name)
                .and_then(|before| before.strip_suffix('/'));
            before.is_some_and(|before| {
                TEMPLATE_FOLDERS.contains(&before.rsplit('/').next().unwrap_or_default())
            })
        };
        candidates
            .filter(|file| *file != from && fits(file))
            .max_by_key(|&file| {
                (
                    is_whole(file),
                    common(file),
                    Reverse(path(file).len()),
                    Reverse(file),
                )
            })
    }

    /// What a template has to do with others.
    pub(crate) fn template_parts(&self, template: FileId) -> Option<&Parts> {
        self.look_into(template);
        self.templates.parts.get(&template)
    }

    /// The macro of a name that a template defines.
    pub(crate) fn macro_named(&self, scope: ScopeId, name: &str) -> Option<FnId> {
        let info = &self.scopes[scope.index()];
        self.look_into(info.file);
        match info.defs.get(name)? {
            super::Def::Function(function) => Some(*function),
            _ => None,
        }
    }

    pub(crate) fn page(&self, class: ClassId) -> Option<&'a Page> {
        self.of_framework(class, |info| info.page.as_ref())
    }

    /// The template that a page renders without saying which: named after its model.
    pub(crate) fn default_template(&self, class: ClassId, model: ClassId, suffix: &str) -> Option<FileId> {
        let name = format!("{}{suffix}", self.class_name(model).to_lowercase());
        // A folder above the model is its application.
        let folders = self.path(self.class(model).file).rsplit('/').skip(1);
        let from = self.class(class).file;
        folders
            .map(|folder| format!("{folder}/{name}"))
            .find_map(|name| self.template(from, &name))
    }
}
