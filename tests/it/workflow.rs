//! Settings, comments that accept findings, known findings, only what is new: what a project does to live with the tool.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    EVERYTHING, command, commit, fixtures, git, list, onequery, project, refuses, report, succeeds, text,
    write,
};

const MODELS: &str = "\
from django.db import models


class Maker(models.Model):
    name = models.TextField()


class Product(models.Model):
    maker = models.ForeignKey(Maker, models.CASCADE)
";

const VIEWS: &str = "\
from shop.models import Product


def makers():
    return [product.maker.name for product in Product.objects.all()]


def names(keys):
    found = []
    for key in keys:
        found.append(Product.objects.get(pk=key))
    return found
";

/// A project with a finding in `makers` and one in `names`.
fn shop() -> TempDir {
    project(&[
        ("shop/__init__.py", ""),
        ("shop/models.py", MODELS),
        ("shop/views.py", VIEWS),
    ])
}

/// The rules of the findings that are shown, with the functions they are in.
fn shown(folder: &Path, args: &[&str]) -> Vec<String> {
    let report = report(folder, args);
    list(&report, "/findings").iter().map(told).collect()
}

fn told(finding: &Value) -> String {
    format!("{} {}", text(finding, "/rule"), text(finding, "/scope"))
}

const BOTH: [&str; 2] = ["lazy-relation-in-loop makers", "query-in-loop names"];

#[test]
fn rules_are_turned_on_and_off() {
    let folder = shop();
    let with = |settings: &str| {
        write(folder.path(), "onequery.toml", settings);
        shown(folder.path(), &[])
    };
    assert_eq!(with(""), BOTH);
    assert_eq!(with("select = ['query-in-loop']"), BOTH[1..]);
    assert_eq!(with("ignore = ['query-in-loop']"), BOTH[..1]);
    assert_eq!(with("select = []\nextend-select = ['query-in-loop']"), BOTH[1..]);
    assert_eq!(
        with("[per-file-ignores]\n'shop/*.py' = ['query-in-loop']"),
        BOTH[..1]
    );
    assert_eq!(with("[per-file-ignores]\n'web' = ['query-in-loop']"), BOTH);
    assert_eq!(with("exclude = ['views.py']"), [""; 0]);
    assert_eq!(with("min-severity = 'error'"), [""; 0]);
    assert_eq!(
        with("min-severity = 'error'\n[severity]\nquery-in-loop = 'error'"),
        BOTH[1..]
    );
    write(
        folder.path(),
        "onequery.toml",
        "ignore = ['lazy-relation-in-loop']",
    );
    let selected = shown(folder.path(), &["--select", "lazy-relation-in-loop"]);
    assert_eq!(selected, BOTH[..1], "the command line is on top of the settings");
    write(folder.path(), "onequery.toml", "select = []");
    assert_eq!(shown(folder.path(), &["--isolated"]), BOTH);
}

#[test]
fn settings_stand_in_one_of_three_files() {
    let folder = shop();
    write(
        folder.path(),
        "Cargo.toml",
        "[workspace.metadata.onequery]\nignore = ['query-in-loop']\n",
    );
    assert_eq!(shown(folder.path(), &[]), BOTH[..1]);
    write(
        folder.path(),
        "pyproject.toml",
        "[tool.onequery]\nignore = ['lazy-relation-in-loop']\n",
    );
    assert_eq!(shown(folder.path(), &[]), BOTH[1..]);
    write(folder.path(), "onequery.toml", "");
    assert_eq!(shown(folder.path(), &[]), BOTH);
    write(folder.path(), "other.toml", "select = []");
    assert_eq!(shown(folder.path(), &["--config", "other.toml"]), [""; 0]);
    let printed = succeeds(
        folder.path(),
        &["check", "--show-settings", "--config", "other.toml"],
    );
    assert!(printed.starts_with("# other.toml\nselect = []\n"), "{printed}");
}

