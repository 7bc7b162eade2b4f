//! Who owns the code of findings: `CODEOWNERS` of both hosts, owners in the settings, and what reports make of them.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{list, onequery, project, report, text, write};

const MODELS: &str = "\
from django.db import models


class Product(models.Model):
    name = models.TextField()
";

/// The loop, which calls into another folder.
const VIEWS: &str = "\
from pricing.prices import price_of


def overview(keys):
    return [price_of(key) for key in keys]
";

const PRICES: &str = "\
from shop.models import Product


def price_of(key):
    return Product.objects.get(pk=key)


def all_of(keys):
    return [Product.objects.get(pk=key) for key in keys]
";

const JOBS: &str = "\
from shop.models import Product


def run(keys):
    for key in keys:
        Product.objects.get(pk=key)
";

const CODEOWNERS: &str = "\
# Whoever is asked for a review.
* @org/everybody
/shop/ @org/shop # the shop
/pricing/ @org/pricing prices@example.org
/jobs/
";

/// A repository with findings in `shop`, whose chain leads through `pricing`, in `pricing` and in `jobs`.
fn repository(owners: &[(&str, &str)]) -> TempDir {
    let folder = project(&[
        (".git/HEAD", "ref: refs/heads/main\n"),
        ("shop/__init__.py", ""),
        ("shop/models.py", MODELS),
        ("shop/views.py", VIEWS),
        ("pricing/__init__.py", ""),
        ("pricing/prices.py", PRICES),
        ("jobs/__init__.py", ""),
        ("jobs/nightly.py", JOBS),
    ]);
    for (path, text) in owners {
        write(folder.path(), path, text);
    }
    folder
}

