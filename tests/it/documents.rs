//! What `CONTRIBUTING.md` and `ARCHITECTURE.md` say of the sources, held against them.

use std::path::{Path, PathBuf};

use onequery_analysis::Catalogs;
use onequery_analysis::catalog::EMBEDDED;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The catalogue that `CONTRIBUTING.md` shows.
fn example() -> String {
    let text = read("CONTRIBUTING.md");
    let (_, rest) = text
        .split_once("```toml\n")
        .expect("there is an example of a catalogue");
    let (example, _) = rest.split_once("```").expect("it ends");
    example.to_owned()
}

#[test]
fn the_example_of_a_catalogue_is_sound() {
    let example = example();
    let mut files = EMBEDDED.to_vec();
    files.push(("acme.toml", &example));
    if let Err(error) = Catalogs::load(&files) {
        panic!("CONTRIBUTING.md shows a catalogue that is wrong: {error}");
    }
}

#[test]
fn every_key_of_a_catalogue_is_named() {
    let (schema, guide) = (
        read("crates/onequery_analysis/src/catalog/schema.rs"),
        read("CONTRIBUTING.md"),
    );
    let fields = schema
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub(super) "));
    let fields = fields.filter_map(|line| Some(line.split_once(':')?.0));
    let words: Vec<&str> = guide.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let known = |field: &&str| words.contains(field) || words.contains(&field.trim_end_matches('s'));
    let missing: Vec<&str> = fields.filter(|field| !known(field)).collect();
    assert!(
        missing.is_empty(),
        "CONTRIBUTING.md does not name these keys of catalogues: {missing:?}"
    );
}

#[test]
fn every_module_is_on_the_map() {
    let map = read("ARCHITECTURE.md");
    let mut missing = Vec::new();
    for krate in entries(&Path::new(env!("CARGO_MANIFEST_DIR")).join("crates")) {
        for module in entries(&krate.join("src")) {
            let name = module
                .file_stem()
                .expect("modules have names")
                .to_string_lossy()
                .into_owned();
            let is_known = [format!("`{name}`"), format!("`{name}/"), format!("/{name}`")]
                .iter()
                .any(|word| map.contains(word));
            if !is_known && name != "main" {
                missing.push(module.display().to_string());
            }
        }
    }
    assert!(
        missing.is_empty(),
        "ARCHITECTURE.md's code map lacks {missing:#?}"
    );
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("sources can be listed").path())
        .collect();
    paths.sort();
    paths
}
