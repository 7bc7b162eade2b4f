//! Whatever lies in a folder: a clear message or a counted problem, everything else analysed, never a panic.
//!
//! Each case stands beside two good files with a finding each, which must be reported every time.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{EVERYTHING, command, fixture_files, list, number, project, text, write};

/// The good files, and the lines of their findings.
const NEIGHBOURS: &[(&str, &str, u64)] = &[
    (
        "neighbours/shop.py",
        "from django.db import models\n\n\nclass Book(models.Model):\n    title = models.TextField()\n\n\n\
         def titles(ids):\n    return [Book.objects.get(pk=id).title for id in ids]\n",
        9,
    ),
    (
        "neighbours/shop.rs",
        "use sqlx::PgPool;\n\npub async fn delete(pool: &PgPool, ids: &[i64]) -> Result<(), sqlx::Error> {\n    \
         for id in ids {\n        sqlx::query(\"SELECT 1 WHERE $1\").bind(id).execute(pool).await?;\n    }\n    Ok(())\n}\n",
        5,
    ),
];

/// A Python file with a finding on line 9, to which one line is added.
const SHOP: &str = NEIGHBOURS[0].1;

/// Nothing here is big enough to take this long, even in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with bad things in it.
struct Bad {
    folder: TempDir,
}

impl Bad {
    fn new() -> Self {
        let files = NEIGHBOURS.iter().map(|&(path, text, _)| (path, text));
        // Marks the root, whatever paths are given.
        let files: Vec<_> = files.chain([("pyproject.toml", "")]).collect();
        Self {
            folder: project(&files),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        write(self.path(), path, bytes);
        self
    }

    fn check(&self) -> Checked {
        self.check_paths(&["."], PATIENCE)
    }

    /// Runs the binary with all formats at once and holds it to what every run owes.
    fn check_paths(&self, paths: &[&str], patience: Duration) -> Checked {
        let reports = tempfile::tempdir().expect("a temporary folder can be made");
        let report = |name: &str| reports.path().join(name);
        let output = |format: &str| format!("--output={format}={}", report(format).display());
        let (json, sarif, github) = (output("json"), output("sarif"), output("github"));
        let args = [
            &["check"],
            paths,
            EVERYTHING,
            &["--verbose", &json, &sarif, &github],
        ]
        .concat();
        let create = |name| File::create(report(name)).expect("a temporary folder can be filled");
        let mut child = command(self.path(), &args)
            .stdout(Stdio::from(create("stdout")))
            .stderr(Stdio::from(create("stderr")))
            .spawn()
            .expect("the binary of this package can be run");
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                break status;
            }
            if started.elapsed() > patience {
                child.kill().expect("a running child can be ended");
                child.wait().expect("a child can be waited for");
                panic!("still running after {patience:?}");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let read = |name: &str| {
            let bytes = fs::read(report(name)).unwrap_or_default();
            String::from_utf8(bytes).unwrap_or_else(|error| panic!("{name} is not UTF-8: {error}"))
        };
        let (stdout, stderr) = (read("stdout"), read("stderr"));
        for word in ["panicked", "overflow"] {
            assert!(!stderr.contains(word), "{status}: {stderr}");
        }
        let code = status
            .code()
            .unwrap_or_else(|| panic!("ended by a signal: {status}; {stderr}"));
        let parse = |name: &str| -> Value {
            let text = read(name);
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name} ({error}): {text}"))
        };
        let checked = Checked {
            report: parse("json"),
            stdout,
            stderr,
        };
        let sarif = parse("sarif");
        let n_results = list(&sarif, "/runs/0/results").len();
        assert_eq!(
            n_results,
            list(&checked.report, "/findings").len(),
            "SARIF and JSON differ"
        );
        assert!(read("github").starts_with("::"), "no annotations");
        assert_eq!(
            checked.problems("internal-error"),
            [""; 0],
            "{:#}",
            checked.report["problems"]
        );
        for &(path, _, line) in NEIGHBOURS {
            assert!(checked.finds(path, line), "{path} is lost: {}", checked.stdout);
        }
        // The neighbours have findings, so the code is 1 unless part of the job could not be done; then somebody is told.
        let left_out = list(&checked.report, "/problems")
            .iter()
            .any(|problem| problem["failure"] == true);
        let told = !checked.stderr.is_empty();
        let expected = if left_out || told { 2 } else { 1 };
        assert_eq!(code, expected, "{}{}", checked.stderr, checked.stdout);
        checked
    }
}

