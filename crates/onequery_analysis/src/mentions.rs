//! Functions that nothing in the project mentions: left over, or there for code that is not in the project.

use onequery_core::FileId;
use onequery_core::ir::{ExprKind, FileIr, FnIx, Function, Literal};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::catalog::Decorates;
use crate::program::{FnId, Program};
use crate::reach::{Reach, is_start};

/// Which functions of a program are mentioned. What a framework calls is named to it, has an attribute or a decorator that
/// does, or is a method. Of a library nothing is said: it is there for others.
pub(crate) struct Mentions<'a> {
    /// A program starts here, in a function as those of Rust do.
    is_started: bool,
    /// The world outside calls something here, as it calls programs of other languages.
    is_entered: bool,
    /// By text: how many files have it as a name.
    files: FxHashMap<&'a str, u32>,
}

impl<'a> Mentions<'a> {
    /// Looks for the names of some functions.
    pub(crate) fn of(program: &Program<'a>, reach: &Reach, functions: impl Iterator<Item = FnId>) -> Self {
        let mut mentions = Self {
            is_started: program.file_ids().any(|file| is_started(program, file)),
            is_entered: reach.is_entered(),
            files: FxHashMap::default(),
        };
        let named: FxHashSet<&str> = functions.filter_map(|id| mentions.name_of(program, id)).collect();
        if !named.is_empty() {
            for file in program.file_ids() {
                let ir = program.ir(file);
                let names = ir.names.all().map(|name| ir.name(name));
                for name in names.filter(|name| named.contains(name)) {
                    *mentions.files.entry(name).or_default() += 1;
                }
            }
        }
        mentions
    }

    /// Whether no code says the name of a function but its own declaration.
    pub(crate) fn is_unmentioned(&self, program: &Program<'a>, id: FnId) -> bool {
        let Some(name) = self.name_of(program, id) else {
            return false;
        };
        let (file, _, function) = program.function(id);
        self.files.get(name) == Some(&1) && !is_used_in(program.ir(file), function)
    }

    /// The name of a function that somebody has to say if it is to run.
    fn name_of(&self, program: &Program<'a>, id: FnId) -> Option<&'a str> {
        let (file, _, function) = program.function(id);
        let ir = program.ir(file);
        let is_called_by_name = match program.catalogs.starts_with(ir.language) {
            // Where programs begin with a function, everything is called by somebody who names it.
            Some(_) => {
                let of_trait = |ix: u32| ir.impls[ix as usize].of_trait.is_some();
                self.is_started
                    && function.decorators.is_empty()
                    && !is_start(program, file, function)
                    && !function.in_impl.is_some_and(of_trait)
            }
            // Elsewhere methods may override what a library calls; what looks like an attribute is read as one.
            None if function.class.is_some() => self.is_entered && is_property(program, file, function),
            None => self.is_entered && function.decorators.is_empty() && function.outer == Some(FnIx(0)),
        };
        let name = function.name.filter(|_| is_called_by_name && !function.is_test)?;
        Some(ir.name(name))
    }
}

fn is_property(program: &Program<'_>, file: FileId, function: &Function) -> bool {
    let scope = program.scope_id(file, function.scope);
    let mut decorators = function.decorators.iter();
    decorators.any(|&decorator| {
        let decorates = program.decorates(file, scope, decorator);
        matches!(decorates, Some(Decorates::Property | Decorates::CachedProperty))
    })
}

/// Whether a program starts in a file, one that is more than an example or a build script.
fn is_started(program: &Program<'_>, file: FileId) -> bool {
    let is_aside = |part: &str| matches!(part, "examples" | "tests" | "benches" | "build.rs");
    let mut functions = program.ir(file).functions.iter();
    let has_start = functions.any(|function| is_start(program, file, function));
    has_start && !program.path(file).split('/').any(is_aside)
}

/// Whether an expression or an import of a file says the name of a function.
fn is_used_in(ir: &FileIr, function: &Function) -> bool {
    let Some(own) = function.name else { return true };
    let in_imports = ir.imports.iter().any(|import| import.path.contains(&own));
    in_imports
        || ir.exprs.iter().any(|expr| match &expr.kind {
            ExprKind::Name(name) | ExprKind::Attr { name, .. } | ExprKind::Literal(Literal::Str(name)) => {
                *name == own
            }
            ExprKind::Path { segments, .. } => segments.contains(&own),
            _ => false,
        })
}
