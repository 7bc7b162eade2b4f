//! Names the program by the sources it is built from, so that what one build keeps is never read by another.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

fn main() {
    let mut hasher = DefaultHasher::new();
    for root in ["crates", "Cargo.lock"] {
        println!("cargo:rerun-if-changed={root}");
        hash(Path::new(root), &mut hasher);
    }
    println!("cargo:rustc-env=ONEQUERY_BUILD={:016x}", hasher.finish());
}

/// Hashes a file or all files below a folder with their paths; what is not there adds nothing.
fn hash(path: &Path, hasher: &mut DefaultHasher) {
    if let Ok(entries) = std::fs::read_dir(path) {
        let mut below: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        below.sort();
        below.iter().for_each(|path| hash(path, hasher));
    } else if let Ok(bytes) = std::fs::read(path) {
        path.hash(hasher);
        bytes.hash(hasher);
    }
}
