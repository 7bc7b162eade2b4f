//! The walls between the crates: which may use which, and what none of them may name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use onequery_analysis::Catalogs;
use onequery_analysis::catalog::{EMBEDDED, Kind, STUBS};

/// The crates in the order in which data flows, each with those of ours that it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("onequery_core", &[]),
    ("onequery_parser", &["onequery_core"]),
    ("onequery_analysis", &["onequery_core"]),
    ("onequery_budget", &["onequery_core"]),
    ("onequery_rules", &["onequery_core", "onequery_analysis"]),
    ("onequery_reporter", &["onequery_core"]),
];

/// What else core may use.
const CORE_MAY_USE: &[&str] = &["serde"];

/// Libraries, and the only crates that have heard of them. `onequery` is the root package.
const HEARD_OF: &[(&str, &[&str])] = &[
    ("syn", &["onequery_parser"]),
    ("quote", &["onequery_parser"]),
    ("proc-macro2", &["onequery_parser"]),
    ("tree-sitter", &["onequery_parser"]),
    ("codespan-reporting", &["onequery_reporter"]),
    ("serde-saphyr", &["onequery_budget"]),
    ("jiff", &["onequery_budget"]),
    ("serde_json", &["onequery_reporter", "onequery"]),
    ("quick-xml", &["onequery_reporter"]),
    ("toml", &["onequery_analysis", "onequery"]),
    ("clap", &["onequery"]),
    ("clap_complete", &["onequery"]),
    ("clap_mangen", &["onequery"]),
    ("ignore", &["onequery"]),
    ("globset", &["onequery_rules", "onequery"]),
    ("postcard", &["onequery_analysis", "onequery"]),
];

/// Only the command line touches the world.
const WORLD: &[&str] = &["std::fs", "std::env", "std::net", "std::process", "std::time"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The names in a manifest's `[dependencies]`, those of targets included, by the crate's real name.
fn dependencies(krate: &str) -> BTreeSet<String> {
    let path = if krate == "onequery" {
        root().join("Cargo.toml")
    } else {
        root().join("crates").join(krate).join("Cargo.toml")
    };
    let manifest = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let manifest: toml::Table = manifest
        .parse()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut tables: Vec<&toml::Table> = vec![&manifest];
    if let Some(targets) = manifest.get("target").and_then(toml::Value::as_table) {
        tables.extend(targets.values().filter_map(toml::Value::as_table));
    }
    let tables = tables
        .into_iter()
        .flat_map(|table| ["dependencies", "build-dependencies"].map(|key| table.get(key)));
    let entries = tables.flatten().filter_map(toml::Value::as_table).flatten();
    // `x = { package = "y" }` depends on `y`.
    let name = |(key, value): (&String, &toml::Value)| {
        value
            .get("package")
            .and_then(toml::Value::as_str)
            .unwrap_or(key)
            .to_owned()
    };
    entries.map(name).collect()
}

/// The Rust files below a folder, sorted.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("sources can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(!files.is_empty(), "no sources in {}", folder.display());
    files
}

/// The lines of a crate that are program: no comments, no tests. With their places.
fn program(krate: &str) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for path in sources(&root().join("crates").join(krate).join("src")) {
        if path.ends_with("tests.rs") || path.ends_with("testing.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("sources can be read");
        let name = path.strip_prefix(root()).expect("it is below the root").display();
        for (number, line) in (1..).zip(text.lines()) {
            // Tests stand at the end of their file.
            if line.starts_with("#[cfg(test)]")
                && text.lines().nth(number).is_some_and(|next| next.ends_with('{'))
            {
                break;
            }
            // `http://` is the only text with slashes in it that is no comment.
            let code = line.replace("://", "");
            let code = code
                .split_once("//")
                .map_or(code.as_str(), |(code, _)| code)
                .to_owned();
            lines.push((format!("{name}:{number}: {}", line.trim()), code));
        }
    }
    lines
}

#[test]
fn arrows_go_right() {
    for (krate, allowed) in ARROWS {
        for dependency in dependencies(krate)
            .iter()
            .filter(|name| name.starts_with("onequery"))
        {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{krate} may not use {dependency}"
            );
        }
    }
    let known: BTreeSet<&str> = ARROWS.iter().map(|(krate, _)| *krate).collect();
    for entry in fs::read_dir(root().join("crates")).expect("crates can be listed") {
        let entry = entry.expect("crates can be listed");
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_crate = entry.path().join("Cargo.toml").exists();
        assert!(
            !is_crate || known.contains(name.as_str()),
            "{name} has no row in ARROWS"
        );
    }
}

