//! From what a person writes in catalogues to what the engine asks: names are resolved, paths become a tree.

use std::collections::BTreeMap;

use onequery_core::Language;
use rustc_hash::FxHashMap;

use super::template::{self, Template};
use super::{
    ArgIs, AttributeInfo, CallId, CallInfo, CallbackInfo, CatalogError, CatalogInfo, Catalogs, Condition,
    LibTy, LiteralTypes, Node, PathNode, RelationInfo, RelationKind, StrategyInfo, TypeInfo, schema, slot,
};

/// Collects everything before names are resolved.
pub(super) struct Compiler {
    out: Catalogs,
    names: FxHashMap<String, LibTy>,
}

impl Compiler {
    pub(super) fn new() -> Self {
        let mut nodes = Vec::new();
        nodes.resize_with(3, Node::default);
        Self {
            out: Catalogs {
                infos: Vec::new(),
                types: Vec::new(),
                calls: Vec::new(),
                relations: Vec::new(),
                nodes,
                roots: [PathNode(1), PathNode(2)],
                shapes: Default::default(),
                class_shapes: Default::default(),
                literals: [None, None],
                text_methods: [None, None],
                class_attributes: [None, None],
                sizes: [Vec::new(), Vec::new()],
                starts: [None, None],
                never_hold: Vec::new(),
                rounds: Vec::new(),
                settings: BTreeMap::new(),
                stubs: Vec::new(),
            },
            names: FxHashMap::default(),
        }
    }

    pub(super) fn compile(
        mut self,
        files: Vec<(&str, Language, schema::File)>,
    ) -> Result<Catalogs, CatalogError> {
        for (ix, (file, language, catalog)) in files.iter().enumerate() {
            let fail = |message| CatalogError {
                file: (*file).to_owned(),
                message,
            };
            self.out.infos.push(CatalogInfo {
                id: catalog.id.clone(),
                title: catalog.title.clone(),
                language: *language,
                kind: catalog.kind,
                versions: catalog.versions.clone(),
                source: catalog.source.clone(),
                in_process: catalog.in_process,
                packages: catalog.packages.clone(),
                remedies: catalog.remedies.clone(),
            });
            for ty in &catalog.types {
                let id = LibTy(
                    u16::try_from(self.out.types.len()).map_err(|_| fail("too many types".to_owned()))?,
                );
                if self
                    .names
                    .insert(format!("{}.{}", catalog.id, ty.name), id)
                    .is_some()
                {
                    return Err(fail(format!("type `{}` is declared twice", ty.name)));
                }
                let child_relation = ty
                    .child_relation
                    .as_deref()
                    .map(|path| self.node(*language, path));
                self.out.types.push(TypeInfo {
                    extends: Vec::new(),
                    item: None,
                    inner: None,
                    enter: None,
                    call: None,
                    index: None,
                    transparent: ty.transparent,
                    connection: ty.connection,
                    shows: ty.shows.clone(),
                    lists: ty.lists.clone(),
                    table: ty.table.clone(),
                    walks: ty.walks.clone(),
                    page: ty.page.clone(),
                    field: ty.field.clone(),
                    entry: ty.entry,
                    lends: ty.lends.clone(),
                    runs_on_iterate: ty.runs_on.iterate,
                    runs_on_test: ty.runs_on.test,
                    runs_on_await: ty.runs_on.awaited || ty.runs_on.awaited_anew,
                    runs_on_await_anew: ty.runs_on.awaited_anew,
                    runs_on_index: ty.runs_on.index,
                    keeps_rows: ty.keeps_rows,
                    enumeration: ty.enumeration,
                    single: ty.single,
                    shared: ty.shared,
                    settings: ty.settings,
                    model: ty.model,
                    abstract_if: ty.abstract_if.clone(),
                    key_column_if: ty.key_column_if.clone(),
                    key_columns: ty.key_columns.clone(),
                    unique_column_if: ty.unique_column_if.clone(),
                    ordered_if: ty.ordered_if.clone(),
                    child_relation,
                    serves_owner: ty.serves_owner,
                    carries: ty.carries.clone(),
                    starts_from: ty.starts_from.clone(),
                    queries: ty.queries,
                    node: PathNode::OTHER,
                    catalog: u16::try_from(ix).map_err(|_| fail("too many catalogues".to_owned()))?,
                    methods: FxHashMap::default(),
                    class_methods: FxHashMap::default(),
                    attributes: FxHashMap::default(),
                    class_attributes: FxHashMap::default(),
                    relations: FxHashMap::default(),
                });
                for path in &ty.paths {
                    let node = self.node(*language, path);
                    self.out.nodes[node.0 as usize].ty = Some(id);
                    self.out.types[id.0 as usize].node = node;
                }
            }
        }
        for (ix, (file, language, catalog)) in files.into_iter().enumerate() {
            self.file(ix, language, catalog).map_err(|message| CatalogError {
                file: file.to_owned(),
                message,
            })?;
        }
        for root in self.out.roots {
            self.spread_wildcards(root);
        }
        // An entry that holds for any arguments comes after those that know theirs, whatever file it is in.
        let calls = &self.out.calls;
        let of_types = self
            .out
            .types
            .iter_mut()
            .flat_map(|ty| [&mut ty.methods, &mut ty.class_methods]);
        for calls_of_name in self
            .out
            .shapes
            .iter_mut()
            .chain(of_types)
            .flat_map(FxHashMap::values_mut)
        {
            calls_of_name.sort_by_key(|call| calls[call.0 as usize].when.is_none());
        }
        Ok(self.out)
    }

