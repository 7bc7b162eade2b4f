//! Error budgets and debt budgets: when a known finding fails a check.

use std::path::Path;

use tempfile::TempDir;

use crate::support::{command, git, list, number, onequery, project, report, text, write};

const MODELS: &str = "\
from django.db import models


class User(models.Model):
    name = models.TextField()
";

/// A look-up of users in a loop.
const SESSIONS: &str = "\
from auth.models import User


def names(keys: list[int]):
    return [User.objects.get(pk=key).name for key in keys]
";

/// Another one, which somebody adds.
const MAILS: &str = "

def mails(keys: list[int]):
    return [User.objects.get(pk=key).mail for key in keys]
";

const SLO: &str = "\
service: auth-service
objective: logins succeed
target: 99.9% over a 28-day window
";

/// An incident of so many minutes.
fn ledger(minutes: u32) -> String {
    format!(
        "- service: auth-service\n  start: 2026-11-20T10:00:00Z\n  end: 2026-11-20T10:{minutes:02}:00Z\n  fraction: 1\n"
    )
}

const NOW: &str = "2026-11-24T09:00:00Z";

/// A service with a finding in its baseline, and a ledger as evidence.
fn auth() -> TempDir {
    let folder = project(&[
        ("auth/__init__.py", ""),
        ("auth/models.py", MODELS),
        ("auth/sessions.py", SESSIONS),
        ("slo.yaml", SLO),
        (
            "onequery.toml",
            "[budget]\nevidence = { ledger = 'incidents.yaml' }\n",
        ),
        ("incidents.yaml", &ledger(12)),
    ]);
    said(folder.path(), &["baseline", "create"], 0);
    folder
}

/// Runs the binary, which should end with a code, and gives what it says on both streams.
fn said(folder: &Path, args: &[&str], code: i32) -> String {
    let output = command(folder, args).output().expect("the binary can be run");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert_eq!(output.status.code(), Some(code), "`{args:?}` says: {said}");
    said
}

/// Runs `check` with a code to be expected, and gives the functions whose findings are shown.
fn checked(folder: &Path, args: &[&str], code: i32) -> Vec<String> {
    let args = [&["--at", NOW], args].concat();
    let report = report(folder, &args);
    let output = onequery(folder, &[&["check"], &args[..]].concat());
    assert_eq!(output.status.code(), Some(code), "{report:#}");
    let findings = list(&report, "/findings").iter();
    findings
        .map(|finding| text(finding, "/scope").to_owned())
        .collect()
}

fn add_a_finding(folder: &Path) {
    write(folder, "auth/sessions.py", format!("{SESSIONS}{MAILS}"));
}

#[test]
fn known_findings_pass_while_budget_is_left_and_fail_once_it_is_consumed() {
    let folder = auth();
    let folder = folder.path();
    assert_eq!(checked(folder, &[], 0), [""; 0]);
    add_a_finding(folder);
    assert_eq!(checked(folder, &[], 1), ["mails"]);
    write(folder, "incidents.yaml", ledger(41));
    assert_eq!(checked(folder, &[], 1), ["names", "mails"]);
    let report = report(folder, &["--at", NOW]);
    let reason = "the budget of auth-service is consumed";
    assert_eq!(text(&report, "/findings/0/reinstated"), reason);
    assert!(report.pointer("/findings/1/reinstated").is_none(), "it is new");
    assert_eq!(number(&report, &format!("/summary/reinstated/{reason}")), 1);
    let told = said(folder, &["check", "--at", NOW, "--format", "concise"], 1);
    assert!(
        told.contains("; 1 known but shown (the budget of auth-service is consumed 1)"),
        "{told}"
    );
    // Four weeks later nobody remembers.
    said(folder, &["check", "--at", "2026-12-18T11:00:00Z"], 1);
    assert_eq!(checked(folder, &["--left", "auth-service=1%"], 1), ["mails"]);
    write(folder, "auth/sessions.py", "");
    assert_eq!(checked(folder, &[], 0), [""; 0]);
}