/// What a run said.
struct Checked {
    report: Value,
    /// The report for people.
    stdout: String,
    stderr: String,
}

impl Checked {
    fn finds(&self, path: &str, line: u64) -> bool {
        list(&self.report, "/findings")
            .iter()
            .any(|it| it["path"] == path && it["line"] == line)
    }

    /// The paths that have a kind of problem.
    fn problems(&self, kind: &str) -> Vec<&str> {
        let problems = list(&self.report, "/problems")
            .iter()
            .filter(|problem| problem["kind"] == kind);
        problems.map(|problem| text(problem, "/path")).collect()
    }

    /// The kinds of problem that a path has.
    fn kinds(&self, path: &str) -> Vec<&str> {
        let problems = list(&self.report, "/problems")
            .iter()
            .filter(|problem| problem["path"] == path);
        problems.map(|problem| text(problem, "/kind")).collect()
    }
}

/// Numbers that look random and are the same every time (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("it is below a usize")
    }
}

// ---- cut and garbled text

/// Cuts every file at ten places, which differ from file to file, and keeps what stands before.
fn prefixes(extension: &str) {
    const CUTS: usize = 10;
    let mut bad = Bad::new();
    for (ix, (path, bytes)) in fixture_files(extension).iter().enumerate() {
        for cut in 0..CUTS {
            let end = bytes.len() * (cut * 10 + ix % 10 + 1) / (CUTS * 10);
            bad = bad.file(&format!("cut_{cut}/{path}"), &bytes[..end]);
        }
    }
    bad.check();
}

#[test]
fn every_prefix_of_python_is_analysed() {
    prefixes("py");
}

#[test]
fn every_prefix_of_rust_is_analysed() {
    prefixes("rs");
}

#[test]
fn random_bytes_are_analysed() {
    let mut random = Random(1);
    let mut bad = Bad::new();
    for ix in 0..60 {
        let bytes: Vec<u8> = (0..random.below(3_000))
            .map(|_| random.next().to_le_bytes()[0])
            .collect();
        bad = bad
            .file(&format!("random/{ix}.py"), &bytes)
            .file(&format!("random/{ix}.rs"), &bytes);
    }
    bad.check();
}

#[test]
fn random_words_are_analysed() {
    const PYTHON: &[&str] = &[
        "def f(a):",
        "class A(B):",
        "for a in b:",
        "while a:",
        "if a:",
        "else:",
        "elif b:",
        "try:",
        "except A as b:",
        "finally:",
        "with a as b:",
        "match a:",
        "case [b, *_]:",
        "async",
        "await",
        "yield",
        "return",
        "lambda a:",
        "import a",
        "from . import *",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        ".",
        "=",
        ":=",
        "->",
        "@",
        "*",
        "**",
        "a",
        "b.c",
        "1",
        "''",
        "\"\"\"",
        "f'{",
        "}'",
        "\\\n",
        "\n",
        "\n    ",
        "\n        ",
        "\t",
        "#",
        ";",
        "not",
        "in",
        "is",
        "del",
        "global a",
        "…",
    ];
    const RUST: &[&str] = &[
        "fn f(a: A)",
        "impl A for B",
        "struct A",
        "enum A",
        "trait A",
        "mod a",
        "use a::{b, c as d}",
        "for a in b",
        "while let a = b",
        "loop",
        "if let Some(a) = b",
        "else",
        "match a",
        "=>",
        "->",
        "async",
        "move",
        ".await",
        "?",
        "|a|",
        "||",
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "<",
        ">",
        "::",
        ";",
        ",",
        ".",
        "..",
        "&",
        "&mut",
        "*",
        "!",
        "#[a(b)]",
        "#!",
        "vec![",
        "macro_rules! a",
        "$a:expr",
        "$(",
        "a",
        "b.c()",
        "1",
        "\"",
        "'a",
        "'a'",
        "r#\"",
        "//",
        "/*",
        "*/",
        "\n",
        "where",
        "dyn",
        "impl",
        "unsafe",
        "const",
        "static",
        "…",
    ];
    let mut random = Random(2);
    let mut bad = Bad::new();
    for ix in 0..150 {
        for (extension, words) in [("py", PYTHON), ("rs", RUST)] {
            let soup: String = (0..random.below(300))
                .flat_map(|_| [words[random.below(words.len())], " "])
                .collect();
            bad = bad.file(&format!("soup/{ix}.{extension}"), soup);
        }
    }
    bad.check();
}

