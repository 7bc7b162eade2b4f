//! The project that paths belong to: its root, and the importable names of its packages.

use std::path::{Path, PathBuf};

use onequery_analysis::{PackageRoot, Target};

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

/// The Cargo packages of a project's manifests, which are given with their paths; those that are none, or cannot be read as
/// one, are left out.
pub(crate) fn packages(manifests: &[(String, String)]) -> Vec<PackageRoot> {
    let manifests: Vec<Manifest> = manifests
        .iter()
        .filter_map(|(path, text)| {
            let dir = path
                .strip_suffix("Cargo.toml")
                .unwrap_or(path)
                .trim_end_matches('/');
            Some(Manifest {
                dir,
                table: text.parse().ok()?,
            })
        })
        .collect();
    manifests
        .iter()
        .filter_map(|manifest| {
            Some(PackageRoot {
                dir: manifest.dir.to_owned(),
                name: manifest.importable()?,
                targets: manifest.targets(),
                renamed: manifest.renamed(&manifests),
            })
        })
        .collect()
}

/// A Cargo manifest.
struct Manifest<'p> {
    /// Its folder, relative to the root of the project.
    dir: &'p str,
    table: toml::Table,
}

impl Manifest<'_> {
    /// The name that code imports the package by.
    fn importable(&self) -> Option<String> {
        let name = self.library_name().or_else(|| self.package_name())?;
        Some(name.replace('-', "_"))
    }

    fn package_name(&self) -> Option<&str> {
        self.table.get("package")?.get("name")?.as_str()
    }

    fn library_name(&self) -> Option<&str> {
        self.table.get("lib")?.get("name")?.as_str()
    }

    /// The crates whose roots it names.
    fn targets(&self) -> Vec<Target> {
        let library = self.table.get("lib").map(|library| (library, true));
        let others = ["bin", "example", "test", "bench"]
            .into_iter()
            .filter_map(|kind| self.table.get(kind)?.as_array())
            .flatten()
            .map(|target| (target, false));
        library
            .into_iter()
            .chain(others)
            .filter_map(|(target, is_library)| {
                let path = target.get("path")?.as_str()?.to_owned();
                Some(Target { path, is_library })
            })
            .collect()
    }

    /// The dependencies that its code calls otherwise than their packages are called.
    fn renamed(&self, all: &[Manifest]) -> Vec<(String, String)> {
        let targets = self.table.get("target").and_then(toml::Value::as_table);
        let by_target = targets.into_iter().flat_map(|targets| targets.values());
        let tables = by_target.filter_map(toml::Value::as_table).chain([&self.table]);
        tables
            .flat_map(|table| {
                ["dependencies", "dev-dependencies", "build-dependencies"].map(|kind| table.get(kind))
            })
            .filter_map(|dependencies| dependencies?.as_table())
            .flatten()
            .filter_map(|(alias, dependency)| {
                let package = match dependency.get("workspace") {
                    Some(_) => self.of_workspace(alias, all)?,
                    None => dependency.get("package")?.as_str()?,
                };
                let own = all
                    .iter()
                    .find(|manifest| manifest.package_name() == Some(package));
                let name = own.and_then(Manifest::importable);
                let name = name.unwrap_or_else(|| package.replace('-', "_"));
                Some((alias.replace('-', "_"), name))
            })
            .collect()
    }

    /// The package of a dependency that the workspace of this manifest declares under another name.
    fn of_workspace<'a>(&self, alias: &str, all: &'a [Manifest]) -> Option<&'a str> {
        let declares = |manifest: &'a Manifest| {
            let is_above = Path::new(self.dir).starts_with(manifest.dir);
            let dependencies = manifest.table.get("workspace")?.get("dependencies")?;
            is_above.then_some(dependencies.get(alias)?.get("package")?.as_str()?)
        };
        all.iter().find_map(declares)
    }
}

#[cfg(test)]
mod tests {
    use onequery_analysis::Target;

    use super::packages;

    fn of(manifests: &[(&str, &str)]) -> Vec<onequery_analysis::PackageRoot> {
        let manifests: Vec<_> = manifests
            .iter()
            .map(|&(path, text)| (path.to_owned(), text.to_owned()))
            .collect();
        packages(&manifests)
    }

    #[test]
    fn a_library_name_beats_the_package_name() {
        let name = |manifest: &str| Some(of(&[("Cargo.toml", manifest)]).first()?.name.clone());
        assert_eq!(name("[package]\nname = 'my-shop'").as_deref(), Some("my_shop"));
        assert_eq!(
            name("[package]\nname = 'my-shop'\n[lib]\nname = 'shop'").as_deref(),
            Some("shop")
        );
        assert_eq!(name("[workspace]\nmembers = []"), None);
        assert_eq!(name("[package"), None);
    }

    #[test]
    fn targets_may_lie_anywhere() {
        let manifest =
            "[package]\nname = 'shop'\n[lib]\npath = 'shop.rs'\n[[bin]]\nname = 'cli'\npath = 'cli/main.rs'";
        let target = |path: &str, is_library| Target {
            path: path.to_owned(),
            is_library,
        };
        assert_eq!(
            of(&[("Cargo.toml", manifest)])[0].targets,
            [target("shop.rs", true), target("cli/main.rs", false)]
        );
    }

    #[test]
    fn dependencies_may_have_another_name() {
        let packages = of(&[
            (
                "Cargo.toml",
                "[workspace]\n[workspace.dependencies]\nstore = { package = 'my-store', path = 'store' }\nserde = '1'",
            ),
            (
                "app/Cargo.toml",
                "[package]\nname = 'app'\n[dependencies]\nstore.workspace = true\nserde.workspace = true\n\
                 [target.'cfg(unix)'.dependencies]\npg = { package = 'tokio-postgres', version = '0.7' }",
            ),
            (
                "store/Cargo.toml",
                "[package]\nname = 'my-store'\n[lib]\nname = 'stored'",
            ),
        ]);
        let renamed = |alias: &str, name: &str| (alias.to_owned(), name.to_owned());
        assert_eq!(
            packages[0].renamed,
            [renamed("pg", "tokio_postgres"), renamed("store", "stored")]
        );
        assert_eq!(packages[1].renamed, []);
    }
}
