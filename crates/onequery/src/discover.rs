//! Which files a project has.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ignore::{DirEntry, WalkBuilder, WalkState};
use onequery_parser::front_end;

/// Folders that hold other people's code or build products, whatever `.gitignore` says.
const FOREIGN_FOLDERS: &[&str] = &[
    "target",
    "node_modules",
    "site-packages",
    "__pycache__",
    "vendor",
    "vendored",
    "third_party",
    "venv",
];

/// Files that stand in folders of other people's code: virtual environments (PEP 405), and packages as `cargo package`
/// publishes them.
const FOREIGN_MARKS: &[&str] = &["pyvenv.cfg", ".cargo_vcs_info.json"];

/// What a walk found, sorted by path.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Source files, relative to the root with `/` between parts, and where they are.
    pub(crate) sources: Vec<(String, PathBuf)>,
    /// Cargo manifests, likewise.
    pub(crate) manifests: Vec<(String, PathBuf)>,
    /// Folders and links that could not be followed.
    pub(crate) errors: Vec<String>,
}

/// What the name of a file says that it is.
pub(crate) enum Kind {
    Source,
    Manifest,
}

/// What a file is that is not hidden and lies in no folder of other people's code; `None` for what is of no interest.
pub(crate) fn kind(path: &str) -> Option<Kind> {
    if !is_own(path) {
        None
    } else if path.rsplit('/').next() == Some("Cargo.toml") {
        Some(Kind::Manifest)
    } else {
        front_end(path).map(|_| Kind::Source)
    }
}

/// Whether a path is not hidden and lies in no folder of other people's code.
pub(crate) fn is_own(path: &str) -> bool {
    let mut parts = path.split('/');
    !parts.any(|name| name.starts_with('.') || FOREIGN_FOLDERS.contains(&name))
}

/// Walks parts of a project in parallel: `.gitignore` is honoured, hidden files and foreign code are left out. Manifests are
/// found also in the folders above the parts.
pub(crate) fn discover(root: &Path, parts: &[PathBuf]) -> Found {
    let found = Mutex::new(Found::default());
    let parts = parts.to_vec();
    let is_wanted = move |entry: &DirEntry| {
        let path = entry.path();
        let is_manifest = entry.file_name() == "Cargo.toml";
        let leads_there = |part: &PathBuf| path.starts_with(part) || part.starts_with(path);
        is_own_entry(entry) && (is_manifest || parts.iter().any(leads_there))
    };
    let walker = WalkBuilder::new(root)
        .filter_entry(is_wanted)
        .threads(rayon::current_num_threads())
        .build_parallel();
    walker.run(|| {
        Box::new(|entry| {
            match entry {
                Ok(entry) => keep(root, &entry, &found),
                Err(error) => found
                    .lock()
                    .expect("no walker panics")
                    .errors
                    .push(error.to_string()),
            }
            WalkState::Continue
        })
    });
    let mut found = found.into_inner().expect("no walker panics");
    found.sources.sort_unstable();
    found.manifests.sort_unstable();
    found.errors.sort_unstable();
    found
}

/// Whether an entry is the project's own code.
fn is_own_entry(entry: &DirEntry) -> bool {
    let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
    if !is_dir || entry.depth() == 0 {
        return true;
    }
    let foreign = entry
        .file_name()
        .to_str()
        .is_some_and(|name| FOREIGN_FOLDERS.contains(&name));
    !foreign && !FOREIGN_MARKS.iter().any(|mark| entry.path().join(mark).exists())
}

fn keep(root: &Path, entry: &DirEntry, found: &Mutex<Found>) {
    if !entry.file_type().is_some_and(|kind| kind.is_file()) {
        return;
    }
    let path = entry.path();
    let own = relative(root, path);
    let is_source = front_end(&own).is_some();
    let is_manifest = entry.file_name() == "Cargo.toml";
    if is_source || is_manifest {
        let item = (own, path.to_owned());
        let mut found = found.lock().expect("no walker panics");
        if is_source {
            found.sources.push(item)
        } else {
            found.manifests.push(item)
        }
    }
}

/// A path relative to the root, with `/` between parts.
pub(crate) fn relative(root: &Path, path: &Path) -> String {
    let inner = path.strip_prefix(root).unwrap_or(path);
    inner
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}