#[test]
fn empty_files_have_nothing_to_say() {
    let bad = Bad::new()
        .file("a.py", "")
        .file("a.rs", "")
        .file("b.py", "\n\n")
        .file("b.rs", "// nothing\n");
    let checked = bad.file("c.py", "# nothing").file("c.pyi", "").check();
    assert_eq!(list(&checked.report, "/problems"), [Value::Null; 0]);
    assert_eq!(number(&checked.report, "/summary/files"), 8);
}

#[test]
fn python_2_is_read_as_far_as_it_goes() {
    let old = "from django.db import models\nclass Book(models.Model):\n    pass\n\ndef old(ids, out):\n    \
               print 'begin', `ids`, 0777, ur'x'\n    print >>out, ids\n    exec 'x = 1' in {}\n    if ids <> 3: pass\n    \
               try:\n        raise ValueError, 'no'\n    except (ValueError, KeyError), error:\n        pass\n\n\
               def titles(ids):\n    for id in ids:\n        print Book.objects.get(pk=id)\n";
    let checked = Bad::new().file("old.py", old).check();
    assert!(checked.finds("old.py", 17), "{}", checked.stdout);
}

#[test]
fn rust_that_does_not_parse_costs_its_item_only() {
    let good = NEIGHBOURS[1].1;
    let broken = format!("{good}\npub fn broken( {{ let = ; }}\n\nmod inner {{ use super::*; {good} }}\n");
    let bad = Bad::new()
        .file("src/lib.rs", "mod broken;\nmod fine;\n")
        .file("src/fine.rs", good);
    let bad = bad
        .file("src/broken.rs", broken)
        .file("src/not_rust.rs", "<?php echo 'hello';\n");
    let checked = bad
        .file("src/unclosed.rs", format!("{good}\nfn unclosed() {{ ( [ \n"))
        .check();
    for (path, line) in [("src/fine.rs", 5), ("src/broken.rs", 5)] {
        assert!(checked.finds(path, line), "{path}: {}", checked.stdout);
    }
    for path in ["src/broken.rs", "src/not_rust.rs", "src/unclosed.rs"] {
        assert_eq!(checked.kinds(path), ["syntax-error"], "{path}");
    }
    assert!(
        checked.stdout.contains("syntax-error 3"),
        "not counted: {}",
        checked.stdout
    );
}

#[test]
fn modules_may_name_each_other_by_path() {
    let n_files = 14;
    let names = |own: usize| {
        let others = (0..n_files).filter(|&other| other != own);
        others
            .map(|other| format!("#[path = \"m{other}.rs\"]\nmod m{other};\n"))
            .collect::<String>()
    };
    let all = (0..n_files).fold(Bad::new(), |bad, own| {
        bad.file(&format!("src/m{own}.rs"), names(own))
    });
    let chain = (0..5000).fold(all.file("src/lib.rs", names(n_files)), |bad, ix| {
        bad.file(
            &format!("src/c{ix}.rs"),
            format!("#[path = \"c{}.rs\"]\nmod next;\n", ix + 1),
        )
    });
    let outside = "#[path = \"../../../far.rs\"]\nmod far;\n#[path = \"\"]\nmod none;\n";
    chain.file("src/outside.rs", outside).check();
}

// ---- size and depth

#[test]
fn a_huge_file_is_passed_over_and_counted() {
    let line = "x = Book.objects.get(pk=1)\n";
    let bad = Bad::new()
        .file("huge.py", line.repeat((50 << 20) / line.len()))
        .file("huge.rs", vec![b'/'; 9 << 20]);
    let started = Instant::now();
    let checked = bad.check();
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "it took {:?}",
        started.elapsed()
    );
    assert_eq!(checked.problems("too-large"), ["huge.py", "huge.rs"]);
    assert_eq!(
        checked.report["summary"]["skipped"],
        serde_json::json!({"too large": 2})
    );
    assert!(
        checked.stdout.contains("2 files skipped (2 too large)"),
        "{}",
        checked.stdout
    );
}

/// `open` and `close` as often as the issue asks for, around `inner`.
fn nested(open: &str, inner: &str, close: &str) -> String {
    const DEPTH: usize = 10_000;
    [&open.repeat(DEPTH), inner, &close.repeat(DEPTH)].concat()
}