/// What standard output has.
fn prints(folder: &Path, args: &[&str]) -> String {
    let output = onequery(folder, args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.is_empty(), "`{args:?}` says: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs a check, which should end with exit code 2 and a message that has a part. Gives what it prints.
fn complains(folder: &Path, args: &[&str], part: &str) -> String {
    let output = onequery(
        folder,
        &[&["check", "--format", "concise", "--quiet"], args].concat(),
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(part), "`{args:?}` says: {said}");
    assert_eq!(output.status.code(), Some(2), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Who is asked about the finding of each file.
fn asked(folder: &Path, args: &[&str]) -> Vec<String> {
    let report = report(folder, args);
    let told = |finding: &Value| {
        let asked = finding["owners"]["asked"].as_array();
        let names: Option<Vec<&str>> = asked.map(|owners| owners.iter().filter_map(Value::as_str).collect());
        let names = names.map_or_else(|| "?".to_owned(), |names| names.join(" "));
        format!("{}: {names}", text(finding, "/path"))
    };
    list(&report, "/findings").iter().map(told).collect()
}

#[test]
fn the_owner_of_the_loop_is_asked_and_those_of_the_chain_are_named() {
    let folder = repository(&[(".github/CODEOWNERS", CODEOWNERS)]);
    let lines = prints(folder.path(), &["check", "--format", "concise", "--quiet"]);
    let owners: Vec<&str> = lines
        .lines()
        .filter_map(|line| line.split_once("] "))
        .map(|(_, it)| it)
        .collect();
    assert_eq!(
        owners,
        [
            "owner: none",
            "owners: @org/pricing, prices@example.org",
            "owner: @org/shop; passes through code of @org/pricing, prices@example.org",
        ]
    );
}

#[test]
fn only_what_an_owner_is_asked_about_is_shown() {
    let folder = repository(&[(".github/CODEOWNERS", CODEOWNERS)]);
    let of = |owners: &[&str]| {
        let args: Vec<&str> = owners.iter().flat_map(|owner| ["--owner", owner]).collect();
        asked(folder.path(), &args)
    };
    let (jobs, pricing, shop) = (
        "jobs/nightly.py: ",
        "pricing/prices.py: @org/pricing prices@example.org",
        "shop/views.py: @org/shop",
    );
    assert_eq!(of(&[]), [jobs, pricing, shop]);
    assert_eq!(of(&["@org/shop"]), [shop]);
    assert_eq!(of(&["@Org/Shop", "prices@example.org"]), [pricing, shop]);
    assert_eq!(of(&["unowned"]), [jobs]);
    assert_eq!(of(&["@org/everybody"]), [""; 0]);
    let lines = prints(
        folder.path(),
        &["check", "--format", "concise", "--owner", "@org/shop"],
    );
    assert!(lines.contains("; 2 hidden (of other owners 2)."), "{lines}");
    complains(
        folder.path(),
        &["--owner", "@org/shp"],
        "did you mean `@org/shop`?",
    );
    complains(
        folder.path(),
        &["--owner", "nobody"],
        "`--owner unowned` shows what nobody owns",
    );
}

#[test]
fn every_format_tells_the_owners() {
    let folder = repository(&[(".github/CODEOWNERS", CODEOWNERS)]);
    for format in [
        "text", "concise", "json", "sarif", "github", "gitlab", "rdjson", "junit", "sonar", "markdown",
        "html",
    ] {
        let printed = prints(folder.path(), &["check", "--format", format]);
        for owner in ["@org/shop", "@org/pricing", "prices@example.org"] {
            assert!(printed.contains(owner), "{format} lacks {owner}: {printed}");
        }
    }
    let sarif = prints(
        folder.path(),
        &["check", "--format", "sarif", "--owner", "@org/shop"],
    );
    let sarif: Value = serde_json::from_str(&sarif).expect("SARIF is JSON");
    assert_eq!(
        sarif["runs"][0]["results"][0]["properties"],
        json!({
            "confidence": "likely",
            "owners": ["@org/shop"],
            "involvedOwners": ["@org/pricing", "prices@example.org"],
        })
    );
    let statistics = prints(
        folder.path(),
        &["check", "--format", "concise", "--statistics", "--quiet"],
    );
    let statistics: Vec<&str> = statistics.lines().skip(4).collect();
    assert_eq!(
        statistics,
        [
            "1  @org/pricing",
            "1  @org/shop",
            "1  prices@example.org",
            "1  unowned"
        ]
    );
}

#[test]
fn without_owners_nothing_is_said_of_them() {
    let folder = repository(&[]);
    for format in [
        "text", "concise", "json", "sarif", "github", "gitlab", "rdjson", "junit", "sonar", "markdown",
    ] {
        let printed = prints(folder.path(), &["check", "--format", format, "--statistics"]);
        assert!(!printed.contains("owner"), "{format}: {printed}");
    }
    complains(folder.path(), &["--owner", "@a"], "there is no CODEOWNERS");
    write(folder.path(), "CODEOWNERS", CODEOWNERS);
    write(folder.path(), "onequery.toml", "codeowners = 'off'");
    assert!(!prints(folder.path(), &["check"]).contains("owner:"));
}

#[test]
fn owners_are_found_above_the_project() {
    let folder = project(&[
        (".git/HEAD", "ref: refs/heads/main\n"),
        (".github/CODEOWNERS", "/shop/ @top\n/backend/shop/ @shop\n"),
        ("backend/pyproject.toml", "[tool.onequery]\n"),
        ("backend/shop/__init__.py", ""),
        ("backend/shop/models.py", MODELS),
        ("backend/shop/jobs.py", JOBS),
    ]);
    assert_eq!(
        asked(&folder.path().join("backend"), &[]),
        ["shop/jobs.py: @shop"]
    );
}

#[test]
fn each_host_has_its_places_and_its_rules() {
    // On GitHub `jobs` stands for what is in it, on GitLab only for a file.
    let plain = "* @all\njobs @jobs\n";
    let first = |files: &[(&str, &str)]| {
        let folder = repository(files);
        asked(folder.path(), &[]).swap_remove(0)
    };
    let (github, gitlab) = ("jobs/nightly.py: @jobs", "jobs/nightly.py: @all");
    assert_eq!(first(&[(".github/CODEOWNERS", plain)]), github);
    assert_eq!(first(&[(".gitlab/CODEOWNERS", plain)]), gitlab);
    assert_eq!(
        first(&[("docs/CODEOWNERS", plain), (".gitlab-ci.yml", "")]),
        gitlab
    );
    assert_eq!(first(&[("CODEOWNERS", plain), (".github/x.yml", "")]), github);
    assert_eq!(
        first(&[("CODEOWNERS", "* @other"), (".github/CODEOWNERS", plain)]),
        github
    );
    assert_eq!(
        first(&[("CODEOWNERS", plain), (".gitlab/CODEOWNERS", "* @other")]),
        gitlab
    );
    assert_eq!(
        first(&[("CODEOWNERS", "* @all\n[Jobs] @jobs\njobs/\n")]),
        "jobs/nightly.py: @all @jobs"
    );
    assert_eq!(
        first(&[("CODEOWNERS", plain), ("onequery.toml", "codeowners = 'gitlab'")]),
        gitlab
    );
    assert_eq!(
        first(&[("CODEOWNERS", plain), ("onequery.toml", "codeowners = 'github'")]),
        github
    );
    assert_eq!(first(&[("CODEOWNERS", CODEOWNERS)]), "jobs/nightly.py: ");
}

#[test]
fn a_file_that_hosts_read_differently_needs_a_word() {
    let folder = repository(&[("CODEOWNERS", "* @all\njobs @jobs\n")]);
    let part = "jobs/__init__.py is owned by @jobs as GitHub reads";
    assert_eq!(complains(folder.path(), &[], part), "");
    complains(folder.path(), &[], "`codeowners = \"gitlab\"`");
    write(folder.path(), "CODEOWNERS", "* @all\n/jobs/ @jobs\n");
    assert_eq!(asked(folder.path(), &[])[0], "jobs/nightly.py: @jobs");
}

#[test]
fn lines_that_the_host_skips_are_told_with_their_place() {
    let folder = repository(&[(
        ".github/CODEOWNERS",
        "\u{feff}* @all\r\n/jöbs é.py word\r\n!x @a\r\n/jobs/ @jobs\r\n",
    )]);
    let path = folder.path().canonicalize().expect("the folder is there");
    let path = path.join(".github/CODEOWNERS").display().to_string();
    let printed = complains(folder.path(), &[], &format!("{path}:2:7: `é.py` is no owner"));
    complains(
        folder.path(),
        &[],
        &format!("{path}:3:1: a pattern cannot begin with `!`"),
    );
    assert!(
        printed.contains("owner: @jobs"),
        "the other lines count: {printed}"
    );
    write(folder.path(), ".github/CODEOWNERS", b"* @all\n/x \xff\n");
    complains(folder.path(), &[], &format!("{path}:2:4: this is not UTF-8"));
    write(folder.path(), ".github/CODEOWNERS", "* @all\n".repeat(500_000));
    complains(folder.path(), &[], "GitHub loads no file of 3145728 or more");
}

#[test]
fn settings_name_owners_in_their_order() {
    let folder = repository(&[(".github/CODEOWNERS", CODEOWNERS)]);
    let with = |settings: &str| write(folder.path(), "onequery.toml", settings);
    with("[owners]\n'/shop/' = ['@z']\n'*' = ['@a', 'b@c.de']\n'/jobs/' = []\n");
    assert_eq!(
        asked(folder.path(), &[]),
        [
            "jobs/nightly.py: ",
            "pricing/prices.py: @a b@c.de",
            "shop/views.py: @a b@c.de"
        ]
    );
    let printed = prints(folder.path(), &["check", "--show-settings"]);
    let owners = printed
        .split_once("[owners]\n")
        .expect("the owners are printed")
        .1;
    assert!(owners.starts_with("\"/shop/\" = [\"@z\"]\n\"*\" = ["), "{owners}");
    let complains = |settings: &str, part: &str| {
        with(settings);
        complains(folder.path(), &[], part);
    };
    complains("[owners]\n'a[b]' = ['@z']\n", "line 2, column 1");
    complains("[owners]\n'a' = ['two words']\n", "line 2, column 7");
    complains("[owners]\n'a' = ['unowned']\n", "an empty list says it");
    complains("codeowners = 'gitlb'", "did you mean `gitlab`?");
    complains("codeowners = 'gitlab'\n[owners]\n'*' = []", "keep one of them");
    complains(
        "codeowners = 'gitlab'",
        "there is no CODEOWNERS, docs/CODEOWNERS, .gitlab/CODEOWNERS",
    );
}

#[test]
fn a_baseline_takes_the_findings_of_one_owner() {
    let folder = repository(&[(".github/CODEOWNERS", CODEOWNERS)]);
    let said = prints(folder.path(), &["baseline", "create", "--owner", "@org/shop"]);
    assert!(said.starts_with("1 finding written"), "{said}");
    assert_eq!(asked(folder.path(), &["--owner", "@org/shop"]), [""; 0]);
    assert_eq!(asked(folder.path(), &[]).len(), 2);
}
