//! What runs keep for later ones: it changes how long they take and nothing else.

use std::fs::{self, Permissions};
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{command, commit, fixture_files, git, names, project, succeeds, write};

const SHOP: &[(&str, &str)] = &[
    ("pyproject.toml", ""),
    (
        "shop/models.py",
        "from django.db import models\n\n\nclass Book(models.Model):\n    pass\n",
    ),
    (
        "shop/views.py",
        "from shop.models import Book\nfrom shop.tests.helpers import load\n\n\n\
         def books(ids):\n    return [load(i) for i in ids]\n",
    ),
    (
        "shop/tests/helpers.py",
        "from shop.models import Book\n\n\ndef load(pk):\n    return Book.objects.get(pk=pk)\n",
    ),
    ("shop/tests/test_books.py", "def test_books():\n    pass\n"),
];

/// Runs a check with the cache, with more options, and gives what it prints.
fn run(folder: &Path, args: &[&str]) -> Output {
    let args = [&["check", ".", "--format", "json", "--exit-zero"], args].concat();
    let mut command = command(folder, &args);
    command.env_remove("ONEQUERY_NO_CACHE");
    command.output().expect("the binary of this package can be run")
}

/// The report of a check that succeeds and says nothing besides.
fn report(folder: &Path, args: &[&str]) -> Value {
    let output = run(folder, args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    serde_json::from_slice(&output.stdout).expect("the report is JSON")
}

/// The report of a check, which has to be that of a check without cache.
fn same(folder: &Path, args: &[&str]) -> Value {
    let kept = report(folder, args);
    let without = report(folder, &[args, &["--no-cache"]].concat());
    assert_eq!(kept, without);
    kept
}

/// The phases that a check goes through.
fn phases(folder: &Path, args: &[&str]) -> String {
    let output = run(folder, &[args, &["--timings"]].concat());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn n_findings(report: &Value) -> usize {
    report["findings"].as_array().map_or(0, Vec::len)
}

/// All files that are kept.
fn kept(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.join(".onequery_cache")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("it can be listed") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("CACHEDIR.TAG") && !path.ends_with(".gitignore") {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn a_second_run_evaluates_nothing() {
    let folder = project(SHOP);
    let folder = folder.path();
    assert_eq!(n_findings(&same(folder, &[])), 1);
    let phases = phases(folder, &[]);
    assert!(
        phases.contains("recall") && !phases.contains("evaluate"),
        "{phases}"
    );
    assert_eq!(n_findings(&same(folder, &[])), 1);
}

#[test]
fn every_change_counts() {
    let folder = project(SHOP);
    let folder = folder.path();
    let check = |path: &str, text: &str, n: usize| {
        write(folder, path, text);
        assert_eq!(n_findings(&same(folder, &[])), n, "{path}");
    };
    report(folder, &[]);
    // A file that is read only because another imports it.
    check("shop/tests/helpers.py", "def load(pk):\n    return pk\n", 0);
    check("shop/tests/helpers.py", SHOP[3].1, 1);
    check("shop/views.py", &format!("\n\n{}", SHOP[2].1), 1);
    // A file that stands in the way of another one, and one that makes a folder another package.
    check("shop/tests.py", "load = len\n", 1);
    check("shop/tests/__init__.py", "", 1);
    check("more.py", "from shop.views import books\n", 1);
    // Comments that accept, and what is wanted of them.
    let accepted = SHOP[2]
        .1
        .replace("ids]", "ids]  # onequery: ignore[query-in-loop]");
    check("shop/views.py", &accepted, 0);
    check("onequery.toml", "require-reason = true\n", 1);
    check("onequery.toml", "", 0);
    check("shop/views.py", SHOP[2].1, 1);
    check("shop/models.py", "class Book:\n    pass\n", 0);
    fs::remove_file(folder.join("shop/models.py")).expect("the file is there");
    same(folder, &[]);
}

#[test]
fn a_change_of_one_file_evaluates_little() {
    let folder = project(SHOP);
    let folder = folder.path();
    report(folder, &[]);
    let in_body = SHOP[2].1.replace("    return", "    ids = ids\n    return");
    let bound = format!("import json\n{in_body}\n\nLIMIT = 3\n");
    let declared = bound.clone() + "\n\nclass Basket:\n    def books(self):\n        return []\n";
    for text in [&in_body, &bound, &declared] {
        write(folder, "shop/views.py", text);
        let little = phases(folder, &[]);
        assert!(
            little.contains("replay") && !little.contains("evaluate"),
            "{little}"
        );
        assert_eq!(n_findings(&same(folder, &[])), 1);
    }
    // Another file is another matter, and is remembered for the next run.
    write(folder, "shop/urls.py", "");
    let everything = phases(folder, &[]);
    assert!(
        everything.contains("evaluate") && !everything.contains("replay"),
        "{everything}"
    );
    write(folder, "shop/views.py", in_body.replace("load(i)", "i"));
    let little = phases(folder, &[]);
    assert!(little.contains("replay"), "{little}");
    assert_eq!(n_findings(&same(folder, &[])), 0);
}

#[test]
fn settings_that_change_what_is_found_count() {
    let folder = project(SHOP);
    let folder = folder.path();
    write(
        folder,
        "shop/jobs.py",
        "from store import Client\n\n\ndef run(client: Client, ids):\n    return [client.fetch(i) for i in ids]\n",
    );
    assert_eq!(n_findings(&same(folder, &[])), 1);
    let catalog = |runs: &str| {
        format!(
            "id = 'store'\ntitle = 'Our store'\nlanguage = 'python'\nkind = 'driver'\n\n[[type]]\nname = 'Client'\n\
             paths = ['store.Client']\nconnection = true\n\n[[method]]\non = ['Client']\nname = ['fetch']\n{runs}\n"
        )
    };
    write(folder, "onequery.toml", "catalogs = ['store.toml']\n");
    write(folder, "store.toml", catalog("runs = 'read'"));
    assert_eq!(n_findings(&same(folder, &[])), 2);
    write(folder, "store.toml", catalog(""));
    assert_eq!(n_findings(&same(folder, &[])), 1);
    same(folder, &["--include", "tests"]);
    same(folder, &["--exclude", "shop/views.py"]);
    same(folder, &["--select", "write-in-loop"]);
    same(folder, &[]);
}

#[test]
fn what_is_odd_about_files_is_told_every_time() {
    let folder = project(SHOP);
    let folder = folder.path();
    write(folder, "shop/odd.py", b"x = '\xff'\ndef f(:\n");
    let odd = |report: &Value| report["problems"].as_array().map_or(0, Vec::len);
    assert_eq!(odd(&same(folder, &[])), 2);
    assert_eq!(odd(&same(folder, &[])), 2);
    // Other bytes, the same text.
    write(folder, "shop/odd.py", "x = '\u{fffd}'\ndef f(:\n");
    assert_eq!(odd(&same(folder, &[])), 1);
}

#[test]
fn other_texts_of_real_programs_give_the_findings_of_a_fresh_run() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let folder = folder.path();
    let mut files: Vec<(String, Vec<u8>)> = ["py", "rs", "html"]
        .iter()
        .flat_map(|it| fixture_files(it))
        .collect();
    let step = (files.len() / 200).max(1);
    files = files.into_iter().step_by(step).collect();
    for (path, bytes) in &files {
        write(folder, path, bytes);
    }
    same(folder, &[]);
    for (path, bytes) in files.iter().step_by(17) {
        let half = &bytes[..bytes.len() / 2];
        write(folder, path, half);
        same(folder, &[]);
        write(folder, path, [b"\n", bytes.as_slice()].concat());
        same(folder, &[]);
    }
}

#[test]
fn what_is_not_whole_is_found_out_anew() {
    let folder = project(SHOP);
    let folder = folder.path();
    report(folder, &[]);
    for spoil in [
        |_: Vec<u8>| Vec::new(),
        |bytes: Vec<u8>| bytes[..bytes.len() / 2].to_vec(),
        |mut bytes: Vec<u8>| {
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            bytes
        },
        |_: Vec<u8>| b"onequery, but not of this kind".to_vec(),
    ] {
        for path in kept(folder) {
            let bytes = fs::read(&path).expect("it can be read");
            fs::write(&path, spoil(bytes)).expect("it can be written");
        }
        assert_eq!(n_findings(&same(folder, &[])), 1);
        assert!(!phases(folder, &[]).contains("evaluate"), "it was not kept again");
    }
}

#[test]
fn a_folder_that_cannot_be_written_costs_a_note() {
    let folder = project(SHOP);
    let folder = folder.path();
    write(folder, "blocked", "a file where the folder should be");
    let output = run(folder, &["--cache-dir", "blocked"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("note: nothing is kept for the next run"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
    assert_eq!(n_findings(&report), 1);
}

#[test]
#[cfg(unix)]
fn a_read_only_tree_is_left_as_it_is() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = project(SHOP);
    let folder = folder.path();
    fs::set_permissions(folder, Permissions::from_mode(0o555)).expect("it is ours");
    let is_root = fs::write(folder.join("probe"), "").is_ok();
    let output = run(folder, &[]);
    fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("it is ours");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(is_root || said.contains("note: nothing is kept"), "{said}");
}

#[test]
fn runs_side_by_side_do_not_disturb_each_other() {
    let folder = project(SHOP);
    let folder = folder.path();
    let without = report(folder, &["--no-cache"]);
    std::thread::scope(|threads| {
        let runs: Vec<_> = (0..8).map(|_| threads.spawn(|| report(folder, &[]))).collect();
        for run in runs {
            assert_eq!(run.join().expect("it ends"), without);
        }
    });
    assert_eq!(report(folder, &[]), without);
}

#[test]
fn a_folder_can_be_shared_by_clones() {
    let [one, other] = [project(SHOP), project(SHOP)];
    let shared = tempfile::tempdir().expect("a temporary folder can be made");
    let shared = shared.path().join("kept");
    let args = ["--cache-dir", shared.to_str().expect("it is text")];
    report(one.path(), &args);
    let phases = phases(other.path(), &args);
    assert!(!phases.contains("evaluate"), "{phases}");
}

#[test]
fn builds_do_not_read_what_others_kept_and_old_ones_go() {
    let folder = project(SHOP);
    let folder = folder.path();
    let cache = folder.join(".onequery_cache");
    for ix in 0..5 {
        let build = format!("0.0.{ix}-0123456789abcdef");
        write(&cache, &format!("{build}/results/00"), "old");
    }
    write(&cache, "notes/mine", "not a build's");
    report(folder, &[]);
    let builds = names(&cache).into_iter().filter(|name| name.len() > 16).count();
    assert_eq!(builds, 3);
    assert!(cache.join("notes/mine").exists());
}

#[test]
fn staged_changes_are_compared_with_what_is_known_of_the_commit() {
    let folder: TempDir = project(SHOP);
    let folder = folder.path();
    git(folder, &["init", "--quiet"]);
    commit(folder);
    assert_eq!(n_findings(&report(folder, &[])), 1);
    assert_eq!(n_findings(&same(folder, &["--staged"])), 0);
    let phases = phases(folder, &["--staged"]);
    assert!(!phases.contains("evaluate"), "{phases}");
    write(
        folder,
        "shop/models.py",
        format!(
            "{}\n\ndef all(ids):\n    return [Book.objects.get(pk=i) for i in ids]\n",
            SHOP[1].1
        ),
    );
    git(folder, &["add", "--all"]);
    assert_eq!(n_findings(&same(folder, &["--staged"])), 1);
    commit(folder);
    assert_eq!(n_findings(&same(folder, &["--staged"])), 0);
    assert_eq!(n_findings(&same(folder, &["--diff", "HEAD~1"])), 1);
}

#[test]
fn the_cache_is_told_of_and_deleted() {
    let folder = project(SHOP);
    let folder = folder.path();
    let cache = folder
        .canonicalize()
        .expect("it is there")
        .join(".onequery_cache");
    let dir = succeeds(folder, &["cache", "dir"]);
    assert_eq!(Path::new(dir.trim_end()), cache);
    report(folder, &[]);
    let tag = fs::read_to_string(cache.join("CACHEDIR.TAG")).expect("the folder is marked");
    assert!(tag.starts_with("Signature: 8a477f597d28d172789f06886806bc55"));
    let stats = succeeds(folder, &["cache", "stats"]);
    assert!(
        stats.contains("lowered files: 3\n") && stats.contains("whole runs:    1\n"),
        "{stats}"
    );
    assert!(succeeds(folder, &["cache", "clean"]).starts_with("deleted: "));
    assert!(!cache.exists());
    assert!(succeeds(folder, &["cache", "clean"]).starts_with("deleted: 0 files"));
    // Other people's files stay.
    report(folder, &["--cache-dir", "shop"]);
    succeeds(folder, &["cache", "clean", "--cache-dir", "shop"]);
    assert!(folder.join("shop/models.py").exists() && !folder.join("shop/CACHEDIR.TAG").exists());
}
