//! Which functions the world outside calls, as the settings say: `"shop/jobs/*.py:nightly" = "task"`.

use std::collections::BTreeMap;

use globset::{Glob, GlobMatcher};
use onequery_core::EntryKind;
use onequery_core::ir::{FileIr, FnIx, Function, TypeRef};
use schemars::JsonSchema;
use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};

use crate::settings::{Matcher, Pattern};

/// How code is entered.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Entered {
    /// By a request of somebody who waits for the answer
    Request,
    /// By a worker that takes it from a queue, or by a clock
    Task,
    /// By something that happened in the program
    Event,
    /// By a command that a person or a schedule runs
    Command,
    /// By running a file
    Script,
}

impl From<Entered> for EntryKind {
    fn from(entered: Entered) -> Self {
        match entered {
            Entered::Request => Self::Request,
            Entered::Task => Self::Task,
            Entered::Event => Self::Event,
            Entered::Command => Self::Command,
            Entered::Script => Self::Script,
        }
    }
}

/// Files and functions in them: a pattern of `.gitignore`, a colon, and a name in which `*` stands for anything.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct FunctionPattern(String);

impl FunctionPattern {
    fn parts(&self) -> Result<(Pattern, GlobMatcher), String> {
        let (files, name) = self
            .0
            .rsplit_once(':')
            .filter(|(_, name)| !name.is_empty())
            .ok_or_else(|| format!("`{}` names no function: write `path/to/file.py:name`", self.0))?;
        let name = Glob::new(name).map_err(|error| error.to_string())?;
        Ok((Pattern::parse(files)?, name.compile_matcher()))
    }
}

impl<'de> Deserialize<'de> for FunctionPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pattern = Self(String::deserialize(deserializer)?);
        pattern.parts().map_err(D::Error::custom)?;
        Ok(pattern)
    }
}

/// Finds the functions that settings name.
#[derive(Default)]
pub(crate) struct Entries(Vec<(Matcher, GlobMatcher, EntryKind)>);

impl Entries {
    /// # Errors
    ///
    /// Patterns that cannot be read.
    pub(crate) fn new(said: &BTreeMap<FunctionPattern, Entered>) -> anyhow::Result<Self> {
        let entry = |(pattern, &kind): (&FunctionPattern, &Entered)| {
            let (files, name) = pattern.parts().map_err(anyhow::Error::msg)?;
            Ok((Matcher::new([&files])?, name, kind.into()))
        };
        said.iter().map(entry).collect::<anyhow::Result<_>>().map(Self)
    }

    /// The functions of a file that are entered.
    pub(crate) fn of(&self, path: &str, ir: &FileIr) -> Vec<(FnIx, EntryKind)> {
        let of_file = self.0.iter().filter(|(files, ..)| files.matches(path));
        let of_file: Vec<_> = of_file.collect();
        if of_file.is_empty() {
            return Vec::new();
        }
        let named = (0..).map(FnIx).zip(&ir.functions);
        let named = named.filter_map(|(ix, function)| Some((ix, qualified(ir, function)?)));
        named
            .filter_map(|(ix, name)| {
                let (.., kind) = of_file.iter().find(|(_, wanted, _)| wanted.is_match(&name))?;
                Some((ix, *kind))
            })
            .collect()
    }
}

/// `total`, `Cart.total`; nothing for what stands inside of another function.
fn qualified(ir: &FileIr, function: &Function) -> Option<String> {
    let name = ir.name(function.name.filter(|_| function.outer == Some(FnIx(0)))?);
    let class = match (function.class, function.in_impl.map(|ix| &ir.impls[ix as usize])) {
        (Some(class), _) => Some(ir.class(class).name),
        (None, Some(block)) => match &block.self_type {
            TypeRef::Path { path, .. } => path.last().copied(),
            _ => None,
        },
        (None, None) => return Some(name.to_owned()),
    };
    Some(format!("{}.{name}", ir.name(class?)))
}