/// A block in a block in a block …
fn python_blocks(depth: usize, head: &str) -> String {
    let mut text = String::new();
    for level in 0..depth {
        text.extend([&" ".repeat(level), head, "\n"]);
    }
    text + &" ".repeat(depth) + "pass\n"
}

#[test]
fn python_may_nest_deep() {
    let files = [
        ("parentheses", format!("x = {}\n", nested("(", "1", ")"))),
        ("lists", format!("x = {}\n", nested("[", "1", "]"))),
        ("dictionaries", format!("x = {}\n", nested("{1: ", "1", "}"))),
        ("calls", format!("x = {}\n", nested("f(", "1", ")"))),
        (
            "comprehensions",
            format!("x = {}\n", nested("[a for a in ", "b", "]")),
        ),
        ("lambdas", format!("x = {}\n", nested("lambda: ", "1", ""))),
        ("negations", format!("x = {}\n", nested("not ", "1", ""))),
        ("conditions", format!("x = {}\n", nested("a if b else ", "1", ""))),
        (
            "patterns",
            format!("match a:\n    case {}:\n        pass\n", nested("[", "b", "]")),
        ),
        ("annotations", format!("x: {} = 1\n", nested("List[", "int", "]"))),
        (
            "written_annotations",
            format!("x: '{}' = 1\n", nested("List[", "int", "]")),
        ),
        // Indented by one blank per level, 10,000 levels are a file of 50 MB; 3,000 are one that is read.
        ("blocks_beyond_the_limit", python_blocks(10_000, "if x:")),
        ("blocks", python_blocks(3_000, "if x:")),
        ("functions", python_blocks(1_000, "def f():")),
        ("classes", python_blocks(1_000, "class A:")),
    ];
    let bad = files.iter().fold(Bad::new(), |bad, (name, text)| {
        bad.file(&format!("{name}.py"), text)
    });
    let checked = bad.check();
    for (name, _) in &files {
        assert_ne!(
            checked.kinds(&format!("{name}.py")),
            [""; 0],
            "{name} is not told"
        );
    }
    assert_eq!(checked.problems("too-large"), ["blocks_beyond_the_limit.py"]);
}

#[test]
fn rust_may_nest_deep() {
    let body = |text: String| format!("fn f() {{ let x = {text}; }}\n");
    let files = [
        ("parentheses", body(nested("(", "1", ")"))),
        ("arrays", body(nested("[", "1", "]"))),
        ("calls", body(nested("f(", "1", ")"))),
        ("blocks", body(nested("{", "1", "}"))),
        ("ifs", body(nested("if x { ", "", " }"))),
        ("loops", body(nested("for a in b { ", "", " }"))),
        ("matches", body(nested("match x { _ => ", "1", " }"))),
        ("closures", body(nested("|x| ", "1", ""))),
        ("macros", body(nested("vec![(", "1", ")]"))),
        ("references", body(nested("&", "1", ""))),
        ("negations", body(nested("!", "1", ""))),
        ("assignments", body(nested("a = ", "1", ""))),
        ("alternatives", body(nested("if a {} else ", "{}", ""))),
        (
            "patterns",
            format!("fn f() {{ let {} = 1; }}\n", nested("(", "x", ")")),
        ),
        ("types", format!("type A = {};\n", nested("Vec<", "u8", ">"))),
        ("modules", nested("mod a { ", "", " }")),
        (
            "attributes",
            format!("#[a{}]\nfn f() {{}}\n", nested("(", "", ")")),
        ),
        ("imports", format!("use a{};\n", nested("::{a", "", "}"))),
        ("unclosed", nested("(", "", "")),
    ];
    let bad = files.iter().fold(Bad::new(), |bad, (name, text)| {
        bad.file(&format!("{name}.rs"), text)
    });
    let checked = bad.check();
    for (name, _) in &files {
        assert_eq!(checked.kinds(&format!("{name}.rs")), ["too-deep"], "{name}");
    }
}

/// A chain leans to the left, so its tree is as deep as it is long, although nothing is nested.
fn chains(extension: &str, around: (&str, &str), links: &[(&str, &str)]) {
    for length in [1_000, 5_000, 10_000] {
        let mut bad = Bad::new();
        for (name, link) in links {
            let chain = link.repeat(length);
            bad = bad.file(
                &format!("{name}.{extension}"),
                [around.0, "a", &chain, around.1].concat(),
            );
        }
        bad.check();
    }
}