#[test]
fn settings_mark_the_root_whatever_is_asked_about() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (path, bytes) in [
        ("backend/pyproject.toml", "[project]\nname = 'backend'\n"),
        ("backend/shop/__init__.py", ""),
        ("backend/shop/models.py", MODELS),
        ("backend/shop/views.py", VIEWS),
        ("onequery.toml", "ignore = ['query-in-loop']"),
    ] {
        write(folder.path(), path, bytes);
    }
    let concise = |path: &str| {
        let args = ["check", path, "--format", "concise", "--quiet"];
        String::from_utf8_lossy(&onequery(folder.path(), &args).stdout).into_owned()
    };
    let all = concise(".");
    assert!(
        all.starts_with("backend/shop/views.py:5:13: lazy-relation-in-loop"),
        "{all}"
    );
    assert_eq!(all.lines().count(), 1);
    assert_eq!(concise("backend/shop/views.py"), all);
    let files = succeeds(folder.path(), &["check", "--show-files", "backend/shop"]);
    assert_eq!(
        files,
        "backend/shop/__init__.py\nbackend/shop/models.py\nbackend/shop/views.py\n"
    );
}

#[test]
fn settings_that_cannot_be_read_are_told_with_their_place() {
    let folder = shop();
    write(folder.path(), "onequery.toml", "\nselct = []");
    refuses(folder.path(), &["check"], "line 2, column 1");
    refuses(folder.path(), &["check"], "did you mean `select`?");
    write(folder.path(), "onequery.toml", "catalogs = ['ours.toml']");
    refuses(folder.path(), &["check"], "ours.toml");
    write(folder.path(), "ours.toml", "id = 'ours'\ntitel = 'Ours'");
    refuses(folder.path(), &["check"], "titel");
    refuses(folder.path(), &["check", "--config", "none.toml"], "none.toml");
}

#[test]
fn a_project_describes_its_own_data_layer() {
    let folder = shop();
    write(
        folder.path(),
        "shop/views.py",
        "from ourdb import Store\n\n\ndef names(keys: list[int], store: Store):\n    return [store.load(key) for key in keys]\n",
    );
    assert_eq!(shown(folder.path(), &[]), [""; 0]);
    write(folder.path(), "onequery.toml", "catalogs = ['ours.toml']");
    write(
        folder.path(),
        "ours.toml",
        "id = 'ours'\ntitle = 'Our store'\nlanguage = 'python'\nkind = 'driver'\n\n[[type]]\nname = 'Store'\npaths = ['ourdb.Store']\nconnection = true\n\n[[method]]\non = ['Store']\nname = ['load']\nruns = 'read'\n",
    );
    assert_eq!(shown(folder.path(), &[]), BOTH[1..]);
}

#[test]
fn the_schema_of_the_settings_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/onequery.schema.json");
    let fresh = succeeds(Path::new(env!("CARGO_MANIFEST_DIR")), &["debug", "schema", "."]);
    if std::env::var_os("UPDATE").is_some_and(|value| !value.is_empty()) {
        std::fs::write(&path, fresh).expect("the schema can be written");
        return;
    }
    let written = std::fs::read_to_string(&path).expect("the schema is part of the repository");
    assert_eq!(written, fresh, "`UPDATE=1 cargo test schema` rewrites it");
    let schema: Value = serde_json::from_str(&written).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let is_valid = |settings: &str| {
        let settings: toml::Table = settings.parse().expect("the settings are TOML");
        validator.is_valid(&serde_json::to_value(settings).expect("TOML is JSON"))
    };
    assert!(is_valid(
        "select = ['query-in-loop']\n[severity]\nquery-in-loop = 'error'"
    ));
    assert!(is_valid(
        "min-confidence = 'proven'\ninclude = ['tests']\nexclude = ['a']"
    ));
    assert!(!is_valid("select = ['query-in-lop']"));
    assert!(!is_valid("selct = []"));
}