#[test]
fn core_is_plain_data() {
    for dependency in dependencies("onequery_core") {
        assert!(
            CORE_MAY_USE.contains(&dependency.as_str()),
            "core may not use {dependency}"
        );
    }
}

#[test]
fn libraries_are_known_where_they_belong() {
    for krate in ARROWS.iter().map(|(krate, _)| *krate).chain(["onequery"]) {
        for dependency in dependencies(krate) {
            for (library, by) in HEARD_OF {
                // `tree-sitter` also means its grammars.
                let is_it = dependency == *library
                    || (*library == "tree-sitter" && dependency.starts_with("tree-sitter-"));
                assert!(!is_it || by.contains(&krate), "{krate} may not use {dependency}");
            }
        }
    }
}

#[test]
fn only_the_command_line_touches_the_world() {
    for (krate, _) in ARROWS {
        for (place, code) in program(krate) {
            let code = code.replace(' ', "");
            let named = WORLD.iter().find(|&&path| code.contains(path));
            // `use std::{fs, io}` is spelled out in this project; were it not, this would not see it.
            assert!(
                named.is_none() && !code.contains("usestd::{"),
                "{krate} touches the world: {place}"
            );
        }
    }
}

/// A text as its lower-case words: `DieselAsync`, `diesel-async` and `diesel_async` are `diesel async`.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in text.chars() {
        let starts_hump = c.is_uppercase() && (before.is_lowercase() || before.is_numeric());
        if !c.is_alphanumeric() || starts_hump {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            words
                .last_mut()
                .expect("there is always one")
                .extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Words of catalogues that mean something else in the engine, and what.
const ORDINARY: &[(&str, &str)] = &[
    ("orm", "the kind of library that a catalogue says it is about"),
    ("async", "a keyword, and how calls may be made"),
];

/// All names of libraries that catalogues describe, with the catalogue's id.
fn libraries() -> BTreeMap<Vec<String>, String> {
    let mut names = BTreeMap::new();
    for info in Catalogs::embedded().infos() {
        if !matches!(info.kind, Kind::Orm | Kind::Driver) {
            continue;
        }
        names.extend(
            words(&info.title)
                .into_iter()
                .map(|word| (vec![word], info.id.clone())),
        );
        let whole = info.packages.iter().chain([&info.id, &info.title]);
        names.extend(whole.map(|name| (words(name), info.id.clone())));
    }
    names
}

#[test]
fn the_engine_names_no_library() {
    let libraries = libraries();
    assert!(
        libraries.len() > 30,
        "the catalogues name next to nothing: {libraries:?}"
    );
    let embedded = EMBEDDED
        .iter()
        .chain(STUBS)
        .map(|(file, _)| format!("\"{file}\","));
    let embedded: BTreeSet<String> = embedded.collect();
    let mut named = Vec::new();
    let mut unused: BTreeMap<&str, &str> = ORDINARY.iter().copied().collect();
    for krate in ["onequery_core", "onequery_analysis", "onequery_rules"] {
        for (place, code) in program(krate) {
            // The list of embedded files is the one place that a new catalogue touches.
            if embedded.contains(code.trim()) {
                continue;
            }
            let code = words(&code);
            for (name, catalog) in &libraries {
                if !code.windows(name.len()).any(|window| window == name) {
                    continue;
                }
                match &name[..] {
                    [word] if ORDINARY.iter().any(|(ordinary, _)| ordinary == word) => {
                        unused.remove(word.as_str());
                    }
                    _ => named.push(format!("{catalog}: {place}")),
                }
            }
        }
    }
    assert!(
        named.is_empty(),
        "this knowledge belongs into a catalogue:\n{}",
        named.join("\n")
    );
    assert!(unused.is_empty(), "exceptions that nothing needs: {unused:?}");
}

#[test]
fn words_are_found_in_every_spelling() {
    for text in [
        "DieselAsync",
        "diesel-async",
        "diesel_async",
        "fn(DIESEL, async)",
        "\"diesel::async\"",
    ] {
        let words = words(text);
        assert!(
            words.windows(2).any(|window| window == ["diesel", "async"]),
            "{text}: {words:?}"
        );
    }
    assert_eq!(words("SQLModel"), ["sqlmodel"]);
    assert_eq!(words("is_dieselish"), ["is", "dieselish"]);
}
