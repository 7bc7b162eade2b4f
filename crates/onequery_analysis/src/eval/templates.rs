//! Templates: evaluated where they are rendered, with what they are given there.

use std::sync::Arc;

use onequery_core::ir::{
    Arg, ExprId, ExprKind, FileIr, FnIx, Literal, Pattern, ScopeIx, TEMPLATE_FILTER, TEMPLATE_TAG,
    TemplatePart,
};
use onequery_core::{FileId, Language, Name};

use super::Eval;
use super::calls::Args;
use super::env::Env;
use super::remembered::Changes;
use crate::catalog::{Position, Renders, TagKind};
use crate::known::Slot;
use crate::program::{ClassId, FnId};
use crate::record::Record;
use crate::summaries::{first_with_pages, renders_early};
use crate::value::{Deps, Measure, Ty, Value};

/// How many templates may take in each other.
const MAX_NESTED: usize = 24;

/// How many templates, blocks and calls of macros are followed in one function; what a page takes in beyond is unknown.
const MAX_RENDERED: u32 = 1000;

/// The template being rendered.
#[derive(Default)]
pub(super) struct Rendering {
    /// Its variables, except those that it binds itself.
    context: Arc<Record>,
    /// By name: the blocks of the templates that extend each other, nearest first.
    blocks: Vec<(String, Vec<(FileId, FnIx)>)>,
    /// The block at hand: which of `blocks`, and which of those of its name.
    block: Option<(usize, usize)>,
    /// The blocks being evaluated inside each other.
    open_blocks: Vec<(FileId, FnIx)>,
    /// Only what stands outside of blocks is evaluated: those are the extended template's to place.
    is_outline: bool,
}

/// What has a meaning in one file only, put aside while another is evaluated.
struct PutAside<'a> {
    file: FileId,
    ir: &'a FileIr,
    current: FnIx,
    env: Env,
    inlined: Vec<FnIx>,
    class_body: Option<ClassId>,
    changed: Changes,
    each: Option<(ExprId, Value)>,
    names: Vec<(Vec<Name>, Vec<Name>)>,
}

