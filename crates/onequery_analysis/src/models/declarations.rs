//! How classes declare relations: what the call in an attribute's value says.

use std::sync::Arc;

use onequery_core::ir::{Arg, ExprId, ExprKind, FileIr, Literal, TypeRef};
use onequery_core::{FileId, Name};
use rustc_hash::FxHashMap;

use super::namesakes::Namesakes;
use super::{Relation, call_args, keyword_arg, literal, word};
use crate::catalog::{Decorates, Direction, LeadsTo, LibTy, RelationInfo, RelationKind};
use crate::program::{ClassId, Key, Program, ScopeId, Symbol};
use crate::types::TypeScope;
use crate::value::Ty;

/// How many classes may stand between a field's class and the library's: `class OwnKey(BaseKey)`, `class BaseKey(ForeignKey)`.
const MAX_BASES: u32 = 4;

/// What a declaration says of the class that it leads to.
fn written_target(ir: &FileIr, args: &[Arg], info: &RelationInfo) -> Option<ExprId> {
    let keyword = info.target.as_deref()?;
    let by_keyword = keyword_arg(ir, args, keyword);
    by_keyword.or_else(|| args.first().filter(|arg| arg.name.is_none()).map(|arg| arg.value))
}

/// What texts name models.
pub(super) struct Names<'a> {
    pub(super) by_name: FxHashMap<&'a str, Namesakes>,
    pub(super) by_setting: FxHashMap<Box<str>, Option<ClassId>>,
}

impl Names<'_> {
    /// `settings.AUTH_USER_MODEL`: the model that the text names which some module assigns to that name.
    fn set_by(&self, ir: &FileIr, written: ExprId) -> Ty {
        let ExprKind::Attr { name, .. } = ir.expr(written).kind else {
            return Ty::Unknown;
        };
        let class = self.by_setting.get(ir.name(name)).copied().flatten();
        class.map_or(Ty::Unknown, Ty::Instance)
    }
}

/// A declaration before both of its sides are known.
pub(super) struct Declaration {
    pub(super) class: ClassId,
    pub(super) relation: Relation,
    pub(super) reverse: Option<OtherSide>,
}

/// What a declaration says of the side that the target gets.
pub(super) struct OtherSide {
    /// Its name, with holes.
    pub(super) name: String,
    pub(super) always_loaded: bool,
    pub(super) is_query: bool,
    /// Whether it leads to many rows, when that is said.
    pub(super) to_many: Option<bool>,
}

impl<'a> Program<'a> {
    /// What methods of a class return that stand for attributes: `@declared_attr`.
    pub(crate) fn attributes_of_methods(&self, class: ClassId) -> Vec<(Name, ExprId)> {
        let file = self.class(class).file;
        let ir = self.ir(file);
        let scope = self.scope_id(file, self.class_ir(class).scope);
        let methods = self
            .class_ir(class)
            .methods
            .iter()
            .map(|&method| ir.function(method));
        methods
            .filter_map(|method| {
                let is_attribute = method
                    .decorators
                    .iter()
                    .any(|&decorator| self.decorates(file, scope, decorator) == Some(Decorates::Attribute));
                let ExprKind::Block { items, .. } = &ir.expr(method.body.filter(|_| is_attribute)?).kind
                else {
                    return None;
                };
                match ir.expr(*items.last()?).kind {
                    ExprKind::Return(Some(value)) => Some((method.name?, value)),
                    _ => None,
                }
            })
            .collect()
    }