#[test]
fn python_may_chain_long() {
    let links = [
        ("calls", ".b()"),
        ("attributes", ".b"),
        ("items", "[0]"),
        ("sums", " + 1"),
        ("conjunctions", " and b"),
        ("comparisons", " < b"),
        ("texts", " 'b'"),
        ("tuple", ", b"),
        ("assignments", " = b"),
    ];
    chains("py", ("x = ", "\n"), &links);
    chains(
        "py",
        ("if ", ":\n    pass\n"),
        &[("alternatives", ":\n    pass\nelif a")],
    );
}

#[test]
fn rust_may_chain_long() {
    let links = [
        ("calls", ".b()"),
        ("fields", ".b"),
        ("items", "[0]"),
        ("sums", " + 1"),
        ("conjunctions", " && b"),
        ("casts", " as u8"),
        ("questions", "?"),
        ("awaits", ".await"),
        ("statements", "; a"),
    ];
    chains("rs", ("fn f() { ", "; }\n"), &links);
}

#[test]
fn loops_may_nest() {
    // Far beyond what people write, but within what is followed: evaluation must not multiply per level.
    const DEPTH: usize = 100;
    let python = python_blocks(DEPTH, "for a in b:");
    let rust = format!(
        "fn f(b: &[u8]) {{ {}{} }}\n",
        "for a in b { ".repeat(DEPTH),
        "}".repeat(DEPTH)
    );
    Bad::new()
        .file("loops.py", python)
        .file("loops.rs", rust)
        .check_paths(&["."], Duration::from_secs(15));
}

// ---- encodings and line ends

/// [`SHOP`] with a word beyond ASCII before the finding, in some encoding.
fn encoded(first: &str, encode: impl Fn(&str) -> Vec<u8>) -> Vec<u8> {
    encode(&format!(
        "{first}{}",
        SHOP.replace("return [", "return ['é', '€'] and [")
    ))
}

/// Latin-1, with a question mark for what it lacks.
fn latin_1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect()
}

#[test]
fn encodings_keep_findings_where_they_are() {
    let utf_8 = |text: &str| text.as_bytes().to_vec();
    let utf_16 = |text: &str| {
        "\u{feff}"
            .chars()
            .chain(text.chars())
            .collect::<String>()
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect()
    };
    let coding = "# -*- coding: latin-1 -*-\n";
    let bad = Bad::new()
        .file("utf_8.py", encoded("#\n", utf_8))
        .file("bom.py", encoded("\u{feff}#\n", utf_8))
        .file("latin_1.py", encoded(coding, latin_1))
        .file("utf_16.py", encoded("#\n", utf_16))
        .file(
            "crlf.py",
            encoded("#\n", |text| text.replace('\n', "\r\n").into_bytes()),
        )
        .file("no_coding.py", encoded("#\n", latin_1))
        .file("unknown_coding.py", encoded("# coding: klingon\n", utf_8))
        .file("bom.rs", format!("\u{feff}{}", NEIGHBOURS[1].1))
        .file("crlf.rs", NEIGHBOURS[1].1.replace('\n', "\r\n"))
        .file(
            "latin_1.rs",
            latin_1(&NEIGHBOURS[1].1.replace("SELECT 1", "SELECT 'é'")),
        );
    let checked = bad.check();
    for path in [
        "utf_8.py",
        "bom.py",
        "latin_1.py",
        "utf_16.py",
        "crlf.py",
        "no_coding.py",
        "unknown_coding.py",
    ] {
        let found = list(&checked.report, "/findings")
            .iter()
            .find(|finding| finding["path"] == path);
        let found = found.unwrap_or_else(|| panic!("nothing in {path}: {}", checked.stdout));
        assert_eq!(
            (number(found, "/line"), number(found, "/column")),
            (10, 28),
            "{path}"
        );
        assert_eq!(
            (number(found, "/end_line"), number(found, "/end_column")),
            (10, 51),
            "{path}"
        );
    }
    for path in ["bom.rs", "crlf.rs", "latin_1.rs"] {
        assert!(checked.finds(path, 5), "nothing in {path}: {}", checked.stdout);
    }
    assert_eq!(checked.problems("encoding"), ["latin_1.rs", "no_coding.py"]);
    assert_eq!(
        list(&checked.report, "/problems").len(),
        2,
        "{:#}",
        checked.report["problems"]
    );
}

