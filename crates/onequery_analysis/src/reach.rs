//! How the world outside reaches functions: from entry points down the calls.

use std::collections::VecDeque;
use std::sync::Arc;

use onequery_core::ir::{FnIx, Function};
use onequery_core::{EntryKind, EntryPoint, FileId, Location, Step, StepRole};

use crate::facts::{FnFacts, Target, What};
use crate::program::{ClassId, FnId, Program};

/// The nearest entry of every function, as far as calls are known.
pub(crate) struct Reach {
    entries: Vec<Entrance>,
    /// By function.
    ways: Vec<Option<Way>>,
    /// The functions that count the statements that something executes.
    counting: Vec<FnId>,
    /// By function, where [`Way::entry`] is one of those that count.
    guarded: Vec<Option<Way>>,
}

struct Entrance {
    kind: EntryKind,
    name: String,
    /// The name is a route, or what else people call it by, not the code's own.
    is_named: bool,
    at: Location,
    target: Target,
}

/// The last step from an entry to a function.
#[derive(Clone, Copy)]
struct Way {
    entry: usize,
    /// The caller, and which of its calls; `None` when the entry is the function.
    from: Option<(FnId, Link)>,
}

/// What of a function leads to another.
#[derive(Clone, Copy)]
enum Link {
    /// A fact: a call.
    Call(usize),
    /// An element of [`FnFacts::handed`]: it gives the function away to be called.
    Handed(usize),
}

impl Reach {
    /// Walks from the entries down the calls, one kind of entry after the other, and then from the tests that count.
    pub(crate) fn of(program: &Program<'_>, facts: &[Arc<FnFacts>]) -> Self {
        let mut entries = entries(program, facts);
        entries.sort_by(|a, b| {
            let order = |of: &Entrance| (of.kind, !of.is_named, of.at);
            order(a).cmp(&order(b)).then_with(|| a.name.cmp(&b.name))
        });
        let mut ways: Vec<Option<Way>> = vec![None; facts.len()];
        for kind in EntryKind::ALL {
            let of_kind = entries.iter().enumerate().filter(|(_, entry)| entry.kind == kind);
            let starts = of_kind.flat_map(|(ix, entry)| {
                let functions = functions(program, entry.target).into_iter();
                functions.map(move |id| (id, ix))
            });
            walk(facts, starts, &mut ways);
        }
        let counting = program.function_ids().filter(|id| facts[id.index()].counts);
        let counting: Vec<FnId> = counting.collect();
        let mut guarded = vec![None; facts.len()];
        walk(facts, counting.iter().copied().zip(0..), &mut guarded);
        Self {
            entries,
            ways,
            counting,
            guarded,
        }
    }

    /// Whether the world outside does more with the project than to run its files: it is a program, and no library.
    pub(crate) fn is_entered(&self) -> bool {
        self.entries.iter().any(|entry| entry.kind != EntryKind::Script)
    }

    /// How many functions count the statements that something executes.
    pub(crate) const fn n_guards(&self) -> usize {
        self.counting.len()
    }

    /// A function that counts the statements that a function executes.
    pub(crate) fn guard(&self, program: &Program<'_>, id: FnId) -> Option<Location> {
        let guard = self.counting[self.guarded[id.index()]?.entry];
        let (file, _, function) = program.function(guard);
        Some(Location::new(file, function.name_span))
    }

    /// How a function is reached.
    pub(crate) fn entry(
        &self,
        program: &Program<'_>,
        facts: &[Arc<FnFacts>],
        id: FnId,
    ) -> Option<EntryPoint> {
        let mut way = self.ways[id.index()]?;
        let entry = &self.entries[way.entry];
        let mut calls = Vec::new();
        let mut callee = id;
        while let Some((caller, link)) = way.from {
            let found = &facts[caller.index()];
            let (location, message) = match link {
                Link::Call(ix) => (found.facts[ix].at, format!("calls `{}`", found.facts[ix].label)),
                Link::Handed(ix) => {
                    let name = program.qualified_name(callee);
                    (found.handed[ix].1, format!("has `{name}` called"))
                }
            };
            calls.push(Step {
                role: StepRole::Call,
                location,
                message,
            });
            callee = caller;
            way = self.ways[caller.index()]?;
        }
        calls.reverse();
        Some(EntryPoint {
            kind: entry.kind,
            name: entry.name.clone(),
            location: entry.at,
            calls,
        })
    }
}

