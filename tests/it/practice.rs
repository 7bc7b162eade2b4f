//! Findings turned into a practice: five whys, and the backlog.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{commit, git, list, project, refuses, report, succeeds, text, write};

const MODELS: &str = "\
from django.db import models


class User(models.Model):
    name = models.TextField()


class Session(models.Model):
    user = models.ForeignKey(User, models.CASCADE)
";

const AUTH: &str = "\
from auth.models import Session, User


def names(ids):
    return [name_of(id) for id in ids]


def name_of(id):
    return User.objects.get(pk=id).name


def owners():
    found = []
    for session in Session.objects.all():
        found.append((session.user.name, session.user.pk))
    return found
";

const URLS: &str = "\
from django.urls import path

from auth import service


def page(request):
    return service.names(request.GET.getlist('id'))


urlpatterns = [path('names/', page)]
";

/// A repository of a service that looks users up one by one, and another loop that nobody is known to start.
fn service() -> TempDir {
    let folder = project(&[
        ("auth/__init__.py", ""),
        ("auth/models.py", MODELS),
        ("auth/service.py", AUTH),
        ("auth/urls.py", URLS),
    ]);
    git(folder.path(), &["init", "--quiet", "--initial-branch", "main"]);
    commit(folder.path());
    folder
}

/// The fingerprint of the only finding of a rule.
fn fingerprint(folder: &Path, rule: &str) -> String {
    let report = report(folder, &["--select", rule, "--no-baseline"]);
    let findings = list(&report, "/findings");
    assert_eq!(findings.len(), 1, "{findings:?}");
    text(&findings[0], "/fingerprint").to_owned()
}

/// What `why` says, without hashes and dates of commits.
fn whys(folder: &Path, args: &[&str]) -> String {
    let said = succeeds(folder, &[&["why"], args].concat());
    let lines = said.lines().map(|line| match line.split_once("since commit ") {
        Some((before, after)) => {
            let (_, after) = after.split_once(' ').expect("a word follows the hash");
            let (_, after) = after.split_once([' ', ':']).expect("a date follows");
            let rest = after.split_once(' ').map_or(after, |(_, rest)| rest);
            format!("{before}since commit …: {rest}\n")
        }
        None => format!("{line}\n"),
    });
    lines.collect()
}

