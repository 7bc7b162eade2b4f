//! What the tests of all formats share: a small project, findings in it, and the bytes of a format.

use onequery_core::{
    Confidence, FileId, Finding, Fingerprint, Insertion, Location, Outcome, Ownership, Problem, ProblemKind,
    RuleInfo, RunStats, Severity, SourceText, Sources, Span, Step, StepRole,
};

use crate::{Format, Options, render};

/// Everything a format writes, as text.
pub(crate) fn bytes(format: Format, outcome: &Outcome<'_>, options: Options) -> String {
    let mut out = Vec::new();
    render(format, outcome, &options, &mut out).expect("memory takes everything");
    String::from_utf8(out).expect("every format is UTF-8")
}

/// Files given as texts.
pub(crate) struct Project {
    pub(crate) sources: Sources,
}

impl Project {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let source = |&(path, text): &(&str, &str)| SourceText {
            path: path.into(),
            text: text.into(),
        };
        Self {
            sources: Sources(files.iter().map(source).collect()),
        }
    }

    /// A view that asks for each author in a helper in another file, and saves each book.
    pub(crate) fn shop() -> Self {
        Self::new(&[
            ("shop/text.py", "def label(book):\n    return book.author.name\n"),
            (
                "shop/views.py",
                "\
def overview():
    books = Book.objects.filter(live=True)
    # Each with its author.
    for book in books:
        label(book)
        book.save()
",
            ),
        ])
    }

    /// The first place of a text in a file.
    pub(crate) fn at(&self, path: &str, needle: &str) -> Location {
        let ix = self
            .sources
            .0
            .iter()
            .position(|source| source.path == path)
            .expect("the file exists");
        let start = self.sources.0[ix].text.find(needle).expect("the text occurs");
        let offset = |bytes| u32::try_from(bytes).expect("tests are small");
        Location::new(
            FileId(offset(ix)),
            Span::new(offset(start), offset(start + needle.len())),
        )
    }

    pub(crate) fn outcome(&self, findings: Vec<Finding>) -> Outcome<'_> {
        Outcome {
            version: "0.1.0",
            findings,
            problems: vec![],
            rules: vec![LAZY_RELATION_IN_LOOP, WRITE_IN_LOOP],
            sources: &self.sources,
            stats: RunStats {
                files: 14,
                lines: 900,
                millis: 1_234,
                ..RunStats::default()
            },
            trends: vec![],
        }
    }

    /// Four steps in two files, proven.
    /// Nothing found, an oddity of the code, and a file that could not be read.
    pub(crate) fn failing(&self) -> Outcome<'_> {
        let problem = |kind, message: &str| Problem {
            kind,
            span: Span::new(0, 0),
            message: message.to_owned(),
        };
        let mut outcome = self.outcome(vec![]);
        outcome.problems = vec![
            (FileId(0), problem(ProblemKind::Syntax, "odd")),
            (FileId(0), problem(ProblemKind::Unreadable, "permission denied")),
        ];
        outcome
    }

    pub(crate) fn lazy_relation(&self) -> Finding {
        let views = |needle| self.at("shop/views.py", needle);
        Finding {
            rule: LAZY_RELATION_IN_LOOP.id,
            severity: Severity::Warning,
            confidence: Confidence::Proven,
            message: "`book.author` runs one query per element of `books`".into(),
            primary: views("label(book)"),
            steps: vec![
                step(
                    StepRole::Origin,
                    views("Book.objects.filter(live=True)"),
                    "rows come from here",
                ),
                step(StepRole::Loop, views("for book in books"), "repeats per row"),
                step(StepRole::Call, views("label(book)"), "calls `label`"),
                step(
                    StepRole::Load,
                    self.at("shop/text.py", "book.author"),
                    "loads relation `author`",
                ),
            ],
            help: Some("add `.select_related(\"author\")` to the query at shop/views.py:2".into()),
            scope: "overview".into(),
            root_scope: String::new(),
            in_test: false,
            limited: false,
            loaded: None,
            entry: None,
            guard: None,
            fix: None,
            fingerprint: Fingerprint(0xab),
            owners: None,
            reinstated: None,
        }
    }

    /// The same, with what its remedy inserts.
    pub(crate) fn lazy_relation_with_fix(&self) -> Finding {
        let origin = self.lazy_relation().steps[0].location;
        let end = origin.span.end;
        Finding {
            fix: Some(Insertion {
                at: Location::new(origin.file, Span::new(end, end)),
                text: ".select_related(\"author\")".to_owned(),
            }),
            ..self.lazy_relation()
        }
    }

    /// A loop of three lines, likely, without help.
    pub(crate) fn write_in_loop(&self) -> Finding {
        let views = |needle| self.at("shop/views.py", needle);
        let whole_loop = views("for book in books:\n        label(book)\n        book.save()");
        Finding {
            rule: WRITE_IN_LOOP.id,
            severity: Severity::Warning,
            confidence: Confidence::Likely,
            message: "`book.save()` writes once per element of `books`".into(),
            primary: views("book.save()"),
            steps: vec![
                step(StepRole::Loop, whole_loop, "repeats per row"),
                step(StepRole::Query, views("book.save()"), "writes a row"),
            ],
            help: None,
            scope: "overview".into(),
            root_scope: String::new(),
            in_test: false,
            limited: false,
            loaded: None,
            entry: None,
            guard: None,
            fix: None,
            fingerprint: Fingerprint(0xcd),
            owners: None,
            reinstated: None,
        }
    }

    /// Three findings: one whose chain crosses owners, one of two owners, one of nobody.
    pub(crate) fn owned(&self) -> Vec<Finding> {
        let owned = |finding, asked: &[&str], involved: &[&str]| {
            let names = |owners: &[&str]| owners.iter().map(|&owner| owner.to_owned()).collect();
            let owners = Ownership {
                asked: names(asked),
                involved: names(involved),
            };
            Finding {
                owners: Some(owners),
                ..finding
            }
        };
        vec![
            owned(self.lazy_relation(), &["@org/shop"], &["@text", "é@example.org"]),
            owned(self.write_in_loop(), &["@org/shop", "@data"], &[]),
            owned(self.finding_at(0, 3), &[], &[]),
        ]
    }

    /// A finding that is wholly at a range of bytes of the first file, which need not exist.
    pub(crate) fn finding_at(&self, start: u32, end: u32) -> Finding {
        let location = Location::new(FileId(0), Span::new(start, end));
        Finding {
            rule: WRITE_IN_LOOP.id,
            severity: Severity::Warning,
            confidence: Confidence::Proven,
            message: "writes once per element".into(),
            primary: location,
            steps: vec![step(StepRole::Query, location, "writes a row")],
            help: None,
            scope: String::new(),
            root_scope: String::new(),
            in_test: false,
            limited: false,
            loaded: None,
            entry: None,
            guard: None,
            fix: None,
            fingerprint: Fingerprint(1),
            owners: None,
            reinstated: None,
        }
    }
}

fn step(role: StepRole, location: Location, message: &str) -> Step {
    Step {
        role,
        location,
        message: message.into(),
    }
}

const LAZY_RELATION_IN_LOOP: RuleInfo = RuleInfo {
    id: "lazy-relation-in-loop",
    summary: "a relation is loaded once per element",
    cause: "nobody looked",
    docs: "## What it does\n\nFinds relations that are read one row at a time,\nalso in helpers.\n\n\
           ## Why is this bad?\n\nEach row costs a round trip.\n",
    weight: 1,
    severity: Severity::Warning,
    since: "0.1",
};

const WRITE_IN_LOOP: RuleInfo = RuleInfo {
    id: "write-in-loop",
    summary: "rows are written one by one",
    cause: "nobody looked",
    docs: "",
    weight: 1,
    severity: Severity::Warning,
    since: "0.1",
};
