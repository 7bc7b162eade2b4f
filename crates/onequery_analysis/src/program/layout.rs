//! Which ids the functions, classes and modules of files have.
//!
//! In a program that differs in some files from one whose analysis is remembered, everything keeps the id that it had there,
//! so that what was found out with those ids is still true. Nothing else may depend on the ids: whoever wants an order goes by
//! files and places in them.

use std::collections::BTreeSet;

use onequery_core::FileId;
use onequery_core::ir::{ClassIx, FileIr};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::{Program, SourceFile};
use crate::known::hash;
use crate::past::{Lists, Numbers};

/// How many functions may be added to a program until none of it keeps its ids.
const SPARE_FUNCTIONS: u32 = 1024;

/// The ids of a program.
#[derive(Default)]
pub(crate) struct Layout {
    pub(super) functions: Ids,
    pub(super) classes: Ids,
    pub(super) scopes: Ids,
    /// The first id behind those of functions that are written somewhere.
    pub(super) behind_functions: u32,
    /// A class that stands where an id is that of nothing: what was found out before may speak of it.
    pub(super) stand_in: (FileId, ClassIx),
    /// What told relations apart that were known before, in the order of their ids.
    relations: Vec<u64>,
    /// What stands in a remembered program, too, has the id that it has there.
    is_kept: bool,
}

/// The ids of things of one kind.
#[derive(Default)]
pub(super) struct Ids {
    /// By file: the id of its first thing, where its things have ids one behind the other.
    bases: Vec<u32>,
    /// The ids of the things of other files.
    scattered: FxHashMap<u32, Vec<u32>>,
    /// Where the ids end. Some before it may be those of nothing.
    end: u32,
}

impl Ids {
    pub(super) fn get(&self, file: FileId, ix: u32) -> u32 {
        match self.scattered.get(&file.0) {
            Some(ids) => ids[ix as usize],
            None => self.bases[file.index()] + ix,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.end as usize
    }

    /// The ids of things of which so many are in each file.
    fn dense(counts: impl Iterator<Item = usize>) -> Self {
        let mut ids = Self::default();
        for count in counts {
            ids.bases.push(ids.end);
            ids.end += u32::try_from(count).expect("a run has fewer than 2^32 items");
        }
        ids
    }

    /// The ids of those files' things in which things were added, removed or moved.
    fn scatter(&mut self, before: &Lists<u64>, now: impl Iterator<Item = (FileId, Vec<u64>)>) {
        for (file, now) in now {
            let before = before.get(file.index());
            if before != now {
                let base = self.bases[file.index()];
                let ids = kept(before, &now).into_iter().map(|kept| match kept {
                    Some(ix) => base + ix,
                    None => {
                        self.end += 1;
                        self.end - 1
                    }
                });
                let ids = ids.collect();
                self.scattered.insert(file.0, ids);
            }
        }
    }
}

/// By thing: where it stood before. They are in order: what changed places with others is new.
fn kept(before: &[u64], now: &[u64]) -> Vec<Option<u32>> {
    let is_same = |(a, b): &(&u64, &u64)| a == b;
    let first = before.iter().zip(now).take_while(is_same).count();
    let rest = (before[first..].iter().rev()).zip(now[first..].iter().rev());
    let last = rest.take_while(is_same).count();
    let (end_before, end_now) = (before.len() - last, now.len() - last);
    let mut next = first;
    let place = |ix: usize| Some(u32::try_from(ix).expect("ids fit"));
    let kept = now.iter().enumerate().map(|(ix, name)| {
        if ix < first {
            return place(ix);
        }
        if ix >= end_now {
            return place(end_before + (ix - end_now));
        }
        let found = before[next..end_before]
            .iter()
            .position(|before| before == name)?;
        next += found + 1;
        place(next - 1)
    });
    kept.collect()
}

/// What is remembered of the ids of a program: by file, what tells its things apart, in the order of their ids.
#[derive(Serialize, Deserialize)]
pub(crate) struct IdNames {
    functions: Lists<u64>,
    classes: Lists<u64>,
    scopes: Lists<u64>,
    relations: Numbers<u64>,
}

impl IdNames {
    /// The names of a program of which nothing was remembered.
    pub(crate) fn of(program: &Program<'_>) -> Self {
        let all = |names: fn(&FileIr) -> Vec<u64>| {
            let mut lists = Lists::default();
            let files = program.files.par_iter().map(|file| names(&file.ir));
            files
                .collect::<Vec<_>>()
                .into_iter()
                .for_each(|names| lists.push(names));
            lists
        };
        Self {
            functions: all(function_names),
            classes: all(class_names),
            scopes: all(scope_names),
            relations: Numbers(program.models.names().to_vec()),
        }
    }
}

impl Layout {
    /// The ids of a program of which nothing is remembered.
    pub(super) fn new(files: &[&SourceFile]) -> Self {
        let ids = |count: fn(&FileIr) -> usize| Ids::dense(files.iter().map(|file| count(&file.ir)));
        let functions = ids(|ir| ir.functions.len());
        Self {
            behind_functions: functions.end + SPARE_FUNCTIONS,
            functions,
            classes: ids(|ir| ir.classes.len()),
            scopes: ids(|ir| ir.scopes.len()),
            ..Self::default()
        }
    }