    /// The relation that a field declares.
    pub(super) fn declaration(
        &self,
        class: ClassId,
        name: Name,
        value: ExprId,
        ty: Option<&TypeRef>,
        names: &Names<'a>,
    ) -> Option<Declaration> {
        let file = self.class(class).file;
        let ir = self.ir(file);
        let ExprKind::Call { callee, args, .. } = &ir.expr(value).kind else {
            return None;
        };
        let scope = self.scope_id(file, self.class_ir(class).scope);
        let kind = self.relation_kind(file, scope, *callee, MAX_BASES)?;
        let info = self.catalogs.relation(kind);
        let name: Arc<str> = ir.name(name).into();
        let annotated = ty.map(|ty| {
            let at = TypeScope {
                file,
                scope,
                own: Some(class),
                generics: [&[], &[]],
                given: &[],
            };
            self.declared(at, ty)
        });
        let (annotated_target, annotated_many) = match annotated {
            Some(ty @ Ty::Lib(..)) if self.row_class(&ty).is_some() => (self.item(&ty), Some(true)),
            Some(ty @ Ty::Instance(_)) => (ty, Some(false)),
            _ => (Ty::Unknown, None),
        };
        let (written, itself) = if info.of_relations {
            let ExprKind::Call { callee, args, .. } = &ir.expr(written_target(ir, args, info)?).kind else {
                return None;
            };
            let inner = self.relation_kind(file, scope, *callee, MAX_BASES)?;
            let inner = self.catalogs.relation(inner);
            (written_target(ir, args, inner), &inner.itself)
        } else {
            (written_target(ir, args, info), &info.itself)
        };
        let target = match written {
            Some(written) if itself.is_some() && literal(ir, written) == itself.as_deref() => {
                Ty::Instance(class)
            }
            Some(written) => self.target(class, file, scope, written, names),
            None => Ty::Unknown,
        };
        let target = if target.is_unknown() {
            annotated_target
        } else {
            target
        };
        let to_many = match info.leads_to {
            LeadsTo::One => false,
            LeadsTo::Many => true,
            LeadsTo::Declared => annotated_many
                .or_else(|| Some(self.leads_to_many(class, args, &target, info.direction.as_ref()?)))
                .unwrap_or(false),
        };
        let (always_loaded, is_query) = strategy(ir, args, info);
        let is_query = is_query || ty.is_some_and(|ty| self.is_query_annotation(file, scope, ty, info));
        let optional = info.optional_if.as_deref().is_some_and(|keyword| {
            keyword_arg(ir, args, keyword).and_then(|value| word(ir, value)) == Some("True")
        });
        let reverse = other_side(ir, args, info);
        let mirrored = info
            .mirrors
            .as_deref()
            .and_then(|keyword| literal(ir, keyword_arg(ir, args, keyword)?));
        let inverse = mirrored
            .or(reverse.as_ref().map(|side| side.name.as_str()))
            .map(|name| self.filled_in(name, class, info.reverse.as_ref()).into());
        Some(Declaration {
            class,
            relation: Relation {
                key: info.key.as_ref().map(|key| key.replace("{name}", &name).into()),
                name,
                owner: class,
                target,
                to_many,
                optional,
                kind,
                always_loaded,
                is_query,
                inverse,
            },
            reverse,
        })
    }

    /// Whether an annotation says that reading the relation gives a query: `books: WriteOnlyMapped["Book"]`.
    fn is_query_annotation(&self, file: FileId, scope: ScopeId, ty: &TypeRef, info: &RelationInfo) -> bool {
        let (Some(strategy), TypeRef::Path { path, .. }) = (&info.strategy, ty) else {
            return false;
        };
        let Some((first, rest)) = path.split_first() else {
            return false;
        };
        let text = |name| self.text((file, name));
        let root = self.lookup(scope, text(*first));
        match rest
            .iter()
            .fold(root, |symbol, &part| self.member(symbol, text(part)))
        {
            Symbol::External(node) => strategy.query_annotations.contains(&node),
            _ => false,
        }
    }

    /// The library's model that has relations of the kind that a class declares.
    pub(super) fn model_of_fields(&self, class: ClassId) -> Option<LibTy> {
        let file = self.class(class).file;
        let scope = self.scope_id(file, self.class_ir(class).scope);
        let values = self.class_ir(class).fields.iter().filter_map(|field| field.value);
        let mut kinds = values.filter_map(|value| match self.ir(file).expr(value).kind {
            ExprKind::Call { callee, .. } => self.relation_kind(file, scope, callee, MAX_BASES),
            _ => None,
        });
        self.catalogs.model_with(kinds.next()?)
    }

    /// The classes that relations of a model lead to and that may be models, each with the library's model that it is then.
    pub(super) fn may_be_led_to(&self, model: ClassId) -> Vec<(ClassId, LibTy)> {
        let file = self.class(model).file;
        let ir = self.ir(file);
        let scope = self.scope_id(file, self.class_ir(model).scope);
        let values = self.class_ir(model).fields.iter().filter_map(|field| field.value);
        let led_to = |value| {
            let ExprKind::Call { callee, args, .. } = &ir.expr(value).kind else {
                return None;
            };
            let kind = self.relation_kind(file, scope, *callee, MAX_BASES)?;
            let written = written_target(ir, args, self.catalogs.relation(kind))?;
            let target = match literal(ir, written) {
                Some(name) => self.lookup(scope, name),
                None => self.resolve_expr(file, scope, written),
            };
            match target {
                Symbol::Class(class) if self.may_be_model(class) => {
                    Some((class, self.catalogs.model_with(kind)?))
                }
                _ => None,
            }
        };
        values.filter_map(led_to).collect()
    }

