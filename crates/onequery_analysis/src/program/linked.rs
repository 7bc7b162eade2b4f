//! What linking made of a program, in a form in which two programs can be compared.
//!
//! An evaluation finds what linking made either at a file, or by a [`Key`]. It tells of both while it is recorded.

use std::hash::Hash;

use onequery_core::FileId;
use onequery_core::ir::{ClassIx, FnIx, ScopeIx};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Program;
use crate::known::hash;
use crate::past::{N_KEYS, Numbers, number_of_key, place_of_key};

/// What linking knows by something else than a place in a file, as far as that depends on other files.
#[derive(Clone, Copy, Hash)]
pub(crate) enum Key {
    /// The only method of a name.
    Method,
    /// A method that the program gives to a library's type.
    Extension,
    Implementations,
    AssociatedType,
    Subclasses,
    /// The model of a class of queries or managers.
    Served,
    /// The model of a class that shows rows.
    Registered,
    /// The methods that a server calls for each object.
    Resolvers,
    /// A class that a framework calls, by its name.
    Presented,
    TemplateFunctions,
    /// Models by name.
    Model,
    /// A model that a setting names.
    Setting,
    /// A setting that never changes.
    Constant,
    /// A relation that a model of a library has.
    LibraryRelation,
}

/// The hashes of what linking made of a program.
#[derive(Serialize, Deserialize)]
pub(crate) struct Linked {
    /// By file: of what is found there, beside its text.
    files: Numbers<u64>,
    /// By place of a [`Key`]: of what is known by those that have it.
    keys: Numbers<u64>,
    /// Of what evaluations ask for without telling.
    rest: u64,
}

impl Linked {
    pub(crate) fn of(program: &Program<'_>) -> Self {
        let files: Vec<FileId> = program.file_ids().collect();
        let files = files.into_par_iter().map(|file| program.hash_file(file));
        let files: Vec<u64> = files.collect();
        Self {
            files: Numbers(files),
            keys: Numbers(program.hash_keys()),
            rest: program.hash_rest(),
        }
    }

    /// The places, as evaluations tell of them, where something else is found in another program; `None` if something is
    /// different that they do not tell of.
    pub(crate) fn differences(&self, other: &Self) -> Option<Vec<FileId>> {
        let differ = |a: &Numbers<u64>, b: &Numbers<u64>| {
            let pairs = (0_u32..).zip(a.0.iter().zip(&b.0));
            let differ = pairs.filter(|(_, (a, b))| a != b).map(|(ix, _)| ix);
            differ.collect::<Vec<_>>()
        };
        let are_alike = self.rest == other.rest && self.files.0.len() == other.files.0.len();
        are_alike.then(|| {
            let files = differ(&self.files, &other.files).into_iter().map(FileId);
            let keys = differ(&self.keys, &other.keys);
            files.chain(keys.into_iter().map(place_of_key)).collect()
        })
    }
}

/// A hash of things in no order.
pub(super) fn in_any_order<T: Hash>(things: impl Iterator<Item = T>) -> u64 {
    things.fold(0, |sum, thing| sum.wrapping_add(hash(&thing)))
}

impl Program<'_> {
    fn hash_file(&self, file: FileId) -> u64 {
        let source = self.files[file.index()];
        let ids = |n: usize| 0..u32::try_from(n).expect("ids fit");
        let classes = ids(source.ir.classes.len()).map(|ix| {
            let id = self.class_id(file, ClassIx(ix));
            let class = &self.classes[id.index()];
            let own = (id, &class.mro, &class.library_bases, class.has_unknown_base);
            let relations = self.models.own_relations(id);
            let relations: Vec<_> = relations.map(|id| (id, self.models.relation(id))).collect();
            let methods = in_any_order(class.methods.iter());
            hash(&(own, methods, relations, self.is_presented(id)))
        });
        let functions = ids(source.ir.functions.len()).map(|ix| {
            let id = self.fn_id(file, FnIx(ix));
            hash(&(id, self.fn_class[id.index()]))
        });
        let scopes = ids(source.ir.scopes.len()).map(|ix| {
            let id = self.scope_id(file, ScopeIx(ix));
            hash(&(id, &self.scopes[id.index()].glob_targets))
        });
        let all: Vec<u64> = classes.chain(functions).chain(scopes).collect();
        hash(&(all, &self.imported[file.index()]))
    }

    fn hash_keys(&self) -> Vec<u64> {
        let mut keys = Keys(vec![0; N_KEYS as usize]);
        keys.add(Key::Method, &self.unique_methods);
        keys.add(Key::Subclasses, &self.subclasses);
        self.traits.hash_keys(&mut keys);
        self.presentations.hash_keys(&mut keys);
        self.templates.hash_keys(&mut keys);
        self.models.hash_keys(&mut keys);
        keys.0
    }

    fn hash_rest(&self) -> u64 {
        let macros = in_any_order(self.returning_macros.iter());
        hash(&(macros, self.tree.hash(), self.models.is_empty()))
    }
}

/// By place of a [`Key`]: the hash of what is known by those that have it.
pub(crate) struct Keys(Vec<u64>);

impl Keys {
    /// Adds what is known by some keys of a kind, in any order.
    pub(crate) fn add<K: Hash, T: Hash>(&mut self, kind: Key, known: impl IntoIterator<Item = (K, T)>) {
        known.into_iter().for_each(|(key, known)| {
            let key = (kind, key);
            let hashes = &mut self.0[number_of_key(&key) as usize];
            *hashes = hashes.wrapping_add(hash(&(hash(&key), known)));
        });
    }
}
