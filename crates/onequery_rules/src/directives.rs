//! Findings that comments in the code accept, and comments that do no good.

use std::collections::BTreeMap;

use onequery_core::ir::FileIr;
use onequery_core::{Confidence, DirectiveKind, FileId, Finding, Fingerprint, Location, RuleInfo, Severity};

use crate::registry::{self, nearest};

static UNUSED_IGNORE: RuleInfo = RuleInfo {
    id: "unused-ignore",
    summary: "a comment accepts findings of a rule that there are none of",
    cause: "the finding that it accepted is mended, or has moved",
    docs: "\
## What it does
Flags `onequery: ignore[rule]` where no finding of that rule has a step in the code that the comment covers.

## Why is this bad?
The next real finding in that place would vanish without anybody having accepted it.

## What to do instead
Delete the comment, or the rule from its list.

## What it cannot see
Findings that only code has which was not read, for instance tests when they are left out.",
    weight: 0,
    severity: Severity::Warning,
    since: "0.1.0",
};

static INVALID_DIRECTIVE: RuleInfo = RuleInfo {
    id: "invalid-directive",
    summary: "a comment for onequery that has no effect",
    cause: "it was written by hand, or for another version",
    docs: "\
## What it does
Flags comments that begin with `onequery:` and cannot be read, name a rule that does not exist, or declare a function \
where none is defined.

## Why is this bad?
Somebody believes that a finding is accepted, or a function declared, and it is not.

## What to do instead
Write `onequery: ignore[rule, …] -- reason` on or above the line of any step of the finding; `onequery: batched -- \
reason` or `onequery: no-query -- reason` on or above the definition of a function.

## What it cannot see
Comments that do not begin with `onequery:`.",
    weight: 0,
    severity: Severity::Warning,
    since: "0.1.0",
};

static DIRECTIVE_WITHOUT_REASON: RuleInfo = RuleInfo {
    id: "directive-without-reason",
    summary: "a comment for onequery that does not say why",
    cause: "nobody was asked for the reason when it was written",
    docs: "\
## What it does
With `require-reason = true`, flags comments for onequery without ` -- ` and a reason.

## Why is this bad?
Whoever reads the code next cannot tell a decision from a shortcut.

## What to do instead
Write the reason: `# onequery: ignore[query-in-loop] -- three plans, and there will not be more`.

## What it cannot see
Whether a reason is a good one.",
    weight: 0,
    severity: Severity::Warning,
    since: "0.1.0",
};

/// The rules about comments, by id.
pub(crate) static RULES: [&RuleInfo; 3] = [&DIRECTIVE_WITHOUT_REASON, &INVALID_DIRECTIVE, &UNUSED_IGNORE];

/// Whether findings of a rule are about comments: those are mended, not accepted or kept.
#[must_use]
pub fn is_about_comments(rule: &str) -> bool {
    RULES.iter().any(|info| info.id == rule)
}

/// The directives of all files, and what they were good for.
pub(crate) struct Directives<'d> {
    files: &'d [&'d FileIr],
    /// By file and directive: the rules whose findings it accepted.
    used: BTreeMap<(FileId, usize), Vec<&'static str>>,
}

impl<'d> Directives<'d> {
    /// `files` are by [`FileId`].
    pub(crate) const fn of(files: &'d [&'d FileIr]) -> Self {
        let used = BTreeMap::new();
        Self { files, used }
    }

    /// Whether some step of a finding is covered by a comment that accepts its rule.
    ///
    /// All comments that do so count as used: taking one of them away changes nothing, but each of them says so of a place
    /// of its own.
    pub(crate) fn accept(&mut self, finding: &Finding) -> bool {
        let mut accepted = false;
        let steps = finding.steps.iter().map(|step| step.location);
        for place in steps.chain([finding.primary]) {
            for (ix, directive) in self.files[place.file.index()].directives.iter().enumerate() {
                let DirectiveKind::Ignore(rules) = &directive.kind else {
                    continue;
                };
                let covers = &directive.covers;
                let is_covered = covers.start <= place.span.start && place.span.start < covers.end;
                if is_covered && rules.iter().any(|rule| rule == finding.rule) {
                    accepted = true;
                    self.used.entry((place.file, ix)).or_default().push(finding.rule);
                }
            }
        }
        accepted
    }

    /// What is wrong with the comments themselves, once all findings have been held against them.
    pub(crate) fn findings(&self, require_reason: bool) -> Vec<Finding> {
        let mut findings = Vec::new();
        let files = (0..).map(FileId).zip(self.files);
        let all = files.flat_map(|(file, ir)| {
            let directives = ir.directives.iter().enumerate();
            directives.map(move |(ix, directive)| (file, ix, *ir, directive))
        });
        for (file, ix, ir, directive) in all {
            let used = self.used.get(&(file, ix)).map_or(&[][..], Vec::as_slice);
            let mut add = |rule: &RuleInfo, message: String, help: Option<String>| {
                findings.push(Finding {
                    rule: rule.id,
                    severity: rule.severity,
                    confidence: Confidence::Proven,
                    message,
                    primary: Location::new(file, directive.span),
                    steps: Vec::new(),
                    help,
                    scope: String::new(),
                    root_scope: String::new(),
                    in_test: false,
                    limited: false,
                    loaded: None,
                    entry: None,
                    guard: None,
                    fix: None,
                    fingerprint: Fingerprint::default(),
                    owners: None,
                    reinstated: None,
                });
            };
            match &directive.kind {
                DirectiveKind::Malformed(expected) => {
                    let message = "this comment has no effect".to_owned();
                    add(&INVALID_DIRECTIVE, message, Some(expected.clone()));
                    continue;
                }
                DirectiveKind::Ignore(rules) => {
                    for rule in rules {
                        let Some(info) = registry::rule(rule) else {
                            let help = nearest(rule, registry::rules().map(|rule| rule.id))
                                .map(|near| format!("did you mean `{near}`?"));
                            add(&INVALID_DIRECTIVE, format!("there is no rule `{rule}`"), help);
                            continue;
                        };
                        if !used.contains(&info.id) {
                            let message = format!("`ignore[{rule}]` accepts nothing here");
                            add(&UNUSED_IGNORE, message, Some("delete it".to_owned()));
                        }
                    }
                }
                DirectiveKind::Batched | DirectiveKind::NoQuery => {
                    if ir.functions_under(directive).next().is_none() {
                        let message = "this comment declares a function, and none is defined here".to_owned();
                        add(&INVALID_DIRECTIVE, message, None);
                    }
                }
            }
            if require_reason && directive.reason.is_none() {
                let help = "write ` -- ` and the reason at its end".to_owned();
                add(
                    &DIRECTIVE_WITHOUT_REASON,
                    "this comment does not say why".to_owned(),
                    Some(help),
                );
            }
        }
        findings
    }
}
