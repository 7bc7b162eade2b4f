//! The project that paths belong to: its root, and the importable names of its packages.

use std::path::{Path, PathBuf};

use onequery_analysis::PackageRoot;

use crate::settings;

/// The folder to analyse for some paths: the nearest project root at or above all of them.
///
/// Settings of onequery mark a root before anything else does, up to the top of the repository: what is found must not
/// depend on which of its files are asked about. Without them `pyproject.toml`, a Cargo workspace or `.git` marks a root; a
/// Cargo package is one unless it lies in a workspace. Without any mark it is the deepest folder that holds all paths.
pub(crate) fn root_of(paths: &[PathBuf]) -> PathBuf {
    let start = common_folder(paths);
    let mut inside = start.ancestors();
    let with_settings = inside
        .by_ref()
        .find(|folder| settings::are_in(folder) || folder.join(".git").exists());
    if let Some(folder) = with_settings.filter(|folder| settings::are_in(folder)) {
        return folder.to_owned();
    }
    let mut package = None;
    for folder in start.ancestors() {
        if folder.join("pyproject.toml").is_file() {
            return package.unwrap_or_else(|| folder.to_owned());
        }
        if let Ok(manifest) = std::fs::read_to_string(folder.join("Cargo.toml")) {
            if manifest.contains("[workspace") {
                return folder.to_owned();
            }
            package.get_or_insert_with(|| folder.to_owned());
        }
        if folder.join(".git").exists() {
            return package.unwrap_or_else(|| folder.to_owned());
        }
    }
    package.unwrap_or(start)
}

/// The deepest folder that holds all paths.
fn common_folder(paths: &[PathBuf]) -> PathBuf {
    let folders = paths
        .iter()
        .map(|path| if path.is_dir() { path.clone() } else { parent(path) });
    folders
        .reduce(|a, b| {
            a.components()
                .zip(b.components())
                .take_while(|(x, y)| x == y)
                .map(|(x, _)| x)
                .collect()
        })
        .unwrap_or_else(|| PathBuf::from("."))
}

fn parent(path: &Path) -> PathBuf {
    path.parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// The importable name of a Cargo package; `None` for a manifest without one, or that cannot be read as one.
pub(crate) fn package(dir: String, manifest: &str) -> Option<PackageRoot> {
    let manifest: toml::Table = manifest.parse().ok()?;
    let name_in = |table: &str| manifest.get(table)?.get("name")?.as_str();
    let name = name_in("lib").or_else(|| name_in("package"))?.replace('-', "_");
    Some(PackageRoot { dir, name })
}

#[cfg(test)]
mod tests {
    use super::package;

    #[test]
    fn a_library_name_beats_the_package_name() {
        let name = |manifest: &str| package(String::new(), manifest).map(|package| package.name);
        assert_eq!(name("[package]\nname = 'my-shop'").as_deref(), Some("my_shop"));
        assert_eq!(
            name("[package]\nname = 'my-shop'\n[lib]\nname = 'shop'").as_deref(),
            Some("shop")
        );
        assert_eq!(name("[workspace]\nmembers = []"), None);
        assert_eq!(name("[package"), None);
    }
}