#[test]
fn comments_accept_findings_on_any_step() {
    let folder = shop();
    let with = |view: &str| {
        write(folder.path(), "shop/views.py", view);
        shown(folder.path(), &[])
    };
    let ignore = "# onequery: ignore[query-in-loop]";
    let at_query = VIEWS.replace("pk=key))", &format!("pk=key))  {ignore} -- few"));
    assert_eq!(with(&at_query), BOTH[..1]);
    let above_loop = VIEWS.replace("    for key", &format!("    {ignore}\n    for key"));
    assert_eq!(with(&above_loop), BOTH[..1]);
    let lazily = VIEWS.replace(
        ".all()]",
        ".all()]  # onequery: ignore[lazy-relation-in-loop, query-in-loop]",
    );
    assert_eq!(with(&lazily), ["unused-ignore ", BOTH[1]]);
    let elsewhere = VIEWS.replace("    found = []", &format!("    found = []  {ignore}"));
    assert_eq!(with(&elsewhere), [BOTH[0], "unused-ignore ", BOTH[1]]);
    let unknown = VIEWS.replace("pk=key))", "pk=key))  # onequery: ignore[query-in-lop]");
    assert_eq!(with(&unknown), [BOTH[0], BOTH[1], "invalid-directive "]);
    let nothing = VIEWS.replace("    found = []", "    found = []  # onequery: batched");
    assert_eq!(with(&nothing), [BOTH[0], "invalid-directive ", BOTH[1]]);
}

#[test]
fn a_reason_may_be_required() {
    let folder = shop();
    write(folder.path(), "onequery.toml", "require-reason = true");
    let with = |reason: &str| {
        let comment = format!("pk=key))  # onequery: ignore[query-in-loop]{reason}");
        write(
            folder.path(),
            "shop/views.py",
            VIEWS.replace("pk=key))", &comment),
        );
        shown(folder.path(), &[])
    };
    assert_eq!(with(" -- few"), BOTH[..1]);
    assert_eq!(with(""), [BOTH[0], "directive-without-reason "]);
    assert_eq!(with(" -- "), [BOTH[0], "directive-without-reason "]);
}

#[test]
fn findings_below_the_confidence_asked_for_are_only_counted() {
    let folder = fixtures().join("python/django/query-in-loop");
    let levels = ["possible", "likely", "proven"];
    let mut n_all = BTreeSet::new();
    for (ix, level) in levels.iter().enumerate() {
        let report = report(&folder, &[EVERYTHING, &["--min-confidence", level]].concat());
        let findings = list(&report, "/findings");
        let shown: BTreeSet<&str> = findings.iter().map(|it| text(it, "/confidence")).collect();
        assert_eq!(shown, levels[ix..].iter().copied().collect());
        let below = levels[..ix].iter().map(|level| {
            let hidden = report.pointer(&format!("/summary/hidden/only {level}"));
            hidden.and_then(Value::as_u64).unwrap_or_default()
        });
        n_all.insert(findings.len() as u64 + below.sum::<u64>());
    }
    assert_eq!(n_all.len(), 1, "{n_all:?}");
}

#[test]
fn written_comments_accept_what_they_are_written_for() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for (path, bytes) in crate::support::fixture_files("py")
        .into_iter()
        .chain(crate::support::fixture_files("rs"))
        .filter(|(path, _)| path.starts_with("demo/"))
    {
        write(folder.path(), &path, bytes);
    }
    assert_eq!(
        shown(folder.path(), &[]).len(),
        shown(&fixtures().join("demo"), &[]).len()
    );
    let said = succeeds(
        folder.path(),
        &["suppress", "--add", "--reason", "the shop is small"],
    );
    assert_eq!(said, "8 findings accepted by comments\n");
    assert_eq!(shown(folder.path(), &["--min-confidence", "likely"]), [""; 0]);
}