#[test]
fn a_comment_holds_whatever_is_left() {
    let folder = auth();
    let accepted = SESSIONS.replace(
        "in keys]",
        "in keys]  # onequery: ignore[query-in-loop] -- three at most",
    );
    write(folder.path(), "auth/sessions.py", accepted);
    assert_eq!(
        checked(folder.path(), &["--left", "auth-service=-10%"], 0),
        [""; 0]
    );
}

#[test]
fn the_budget_is_told_in_time() {
    let folder = auth();
    let told = said(folder.path(), &["budget", "--at", NOW], 0);
    let expected = "\
auth-service: logins succeed
  target    99.9 % over 28 days
  budget    40 min 19 s
  consumed  12 min (30 %)
  left      28 min 19 s (70 %)
  check     fails on new findings
";
    assert_eq!(told, expected);
    let told = said(
        folder.path(),
        &["budget", "--at", NOW, "--left", "auth-service=-50%"],
        0,
    );
    assert!(
        told.contains("left      -20 min 10 s (-50 %)\n  check     fails on all findings"),
        "{told}"
    );
    let told = said(folder.path(), &["budget", "--isolated"], 0);
    assert!(
        told.ends_with("budget    40 min 19 s\n"),
        "without evidence there is nothing to demand: {told}"
    );
}

#[test]
fn a_policy_decides_by_what_is_left() {
    let folder = auth();
    let folder = folder.path();
    add_a_finding(folder);
    let with = |policy: &str, share: &str, code| {
        write(folder, "onequery.toml", format!("[budget]\npolicy = {policy}\n"));
        checked(folder, &["--left", &format!("auth-service={share}")], code)
    };
    assert_eq!(with("'any'", "90%", 1), ["names", "mails"]);
    assert_eq!(with("'new'", "-90%", 1), ["mails"]);
    assert_eq!(with("'none'", "-90%", 0), [""; 0]);
    let steps = "{ '100%' = 'none', '50%' = 'new', '25%' = 'any' }";
    assert_eq!(with(steps, "80%", 0), [""; 0]);
    assert_eq!(with(steps, "50%", 1), ["mails"]);
    assert_eq!(with(steps, "20%", 1), ["names", "mails"]);
    write(folder, "slo.yaml", format!("{SLO}policy: new\n"));
    assert_eq!(
        with("'any'", "90%", 1),
        ["mails"],
        "the objective's own policy is on top"
    );
}

