//! Every folder under `fixtures/<language>/<library>/<rule>/` is a case: a small true program that says on its own lines
//! what is to be found there.
//!
//! A comment `#~ rule` (in Rust `//~ rule`, in templates `{#~ rule #}`) asserts a finding whose primary place starts on that line; `rule.loop`,
//! `rule.origin`, `rule.call` and `rule.query` assert a step of one. A line without marker asserts silence.
//! `missing rule "why"` and `wrong rule "why"` keep known errors visible and fail when they heal. A case without any
//! marker says `clean = true` in its `case.toml`. Where `tests/oracle/measure` has run a case, its claims must agree with
//! what was counted. Files below `fixed` show the case as its remedy leaves it: nothing may be found in it then.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::Value;

use crate::support::{EVERYTHING, FIXED, NOT_THE_PROGRAM, fixtures, names, onequery, project, report, write};

/// What a marker or a finding says of a line: path, line number, and `rule` or `rule.step`.
type Claim = (String, u64, String);

/// The markers of a case.
#[derive(Default)]
struct Expected {
    holds: BTreeSet<Claim>,
    /// To be found one day.
    missing: BTreeSet<Claim>,
    /// Found by mistake.
    wrong: BTreeSet<Claim>,
}

#[test]
fn every_case_says_what_is_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut cases = Vec::new();
    for language in ["python", "rust"] {
        collect(&root.join(language), 3, &mut cases);
    }
    assert!(cases.len() >= 600, "only {} cases", cases.len());
    let mut failures: Vec<String> = cases.par_iter().filter_map(|case| failure(&root, case)).collect();
    failures.sort();
    assert!(
        failures.is_empty(),
        "{} of {} cases fail:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

/// Folders at a depth below `folder`.
fn collect(folder: &Path, depth: u32, out: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("fixtures can be listed").path())
        .filter(|path| path.is_dir())
        .collect();
    entries.sort();
    for entry in entries {
        if depth == 1 {
            out.push(entry)
        } else {
            collect(&entry, depth - 1, out)
        }
    }
}

/// What is wrong with a case, one line per claim.
fn failure(root: &Path, case: &Path) -> Option<String> {
    let name = case.strip_prefix(root).unwrap_or(case).display();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    copy(case, folder.path());
    let expected = expected(folder.path());
    let config = std::fs::read_to_string(case.join("case.toml")).unwrap_or_default();
    let config: toml::Table = config.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
    let clean = config.get("clean").and_then(toml::Value::as_bool) == Some(true);
    let claims_nothing =
        expected.holds.is_empty() && expected.missing.is_empty() && expected.wrong.is_empty();
    let found = found(folder.path());
    let mut text = String::new();
    if clean != claims_nothing {
        let _ = writeln!(text, "  a case has either markers or `clean = true`");
    }
    if let Some(contradiction) = contradiction(case, &config, &expected) {
        let _ = writeln!(text, "  {contradiction}");
    }
    let mut say = |what: &str, (path, line, claim): &Claim| {
        let _ = writeln!(text, "  {path}:{line}: {what} {claim}");
    };
    let is_primary = |claim: &&Claim| !claim.2.contains('.');
    expected
        .holds
        .difference(&found)
        .for_each(|claim| say("not found:", claim));
    expected
        .missing
        .intersection(&found)
        .for_each(|claim| say("found at last; drop `missing` from", claim));
    expected
        .wrong
        .difference(&found)
        .for_each(|claim| say("no longer found; drop the marker `wrong`", claim));
    let known: BTreeSet<Claim> = expected.holds.union(&expected.wrong).cloned().collect();
    found
        .difference(&known)
        .filter(is_primary)
        .for_each(|claim| say("not expected:", claim));
    let fixed = case.join(FIXED);
    if fixed.is_dir() {
        copy(&fixed, folder.path());
        text.push_str(&found_although_fixed(folder.path()));
    }
    (!text.is_empty()).then(|| format!("{name}\n{text}"))
}

/// What is still found in a case whose remedy was applied, one line per claim.
fn found_although_fixed(folder: &Path) -> String {
    let wrong = expected(folder).wrong;
    let found: BTreeSet<Claim> = found(folder)
        .into_iter()
        .filter(|claim| !claim.2.contains('.'))
        .collect();
    let unmarked = found
        .difference(&wrong)
        .map(|claim| (claim, "found although it is fixed:"));
    let healed = wrong
        .difference(&found)
        .map(|claim| (claim, "no longer found when fixed; drop the marker `wrong`"));
    let line =
        |((path, line, claim), what): (&Claim, &str)| format!("  {FIXED}/{path}:{line}: {what} {claim}\n");
    unmarked.chain(healed).map(line).collect()
}

