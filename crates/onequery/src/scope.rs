//! Code that is analysed but not reported on unless asked for.

use std::sync::LazyLock;

use globset::{Glob, GlobSet, GlobSetBuilder};
use onequery_core::ir::FileIr;
use onequery_parser::{Contents, Reading};

use crate::cli::Include;
use crate::settings::{Matcher, Pattern};

/// Path patterns of a kind of code, and the word that summaries use for it.
struct Kind {
    include: Include,
    word: &'static str,
    patterns: &'static [&'static str],
}

/// What is left out, first match first.
const KINDS: &[Kind] = &[
    Kind {
        include: Include::Migrations,
        word: "migrations",
        patterns: &[
            "**/migrations/**",
            "**/migration/**",
            "**/*_migrations/**",
            "**/alembic/**",
            "**/revisions/**/versions/**",
            "**/*_migration.py",
        ],
    },
    Kind {
        include: Include::Tests,
        word: "tests",
        patterns: &[
            "**/tests/**",
            "**/test/**",
            "**/testing/**",
            "**/tests.{py,rs}",
            "**/test_*.{py,rs}",
            "**/*_test.{py,rs}",
            "**/*_tests.{py,rs}",
            "**/test.rs",
            "**/conftest.py",
            "**/testutils/**",
            "**/test_utils/**",
            "**/factories.py",
            "**/*test_data*.py",
        ],
    },
    Kind {
        include: Include::Seeds,
        word: "seeds",
        patterns: &[
            "**/seeds/**",
            "**/seed/**",
            "**/seed*.{py,rs}",
            "**/fixtures/**",
            "**/demo_data/**",
        ],
    },
    Kind {
        include: Include::Examples,
        word: "examples",
        patterns: &[
            "**/benches/**",
            "**/*benchmarks/**",
            "**/bench/**",
            "**/examples/**",
            "**/build.rs",
        ],
    },
    Kind {
        include: Include::Scripts,
        word: "scripts",
        patterns: &["**/scripts/**/*.py", "**/loadtests/**", "**/load_tests/**"],
    },
];

/// What tests are called.
static TESTS: LazyLock<GlobSet> = LazyLock::new(|| matcher_of(Include::Tests));

/// What migrations are called.
static MIGRATIONS: LazyLock<GlobSet> = LazyLock::new(|| matcher_of(Include::Migrations));

/// What a file has in it by its path, whether it is left out or not.
fn contents(path: &str) -> Contents {
    if TESTS.is_match(path) {
        Contents::Tests
    } else if MIGRATIONS.is_match(path) {
        Contents::Migrations
    } else {
        Contents::Code
    }
}

fn matcher_of(include: Include) -> GlobSet {
    let kinds = KINDS.iter().filter(|kind| kind.include == include);
    matcher(kinds.flat_map(|kind| kind.patterns))
}

fn matcher<'p>(patterns: impl IntoIterator<Item = &'p &'static str>) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern).expect("the patterns are constants that a test builds"));
    }
    set.build()
        .expect("the patterns are constants that a test builds")
}

/// Libraries that make up data: a file that imports one fills a database for a demonstration or a test.
const DATA_MAKERS: &[&str] = &["factory", "faker", "fake", "mimesis", "mixer", "model_bakery"];

/// Decides which files are reported on.
pub(crate) struct Scope {
    excluded: Matcher,
    kinds: Vec<(&'static str, GlobSet)>,
    leaves_out_seeds: bool,
    identity: String,
    /// Prefixes of the reported paths; empty means everything.
    within: Vec<String>,
    /// What repeats nothing is read, too.
    pub(crate) whole_files: bool,
}

impl Scope {
    /// `within` are paths relative to the root; an empty one is the root itself.
    ///
    /// # Errors
    ///
    /// Patterns that cannot be read.
    pub(crate) fn new(include: &[Include], exclude: &[Pattern], within: Vec<String>) -> anyhow::Result<Self> {
        let kinds: Vec<_> = KINDS
            .iter()
            .filter(|kind| !include.contains(&kind.include))
            .map(|kind| (kind.word, matcher(kind.patterns)))
            .collect();
        let within = if within.iter().any(String::is_empty) {
            Vec::new()
        } else {
            within
        };
        let words: Vec<&str> = kinds.iter().map(|(word, _)| *word).collect();
        Ok(Self {
            excluded: Matcher::new(exclude)?,
            identity: format!("{words:?} {exclude:?}"),
            kinds,
            leaves_out_seeds: !include.contains(&Include::Seeds),
            within,
            whole_files: false,
        })
    }