    /// `contrib.*.models.*` speaks of `contrib.auth.models.Group`, too, although another path names `contrib.auth`.
    fn spread_wildcards(&mut self, node: PathNode) {
        let children = &self.out.nodes[node.0 as usize].children;
        let mut named: Vec<(Box<str>, PathNode)> = children
            .iter()
            .map(|(name, child)| (name.clone(), *child))
            .collect();
        named.sort();
        if let Some(wildcard) = children.get("*").copied() {
            for (_, child) in named.iter().filter(|(name, _)| &**name != "*") {
                self.graft(wildcard, *child);
            }
        }
        for (_, child) in named {
            self.spread_wildcards(child);
        }
    }

    /// Gives a node the children that another has, unless it has its own.
    fn graft(&mut self, from: PathNode, to: PathNode) {
        let mut children: Vec<(Box<str>, PathNode)> = self.out.nodes[from.0 as usize]
            .children
            .iter()
            .map(|(name, child)| (name.clone(), *child))
            .collect();
        children.sort();
        for (name, child) in children {
            match self.out.nodes[to.0 as usize].children.get(&name).copied() {
                Some(own) => self.graft(child, own),
                None => {
                    self.out.nodes[to.0 as usize].children.insert(name, child);
                }
            }
        }
    }

    fn file(&mut self, ix: usize, language: Language, catalog: schema::File) -> Result<(), String> {
        let id = catalog.id;
        for ty in &catalog.types {
            let of = self.names[&format!("{id}.{}", ty.name)];
            let optional =
                |text: &Option<String>| text.as_deref().map(|text| self.template(&id, text)).transpose();
            let extends = ty
                .extends
                .iter()
                .map(|base| self.find(&id, base))
                .collect::<Result<_, _>>()?;
            let (item, inner) = (optional(&ty.item)?, optional(&ty.inner)?);
            let (enter, call, index) = (optional(&ty.enter)?, optional(&ty.call)?, optional(&ty.index)?);
            let info = &mut self.out.types[of.0 as usize];
            (info.extends, info.item, info.inner) = (extends, item, inner);
            (info.enter, info.call, info.index) = (enter, call, index);
        }
        if let Some(literals) = &catalog.literals {
            self.out.text_methods[slot(language)].clone_from(&literals.text_method);
            self.out.class_attributes[slot(language)].clone_from(&literals.class_attribute);
            self.out.sizes[slot(language)].clone_from(&literals.sizes);
            self.out.starts[slot(language)].clone_from(&literals.starts_with);
            for path in &literals.never_holds {
                let node = self.node(language, path);
                self.out.never_hold.push(node);
            }
            self.out.literals[slot(language)] = Some(LiteralTypes {
                list: self.find(&id, &literals.list)?,
                set: self.find(&id, &literals.set)?,
                dict: self.find(&id, &literals.dict)?,
                generator: self.find(&id, &literals.generator)?,
                range: self.find(&id, &literals.range)?,
            });
        }
        self.out.rounds.extend(catalog.rounds);
        let settings = catalog.settings.into_iter();
        self.out
            .settings
            .extend(settings.map(|setting| (setting.name.into(), setting.default)));
        for function in catalog.functions {
            if function.path.is_empty() || !function.on.is_empty() || !function.name.is_empty() {
                return Err("a [[function]] has a `path` and neither `on` nor `name`".to_owned());
            }
            let paths = function.path.clone();
            let call = self.call(ix, &id, function)?;
            for path in paths {
                let node = self.node(language, &path);
                self.out.nodes[node.0 as usize].call = Some(call);
            }
        }
        for method in catalog.methods {
            if !method.path.is_empty() || method.on.is_empty() || method.name.is_empty() {
                return Err("a [[method]] has `on` and `name` and no `path`".to_owned());
            }
            let (on, names) = (method.on.clone(), method.name.clone());
            let call = self.call(ix, &id, method)?;
            for on in on {
                let target = self.owner(&id, &on)?;
                for name in &names {
                    let calls = match target {
                        Owner::Shape => self.out.shapes[slot(language)].entry(name.as_str().into()),
                        Owner::Instance(ty) => {
                            self.out.types[ty.0 as usize].methods.entry(name.as_str().into())
                        }
                        Owner::Class(ty) => self.out.types[ty.0 as usize]
                            .class_methods
                            .entry(name.as_str().into()),
                        Owner::ClassShape => {
                            return Err("methods of unknown classes are not known".to_owned());
                        }
                    };
                    calls.or_default().push(call);
                }
            }
        }
        for attribute in catalog.attributes {
            let info = AttributeInfo {
                gives: self.template(&id, &attribute.gives)?,
                bound: attribute.bound,
                likely: attribute.likely,
                not_of_results: attribute.not_of_results,
            };
            for on in &attribute.on {
                let target = self.owner(&id, on)?;
                for name in &attribute.name {
                    let attributes = match target {
                        Owner::ClassShape => &mut self.out.class_shapes[slot(language)],
                        Owner::Instance(ty) => &mut self.out.types[ty.0 as usize].attributes,
                        Owner::Class(ty) => &mut self.out.types[ty.0 as usize].class_attributes,
                        Owner::Shape => return Err("attributes of unknown values are not known".to_owned()),
                    };
                    attributes.insert(name.as_str().into(), info.clone());
                }
            }
        }
        for relation in catalog.relations {
            self.relation(ix, &id, language, relation)?;
        }
        Ok(())
    }

