//! Laws that every catalogue keeps.

use std::path::Path;

use onequery_analysis::Catalogs;
use onequery_analysis::catalog::{EMBEDDED, Kind, STUBS};
use onequery_parser::front_end;

/// The files of the catalogue with an extension, as paths from its folder, sorted.
fn files_of(extension: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
    let (mut folders, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder is part of the crate") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|of| of == extension) {
                let path = path.strip_prefix(&root).expect("it is below its root");
                found.push(path.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_stub_file_is_embedded_and_read_without_trouble() {
    let embedded: Vec<String> = STUBS.iter().map(|(path, _)| format!("stubs/{path}")).collect();
    assert_eq!(files_of("pyi"), embedded);
    for (path, text) in STUBS {
        let ir = (front_end(path).expect("stub files are Python").lower)(text);
        assert!(ir.problems.is_empty(), "{path}: {:?}", ir.problems);
        // A chain must not lead into a file that nobody has.
        assert_eq!(ir.functions.len(), 1, "{path} declares functions");
        assert!(
            text.starts_with("# https://"),
            "{path} does not say where its facts come from"
        );
    }
}

#[test]
fn every_catalogue_file_is_embedded_and_sound() {
    let on_disk = files_of("toml");
    let embedded: Vec<&str> = EMBEDDED.iter().map(|(file, _)| *file).collect();
    assert!(embedded.is_sorted(), "keep the list sorted");
    assert_eq!(on_disk, embedded);
    let catalogs = Catalogs::load(EMBEDDED).expect("every catalogue is sound");
    for (info, (file, _)) in catalogs.infos().iter().zip(EMBEDDED) {
        assert_eq!(format!("{}.toml", info.id), *file);
        if info.kind != Kind::Std {
            assert!(
                !info.versions.is_empty() && !info.source.is_empty(),
                "{file} names versions and source"
            );
            assert!(
                !info.packages.is_empty(),
                "{file} names the packages that show its use"
            );
        }
    }
}

#[test]
fn mistakes_are_told_with_their_file() {
    let error = |text: &str| {
        Catalogs::load(&[("own.toml", text)])
            .expect_err("the catalogue is wrong")
            .to_string()
    };
    let head = "id = 'own'\ntitle = 'Own'\nlanguage = 'python'\nkind = 'orm'\n";
    assert!(error("id = ").contains("own.toml: TOML parse error at line 1"));
    assert!(error(&format!("{head}[[method]]\nnam = ['x']")).contains("unknown field `nam`"));
    assert!(error(&head.replace("python", "cobol")).contains("unknown language `cobol`"));
    assert!(error(&format!("{head}[[type]]\nname = 'A'\nitem = 'B'")).contains("unknown type `B`"));
    assert!(error(&format!("{head}[[method]]\non = ['A']\nname = ['x']")).contains("unknown type `A`"));
    assert!(error(&format!("{head}[[function]]\nname = ['x']")).contains("`path`"));
}