#[test]
fn a_baseline_hides_what_is_known() {
    let folder = shop();
    refuses(folder.path(), &["baseline", "prune"], "baseline create");
    succeeds(folder.path(), &["baseline", "create"]);
    refuses(folder.path(), &["baseline", "create"], "there already");
    assert_eq!(shown(folder.path(), &[]), [""; 0]);
    assert_eq!(shown(folder.path(), &["--no-baseline"]), BOTH);
    // Moved lines, another layout and a second finding: the known ones stay known.
    let edited = VIEWS.replace(
        "def names",
        "\n\ndef more(keys):\n    return [Product.objects.get(pk=k) for k in keys]\n\n\ndef names",
    );
    let edited = edited.replace("get(pk=key)", "get(\n            pk=key,\n        )");
    write(folder.path(), "shop/views.py", edited);
    assert_eq!(shown(folder.path(), &[]), ["query-in-loop more"]);
    let said = succeeds(folder.path(), &["baseline", "update"]);
    assert!(said.starts_with("0 dropped, 0 added"), "{said}");
    let said = succeeds(folder.path(), &["baseline", "update", "--add"]);
    assert!(said.starts_with("0 dropped, 1 added"), "{said}");
    assert_eq!(shown(folder.path(), &[]), [""; 0]);
}

