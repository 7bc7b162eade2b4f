//! Functions that nothing in the project mentions: left over, or there for code that is not in the project.

use onequery_core::FileId;
use onequery_core::ir::{ExprKind, FileIr, Function};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::program::{FnId, Program};
use crate::reach::is_start;

/// Which functions of a program of Rust are mentioned. What a framework calls is named to it, or has an attribute that does.
/// Of a library nothing is said: it is there for others.
pub(crate) struct Mentions<'a> {
    /// By text: how many files have it as a name.
    files: FxHashMap<&'a str, u32>,
}

impl<'a> Mentions<'a> {
    /// Looks for the names of some functions.
    pub(crate) fn of(program: &Program<'a>, functions: impl Iterator<Item = FnId>) -> Self {
        let mut files: FxHashMap<&str, u32> = FxHashMap::default();
        if !program.file_ids().any(|file| is_started(program, file)) {
            return Self { files };
        }
        let named: FxHashSet<&str> = functions.filter_map(|id| name_of(program, id)).collect();
        for file in program.file_ids() {
            let ir = program.ir(file);
            let names = ir.names.all().map(|name| ir.name(name));
            for name in names.filter(|name| named.contains(name)) {
                *files.entry(name).or_default() += 1;
            }
        }
        Self { files }
    }

    /// Whether no code says the name of a function but its own declaration.
    pub(crate) fn is_unmentioned(&self, program: &Program<'a>, id: FnId) -> bool {
        let Some(name) = name_of(program, id) else {
            return false;
        };
        let (file, _, function) = program.function(id);
        self.files.get(name) == Some(&1) && !is_used_in(program.ir(file), function)
    }
}

/// Whether a program starts in a file, one that is more than an example or a build script.
fn is_started(program: &Program<'_>, file: FileId) -> bool {
    let is_aside = |part: &str| matches!(part, "examples" | "tests" | "benches" | "build.rs");
    let mut functions = program.ir(file).functions.iter();
    let has_start = functions.any(|function| is_start(program, file, function));
    has_start && !program.path(file).split('/').any(is_aside)
}

/// The name of a function that somebody has to say if it is to run.
fn name_of<'a>(program: &Program<'a>, id: FnId) -> Option<&'a str> {
    let (file, _, function) = program.function(id);
    let ir = program.ir(file);
    let of_trait = |ix: u32| ir.impls[ix as usize].of_trait.is_some();
    // Where programs begin with a function, everything is called by somebody who names it.
    let is_called_by_name = program.catalogs.starts_with(ir.language).is_some()
        && !is_start(program, file, function)
        && function.decorators.is_empty()
        && !function.is_test
        && !function.in_impl.is_some_and(of_trait);
    Some(ir.name(function.name.filter(|_| is_called_by_name)?))
}

/// Whether an expression or an import of a file says the name of a function.
fn is_used_in(ir: &FileIr, function: &Function) -> bool {
    let Some(own) = function.name else { return true };
    let in_imports = ir.imports.iter().any(|import| import.path.contains(&own));
    in_imports
        || ir.exprs.iter().any(|expr| match &expr.kind {
            ExprKind::Name(name) | ExprKind::Attr { name, .. } => *name == own,
            ExprKind::Path { segments, .. } => segments.contains(&own),
            _ => false,
        })
}