#[test]
fn what_nobody_knows_is_an_error_unless_it_is_decided() {
    let folder = auth();
    let folder = folder.path();
    let with = |settings: &str, answer: &str, code| {
        let evidence = "[budget]\nevidence = { prometheus = 'budget.json' }\n";
        write(folder, "onequery.toml", format!("{evidence}{settings}"));
        let result = format!(
            "{{\"status\":\"success\",\"data\":{{\"resultType\":\"vector\",\"result\":[{answer}]}}}}"
        );
        write(folder, "budget.json", result);
        said(folder, &["check", "--at", NOW, "--format", "concise"], code)
    };
    let sample = |value: &str| {
        let metric = r#"{"sloth_service":"auth-service","sloth_slo":"logins"}"#;
        // An hour before now.
        format!(r#"{{"metric":{metric},"value":[1795507200,"{value}"]}}"#)
    };
    with("", &sample("0.4"), 0);
    with("", &sample("0"), 1);
    let told = with("", "", 2);
    assert!(
        told.contains("budget.json:1:60: nobody knows how much of the budget of auth-service is left"),
        "{told}"
    );
    let told = with("", &sample("NaN"), 2);
    assert!(told.contains("budget.json:1:145: nobody knows"), "{told}");
    assert!(with("max-age = '30m'\n", &sample("0.4"), 2).contains("is 1 h old"));
    std::fs::remove_file(folder.join("budget.json")).expect("it was there");
    let told = said(folder, &["check", "--at", NOW], 2);
    assert!(told.contains("budget.json: No such file"), "{told}");
    write(
        folder,
        "onequery.toml",
        "[budget]\nevidence = { prometheus = 'budget.json' }\nmissing = 'open'\n",
    );
    let told = said(folder, &["check", "--at", NOW], 0);
    assert!(
        told.contains("is left: there is no evidence; it counts as untouched"),
        "{told}"
    );
    said(folder, &["budget", "tighten"], 0);
    assert!(with("missing = 'open'\n", "", 0).contains("it counts as untouched"));
    let told = with("missing = 'closed'\n", &sample("NaN"), 1);
    assert!(
        told.contains("it counts as consumed") && told.contains("the budget of auth-service is unknown 1"),
        "{told}"
    );
}

#[test]
fn services_have_their_own_files() {
    let folder = auth();
    let folder = folder.path();
    write(folder, "search/views.py", SESSIONS.replace("names", "hits"));
    let both = format!("{SLO}---\n{}", SLO.replace("auth-service", "search"));
    write(folder, "slo.yaml", both);
    said(folder, &["baseline", "update", "--add"], 0);
    let told = said(folder, &["check", "--left", "search=0%"], 2);
    assert!(
        told.contains("which files are auth-service's, and which search's?"),
        "{told}"
    );
    let services = "[slo.services]\nauth-service = ['auth']\nsearch = ['/search/**']\n[budget]\n";
    write(folder, "onequery.toml", services);
    let shares = |auth: &str, search: &str, code| {
        let (auth, search) = (format!("auth-service={auth}"), format!("search={search}"));
        checked(folder, &["--left", &auth, "--left", &search], code)
    };
    assert_eq!(shares("0%", "1%", 1), ["names"]);
    assert_eq!(shares("1%", "0%", 1), ["hits"]);
    write(folder, "slo.yaml", "");
    write(folder, "auth/slo.yaml", SLO);
    write(folder, "search/slo.yaml", SLO.replace("auth-service", "search"));
    write(
        folder,
        "onequery.toml",
        "[slo]\nfiles = ['auth/slo.yaml', 'search/slo.yaml']\n[budget]\n",
    );
    assert_eq!(
        shares("0%", "1%", 1),
        ["names"],
        "files lie beside their objectives"
    );
    let elsewhere = project(&[("slo.yaml", SLO), ("other.toml", "[budget]\n")]);
    let settings = elsewhere.path().join("other.toml");
    let settings = settings.to_str().expect("the path is text");
    let told = said(
        folder,
        &["check", "--config", settings, "--left", "auth-service=1%"],
        2,
    );
    assert!(told.contains("The file lies outside of the project"), "{told}");
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let folder = auth();
    let folder = folder.path();
    let refuses = |args: &[&str], part: &str| {
        for command in ["check", "budget"] {
            let told = said(folder, &[&[command, "--at", NOW], args].concat(), 2);
            assert!(told.contains(part), "{told}");
        }
    };
    refuses(
        &["--left", "auth-servce=1%"],
        "--left: there is no objective of `auth-servce`; did you mean `auth-service`?",
    );
    refuses(
        &["--left", "auth-service=0.5"],
        "expected a percentage, such as `25%`",
    );
    refuses(&["--ledger", "none.yaml"], "none.yaml: No such file");
    write(folder, "incidents.yaml", format!("{}{}", ledger(12), ledger(10)));
    refuses(&[], "incidents.yaml:5:3: the incident overlaps that of line 1");
    write(folder, "incidents.yaml", ledger(12));
    for (target, part) in [
        ("100% over 28 days", "slo.yaml:3:9: a target of 100 %"),
        ("99.9% over 0 days", "slo.yaml:3:9: a window of zero"),
        (
            "99.9% over 28 moons",
            "slo.yaml:3:9: the unit `moons` is not known",
        ),
        (
            "99.9% over 28 days\ntarget: 99%",
            "slo.yaml:4:1: the key `target` stands here for the second time",
        ),
    ] {
        write(
            folder,
            "slo.yaml",
            SLO.replace("99.9% over a 28-day window", target),
        );
        refuses(&[], part);
    }
    for (settings, part) in [
        (
            "evidence = { ledger = 'a', prometheus = 'b' }",
            "line 2, column 12",
        ),
        (
            "evidence = { ledger = 'a', prometheus = 'b' }",
            "only one of `prometheus` and `ledger`",
        ),
        ("policy = { 25 = 'any' }", "expected a percentage, such as `25%`"),
        ("policy = 'al'", "expected one of `none`, `new`, `any`"),
        ("max-age = '3 days'", "`3 days` is no duration"),
    ] {
        write(folder, "onequery.toml", format!("[budget]\n{settings}\n"));
        refuses(&[], part);
    }
    write(folder, "onequery.toml", "[budget]\n");
    std::fs::remove_file(folder.join("slo.yaml")).expect("it was there");
    refuses(&[], "slo.yaml: there is no such file of objectives");
}

#[test]
fn a_project_without_budgets_is_checked_as_ever() {
    let folder = auth();
    write(folder.path(), "onequery.toml", "");
    write(folder.path(), "slo.yaml", "of another tool: [");
    assert_eq!(checked(folder.path(), &[], 0), [""; 0]);
}

#[test]
fn debt_budgets_only_shrink() {
    let folder = auth();
    let folder = folder.path();
    let tighten = |day: &str| {
        said(
            folder,
            &["budget", "tighten", "--at", &format!("2026-11-{day}T09:00:00Z")],
            0,
        )
    };
    let budgets = || std::fs::read_to_string(folder.join("onequery-debt.txt")).expect("it was written");
    add_a_finding(folder);
    assert_eq!(tighten("21"), "auth-service: 8 allowed, the first budget\n");
    assert_eq!(
        budgets(),
        "# onequery debt 1\nauth-service\t*\t0\nauth-service\tquery-in-loop\t8\n"
    );
    said(folder, &["baseline", "update", "--add"], 0);
    write(folder, "auth/sessions.py", SESSIONS);
    said(folder, &["baseline", "prune"], 0);
    // In a folder below it is the whole project that counts.
    let told = said(
        &folder.join("auth"),
        &["budget", "tighten", "--at", "2026-11-23T09:00:00Z"],
        0,
    );
    assert_eq!(told, "auth-service: 4 allowed, 8 before\n");
    assert_eq!(checked(folder, &[], 0), [""; 0]);
    add_a_finding(folder);
    assert_eq!(
        tighten("24"),
        "auth-service: 4 allowed, as before; the debt is 4 more\n"
    );
    assert!(budgets().ends_with("query-in-loop\t4\n"), "{}", budgets());
    said(folder, &["baseline", "update", "--add"], 0);
    assert_eq!(
        checked(folder, &[], 1),
        ["names", "mails"],
        "the baseline is no way around"
    );
    let report = report(folder, &["--at", NOW]);
    let reason = "the debt of auth-service in query-in-loop is 8, with 4 allowed";
    assert_eq!(text(&report, "/findings/0/reinstated"), reason);
    let told = said(folder, &["budget", "--at", NOW], 0);
    assert!(told.ends_with("auth-service: debt 8, 4 allowed  █▄█\n"), "{told}");
}

#[test]
fn debt_budgets_survive_a_merge() {
    let folder = auth();
    let folder = folder.path();
    add_a_finding(folder);
    said(folder, &["baseline", "update", "--add"], 0);
    let with = |lines: &str, code| {
        write(folder, "onequery-debt.txt", format!("# onequery debt 1\n{lines}"));
        said(folder, &["check", "--at", NOW, "--format", "concise"], code)
    };
    with("auth-service\tquery-in-loop\t8\n", 0);
    with(
        "auth-service\tquery-in-loop\t8\nauth-service\tquery-in-loop\t4\n",
        1,
    );
    with("auth-service\t*\t0\n", 1);
    let told = with("<<<<<<< ours\nauth-service\tquery-in-loop\t8\n=======\n", 2);
    assert!(
        told.contains("onequery-debt.txt: line 2: a merge has left its marks"),
        "{told}"
    );
    assert!(with("auth-service\tquery-in-loop\tmuch\n", 2).contains("line 2: `much` is no whole number"));
}

#[test]
fn git_cannot_merge_debt_budgets_into_a_looser_one() {
    let folder = auth();
    let folder = folder.path();
    add_a_finding(folder);
    said(folder, &["baseline", "update", "--add"], 0);
    let commit = |max: u64| {
        let line = format!("# onequery debt 1\nauth-service\tquery-in-loop\t{max}\n");
        write(folder, "onequery-debt.txt", line);
        git(folder, &["add", "."]);
        git(folder, &["commit", "--quiet", "-m", "lower"]);
    };
    git(folder, &["init", "--quiet", "--initial-branch=main"]);
    write(folder, ".gitattributes", "onequery-debt.txt merge=union\n");
    commit(8);
    git(folder, &["checkout", "--quiet", "-b", "other"]);
    commit(4);
    git(folder, &["checkout", "--quiet", "main"]);
    commit(6);
    git(folder, &["merge", "--quiet", "other", "-m", "merge"]);
    let told = said(folder, &["check", "--at", NOW, "--format", "concise"], 1);
    assert!(
        told.contains("is 8, with 4 allowed"),
        "both lines are there, and the lower counts: {told}"
    );
}

#[test]
fn a_share_that_is_none_and_a_sample_from_the_future_are_refused() {
    let folder = auth();
    let folder = folder.path();
    write(
        folder,
        "onequery.toml",
        "[budget]\nevidence = { prometheus = 'budget.json' }\n",
    );
    for (value, at, expected) in [
        ("75", "1763800000", "75 is no share of a budget"),
        ("0.5", "1999999999", "its sample is of a time"),
    ] {
        write(
            folder,
            "budget.json",
            format!(
                "{{\"status\": \"success\", \"data\": {{\"resultType\": \"vector\", \"result\": [{{\"metric\": \
                 {{\"sloth_service\": \"auth-service\"}}, \"value\": [{at}, \"{value}\"]}}]}}}}"
            ),
        );
        let told = said(folder, &["budget", "--at", NOW], 2);
        assert!(
            told.contains(expected) && told.contains("budget.json:1:"),
            "{told}"
        );
    }
    write(
        folder,
        "budget.json",
        "{\"status\": \"success\", \"data\": {\"resultType\": \"vector\",\n \"result\": []}}",
    );
    assert!(said(folder, &["budget", "--at", NOW], 2).contains("budget.json:2:12: "));
    // Nobody can keep a promise that leaves no time at all.
    write(folder, "onequery.toml", "");
    write(
        folder,
        "slo.yaml",
        "service: auth-service\nobjective: logins\ntarget: 99.99999999% over a 1-minute window\n",
    );
    assert!(said(folder, &["budget", "--at", NOW], 2).contains("below a millisecond"));
}

#[test]
fn a_report_draws_the_trend_of_debts() {
    let folder = auth();
    let folder = folder.path();
    let history = "# onequery history 1\n2026-11-01\tauth-service\t9\n2026-11-02\tauth-service\t4\n";
    write(folder, "onequery-debt-history.txt", history);
    let report = said(
        folder,
        &["check", "--exit-zero", "--format", "html", "--at", NOW],
        0,
    );
    assert!(
        report.contains("<polyline") && report.contains("points=\"0,0 240,27\""),
        "{report}"
    );
    write(
        folder,
        "onequery-debt-history.txt",
        "# onequery history 1\nyesterday\ta\t8\n",
    );
    said(folder, &["check", "--at", NOW], 2);
}

#[test]
fn the_story_from_the_cause_to_the_mandate() {
    let folder = auth();
    let folder = folder.path();
    let known = report(folder, &["--no-baseline", "--exit-zero", "--at", NOW]);
    let fingerprint = text(&known, "/findings/0/fingerprint").to_owned();
    let whys = said(folder, &["why", &fingerprint], 0);
    for (n, question) in [
        (1, "Why is it slow?"),
        (2, "Why does it repeat?"),
        (3, "Why is the query there?"),
        (4, "Why is it not done at once?"),
        (5, "Why was it not caught?"),
    ] {
        assert!(whys.contains(&format!("\n{n}. {question}\n   - ")), "{whys}");
    }
    assert!(whys.contains("does not show it: in the baseline"), "{whys}");
    // While budget is left, the old finding passes and a new one fails; once it is consumed, both do.
    assert_eq!(checked(folder, &[], 0), [""; 0]);
    add_a_finding(folder);
    assert_eq!(checked(folder, &[], 1), ["mails"]);
    write(folder, "incidents.yaml", ledger(41));
    assert_eq!(checked(folder, &[], 1), ["names", "mails"]);
}
