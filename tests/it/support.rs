//! Runs the binary and reads what it prints.

use std::path::Path;
use std::process::{Command, Output};

/// Runs `onequery` in a folder.
pub(crate) fn onequery(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_onequery"))
        .args(args)
        .current_dir(folder)
        .env_remove("ONEQUERY_FORMAT")
        .env("NO_COLOR", "1")
        .output()
        .expect("the binary of this package can be run")
}

/// The JSON report of a folder.
pub(crate) fn report(folder: &Path, args: &[&str]) -> serde_json::Value {
    let output = onequery(folder, &[&["check", ".", "--format", "json"], args].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("not JSON ({error}): {}", String::from_utf8_lossy(&output.stderr));
    })
}