// ---- odd folders

#[test]
fn a_path_that_is_not_there_is_named_and_the_others_are_analysed() {
    let checked = Bad::new().check_paths(&[".", "no/such/path.py"], PATIENCE);
    assert!(checked.stderr.contains("no/such/path.py"), "{}", checked.stderr);
    let output = command(Bad::new().path(), &["check", "gone", "lost"])
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("gone") && stderr.contains("lost"), "{stderr}");
}

#[test]
fn a_folder_may_be_named_like_a_file() {
    let checked = Bad::new()
        .file("x.py/inner.py", SHOP)
        .file("y.rs/inner.rs", NEIGHBOURS[1].1)
        .check();
    assert!(
        checked.finds("x.py/inner.py", 9) && checked.finds("y.rs/inner.rs", 5),
        "{}",
        checked.stdout
    );
    let bad = Bad::new().file("x.py/inner.py", SHOP);
    assert!(
        bad.check_paths(&["x.py", "neighbours"], PATIENCE)
            .finds("x.py/inner.py", 9)
    );
}

#[test]
fn names_may_be_odd() {
    let names = [
        "a b.py",
        "a%20b.py",
        "ünï.py",
        "new\nline.py",
        "esc\u{1b}[31m.py",
        "-.py",
        "--format.py",
        "'.py",
        "\".py",
        "::.py",
    ];
    let bad = names
        .iter()
        .fold(Bad::new(), |bad, name| bad.file(&format!("names/{name}"), SHOP));
    let checked = bad.check();
    for name in names {
        assert!(
            checked.finds(&format!("names/{name}"), 9),
            "{name:?}: {}",
            checked.stdout
        );
    }
    assert!(
        !checked.stdout.contains('\u{1b}'),
        "a name reaches the terminal: {:?}",
        checked.stdout
    );
}

#[cfg(unix)]
#[test]
fn names_need_not_be_text() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let bad = Bad::new();
    // Some file systems refuse such names, and then there is nothing to see.
    if fs::write(bad.path().join(OsStr::from_bytes(b"caf\xe9.py")), SHOP).is_ok() {
        assert!(bad.check().finds("caf\u{fffd}.py", 9));
    }
}

#[cfg(unix)]
#[test]
fn links_may_go_round() {
    use std::os::unix::fs::symlink;
    let bad = Bad::new().file("shop/a.py", SHOP);
    let link = |target: &str, path: &str| symlink(target, bad.path().join(path)).expect("links can be made");
    link("..", "shop/up");
    link(".", "shop/here");
    link("itself.py", "shop/itself.py");
    link("pong.rs", "shop/ping.rs");
    link("ping.rs", "shop/pong.rs");
    link("nowhere.py", "shop/dangling.py");
    let checked = bad.check();
    assert!(checked.finds("shop/a.py", 9), "{}", checked.stdout);
    assert_eq!(
        list(&checked.report, "/findings").len(),
        3,
        "a file was read twice: {}",
        checked.stdout
    );
    assert!(
        bad.check_paths(&["neighbours", "shop/up"], PATIENCE)
            .finds("shop/a.py", 9)
    );
    let checked = bad.check_paths(&["neighbours", "shop/itself.py"], PATIENCE);
    assert!(checked.stderr.contains("shop/itself.py"), "{}", checked.stderr);
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let bad = Bad::new()
        .file("locked.py", SHOP)
        .file("locked.rs", "")
        .file("folder/inner.py", SHOP);
    let lock = |path: &str, mode| {
        let path = bad.path().join(path);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("one's own files can be locked");
    };
    lock("locked.py", 0);
    lock("locked.rs", 0);
    lock("folder", 0);
    let checked = bad.check();
    // The superuser can read everything; what is tested then is only that the rest was done.
    if fs::read(bad.path().join("locked.py")).is_err() {
        assert_eq!(checked.problems("unreadable"), ["locked.py", "locked.rs"]);
        assert_eq!(
            checked.report["summary"]["skipped"],
            serde_json::json!({"unreadable": 2})
        );
        assert!(
            checked.stdout.contains("locked.py:1:1: unreadable: "),
            "{}",
            checked.stdout
        );
        assert!(checked.stderr.contains("folder"), "{}", checked.stderr);
    } else {
        assert!(checked.finds("locked.py", 9));
    }
    // Otherwise the folder could not be removed.
    lock("folder", 0o700);
}