/// What a case claims against what `tests/oracle/measure` counted when it ran the case.
fn contradiction(case: &Path, config: &toml::Table, expected: &Expected) -> Option<String> {
    let measured = std::fs::read_to_string(case.join("measured.toml")).ok()?;
    let measured: toml::Table = measured.parse().expect("`measure` writes TOML");
    let grows = |key: &str| {
        measured
            .values()
            .any(|environment| environment.get(key).and_then(toml::Value::as_str) != Some("constant"))
    };
    let claims: Vec<&str> = expected
        .holds
        .union(&expected.missing)
        .map(|claim| claim.2.as_str())
        .filter(|claim| !claim.contains('.'))
        .collect();
    let of_commits = claims.contains(&"commit-in-loop");
    let of_statements = claims.iter().any(|claim| *claim != "commit-in-loop");
    match (claims.is_empty(), config.contains_key("excused")) {
        (true, false) if grows("grows") => Some("claims nothing, and its statements grow".to_owned()),
        (true, true) if !grows("grows") => Some("is excused, and its statements do not grow".to_owned()),
        _ if of_statements && !grows("grows") => {
            Some("has a finding, and its statements do not grow".to_owned())
        }
        _ if of_commits && !grows("commits_grow") => {
            Some("has a finding, and its commits do not grow".to_owned())
        }
        _ => None,
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a temporary folder can be filled");
    for entry in std::fs::read_dir(from).expect("fixtures can be listed") {
        let entry = entry.expect("fixtures can be listed").path();
        if NOT_THE_PROGRAM.iter().any(|name| entry.ends_with(name)) {
            continue;
        }
        let target = to.join(entry.file_name().expect("entries have names"));
        if entry.is_dir() {
            copy(&entry, &target);
        } else {
            std::fs::copy(&entry, &target).expect("a temporary folder can be filled");
        }
    }
}

/// The markers of a case in a folder.
fn expected(folder: &Path) -> Expected {
    let mut expected = Expected::default();
    markers(folder, folder, &mut expected);
    expected
}

/// Reads the markers of all source files below `folder`.
fn markers(root: &Path, folder: &Path, out: &mut Expected) {
    for entry in std::fs::read_dir(folder).expect("fixtures can be listed") {
        let path = entry.expect("fixtures can be listed").path();
        if path.is_dir() {
            markers(root, &path, out);
            continue;
        }
        let marker = match path.extension().and_then(|extension| extension.to_str()) {
            Some("py") => "#~ ",
            Some("rs") => "//~ ",
            Some("html") => "{#~ ",
            _ => continue,
        };
        let name = path
            .strip_prefix(root)
            .expect("the file is below the root")
            .to_string_lossy()
            .replace('\\', "/");
        let text = std::fs::read_to_string(&path).expect("fixtures are UTF-8");
        for (number, line) in (1..).zip(text.lines()) {
            let Some((_, claims)) = line.split_once(marker) else {
                continue;
            };
            let claims = claims.split_once(" #}").map_or(claims, |(claims, _)| claims);
            // The reason behind `missing` and `wrong` is for people.
            let mut words = claims.split('"').step_by(2).flat_map(str::split_whitespace);
            while let Some(word) = words.next() {
                let set = match word {
                    "missing" => &mut out.missing,
                    "wrong" => &mut out.wrong,
                    _ => &mut out.holds,
                };
                let claim = if matches!(word, "missing" | "wrong") {
                    words.next()
                } else {
                    Some(word)
                };
                let claim = claim.unwrap_or_else(|| panic!("{name}:{number}: `{word}` names no rule"));
                set.insert((name.clone(), number, claim.to_owned()));
            }
        }
    }
}

#[test]
fn what_fixes_insert_mends_what_they_are_offered_for() {
    let cases = fixtures().join("python/django/lazy-relation-in-loop");
    let cases: Vec<PathBuf> = names(&cases).iter().map(|case| cases.join(case)).collect();
    let tried: Vec<(usize, String)> = cases.par_iter().map(|case| mended(case)).collect();
    let bad: String = tried.iter().map(|(_, bad)| bad.as_str()).collect();
    assert!(bad.is_empty(), "{bad}");
    let n_fixes: usize = tried.iter().map(|(n_fixes, _)| n_fixes).sum();
    assert!(n_fixes > 100, "{n_fixes}");
}

#[test]
fn fixes_are_offered_where_a_call_may_be_added() {
    let models = "from django.db import models\n\n\nclass Author(models.Model):\n    name = models.TextField()\n\n\n\
                  class BookManager(models.Manager):\n    def listed(self):\n        \
                  return [book for book in self.all()]\n\n\n\
                  class Book(models.Model):\n    title = models.TextField()\n    \
                  author = models.ForeignKey(Author, models.CASCADE)\n    \
                  readers = models.ManyToManyField(Author, related_name='read')\n    objects = BookManager()\n";
    let query_of = |read: &str, rows: &str| {
        let text = format!(
            "from shop.models import Book\n\n\ndef names():\n    return [{read} for book in {rows}]\n"
        );
        let folder = project(&[
            ("pyproject.toml", ""),
            ("shop/models.py", models),
            ("shop/views.py", &text),
        ]);
        let report = report(folder.path(), &[]);
        let findings = report["findings"].as_array().expect("a list");
        assert_eq!(findings.len(), 1, "{read} of {rows}: {report:#}");
        let column = findings[0]["fix"]["column"].as_u64()?;
        let line = text.lines().nth(4).expect("there are five");
        Some(line[line.find("Book.").expect("it is there")..column as usize - 1].to_owned())
    };
    let (one, many) = ("book.author.name", "len(book.readers.all())");
    let offered = |rows: &str, query: &str| assert_eq!(query_of(one, rows).as_deref(), Some(query));
    offered("Book.objects.all()", "Book.objects.all()");
    offered(
        "Book.objects.filter(title='')[:900]",
        "Book.objects.filter(title='')",
    );
    offered(
        "list(Book.objects.order_by('title'))",
        "Book.objects.order_by('title')",
    );
    offered("Book.objects.all().iterator()", "Book.objects.all()");
    let nothing = |rows: &str| assert_eq!(query_of(one, rows), None, "{rows}");
    // The manager's own method is none of a query's.
    nothing("Book.objects.listed()");
    nothing("Book.objects.defer('title')");
    nothing("Book.objects.all().union(Book.objects.none())");
    nothing("Book.objects.select_for_update()");
    // Django 5 refuses to prefetch for an iterator whose chunks have no size.
    let by_chunks = "Book.objects.all().iterator(chunk_size=100)";
    assert_eq!(query_of(many, by_chunks).as_deref(), Some("Book.objects.all()"));
    assert_eq!(query_of(many, "Book.objects.all().iterator()"), None);
}

/// Fixes a case. Gives how many findings are to be fixed, and what is found then in spite of it or because of it.
fn mended(case: &Path) -> (usize, String) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let folder = folder.path();
    for entry in ignore::WalkBuilder::new(case).standard_filters(false).build() {
        let path = entry.expect("fixtures can be listed").into_path();
        let inner = path.strip_prefix(case).expect("it is below");
        if path.is_file() && !inner.starts_with(FIXED) {
            let inner = inner.to_str().expect("fixtures have plain names");
            write(folder, inner, std::fs::read(&path).expect("fixtures can be read"));
        }
    }
    let found = || {
        let report = report(folder, EVERYTHING);
        report["findings"].as_array().cloned().expect("a list")
    };
    let name = |finding: &Value| {
        let part = |key: &str| finding[key].as_str().expect("a text").to_owned();
        (
            part("rule"),
            part("path"),
            finding["line"].as_u64(),
            part("message"),
        )
    };
    let (fixed, others): (Vec<Value>, Vec<Value>) = found()
        .into_iter()
        .partition(|finding| finding["fix"].is_object());
    let output = onequery(folder, &[&["fix"], EVERYTHING].concat());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let n_fixed = said.split(' ').next().and_then(|word| word.parse().ok());
    assert_eq!(n_fixed, Some(fixed.len()), "{}: {output:?}", case.display());
    let known: BTreeSet<_> = others.iter().map(name).collect();
    let left = found();
    let left = left.iter().map(name).filter(|found| !known.contains(found));
    let told = left.map(|found| format!("{}: {found:?}\n", case.display()));
    (fixed.len(), told.collect())
}

/// What the binary finds in a folder.
fn found(folder: &Path) -> BTreeSet<Claim> {
    let report = report(folder, EVERYTHING);
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let mut claims = BTreeSet::new();
    for finding in report["findings"].as_array().expect("a list") {
        let rule = text(&finding["rule"]);
        claims.insert((
            text(&finding["path"]),
            finding["line"].as_u64().expect("a number"),
            rule.clone(),
        ));
        for step in finding["steps"].as_array().expect("a list") {
            let line = step["line"].as_u64().expect("a number");
            claims.insert((
                text(&step["path"]),
                line,
                format!("{rule}.{}", text(&step["role"])),
            ));
        }
    }
    claims
}