    fn relation(
        &mut self,
        ix: usize,
        id: &str,
        language: Language,
        relation: schema::Relation,
    ) -> Result<(), String> {
        if relation.path.is_empty() && (relation.on.is_empty() || relation.name.is_empty()) {
            return Err("a [[relation]] has a `path`, or `on` and `name`".to_owned());
        }
        let kind = RelationKind(
            u16::try_from(self.out.relations.len()).map_err(|_| "too many relations".to_owned())?,
        );
        let strategy = relation.strategy.map(|strategy| {
            let annotations = strategy.query_annotations.iter();
            Ok::<_, String>(StrategyInfo {
                query_annotations: annotations.map(|path| self.node(language, path)).collect(),
                query_type: self.template(id, &strategy.query_type)?,
                keyword: strategy.keyword,
                loaded: strategy.loaded,
                query: strategy.query,
            })
        });
        let info = RelationInfo {
            leads_to: relation.leads_to,
            direction: relation.direction,
            target: relation.target,
            of_relations: relation.of_relations,
            itself: relation.itself,
            manager: relation
                .manager
                .map(|text| self.template(id, &text))
                .transpose()?,
            reverse: relation.reverse,
            mirrors: relation.mirrors,
            strategy: strategy.transpose()?,
            prefetched: relation.prefetched,
            unlisted: relation.unlisted,
            key: relation.key,
            optional_if: relation.optional_if,
            more_keywords: relation.more_keywords,
            forgets_other_side: relation.forgets_other_side,
            finds_by_key: relation.finds_by_key,
            catalog: u16::try_from(ix).map_err(|_| "too many catalogues".to_owned())?,
        };
        self.out.relations.push(info);
        for path in &relation.path {
            let node = self.node(language, path);
            self.out.nodes[node.0 as usize].relation = Some(kind);
        }
        for on in &relation.on {
            let ty = self.find(id, on)?;
            for name in &relation.name {
                self.out.types[ty.0 as usize]
                    .relations
                    .insert(name.as_str().into(), kind);
            }
        }
        Ok(())
    }