    /// The ids of a program that differs in some files from one that had things of these names; `None` if there is no room
    /// for what was added, or nothing to stand for what is gone.
    pub(super) fn like(files: &[&SourceFile], before: &IdNames, changed: &BTreeSet<FileId>) -> Option<Self> {
        let ids = |before: &Lists<u64>, names: fn(&FileIr) -> Vec<u64>| {
            let mut ids = Ids::dense((0..files.len()).map(|file| before.get(file).len()));
            let changed = changed.iter().map(|file| (*file, names(&files[file.index()].ir)));
            ids.scatter(before, changed);
            ids
        };
        let functions = ids(&before.functions, function_names);
        let behind_functions = u32::try_from(before.functions.n_items()).ok()? + SPARE_FUNCTIONS;
        let has_class = (0..).zip(files).find(|(_, file)| !file.ir.classes.is_empty());
        let (file, _) = has_class.filter(|_| functions.end <= behind_functions)?;
        Some(Self {
            stand_in: (FileId(file), ClassIx(0)),
            behind_functions,
            functions,
            classes: ids(&before.classes, class_names),
            scopes: ids(&before.scopes, scope_names),
            relations: before.relations.0.clone(),
            is_kept: true,
        })
    }

    pub(crate) fn relations(&self) -> &[u64] {
        &self.relations
    }

    /// Whether some ids are those that are remembered.
    pub(crate) const fn is_kept(&self) -> bool {
        self.is_kept
    }
}

fn function_names(ir: &FileIr) -> Vec<u64> {
    let mut names: Vec<u64> = Vec::with_capacity(ir.functions.len());
    for function in &ir.functions {
        let outer = function.outer.and_then(|outer| names.get(outer.index()));
        let class = function.class.map(|class| ir.name(ir.class(class).name));
        names.push(hash(&(outer, class, function.name.map(|name| ir.name(name)))));
    }
    names
}

fn class_names(ir: &FileIr) -> Vec<u64> {
    let mut names: Vec<u64> = Vec::with_capacity(ir.classes.len());
    for class in &ir.classes {
        let outer = class.outer.and_then(|outer| names.get(outer.index()));
        names.push(hash(&(outer, ir.name(class.name))));
    }
    names
}

fn scope_names(ir: &FileIr) -> Vec<u64> {
    let names = ir.scopes.iter().map(|scope| {
        let name = scope.name.map(|name| ir.name(name));
        hash(&(scope.parent, name))
    });
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn what_stays_in_order_keeps_its_place() {
        assert_eq!(kept(&[1, 2, 3], &[1, 2, 3]), [Some(0), Some(1), Some(2)]);
        assert_eq!(kept(&[1, 2, 3], &[1, 4, 2, 3]), [Some(0), None, Some(1), Some(2)]);
        assert_eq!(kept(&[1, 2, 3], &[1, 3]), [Some(0), Some(2)]);
        assert_eq!(kept(&[1, 2, 3, 4], &[2, 1, 4]), [Some(1), None, Some(3)]);
        assert_eq!(kept(&[1, 1], &[1, 1, 1]), [Some(0), Some(1), None]);
        assert_eq!(kept(&[], &[1]), [None]);
        assert_eq!(kept(&[1], &[]), []);
    }
}