    /// A scope that leaves nothing out.
    pub(crate) fn everything() -> Self {
        let all: Vec<Include> = KINDS.iter().map(|kind| kind.include).collect();
        Self::new(&all, &[], Vec::new()).expect("without patterns there is none that cannot be read")
    }

    /// The same for all paths.
    pub(crate) fn of_all_paths(self) -> Self {
        Self {
            within: Vec::new(),
            ..self
        }
    }

    /// What decides which kinds of code are left out.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    /// Why a file is not reported on; `None` when it is. What its path does not show is whether it makes up data.
    pub(crate) fn hides(&self, path: &str, makes_up_data: bool) -> Option<&'static str> {
        let seeds = makes_up_data && self.leaves_out_seeds;
        self.hides_path(path).or(seeds.then_some("seeds"))
    }

    /// Why a path is not reported on, whatever the file has in it.
    pub(crate) fn hides_path(&self, path: &str) -> Option<&'static str> {
        let inside = |prefix: &String| {
            path.strip_prefix(prefix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if !self.within.is_empty() && !self.within.iter().any(inside) {
            return Some("other paths");
        }
        self.kind(path)
    }

    /// Whether what a file imports says that it fills a database for a demonstration or a test.
    pub(crate) fn makes_up_data(&self, ir: &FileIr) -> bool {
        ir.imports.iter().any(|import| {
            let root = import.path.first().map(|&root| ir.name(root));
            import.level == 0 && root.is_some_and(|root| DATA_MAKERS.contains(&root))
        })
    }

    /// How a file is read, by its path.
    pub(crate) fn reading(&self, path: &str) -> Reading {
        Reading {
            contents: contents(path),
            is_whole: self.whole_files,
        }
    }

    /// The kind of code that a file is, when that kind is left out.
    pub(crate) fn kind(&self, path: &str) -> Option<&'static str> {
        if self.excluded.matches(path) {
            return Some("excluded files");
        }
        self.kinds
            .iter()
            .find(|(_, set)| set.is_match(path))
            .map(|(word, _)| *word)
    }
}

#[cfg(test)]
mod tests {
    use super::Scope;
    use crate::cli::Include;
    use crate::settings::Pattern;

    fn scope(exclude: &[&str], within: Vec<String>) -> Scope {
        let patterns: Vec<Pattern> = exclude
            .iter()
            .map(|pattern| Pattern::parse(pattern).expect("the pattern is one"))
            .collect();
        Scope::new(&[], &patterns, within).expect("the patterns are some")
    }

    #[test]
    fn tests_and_migrations_are_left_out() {
        let scope = scope(&[], Vec::new());
        assert_eq!(scope.hides_path("shop/views.py"), None);
        assert_eq!(scope.hides_path("shop/tests/test_views.py"), Some("tests"));
        assert_eq!(scope.hides_path("tests/views.py"), Some("tests"));
        assert_eq!(
            scope.hides_path("shop/migrations/0001_initial.py"),
            Some("migrations")
        );
        assert_eq!(scope.hides_path("src/latest.rs"), None);
        assert_eq!(
            scope.hides_path("jobs/long_running_migrations/0003_a.py"),
            Some("migrations")
        );
        assert_eq!(scope.hides_path("server/scripts/backfill.py"), Some("scripts"));
        assert_eq!(scope.hides_path("crates/scripts/src/database.rs"), None);
        assert_eq!(
            scope.hides_path("collector/compile-benchmarks/a/src/lib.rs"),
            Some("examples")
        );
        let with_tests = Scope::new(&[Include::Tests], &[], Vec::new());
        assert_eq!(
            with_tests
                .expect("there are no patterns")
                .hides_path("tests/views.py"),
            None
        );
    }

    #[test]
    fn excluded_files_are_left_out_with_their_folders() {
        let scope = scope(&["legacy", "/a.py"], Vec::new());
        assert_eq!(scope.hides_path("shop/legacy/views.py"), Some("excluded files"));
        assert_eq!(scope.hides_path("a.py"), Some("excluded files"));
        assert_eq!(scope.hides_path("shop/a.py"), None);
    }

    #[test]
    fn paths_filter_by_whole_parts() {
        let scope = scope(&[], vec!["shop".to_owned()]);
        assert_eq!(scope.hides_path("shop/views.py"), None);
        assert_eq!(scope.hides_path("shopping/views.py"), Some("other paths"));
    }
}