#[test]
fn five_whys_lead_from_the_request_to_the_cause() {
    let folder = service();
    let found = fingerprint(folder.path(), "query-in-loop");
    insta::assert_snapshot!(whys(folder.path(), &[&found]), @r"
    auth/service.py:5:13: query-in-loop: `name_of` runs a query per element

    1. Why is it slow?
       - each element costs one more statement: 100 of them are 100 round trips to the database (auth/service.py:9)
       - somebody waits for the answer to the request `names/` (auth/urls.py:10)
       - which calls `service.names` (auth/urls.py:7)

    2. Why does it repeat?
       - is evaluated once per element (auth/service.py:5)

    3. Why is the query there?
       - calls `name_of` (auth/service.py:5)
       - executes `User.objects.get` through Django ORM (auth/service.py:9)

    4. Why is it not done at once?
       - the question is asked where one element is at hand; nothing asks for all elements before the loop (auth/service.py:5)

    5. Why was it not caught?
       - the chain is complete since commit …: change (auth/service.py:5)
       - `onequery check` shows it, so it is not run on changes yet, or does not stop them
       - no test of the project counts statements

    Remedy: fetch all rows with one query before the loop (`filter(field__in=…)` or `in_bulk(…)`) and look them up in a dictionary, or prefetch them with the rows of the loop if a relation leads to them
    ");
    let by_place = whys(folder.path(), &["auth/service.py:5"]);
    assert_eq!(by_place, whys(folder.path(), &[&found]));
}

#[test]
fn the_last_why_knows_the_newest_line_the_baseline_and_the_tests() {
    let folder = service();
    let found = fingerprint(folder.path(), "lazy-relation-in-loop");
    let said = succeeds(folder.path(), &["why", &found]);
    assert!(
        said.contains("since commit") && said.contains("no test of the project counts"),
        "{said}"
    );
    assert!(!said.contains(" by shop"), "nobody is named: {said}");
    assert!(succeeds(folder.path(), &["why", &found, "--blame"]).contains(" by shop"));
    succeeds(folder.path(), &["baseline", "create"]);
    assert!(succeeds(folder.path(), &["why", &found]).contains("does not show it: in the baseline"));
    write(
        folder.path(),
        "tests/test_auth.py",
        "from django.test import TestCase\nfrom auth import service\n\n\nclass Tests(TestCase):\n    \
         def test_owners(self):\n        with self.assertNumQueries(2):\n            service.owners()\n",
    );
    let guarded = succeeds(folder.path(), &["why", &found]);
    assert!(
        guarded.contains("this test counts statements") && guarded.contains("(tests/test_auth.py:6)"),
        "{guarded}"
    );
    let elsewhere = fingerprint(folder.path(), "query-in-loop");
    let unguarded = succeeds(folder.path(), &["why", &elsewhere]);
    assert!(
        unguarded.contains("1 test counts statements, and it is not known to come here"),
        "{unguarded}"
    );
    // A line that is in no commit yet completes the chain.
    let changed = AUTH.replace(
        "session.user.name, session.user.pk",
        "session.user.pk, session.user.name",
    );
    write(folder.path(), "auth/service.py", changed);
    let new = succeeds(folder.path(), &["why", "auth/service.py:15"]);
    assert!(new.contains("no commit is known that brought it"), "{new}");
}

#[test]
fn what_is_no_finding_has_no_why() {
    let folder = service();
    refuses(
        folder.path(),
        &["why", "0123456789abcdef"],
        "there is no finding `0123456789abcdef`",
    );
    refuses(
        folder.path(),
        &["why", "query-in-loop"],
        "is neither a fingerprint nor a place",
    );
    refuses(folder.path(), &["why", "nowhere.py:1"], "nowhere.py");
}

/// The items of a backlog.
fn items(folder: &Path, args: &[&str]) -> Vec<Value> {
    let said = succeeds(folder, &[&["backlog", "--format", "jsonl"], args].concat());
    said.lines()
        .map(|line| serde_json::from_str(line).expect("a line is a JSON object"))
        .collect()
}

fn title(item: &Value) -> &str {
    text(item, "/title")
}

#[test]
fn what_somebody_waits_for_comes_first() {
    let folder = service();
    let items = items(folder.path(), &[]);
    let kinds: Vec<Option<&str>> = items.iter().map(|item| item["entry"]["kind"].as_str()).collect();
    assert_eq!(kinds, [Some("request"), None]);
    assert_eq!(items[0]["entry"]["name"], "names/");
}

#[test]
fn one_query_that_lacks_relations_is_one_item() {
    let folder = service();
    write(
        folder.path(),
        "auth/pages.py",
        "from auth.models import Session\n\n\ndef rows():\n    return Session.objects.all()\n\n\n\
         def a():\n    return [row.user.name for row in rows()]\n\n\ndef b():\n    return [row.user.pk + 1 for row in rows()]\n",
    );
    let items = items(folder.path(), &["auth/pages.py"]);
    let told: Vec<_> = items
        .iter()
        .map(|item| (text(item, "/path"), list(item, "/findings").len()))
        .collect();
    assert_eq!(
        told.iter()
            .filter(|(path, n)| *path == "auth/pages.py" && *n == 2)
            .count(),
        1,
        "{items:#?}"
    );
}

#[test]
fn evidence_moves_what_is_called_up_and_what_is_not_down() {
    let folder = service();
    let spans = |attributes: &str| {
        format!("{{\"resourceSpans\": [{{\"scopeSpans\": [{{\"spans\": [{attributes}]}}]}}]}}\n")
    };
    let attribute = |key: &str, value: &str| {
        format!("{{\"key\": \"{key}\", \"value\": {{\"stringValue\": \"{value}\"}}}}")
    };
    let span = format!(
        "{{\"attributes\": [{}, {}]}}",
        attribute("code.function.name", "auth.service.owners"),
        attribute("code.file.path", "/srv/app/auth/service.py")
    );
    let many = vec![span.as_str(); 40].join(", ");
    let route = format!("{{\"attributes\": [{}]}}", attribute("http.route", "/names/"));
    write(
        folder.path(),
        "traces.json",
        format!("{}{}", spans(&many), spans(&route)),
    );
    let seen = items(folder.path(), &["--evidence", "traces.json"]);
    let calls: Vec<Option<u64>> = seen.iter().map(|item| item["calls"].as_u64()).collect();
    assert_eq!(
        calls,
        [Some(40), Some(1)],
        "the order without evidence is the other one"
    );
    write(
        folder.path(),
        "coverage.json",
        "{\"meta\": {}, \"files\": {\"auth/service.py\": {\"executed_lines\": [1, 15], \"missing_lines\": [5]}}}",
    );
    let covered = items(folder.path(), &["--evidence", "coverage.json"]);
    assert!(title(&covered[0]).contains("session.user"), "{covered:#?}");
    write(folder.path(), "odd.json", "{}");
    refuses(folder.path(), &["backlog", "--evidence", "odd.json"], "odd.json");
    write(folder.path(), "odd.json", "{\"resourceSpans\": ");
    refuses(folder.path(), &["backlog", "--evidence", "odd.json"], "line 1");
    refuses(
        folder.path(),
        &["backlog", "--evidence", "none.json"],
        "none.json",
    );
}

#[test]
fn what_was_paid_off_is_told() {
    let folder = service();
    write(
        folder.path(),
        "auth/service.py",
        AUTH.replace("Session.objects.all()", "Session.objects.select_related('user')"),
    );
    let said = succeeds(folder.path(), &["backlog", "--since", "main"]);
    assert!(said.contains("Since `main`: 1 paid off, 0 added."), "{said}");
    assert!(
        said.contains("- paid off: auth/service.py: `session.user` loads a relation per element"),
        "{said}"
    );
    refuses(
        folder.path(),
        &["backlog", "--since", "nowhere"],
        "there is no revision `nowhere`",
    );
}

#[test]
fn a_backlog_becomes_issues() {
    let folder = service();
    let script = succeeds(folder.path(), &["backlog", "--format", "gh"]);
    assert_eq!(script.matches("\nfile 'onequery:").count(), 2, "{script}");
    assert_eq!(script.matches("<!-- onequery:").count(), 2, "{script}");
    // A shell that only parses finds every quote closed.
    let parsed = Command::new("sh").args(["-n", "-c", &script]).status();
    assert!(parsed.expect("there is a shell").success());
    let table = succeeds(folder.path(), &["backlog", "--format", "csv", "--limit", "1"]);
    assert!(table.starts_with("Title,Description,Summary,"), "{table}");
    assert!(succeeds(folder.path(), &["backlog", "--limit", "1"]).contains("… and 1 item more"));
}

#[test]
fn a_mended_finding_leaves_the_item_its_key() {
    let folder = service();
    let pages = "from auth.models import Session\n\n\ndef rows():\n    return Session.objects.all()\n\n\n\
                 def a():\n    return [row.user.name for row in rows()]\n\n\ndef b():\n    return [row.user.pk + 1 for row in rows()]\n";
    write(folder.path(), "auth/pages.py", pages);
    let keys = || -> Vec<String> {
        let items = items(folder.path(), &["auth/pages.py"]);
        items.iter().map(|item| text(item, "/key").to_owned()).collect()
    };
    let before = keys();
    write(
        folder.path(),
        "auth/pages.py",
        pages.replace("[row.user.name for row in rows()]", "[row.pk for row in rows()]"),
    );
    assert_eq!(keys(), before);
}

#[test]
fn a_loop_with_a_limit_comes_after_one_without() {
    let folder = service();
    write(
        folder.path(),
        "auth/pages.py",
        "from auth.models import Session\n\n\ndef first():\n    return [row.user.name for row in Session.objects.all()[:500]]\n\n\n\
         def each():\n    return [row.user.name for row in Session.objects.all()]\n",
    );
    let items = items(folder.path(), &["auth/pages.py"]);
    let of_pages = items.iter().filter(|item| text(item, "/path") == "auth/pages.py");
    let lines: Vec<u64> = of_pages.filter_map(|item| item["line"].as_u64()).collect();
    assert_eq!(lines, [9, 5]);
}

#[test]
fn a_backlog_is_grouped_by_owner() {
    let folder = service();
    write(
        folder.path(),
        "CODEOWNERS",
        "* @everybody\n/auth/service.py @auth @data\n",
    );
    let said = succeeds(folder.path(), &["backlog", "--by-owner"]);
    assert!(
        said.contains("## `@auth`: 2 items") && said.contains("## `@data`: 2 items"),
        "{said}"
    );
    assert!(said.contains("owners: `@auth`, `@data`"), "{said}");
    for option in [&["--by-owner"][..], &["--since", "main"]] {
        let args = [&["backlog", "--format", "csv"], option].concat();
        refuses(folder.path(), &args, "in the list for people only");
    }
}

#[test]
fn evidence_of_many_kinds_says_how_often_code_runs() {
    let folder = service();
    let calls = |name: &str, evidence: &str| -> Vec<Option<u64>> {
        write(folder.path(), name, evidence);
        let mut items = items(folder.path(), &["--evidence", name]);
        items.sort_by_key(|item| text(item, "/title").to_owned());
        items.iter().map(|item| item["calls"].as_u64()).collect()
    };
    let span = |attributes: &[(&str, &str)]| {
        let attributes: Vec<String> = attributes
            .iter()
            .map(|(key, value)| {
                format!("{{\"key\": \"{key}\", \"value\": {{\"stringValue\": \"{value}\"}}}}")
            })
            .collect();
        format!(
            "{{\"resourceSpans\": [{{\"scopeSpans\": [{{\"spans\": [{{\"attributes\": [{}]}}]}}]}}]}}",
            attributes.join(", ")
        )
    };
    // A route may be mounted below others.
    assert_eq!(
        calls("a.json", &span(&[("http.route", "api/v1/names/")])),
        [Some(1), None]
    );
    // A method of a class is not the function of its name.
    let of_class = [
        ("code.namespace", "auth.service.Directory"),
        ("code.function", "owners"),
        ("code.filepath", "/srv/auth/service.py"),
    ];
    assert_eq!(calls("b.json", &span(&of_class)), [None, None]);
    // A statement of several lines is known by its first.
    write(
        folder.path(),
        "auth/service.py",
        AUTH.replace(
            "[name_of(id) for id in ids]",
            "[\n        name_of(id)\n        for id in ids\n    ]",
        ),
    );
    let covered =
        "{\"files\": {\"auth/service.py\": {\"executed_lines\": [1, 5], \"missing_lines\": [15, 16, 17]}}}";
    assert_eq!(calls("c.json", covered), [Some(1), Some(0)]);
    let statements = "query,calls\n\"SELECT * FROM \"\"auth_user\"\" WHERE id = $1\",700\nSELECT 1,9\n";
    assert_eq!(calls("d.csv", statements), [Some(700), Some(700)]);
    let folded =
        "main;auth.service.names 12\nmain;owners (auth/service.py:13);owners (/usr/lib/json.py:4) 30\n";
    assert_eq!(calls("e.txt", folded), [Some(12), Some(30)]);
    for (name, evidence, expected) in [
        ("empty.json", "", "the file is empty"),
        ("odd.csv", "a,b\n1,2\n", "`pg_stat_statements`"),
        ("odd2.csv", "query,calls\nSELECT 1,many\n", "line 2: `many`"),
        ("odd.json", "{\"resourceSpans\": 5}", "evidence is traces"),
        (
            "odd2.json",
            "{\"files\": {\"auth/service.py\": {\"executed_lines\": \"x\"}}}",
            "is no list",
        ),
    ] {
        write(folder.path(), name, evidence);
        refuses(folder.path(), &["backlog", "--evidence", name], expected);
    }
}

#[test]
fn why_tells_what_the_query_loads_and_who_is_asked() {
    let folder = service();
    let models = MODELS.replace(
        "    user =",
        "    client = models.ForeignKey('auth.User', models.CASCADE, related_name='+')\n    user =",
    );
    write(folder.path(), "auth/models.py", models);
    write(
        folder.path(),
        "auth/service.py",
        AUTH.replace(
            "Session.objects.all()",
            "Session.objects.select_related('client')",
        ),
    );
    write(folder.path(), "CODEOWNERS", "* @auth\n");
    let said = succeeds(folder.path(), &["why", "auth/service.py:15:22"]);
    assert!(
        said.contains("the query loads `client` and nothing else"),
        "{said}"
    );
    assert!(said.trim_end().ends_with("Owner: @auth"), "{said}");
}

#[test]
fn reports_ask_all_five_questions() {
    let folder = service();
    for format in ["html", "markdown"] {
        let output = format!("{format}=report");
        let args = ["check", "--exit-zero", "--output", &output];
        succeeds(folder.path(), &args);
        let report = std::fs::read_to_string(folder.path().join("report")).expect("the report was written");
        for question in [
            "Why is it slow?",
            "Why does it repeat?",
            "Why is the query there?",
            "Why is it not done at once?",
            "Why was it not caught?",
        ] {
            assert!(report.contains(question), "{format}: {question}");
        }
    }
}

#[test]
fn equal_queries_of_two_functions_have_keys_of_their_own() {
    let folder = service();
    let two = "from auth.models import User\n\n\ndef a(ids):\n    return [User.objects.get(pk=i) for i in ids]\n\n\n\
               def b(ids):\n    return [User.objects.get(pk=i) for i in ids]\n";
    write(folder.path(), "auth/two.py", two);
    let keys = || -> Vec<String> {
        let items = items(folder.path(), &["auth/two.py"]);
        items.iter().map(|item| text(item, "/key").to_owned()).collect()
    };
    let both = keys();
    assert_eq!(both.len(), 2);
    // The other keeps its key when one is mended, and when it is laid out otherwise.
    let mended = two.replacen(
        "[User.objects.get(pk=i) for i in ids]",
        "list(User.objects.filter(pk__in=ids))",
        1,
    );
    let other = mended.replace(
        "User.objects.get(pk=i)",
        "User.objects.get(\n        pk=i,\n    )",
    );
    write(folder.path(), "auth/two.py", other);
    let left = keys();
    assert_eq!(left.len(), 1);
    assert!(both.contains(&left[0]) && both[0] != both[1], "{both:?} {left:?}");
}
