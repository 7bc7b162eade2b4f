//! The catalogues with the stub files that belong to them, which only a front end can read.

use onequery_analysis::catalog::{EMBEDDED, STUBS};
use onequery_analysis::{CatalogError, Catalogs, SourceFile};
use onequery_parser::front_end;

/// The catalogues that are part of the program, and those of a project as `(file name, text)` pairs.
///
/// # Errors
///
/// The first mistake in one of the project's.
pub(crate) fn with_own(own: &[(String, String)]) -> Result<Catalogs, CatalogError> {
    let own = own.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let all: Vec<(&str, &str)> = EMBEDDED.iter().copied().chain(own).collect();
    Ok(Catalogs::load(&all)?.with_stubs(stubs()))
}

/// The catalogues that are part of the program.
pub(crate) fn embedded() -> Catalogs {
    Catalogs::embedded().with_stubs(stubs())
}

fn stubs() -> impl Iterator<Item = SourceFile> {
    STUBS.iter().map(|&(path, text)| {
        let front_end = front_end(path).expect("stub files are Python");
        SourceFile {
            path: path.to_owned(),
            ir: (front_end.lower)(text),
            entered: Vec::new(),
        }
    })
}