    fn call(&mut self, ix: usize, id: &str, call: schema::Call) -> Result<CallId, String> {
        let call_id = CallId(u32::try_from(self.out.calls.len()).map_err(|_| "too many entries".to_owned())?);
        let when = call.when.map(|when| self.condition(id, when)).transpose()?;
        let gives = call
            .gives
            .as_deref()
            .map_or(Ok(Template::Unknown), |text| self.template(id, text))?;
        let callback = call
            .callback
            .map(|callback| {
                let gets = callback
                    .gets
                    .iter()
                    .map(|text| self.template(id, text))
                    .collect::<Result<_, _>>()?;
                Ok::<_, String>(CallbackInfo {
                    arg: callback.arg,
                    runs: callback.runs,
                    gets,
                    over: callback.over,
                })
            })
            .transpose()?;
        self.out.calls.push(CallInfo {
            when,
            runs: call.runs,
            sql: call.sql,
            gives,
            callback,
            consumes: call.consumes,
            takes_all: call.takes_all,
            takes_all_suffix: call.takes_all_suffix,
            bound: call.bound,
            paces: call.paces,
            takes: call.takes,
            measures: call.measures,
            stops: call.stops,
            grows: call.grows,
            looks_up: call.looks_up,
            fills: call.fills,
            decorates: call.decorates,
            enters: call.enters,
            counts: call.counts,
            leaves: call.leaves,
            unless_keyword: call.unless_keyword,
            names_type: call.names_type,
            fails: call.fails,
            loads: call.loads,
            mixes_in: call.mixes_in,
            tests_class: call.tests_class,
            given: call.given,
            tests_given: call.tests_given,
            empty: call.empty,
            lists_own: call.lists_own,
            shows: call.shows,
            shows_returned: call.shows_returned,
            renders_returned: call.renders_returned,
            resolves: call.resolves,
            gives_base: call
                .gives_base
                .as_deref()
                .map(|name| self.find(id, name))
                .transpose()?,
            gives_attribute: call.gives_attribute.clone(),
            gives_registered: call.gives_registered,
            registers: call.registers,
            shows_text: call.shows_text,
            gives_entries: call.gives_entries,
            gives_variables: call.gives_variables,
            stands_for: call.stands_for,
            slices: call.slices,
            gives_context: call.gives_context,
            gives_shown: call.gives_shown,
            renders: call.renders,
            registers_tag: call.registers_tag,
            reads_each: call.reads_each,
            writes_once: call.writes_once,
            looks_among_held: call.looks_among_held,
            loosens: call.loosens,
            sets_attributes: call.sets_attributes,
            names_columns: call.names_columns,
            finds_by_columns: call.finds_by_columns,
            lacks: call.lacks.clone(),
            often_wanted: call.often_wanted,
            uses_loaded: call.uses_loaded,
            uses_loaded_if_ordered: call.uses_loaded_if_ordered,
            loads_no_more: call.loads_no_more,
            loads_many_with: call.loads_many_with,
            reads_attribute: call.reads_attribute,
            remedy: call.remedy,
            likely: call.likely,
            catalog: u16::try_from(ix).map_err(|_| "too many catalogues".to_owned())?,
        });
        Ok(call_id)
    }

    fn condition(&self, id: &str, when: schema::When) -> Result<Condition, String> {
        let alternative = |text: &String| match text.as_str() {
            "sql" => Ok(ArgIs::Sql),
            text => Ok(match text.strip_prefix("class:") {
                Some(name) => ArgIs::Class(self.find(id, name)?),
                None => ArgIs::Instance(self.find(id, text)?),
            }),
        };
        let is = when.is.iter().map(alternative).collect::<Result<_, String>>()?;
        Ok(Condition { arg: when.arg, is })
    }

    fn owner(&self, id: &str, on: &str) -> Result<Owner, String> {
        Ok(match (on, on.strip_prefix("class:")) {
            ("?", _) => Owner::Shape,
            (_, Some("?")) => Owner::ClassShape,
            (_, Some(name)) => Owner::Class(self.find(id, name)?),
            (name, None) => Owner::Instance(self.find(id, name)?),
        })
    }

    fn template(&self, id: &str, text: &str) -> Result<Template, String> {
        template::parse(text, &|name| self.find(id, name).ok())
    }

    /// A type by its own name within the file, or by `catalogue.Name`.
    fn find(&self, id: &str, name: &str) -> Result<LibTy, String> {
        let own = self.names.get(&format!("{id}.{name}"));
        own.or_else(|| self.names.get(name))
            .copied()
            .ok_or_else(|| format!("unknown type `{name}`"))
    }

    fn node(&mut self, language: Language, path: &str) -> PathNode {
        let mut node = self.out.roots[slot(language)];
        for part in path.split("::").flat_map(|part| part.split('.')) {
            let next = PathNode(u32::try_from(self.out.nodes.len()).expect("catalogues are small"));
            let child = *self.out.nodes[node.0 as usize]
                .children
                .entry(part.into())
                .or_insert(next);
            if child == next {
                self.out.nodes.push(Node::default());
            }
            node = child;
        }
        node
    }
}

#[derive(Clone, Copy)]
enum Owner {
    Instance(LibTy),
    Class(LibTy),
    Shape,
    ClassShape,
}
