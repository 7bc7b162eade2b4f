//! The generated parts of `README.md`: its tables and its sample output. `UPDATE=1 cargo test readme` rewrites them.

use std::fmt::Write as _;
use std::path::Path;

use onequery_analysis::Catalogs;
use onequery_analysis::catalog::Kind;

use crate::support::onequery;

#[test]
fn readme_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let written = std::fs::read_to_string(&path).expect("the README is part of the package");
    let mut fresh = written.clone();
    for (name, block) in [
        (
            "demo",
            sample(
                &[
                    "fixtures/demo/shop/views.py",
                    "fixtures/demo/worker/src/labels.rs",
                ],
                "text",
            ),
        ),
        ("findings", sample(&["fixtures/demo"], "concise")),
        ("rules", rules()),
        ("catalogues", catalogues()),
    ] {
        fresh = with_block(&fresh, name, &block);
    }
    if fresh == written {
        return;
    }
    if std::env::var_os("UPDATE").is_some_and(|value| !value.is_empty()) {
        std::fs::write(&path, fresh).expect("the README can be written");
        return;
    }
    let pairs = written.lines().zip(fresh.lines());
    let number = 1 + pairs.take_while(|(old, new)| old == new).count();
    let line = fresh.lines().nth(number - 1).unwrap_or_default();
    panic!(
        "README.md is out of date at line {number}, which should be\n{line}\n`UPDATE=1 cargo test readme` rewrites it"
    );
}

/// The README with another text between the two comments of a block.
fn with_block(readme: &str, name: &str, block: &str) -> String {
    let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
    let (before, rest) = readme
        .split_once(&begin)
        .unwrap_or_else(|| panic!("the README lacks `{begin}`"));
    let (_, after) = rest
        .split_once(&end)
        .unwrap_or_else(|| panic!("the README lacks `{end}`"));
    format!("{before}{begin}{block}{end}{after}")
}

/// What the binary prints about the demo, without the time and without spaces at line ends.
fn sample(paths: &[&str], format: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let args = [&["check"], paths, &["--format", format, "--color", "never"]].concat();
    let output = onequery(root, &args);
    assert_eq!(
        output.status.code(),
        Some(1),
        "the demo has findings: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("reports are UTF-8");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let (last, findings) = lines.split_last().expect("the summary is always printed");
    let (summary, time) = last.rsplit_once(". ").expect("the time follows the counts");
    assert!(time.ends_with(" s"), "`{last}` ends with the time");
    let mut block = "```text\n".to_owned();
    for line in findings {
        let _ = writeln!(block, "{line}");
    }
    let _ = write!(block, "{summary}.\n```\n");
    block
}

fn rules() -> String {
    let mut table = "| Rule | Finds that | Severity | Since |\n| --- | --- | --- | --- |\n".to_owned();
    for info in onequery_rules::rules() {
        let _ = writeln!(
            table,
            "| `{}` | {} | {} | {} |",
            info.id,
            info.summary,
            info.severity.id(),
            info.since
        );
    }
    table
}

fn catalogues() -> String {
    let catalogs = Catalogs::embedded();
    let mut rows = Vec::new();
    for info in catalogs.infos() {
        assert!(
            !info.source.contains(' '),
            "{}: the source is one address",
            info.id
        );
        let kind = match info.kind {
            Kind::Orm => "object-relational mapper",
            Kind::Driver => "driver",
            Kind::Framework => "framework",
            Kind::Std => continue,
        };
        let language = format!("{:?}", info.language);
        let row = format!(
            "| {language} | [{}]({}) | {kind} | {} |",
            info.title, info.source, info.versions
        );
        rows.push((info.language, info.kind != Kind::Orm, &info.title, row));
    }
    rows.sort();
    let mut table =
        "| Language | Library | Kind | Versions checked |\n| --- | --- | --- | --- |\n".to_owned();
    for (.., row) in rows {
        let _ = writeln!(table, "{row}");
    }
    table
}