    /// How a field's callee declares a relation: by its path, as a method, or as a subclass of one that does.
    fn relation_kind(
        &self,
        file: FileId,
        scope: ScopeId,
        callee: ExprId,
        depth: u32,
    ) -> Option<RelationKind> {
        let depth = depth.checked_sub(1)?;
        match self.resolve_expr(file, scope, callee) {
            Symbol::External(node) => self.catalogs.relation_at(node),
            Symbol::Class(class) => {
                let of = self.class(class).file;
                let scope = self.scope_id(of, self.class_ir(class).scope);
                let bases = &self.class_ir(class).bases;
                bases
                    .iter()
                    .find_map(|&base| self.relation_kind(of, scope, base, depth))
            }
            _ => {
                let ir = self.ir(file);
                let ExprKind::Attr { base, name, .. } = ir.expr(callee).kind else {
                    return None;
                };
                let Symbol::Variable(module, variable) = self.resolve_expr(file, scope, base) else {
                    return None;
                };
                let ty = self.catalogs.type_at(self.called_at(module, variable)?)?;
                self.catalogs.relation_method(ty, ir.name(name))
            }
        }
    }

    /// How many rows a relation without annotation leads to.
    fn leads_to_many(&self, class: ClassId, args: &[Arg], target: &Ty, direction: &Direction) -> bool {
        let ir = self.ir(self.class(class).file);
        let has = |keyword: &String| keyword_arg(ir, args, keyword);
        if let Some(value) = has(&direction.flag) {
            return !matches!(ir.expr(value).kind, ExprKind::Literal(Literal::Bool(false)));
        }
        if direction.many_if.iter().any(|keyword| has(keyword).is_some()) {
            return true;
        }
        if direction.one_if.iter().any(|keyword| has(keyword).is_some()) {
            return false;
        }
        match *target {
            Ty::Instance(target) => !self.holds_key_to(class, target, &direction.table_name),
            _ => false,
        }
    }

    /// Whether a column of a class refers to the table of another: `ForeignKey("authors.id")`.
    fn holds_key_to(&self, class: ClassId, target: ClassId, table_name: &str) -> bool {
        let table = self.table_of(target, table_name);
        self.class(class).mro.iter().any(|&base| {
            let values = self.class_ir(base).fields.iter().filter_map(|field| field.value);
            values
                .into_iter()
                .any(|value| self.refers_to(base, value, target, &table))
        })
    }

    /// Whether a column refers to a model: `ForeignKey("users.id")`, `ForeignKey(User.id)`.
    fn refers_to(&self, class: ClassId, value: ExprId, target: ClassId, table: &str) -> bool {
        let file = self.class(class).file;
        let ir = self.ir(file);
        match &ir.expr(value).kind {
            ExprKind::Call { args, .. } => args
                .iter()
                .any(|arg| self.refers_to(class, arg.value, target, table)),
            ExprKind::Attr { base, .. } => {
                let named = self.resolve_expr(file, self.scope_of_class(class), *base);
                matches!(named, Symbol::Class(named) if self.class(target).mro.contains(&named))
            }
            _ => literal(ir, value)
                .and_then(|text| text.rsplit_once('.'))
                .is_some_and(|(of, _)| of == table || of.rsplit('.').next() == Some(table)),
        }
    }

    /// The name of a model's table: as it says, or its own in snake case.
    fn table_of(&self, class: ClassId, table_name: &str) -> String {
        let ir = self.ir(self.class(class).file);
        let said = self
            .class_ir(class)
            .fields
            .iter()
            .find(|field| ir.name(field.name) == table_name)
            .and_then(|field| literal(ir, field.value?));
        said.map_or_else(|| snake_case(self.class_name(class)), str::to_owned)
    }

    /// What a relation's target expression stands for.
    fn target(&self, class: ClassId, file: FileId, scope: ScopeId, written: ExprId, names: &Names<'a>) -> Ty {
        let ir = self.ir(file);
        if let Some(text) = literal(ir, written) {
            return self.named_target(class, text, names);
        }
        match self.resolve_expr(file, scope, written) {
            Symbol::Class(target) => Ty::Instance(target),
            Symbol::External(node) => match self.catalogs.type_at(node) {
                Some(ty) => Ty::lib(ty, Vec::new()),
                None => names.set_by(ir, written),
            },
            Symbol::Variable(module, name) => {
                let of = self.ir(self.file_of_scope(module));
                let text = self
                    .assigned_at(module, name)
                    .and_then(|value| literal(of, value));
                text.map_or(Ty::Unknown, |text| self.named_target(class, text, names))
            }
            _ => names.set_by(ir, written),
        }
    }