#[test]
fn what_is_no_longer_found_is_told_and_fails_in_continuous_integration() {
    let folder = shop();
    succeeds(folder.path(), &["baseline", "create"]);
    write(
        folder.path(),
        "shop/views.py",
        VIEWS.replace("objects.all()", "objects.select_related('maker')"),
    );
    let check = |ci: &str, args: &[&str]| -> Output {
        command(folder.path(), args)
            .env("CI", ci)
            .output()
            .expect("the binary of this package can be run")
    };
    let output = check("", &["check"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("1 entry of onequery-baseline.txt is no longer found"),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(check("true", &["check"]).status.code(), Some(1));
    let elsewhere = check("true", &["check", "shop/models.py"]);
    assert_eq!(elsewhere.status.code(), Some(0), "it was not looked for");
    let listed = succeeds(folder.path(), &["baseline", "show"]);
    assert_eq!(listed.matches("(no longer found)").count(), 1, "{listed}");
    succeeds(folder.path(), &["baseline", "prune"]);
    assert_eq!(check("true", &["check"]).status.code(), Some(0));
}

#[test]
fn of_files_that_are_not_analysed_whole_nothing_is_dropped() {
    let folder = shop();
    succeeds(folder.path(), &["baseline", "create"]);
    write(
        folder.path(),
        "shop/views.py",
        VIEWS.replace("def names(keys)", "def names((keys"),
    );
    let said = succeeds(folder.path(), &["baseline", "prune"]);
    assert!(said.starts_with("0 dropped"), "{said}");
    write(folder.path(), "shop/views.py", VIEWS);
    assert_eq!(shown(folder.path(), &[]), [""; 0]);
}

#[test]
fn a_baseline_that_cannot_be_read_is_left_alone() {
    let folder = shop();
    for (bytes, part) in [
        ("<<<<<<< ours\n# onequery baseline 1\n", "line 1"),
        ("# onequery baseline 1\n=======\n", "line 2"),
        ("# onequery baseline 9\n", "version 9"),
    ] {
        write(folder.path(), "onequery-baseline.txt", bytes);
        refuses(folder.path(), &["check"], part);
        refuses(folder.path(), &["baseline", "update"], part);
        let kept = std::fs::read_to_string(folder.path().join("onequery-baseline.txt"));
        assert_eq!(kept.expect("the file is there"), bytes);
    }
}

/// A repository of [`shop`] with one commit.
fn repository() -> TempDir {
    let folder = shop();
    git(folder.path(), &["init", "--quiet", "--initial-branch", "main"]);
    commit(folder.path());
    folder
}

#[test]
fn a_renamed_file_keeps_its_baseline() {
    let folder = repository();
    succeeds(folder.path(), &["baseline", "create"]);
    commit(folder.path());
    git(
        folder.path(),
        &["mv", "shop/views.py", "shop/caf\u{e9} \"pages\".py"],
    );
    assert_eq!(shown(folder.path(), &[]), [""; 0]);
    succeeds(folder.path(), &["baseline", "update"]);
    commit(folder.path());
    assert_eq!(shown(folder.path(), &[]), [""; 0]);
}

#[test]
fn only_what_a_revision_does_not_have_is_shown() {
    let folder = repository();
    let since = |args: &[&str]| shown(folder.path(), args);
    assert_eq!(since(&["--diff", "main"]), [""; 0]);
    assert_eq!(since(&["--staged"]), [""; 0]);
    // Settings of git that change what its output looks like.
    git(folder.path(), &["config", "diff.noprefix", "true"]);
    git(folder.path(), &["config", "diff.external", "false"]);
    git(folder.path(), &["config", "color.ui", "always"]);
    git(folder.path(), &["switch", "--quiet", "--create", "topic"]);
    // A model makes a finding in a view that nobody touched.
    let eager = VIEWS.replace("objects.all()", "eager.all()");
    let models = format!("{MODELS}    eager = Eager()\n").replace(
        "class Product",
        "class Eager(models.Manager):\n    def get_queryset(self):\n        return super().get_queryset().select_related('maker')\n\n\nclass Product",
    );
    write(folder.path(), "shop/views.py", &eager);
    write(folder.path(), "shop/models.py", &models);
    commit(folder.path());
    assert_eq!(since(&["--no-baseline"]), BOTH[1..]);
    write(
        folder.path(),
        "shop/models.py",
        models.replace(".select_related('maker')", ""),
    );
    assert_eq!(since(&["--diff", "topic"]), BOTH[..1]);
    // What main has mended since the topic branched off is not new in the topic.
    write(folder.path(), "shop/models.py", &models);
    git(folder.path(), &["switch", "--quiet", "main"]);
    write(
        folder.path(),
        "shop/views.py",
        VIEWS
            .replace("get(pk=key)", "filter(pk__in=keys)")
            .replace("    for key in keys:\n        found", "    found"),
    );
    commit(folder.path());
    assert_eq!(since(&["--no-baseline"]), BOTH[..1]);
    git(folder.path(), &["switch", "--quiet", "topic"]);
    assert_eq!(since(&["--diff", "main"]), [""; 0]);
    write(
        folder.path(),
        "shop/models.py",
        models.replace(".select_related('maker')", ""),
    );
    commit(folder.path());
    git(folder.path(), &["mv", "shop/views.py", "shop/a page.py"]);
    assert_eq!(since(&["--diff", "HEAD"]), [""; 0]);
    assert_eq!(since(&["--staged"]), [""; 0]);
    // A comment that was of no use before is no news either.
    write(
        folder.path(),
        "shop/a page.py",
        format!("# onequery: ignore[query-in-loop] -- no longer\nNONE = ()\n\n\n{eager}"),
    );
    commit(folder.path());
    write(folder.path(), "shop/page.py", "");
    assert_eq!(since(&["--diff", "HEAD"]), [""; 0]);
    // A changed line takes part in an old finding.
    write(
        folder.path(),
        "shop/a page.py",
        eager.replace("for key in keys", "for key in set(keys)"),
    );
    assert_eq!(since(&["--diff", "HEAD"]), BOTH[1..]);
}

#[test]
fn a_hook_of_another_work_tree_compares_with_its_own_commit() {
    let folder = repository();
    let tree = tempfile::tempdir().expect("a temporary folder can be made");
    let tree = tree.path().join("tree");
    git(
        folder.path(),
        &["worktree", "add", "--quiet", &tree.display().to_string()],
    );
    let output = command(
        &tree.join("shop"),
        &["check", "--staged", "--format", "concise", "--quiet", "."],
    )
    .env("GIT_DIR", folder.path().join(".git/worktrees/tree"))
    .output()
    .expect("the binary of this package can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.as_ref()), (Some(0), ""));
}

#[test]
fn before_the_first_commit_everything_is_new() {
    let folder = shop();
    git(folder.path(), &["init", "--quiet"]);
    git(folder.path(), &["add", "--all"]);
    assert_eq!(shown(folder.path(), &["--staged"]), BOTH);
}

#[test]
fn a_revision_that_cannot_be_compared_with_is_an_error() {
    let folder = repository();
    refuses(
        folder.path(),
        &["check", "--diff", "nowhere"],
        "no revision `nowhere`",
    );
    refuses(
        folder.path(),
        &["check", "--diff=--help-me"],
        "no revision `--help-me`",
    );
    let plain = shop();
    refuses(
        plain.path(),
        &["check", "--diff", "HEAD"],
        "not in a git repository",
    );
    refuses(plain.path(), &["check", "--staged"], "not in a git repository");
    write(folder.path(), "more.py", "");
    commit(folder.path());
    let shallow = tempfile::tempdir().expect("a temporary folder can be made");
    let source = format!("file://{}", folder.path().display());
    git(
        shallow.path(),
        &["clone", "--quiet", "--depth", "1", &source, "clone"],
    );
    refuses(
        &shallow.path().join("clone"),
        &["check", "--diff", "HEAD~1"],
        "fetch-depth: 0",
    );
}

#[test]
fn rules_and_findings_are_explained() {
    let folder = shop();
    let told = succeeds(folder.path(), &["explain", "query-in-loop"]);
    assert!(told.contains("## Why is this bad?"), "{told}");
    refuses(
        folder.path(),
        &["explain", "query-in-lop"],
        "did you mean `query-in-loop`?",
    );
    let report = report(folder.path(), &[]);
    let told = succeeds(
        folder.path(),
        &["explain", text(&report, "/findings/0/fingerprint")],
    );
    let at_place = succeeds(folder.path(), &["explain", "shop/views.py:5"]);
    assert_eq!(at_place, told);
    assert!(
        told.contains("shop/views.py:5:13") && told.contains("# lazy-relation-in-loop"),
        "{told}"
    );
    refuses(
        folder.path(),
        &["explain", "0123456789abcdef"],
        "no finding `0123456789abcdef`",
    );
    let rules: Value =
        serde_json::from_str(&succeeds(folder.path(), &["rules", "--format", "json"])).expect("it is JSON");
    assert!(
        list(&rules, "/rules")
            .iter()
            .any(|rule| text(rule, "/id") == "unused-ignore")
    );
}

#[test]
fn a_project_says_what_the_world_outside_calls() {
    let jobs = "from shop.models import Book\n\n\ndef load(pk):\n    return Book.objects.get(pk=pk)\n\n\n\
                class Jobs:\n    def nightly(self, ids):\n        return [load(i) for i in ids]\n";
    let models = "from django.db import models\n\n\nclass Book(models.Model):\n    pass\n";
    let folder = project(&[("shop/models.py", models), ("shop/jobs.py", jobs)]);
    let folder = folder.path();
    let entry = || report(folder, &[])["findings"][0]["entry"].clone();
    write(folder, "onequery.toml", "");
    assert_eq!(entry(), serde_json::Value::Null);
    write(
        folder,
        "onequery.toml",
        "[entry-points]\n'shop/*.py:Jobs.night*' = 'task'\n",
    );
    assert_eq!(
        (text(&entry(), "/kind"), text(&entry(), "/name")),
        ("task", "Jobs.nightly")
    );
    write(
        folder,
        "onequery.toml",
        "[entry-points]\n'shop/*.py:nightly' = 'task'\n",
    );
    assert_eq!(entry(), serde_json::Value::Null);
    write(
        folder,
        "onequery.toml",
        "[entry-points]\n'shop/jobs.py' = 'task'\n",
    );
    refuses(folder, &["check"], "names no function");
    write(
        folder,
        "onequery.toml",
        "[entry-points]\n'shop/jobs.py:load' = 'taks'\n",
    );
    refuses(folder, &["check"], "did you mean `task`?");
}
