//! `onequery fix`.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::support::{onequery, project, write};

const MODELS: &str = "from django.db import models\n\n\nclass Maker(models.Model):\n    name = models.TextField()\n\n\n\
                      class Product(models.Model):\n    sku = models.TextField()\n    \
                      maker = models.ForeignKey(Maker, models.CASCADE)\n";
const VIEWS: &str = "from shop.models import Product\n\n\ndef names():\n    rows = Product.objects.all()\n    \
                     return [(row.maker.name, row.maker.pk) for row in rows]\n\n\ndef skus(keys):\n    \
                     return [Product.objects.get(pk=key).sku for key in keys]\n";
const FIXED: &str = "Product.objects.all().select_related(\"maker\")";

fn shop() -> TempDir {
    project(&[
        ("pyproject.toml", ""),
        ("shop/models.py", MODELS),
        ("shop/views.py", VIEWS),
    ])
}

/// Exit code, standard output and standard error of `onequery fix` with options.
fn fix(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = onequery(folder, &[&["fix"], args].concat());
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("it is UTF-8"));
    (output.status.code(), stdout, stderr)
}

#[test]
fn what_loads_a_relation_is_written_into_the_query() {
    let folder = shop();
    let views = folder.path().join("shop/views.py");
    let (code, patch, said) = fix(folder.path(), &["--preview"]);
    assert_eq!(
        (code, said.as_str()),
        (Some(1), "onequery: 1 finding would be fixed, 1 left\n")
    );
    assert!(
        patch.starts_with("--- a/shop/views.py\n+++ b/shop/views.py\n@@ "),
        "{patch}"
    );
    let changed: Vec<&str> = patch
        .lines()
        .skip(2)
        .filter(|line| line.starts_with(['-', '+']))
        .collect();
    assert_eq!(
        changed,
        [
            "-    rows = Product.objects.all()".to_owned(),
            format!("+    rows = {FIXED}")
        ]
    );
    assert_eq!(fs::read_to_string(&views).expect("it is there"), VIEWS);

    let fixed = VIEWS.replace("Product.objects.all()", FIXED);
    let (code, said, _) = fix(folder.path(), &[]);
    assert_eq!((code, said.as_str()), (Some(0), "1 finding fixed, 1 left\n"));
    assert_eq!(fs::read_to_string(&views).expect("it is there"), fixed);
    let (code, said, _) = fix(folder.path(), &[]);
    assert_eq!((code, said.as_str()), (Some(0), "0 findings fixed, 1 left\n"));
    assert_eq!(fix(folder.path(), &["--preview"]).0, Some(0));
}

#[test]
fn only_what_is_shown_is_fixed() {
    let left = |folder: &TempDir, args: &[&str]| {
        assert_eq!(
            fix(folder.path(), &[args, &["--preview"]].concat()).1,
            "",
            "{args:?}"
        );
    };
    let folder = shop();
    left(&folder, &["--select", "query-in-loop"]);
    left(&folder, &["shop/models.py"]);
    left(&folder, &["--exclude", "views.py"]);
    assert_eq!(
        onequery(folder.path(), &["baseline", "create"]).status.code(),
        Some(0)
    );
    left(&folder, &[]);
    assert_ne!(fix(folder.path(), &["--no-baseline", "--preview"]).1, "");
}

#[test]
fn what_cannot_be_written_back_is_left() {
    let folder = shop();
    let text = format!("# coding: latin-1\n# caf\u{e9}\n{VIEWS}");
    let bytes: Vec<u8> = text.chars().map(|letter| letter as u8).collect();
    write(folder.path(), "shop/views.py", &bytes);
    for args in [&["--preview"][..], &[]] {
        let (code, _, said) = fix(folder.path(), args);
        assert_eq!(code, Some(2));
        assert!(
            said.contains("shop/views.py: the file is not UTF-8, or has changed; it is left as it is"),
            "{said}"
        );
    }
    assert_eq!(
        fs::read(folder.path().join("shop/views.py")).expect("it is there"),
        bytes
    );

    // What editors put in front of a text stays.
    write(
        folder.path(),
        "shop/views.py",
        format!("\u{feff}{}", VIEWS.replace('\n', "\r\n")),
    );
    assert_eq!(fix(folder.path(), &[]).0, Some(0));
    let fixed = VIEWS
        .replace("Product.objects.all()", FIXED)
        .replace('\n', "\r\n");
    let written = fs::read_to_string(folder.path().join("shop/views.py")).expect("it is there");
    assert_eq!(written, format!("\u{feff}{fixed}"));
}