    /// The class of a dotted path.
    pub(super) fn class_at(&self, path: &str) -> Option<ClassId> {
        let (module, name) = path.rsplit_once('.')?;
        match self.member(Symbol::Module(self.module_named(module)?), name) {
            Symbol::Class(class) => Some(class),
            _ => None,
        }
    }

    /// `"shop.author"`: the only model of that name in that app, in any case of letters.
    pub(crate) fn model_named(&self, text: &str) -> Option<ClassId> {
        let (app, name) = text.rsplit_once('.')?;
        let name = name.to_lowercase();
        self.ask(&(Key::Model, &name));
        let candidates = self.models.by_name.get(&name)?;
        match self.nearest(app, "", candidates) {
            Ty::Instance(class) => Some(class),
            _ => None,
        }
    }

    /// `"Author"`, `"shop.Author"`: the class of that name that is nearest.
    fn named_target(&self, class: ClassId, text: &str, names: &Names<'a>) -> Ty {
        let (app, name) = text
            .rsplit_once('.')
            .map_or(("", text), |(app, name)| (app, name));
        let Some(candidates) = names.by_name.get(name) else {
            return Ty::Unknown;
        };
        let own_path = self.path(self.class(class).file);
        self.nearest(app, own_path, candidates)
    }
}

/// Whether a declaration says that a relation is always loaded, and whether it makes it a query.
fn strategy(ir: &FileIr, args: &[Arg], info: &RelationInfo) -> (bool, bool) {
    let Some(strategy) = &info.strategy else {
        return (false, false);
    };
    let in_dictionary = || {
        let dictionary = keyword_arg(ir, args, info.more_keywords.as_deref()?)?;
        let ExprKind::Collection(_, items) = &ir.expr(dictionary).kind else {
            return None;
        };
        let is_it = |pair: &&[ExprId]| literal(ir, pair[0]) == Some(&strategy.keyword);
        Some(items.chunks_exact(2).find(is_it)?[1])
    };
    let value = keyword_arg(ir, args, &strategy.keyword).or_else(in_dictionary);
    let value = value.and_then(|value| word(ir, value));
    let is_one_of = |words: &[String]| value.is_some_and(|value| words.iter().any(|word| word == value));
    (is_one_of(&strategy.loaded), is_one_of(&strategy.query))
}

/// The name in a text, or in a call whose first argument is one: `backref("books", lazy="select")`.
fn name_in(ir: &FileIr, id: ExprId) -> Option<&str> {
    match call_args(ir, id) {
        Some(args) => literal(ir, args.first()?.value),
        None => literal(ir, id),
    }
}

/// What a declaration says of the other side: its name, or a call that has a name and keywords of its own.
fn other_side(ir: &FileIr, args: &[Arg], info: &RelationInfo) -> Option<OtherSide> {
    let reverse = info.reverse.as_ref()?;
    let written = keyword_arg(ir, args, &reverse.named_by);
    let named = written.and_then(|value| name_in(ir, value)).map(str::to_owned);
    let name = named.or_else(|| reverse.default.clone())?;
    let suffix = reverse.hidden_suffix.as_deref();
    if suffix.is_some_and(|suffix| name.ends_with(suffix)) {
        return None;
    }
    let own_args = written.and_then(|value| call_args(ir, value)).unwrap_or_default();
    let (always_loaded, is_query) = strategy(ir, own_args, info);
    let to_many = info.direction.as_ref().and_then(|direction| {
        let flag = keyword_arg(ir, own_args, &direction.flag).and_then(|value| word(ir, value));
        let has = |keyword: &String| keyword_arg(ir, args, keyword).is_some();
        let by_table = direction.many_if.iter().any(has);
        flag.map(|flag| flag != "False").or(by_table.then_some(true))
    });
    Some(OtherSide {
        name,
        always_loaded,
        is_query,
        to_many,
    })
}

/// `OrderLine` as `order_line`, `HTTPServer` as `http_server`.
fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let is_lower = |ix: usize| letters.get(ix).is_some_and(|letter| letter.is_lowercase());
    let mut out = String::new();
    for (ix, letter) in letters.iter().enumerate() {
        let begins_word = letter.is_uppercase() && ix > 0 && (is_lower(ix - 1) || is_lower(ix + 1));
        if begins_word {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}
