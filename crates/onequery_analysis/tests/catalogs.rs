//! Laws that every catalogue keeps.

use onequery_analysis::Catalogs;
use onequery_analysis::catalog::{EMBEDDED, Kind};

#[test]
fn every_catalogue_file_is_embedded_and_sound() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/catalog");
    let mut on_disk: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder is part of the crate")
        .map(|entry| {
            entry
                .expect("the folder can be read")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    on_disk.sort();
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