impl<'a> Eval<'_, 'a> {
    pub(super) fn is_template(&self) -> bool {
        self.language() == Language::Template
    }

    /// A call that renders a template.
    pub(super) fn render_call(&mut self, id: ExprId, renders: &Renders, own: &Value, args: &Args<'a>) {
        let arguments = |positions: &[Position]| -> Vec<&Value> {
            let found = positions
                .iter()
                .filter_map(|position| args.find(self.ir, position));
            found.filter_map(|ix| args.values.get(ix)).collect()
        };
        let name = arguments(&renders.template)
            .into_iter()
            .find_map(|value| value.text);
        let given = arguments(&renders.context)
            .into_iter()
            .find_map(|value| value.record.clone());
        let of_receiver = match own.ty {
            Ty::Instance(class) if renders.own => self.page_template(class, id),
            _ => own.text.and_then(|name| self.template_named(name)),
        };
        let named = name.and_then(|name| self.template_named(name));
        let Some(template) = named.or(of_receiver) else {
            return;
        };
        let mut context = Record::default();
        if let Some(given) = given {
            context.extend(&given);
        }
        if renders.keywords {
            context.extend(&self.entries_given(args));
        }
        self.render(template, context);
    }

    fn template_named(&self, name: (FileId, Name)) -> Option<FileId> {
        self.program.template(self.file, self.program.text(name))
    }

    /// Renders a template, unless it is too early for that.
    pub(super) fn render(&mut self, template: FileId, context: Record) {
        if self.rendered.is_empty() && !self.may_render() {
            return;
        }
        let rendering = Rendering {
            context: Arc::new(context),
            ..Rendering::default()
        };
        let outer = self.rendering.replace(rendering);
        self.compose(template);
        self.rendering = outer;
    }

    /// Whether the rounds have come to what the function renders.
    fn may_render(&self) -> bool {
        let is_early = renders_early(&self.program.qualified_name(self.id));
        self.reads.borrow_mut().insert(Slot::pages(is_early));
        self.known.n_rounds() >= first_with_pages(is_early)
    }

    /// Evaluates a template, or the one that it extends with its blocks.
    fn compose(&mut self, template: FileId) {
        let is_within = self.rendered.contains(&template) || self.rendered.len() >= MAX_NESTED;
        if is_within || self.n_rendered >= MAX_RENDERED {
            return;
        }
        let Some(parts) = self.program.template_parts(template) else {
            return;
        };
        self.n_rendered += 1;
        self.rendered.push(template);
        self.in_file(template, |eval| {
            let Some(extends) = parts.extends else {
                eval.eval_template_body();
                return;
            };
            if let Some(rendering) = &mut eval.rendering {
                for &(name, content) in &parts.blocks {
                    rendering.add_block(eval.ir.name(name), (template, content));
                }
                rendering.is_outline = true;
            }
            eval.eval_template_body();
            let own = eval.variables();
            let parent = eval.eval(extends).text.and_then(|name| eval.template_named(name));
            if let Some(rendering) = &mut eval.rendering {
                rendering.context = own;
                rendering.is_outline = false;
            }
            match parent {
                Some(parent) => eval.compose(parent),
                // Whatever it extends will show its blocks.
                None => {
                    for &(name, content) in &parts.blocks {
                        eval.place_block(name, content);
                    }
                }
            }
        });
        self.rendered.pop();
    }

    fn eval_template_body(&mut self) {
        self.bind_context();
        if let Some(body) = self.ir.functions[0].body {
            self.eval(body);
        }
    }

    /// Evaluates in another file, with none of the variables here.
    fn in_file(&mut self, file: FileId, inner: impl FnOnce(&mut Self)) {
        let names = self.loops.iter_mut().map(super::loops::Active::take_names);
        let aside = PutAside {
            names: names.collect(),
            ir: std::mem::replace(&mut self.ir, self.program.ir(file)),
            file: std::mem::replace(&mut self.file, file),
            current: std::mem::replace(&mut self.current, FnIx(0)),
            env: std::mem::take(&mut self.env),
            inlined: std::mem::take(&mut self.inlined),
            class_body: self.class_body.take(),
            changed: std::mem::take(&mut self.changed),
            each: self.each.take(),
        };
        self.in_closure(inner);
        let PutAside {
            file,
            ir,
            current,
            env,
            inlined,
            class_body,
            changed,
            each,
            names,
        } = aside;
        (self.file, self.ir, self.current) = (file, ir, current);
        (self.env, self.inlined, self.changed, self.each) = (env, inlined, changed, each);
        self.class_body = class_body;
        for (active, names) in self.loops.iter_mut().zip(names) {
            active.give_names(names);
        }
    }

    /// Makes those of the template's variables that a file names its own, so that what is learnt of them is kept.
    fn bind_context(&mut self) {
        let Some(rendering) = &self.rendering else { return };
        let Some(parts) = self.program.template_parts(self.file) else {
            return;
        };
        for (text, value) in rendering.context.iter() {
            let found = parts
                .names
                .binary_search_by_key(&text, |&name| self.ir.name(name));
            if let Ok(at) = found {
                self.env.set(parts.names[at], value.clone());
            }
        }
    }

    /// All variables at the current place.
    pub(super) fn variables(&self) -> Arc<Record> {
        let context = self.rendering.as_ref().map(|rendering| &rendering.context);
        let mut variables = context.cloned().unwrap_or_default();
        for (name, value) in self.env.iter() {
            let text = self.text(name);
            // Most are those that were given, which is to be shared.
            if variables.differs(text, value) {
                Arc::make_mut(&mut variables).set(text, value.clone());
            }
        }
        variables
    }

    /// What a template knows by a name that is none of its variables: a macro, or a function that it may call.
    pub(super) fn template_name(&self, name: Name) -> Value {
        let text = self.text(name);
        let defined = || {
            let function = self.program.macro_named(self.scope(), text);
            let global = || {
                let global = self.program.template_function(self.file, text, TagKind::Global);
                Some(global?.function)
            };
            function
                .or_else(global)
                .map(|function| Value::of(Ty::Function(function)))
        };
        defined().unwrap_or_default()
    }

    pub(super) fn template_part(&mut self, part: &'a TemplatePart) -> Value {
        match part {
            TemplatePart::Extends(_) => {}
            TemplatePart::Block(name, content) => self.place_block(*name, *content),
            TemplatePart::Super => self.super_block(),
            TemplatePart::Cached(body) => {
                let path = self.path;
                self.path.memoised = true;
                self.eval(*body);
                self.path = path;
            }
            TemplatePart::Include {
                template,
                with,
                isolated,
            } => {
                let name = self.eval(*template).text;
                let mut context = if *isolated {
                    Record::default()
                } else {
                    Arc::unwrap_or_clone(self.variables())
                };
                for &(name, value) in with {
                    let value = self.eval(value);
                    context.set(self.text(name), value);
                }
                if let Some(template) = name.and_then(|name| self.template_named(name)) {
                    self.render(template, context);
                }
            }
            TemplatePart::Macros(template) => {
                let name = self.eval(*template).text;
                if let Some(template) = name.and_then(|name| self.template_named(name)) {
                    let module = self.program.scope_id(template, ScopeIx(0));
                    return Value::of(Ty::Module(module));
                }
            }
        }
        Value::default()
    }

    /// Evaluates the block that stands in a place, which a template that extends this one may have replaced.
    fn place_block(&mut self, name: Name, content: FnIx) {
        let own = (self.file, content);
        let text = self.text(name);
        let Some(rendering) = self.rendering.as_mut().filter(|rendering| !rendering.is_outline) else {
            return;
        };
        let block = rendering.add_block(text, own);
        self.eval_block((block, 0));
    }

    fn super_block(&mut self) {
        let block = self.rendering.as_ref().and_then(|rendering| rendering.block);
        if let Some((block, at)) = block {
            self.eval_block((block, at + 1));
        }
    }

    fn eval_block(&mut self, (block, at): (usize, usize)) {
        let found = self.rendering.as_ref().and_then(|rendering| {
            let &(file, content) = rendering.blocks[block].1.get(at)?;
            let ir = self.program.ir(file);
            let body = ir.function(content).body?;
            // Outlines of pages have many that only others fill.
            let is_empty = matches!(&ir.expr(body).kind, ExprKind::Block { items, .. } if items.is_empty());
            (!is_empty).then_some((file, content, body))
        });
        let Some((file, content, body)) = found else {
            return;
        };
        let variables = self.variables();
        let Some(rendering) = &mut self.rendering else {
            return;
        };
        // Blocks of one name inside of each other.
        if rendering.open_blocks.contains(&(file, content)) || self.n_rendered >= MAX_RENDERED {
            return;
        }
        self.n_rendered += 1;
        rendering.open_blocks.push((file, content));
        let outer = rendering.block.replace((block, at));
        let context = std::mem::replace(&mut rendering.context, variables);
        self.in_file(file, |eval| {
            eval.bind_context();
            eval.eval(body);
        });
        if let Some(rendering) = &mut self.rendering {
            rendering.context = context;
            rendering.block = outer;
            rendering.open_blocks.pop();
        }
    }

    /// What is read of the round of the loop around: `forloop.counter`, `loop.first`.
    fn round(&self, base: ExprId, name: Name) -> Option<Measure> {
        let ExprKind::Name(of) = self.ir.expr(base).kind else {
            return None;
        };
        let rounds = self.program.catalogs.rounds(self.text(of))?;
        let is_among = |names: &[String]| names.iter().any(|of_round| of_round == self.text(name));
        match rounds {
            _ if self.env.get(of).is_some() => None,
            _ if is_among(&rounds.one_round) => Some(Measure::OneRound),
            _ if is_among(&rounds.numbers) => Some(Measure::Round),
            _ => None,
        }
    }

    /// `{{ base.name }}`: what a dictionary has, an attribute, or what a method gives.
    pub(super) fn template_attribute(&mut self, id: ExprId, base: ExprId, name: Name) -> Value {
        if let Some(measure) = self.round(base, name) {
            return Value {
                measure,
                ..Value::plain()
            };
        }
        let owner = self.eval(base);
        self.note_key_read(base, name);
        let text = self.text(name);
        if let Some(entry) = owner.record.as_ref().and_then(|record| record.get(text)) {
            return entry.clone().with_deps(owner.deps);
        }
        if let Ok(position) = text.parse() {
            let key = Value {
                int: Some(position),
                ..Value::plain()
            };
            return self.indexed(id, &owner, &key);
        }
        let value = self.attribute(&owner, name, id);
        let mut args = Args {
            written: &[],
            values: Vec::new(),
            closures: Vec::new(),
        };
        match value.ty {
            Ty::Function(method) if !matches!(owner.ty, Ty::Module(_)) => {
                self.project_call(id, method, Some(&owner), false, &mut args)
            }
            Ty::Unknown if matches!(owner.ty, Ty::Lib(..) | Ty::Instance(_)) => {
                self.method_call(id, base, &owner, name, &mut args, &[])
            }
            _ => value,
        }
    }

    /// `{{ value }}`, `f"{value}"` and `str(value)` show a row by its text.
    pub(super) fn show_text(&mut self, place: ExprId, value: &Value) {
        if let Ty::Instance(class) = &value.ty {
            let text = self.program.catalogs.text_method(self.language());
            if let Some(method) = text.and_then(|text| self.program.method(*class, text)) {
                self.call_with(method, None, value, place);
            }
        }
    }

    /// A call in a template: of a function that a decorator made known to it, or of a macro.
    pub(super) fn template_call(&mut self, id: ExprId, callee: ExprId, written: &'a [Arg]) -> Option<Value> {
        let ExprKind::Path { segments, .. } = &self.ir.expr(callee).kind else {
            return None;
        };
        let [kind, name] = **segments else { return None };
        let kind = match self.text(kind) {
            TEMPLATE_FILTER => TagKind::Filter,
            TEMPLATE_TAG => TagKind::Tag,
            _ => return None,
        };
        let known = self.program.template_function(self.file, self.text(name), kind)?;
        let mut args = self.args(written);
        let context = known.takes_context.then(|| Value {
            record: Some(self.variables()),
            ..Value::default()
        });
        let value = self.project_call(id, known.function, context.as_ref(), false, &mut args);
        if let Some((file, template)) = known.template
            && let ExprKind::Literal(Literal::Str(name)) = self.program.ir(file).expr(template).kind
            && let Some(template) = self.template_named((file, name))
        {
            let context = value.record.clone().map(Arc::unwrap_or_clone);
            self.render(template, context.unwrap_or_default());
        }
        Some(value)
    }

    /// A call that reads an attribute of each element of its first argument: `books|map(attribute="author.name")`.
    pub(super) fn read_each(&mut self, id: ExprId, named_by: &[Position], args: &Args<'a>) {
        let mut named = named_by
            .iter()
            .filter_map(|position| args.find(self.ir, position));
        let path = named.find_map(|ix| args.values.get(ix)?.text);
        let (Some(path), Some(rows)) = (path, args.values.first().cloned()) else {
            return;
        };
        let path: Vec<&str> = self.program.text(path).split('.').collect();
        let element = self.row_of(&rows);
        self.each_row(id, &rows, &element, &mut |eval, row| {
            eval.walk(row, &path, id);
        });
    }

    /// Evaluates a macro of a template where it is called.
    pub(super) fn call_macro(&mut self, function: FnId, args: &Args<'a>) -> Option<Value> {
        let (file, ix, declaration) = self.program.function(function);
        if self.program.ir(file).language != Language::Template {
            return None;
        }
        let ir = self.program.ir(file);
        let mut given = vec![Value::default(); declaration.params.len()];
        for (at, (arg, value)) in args.written.iter().zip(&args.values).enumerate() {
            let by_name = arg.name.map(|name| self.text(name));
            let param = match by_name {
                None => Some(at),
                Some(keyword) => declaration.params.iter().position(
                    |param| matches!(&param.pattern, Pattern::Name(name, _) if ir.name(*name) == keyword),
                ),
            };
            if let Some(slot) = param.and_then(|param| given.get_mut(param)) {
                *slot = Value {
                    looked_up: None,
                    ..value.clone()
                };
            }
        }
        let mut returned = Value::default();
        if self.rendered.len() < MAX_NESTED && self.n_rendered < MAX_RENDERED {
            self.n_rendered += 1;
            self.rendered.push(file);
            self.in_file(file, |eval| returned = eval.inline(ix, &given, Deps::default()));
            self.rendered.pop();
        }
        Some(Value {
            looked_up: None,
            ..returned
        })
    }
}

impl Rendering {
    /// Adds a block behind those of its name, unless it is known. Says where those of its name are.
    fn add_block(&mut self, name: &str, block: (FileId, FnIx)) -> usize {
        let at = match self.blocks.iter().position(|(known, _)| known == name) {
            Some(at) => at,
            None => {
                self.blocks.push((name.to_owned(), Vec::new()));
                self.blocks.len() - 1
            }
        };
        let (_, chain) = &mut self.blocks[at];
        if !chain.contains(&block) {
            chain.push(block);
        }
        at
    }
}