/// Walks down the calls from functions, given with their entries, to all that no way is known to, breadth first.
fn walk(facts: &[Arc<FnFacts>], starts: impl Iterator<Item = (FnId, usize)>, ways: &mut [Option<Way>]) {
    let mut queue = VecDeque::new();
    let mut enter = |id: FnId, way: Way, queue: &mut VecDeque<(FnId, usize)>| {
        let known = &mut ways[id.index()];
        if known.is_none() {
            *known = Some(way);
            queue.push_back((id, way.entry));
        }
    };
    for (id, entry) in starts {
        enter(id, Way { entry, from: None }, &mut queue);
    }
    while let Some((id, entry)) = queue.pop_front() {
        let found = &facts[id.index()];
        let calls = found
            .facts
            .iter()
            .enumerate()
            .filter_map(|(ix, fact)| match &fact.what {
                What::Call { callee, .. } => Some((*callee, Link::Call(ix))),
                What::Query { .. } => None,
            });
        let handed = found.handed.iter().enumerate();
        let handed = handed.map(|(ix, (callee, _))| (*callee, Link::Handed(ix)));
        for (callee, link) in calls.chain(handed) {
            let from = Some((id, link));
            enter(callee, Way { entry, from }, &mut queue);
        }
    }
}

/// All entries: what is registered and decorated, classes of frameworks, files and `main`, and what the project says.
fn entries(program: &Program<'_>, facts: &[Arc<FnFacts>]) -> Vec<Entrance> {
    let registered = program
        .function_ids()
        .flat_map(|id| &facts[id.index()].entered)
        .map(|entered| Entrance {
            kind: entered.kind,
            is_named: entered.name.is_some(),
            name: entered
                .name
                .clone()
                .unwrap_or_else(|| name(program, entered.target)),
            at: entered.at,
            target: entered.target,
        });
    let classes = program.class_ids().filter_map(|class| {
        let entry = program.class_entry(class)?;
        let (file, target) = (program.class(class).file, Target::Class(class));
        Some(Entrance {
            kind: entry.kind,
            is_named: entry.named_by_file,
            name: if entry.named_by_file {
                file_stem(program.path(file)).to_owned()
            } else {
                name(program, target)
            },
            at: Location::new(file, program.class_ir(class).name_span),
            target,
        })
    });
    let scripts = program.function_ids().filter(|&id| is_script(program, id));
    let scripts = scripts.map(|id| {
        let (file, _, function) = program.function(id);
        Entrance {
            kind: EntryKind::Script,
            is_named: true,
            name: program.path(file).to_owned(),
            at: Location::new(file, function.name_span),
            target: Target::Function(id),
        }
    });
    let said = program.entered().map(|(id, kind)| {
        let (file, _, function) = program.function(id);
        Entrance {
            kind,
            is_named: true,
            name: program.qualified_name(id),
            at: Location::new(file, function.name_span),
            target: Target::Function(id),
        }
    });
    registered.chain(classes).chain(scripts).chain(said).collect()
}

/// Whether a function is the top level of a file, or what a program starts with.
fn is_script(program: &Program<'_>, id: FnId) -> bool {
    let (file, ix, function) = program.function(id);
    if program.presented(id).is_some() {
        return false;
    }
    ix == FnIx(0) || is_start(program, file, function)
}

/// Whether a program starts with a function, as programs of its language do: `main`.
pub(crate) fn is_start(program: &Program<'_>, file: FileId, function: &Function) -> bool {
    let ir = program.ir(file);
    function.outer == Some(FnIx(0))
        && function.class.is_none()
        && function.in_impl.is_none()
        && function.name.map(|name| ir.name(name)) == program.catalogs.starts_with(ir.language)
        && function.name.is_some()
}

/// What a target is called.
fn name(program: &Program<'_>, target: Target) -> String {
    match target {
        Target::Function(function) => program.qualified_name(function),
        Target::Class(class) => program.class_name(class).to_owned(),
    }
}

/// The functions that are called when the world outside calls something.
fn functions(program: &Program<'_>, target: Target) -> Vec<FnId> {
    match target {
        Target::Function(function) => vec![function],
        Target::Class(class) => methods(program, class),
    }
}

/// All methods of a class, those of its bases included, and what a framework does with it.
fn methods(program: &Program<'_>, class: ClassId) -> Vec<FnId> {
    let bases = program.class(class).mro.iter();
    let mut methods: Vec<FnId> = bases
        .flat_map(|&base| program.class(base).methods.values().copied())
        .chain(program.presentation(class))
        .collect();
    methods.sort_by_key(|&id| program.order(id));
    methods.dedup();
    methods
}

/// `import_books` of `shop/management/commands/import_books.py`.
fn file_stem(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split_once('.').map_or(file, |(stem, _)| stem)
}
