//! What the analysis could see of a program, and what it could not.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::facts::FnFacts;
use crate::program::Program;

/// Counts over a whole program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Calls of functions, methods and classes of the project.
    pub to_project: usize,
    /// Calls that a catalogue describes.
    pub to_catalogue: usize,
    /// Calls of values that cannot query: texts, numbers.
    pub harmless: usize,
    /// Calls of libraries that no catalogue describes.
    pub outside: usize,
    /// Calls of values whose type is not known.
    pub unknown: usize,
    /// The names that are called on those, and how often.
    pub unknown_names: BTreeMap<String, usize>,
    /// Calls that build or execute a query of a mapper.
    pub queries: usize,
    /// Those whose model is known.
    pub typed_queries: usize,
    /// Relations of models.
    pub relations: usize,
    /// Those whose other side is known.
    pub known_relations: usize,
}

impl Coverage {
    /// All calls.
    #[must_use]
    pub const fn calls(&self) -> usize {
        self.to_project + self.to_catalogue + self.harmless + self.outside + self.unknown
    }

    fn add(&mut self, other: &Self) {
        self.to_project += other.to_project;
        self.to_catalogue += other.to_catalogue;
        self.harmless += other.harmless;
        self.outside += other.outside;
        self.unknown += other.unknown;
        self.queries += other.queries;
        self.typed_queries += other.typed_queries;
        for (name, times) in &other.unknown_names {
            *self.unknown_names.entry(name.clone()).or_default() += times;
        }
    }
}

/// Adds up what evaluating the functions of a program counted.
pub(crate) fn of_program(program: &Program<'_>, facts: &[Arc<FnFacts>]) -> Coverage {
    let mut total = Coverage::default();
    for id in program.function_ids() {
        let found = &facts[id.index()];
        let is_own = !program.is_stub(program.function(id).0);
        if let Some(counted) = found.coverage.as_ref().filter(|_| is_own) {
            total.add(counted);
        }
    }
    (total.relations, total.known_relations) = program.count_relations();
    total
}
