//! Files that are not reported on are read only when files that are read import them.
//!
//! Tests make up half of many projects and nothing imports most of them. What is not read is no caller either: what a
//! test passes to a function says nothing about the findings of a run that leaves tests out.

use std::collections::{BTreeMap, BTreeSet};

use onequery_core::Language;
use onequery_core::ir::{FileIr, Import};

/// Files that wait for somebody to import them, by index into the list they came from.
pub(crate) struct Waiting {
    /// By the last part of the module's name: the whole dotted name, and the index.
    by_name: BTreeMap<String, Vec<(String, usize)>>,
}

impl Waiting {
    /// `paths` are relative to the root.
    pub(crate) fn new<'p>(paths: impl Iterator<Item = (usize, &'p str)>) -> Self {
        let mut by_name: BTreeMap<String, Vec<(String, usize)>> = BTreeMap::new();
        for (ix, path) in paths {
            let Some(stem) = path.strip_suffix(".py").or_else(|| path.strip_suffix(".pyi")) else {
                continue;
            };
            let dotted = stem.strip_suffix("/__init__").unwrap_or(stem).replace('/', ".");
            let last = dotted.rsplit('.').next().unwrap_or(&dotted).to_owned();
            by_name.entry(last).or_default().push((dotted, ix));
        }
        Self { by_name }
    }

    /// Takes out the files that `files` import, which are given with their paths.
    pub(crate) fn imported_by<'f>(
        &mut self,
        files: impl Iterator<Item = (&'f str, &'f FileIr)>,
    ) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        if self.by_name.is_empty() {
            return found;
        }
        for (path, ir) in files.filter(|(_, ir)| ir.language == Language::Python) {
            for import in &ir.imports {
                self.named_by(path, ir, import, &mut found);
            }
        }
        for modules in self.by_name.values_mut() {
            modules.retain(|(_, ix)| !found.contains(ix));
        }
        found
    }

    /// `from a.b import c` may name the modules `a`, `a.b` and `a.b.c`.
    fn named_by(&self, path: &str, ir: &FileIr, import: &Import, found: &mut BTreeSet<usize>) {
        let mut dotted = package(path, import.level);
        let is_relative = import.level > 0;
        for (ix, &part) in import.path.iter().enumerate() {
            let part = ir.name(part);
            if ix > 0 || !dotted.is_empty() {
                dotted.push('.');
            }
            dotted.push_str(part);
            for (module, at) in self.by_name.get(part).into_iter().flatten() {
                // The root that an absolute import starts from is not known: `a.b` may be `src.a.b`.
                let below = module.strip_suffix(dotted.as_str());
                if below.is_some_and(|rest| rest.is_empty() || (!is_relative && rest.ends_with('.'))) {
                    found.insert(*at);
                }
            }
        }
    }
}

/// The dotted package that a relative import of `level` dots starts from; empty for an absolute one.
fn package(path: &str, level: u32) -> String {
    if level == 0 {
        return String::new();
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    for _ in 0..level {
        parts.pop();
    }
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use onequery_parser::front_end;

    use super::Waiting;

    fn check(path: &str, text: &str, waiting: &[&str], imported: &[usize]) {
        let lower = front_end(path).expect("there is a Python front end").lower;
        let ir = lower(text);
        let mut waiting = Waiting::new(waiting.iter().copied().enumerate());
        let found = waiting.imported_by([(path, &ir)].into_iter());
        assert_eq!(found.into_iter().collect::<Vec<_>>(), imported);
    }

    #[test]
    fn imports_name_modules() {
        let waiting = [
            "src/shop/tests/factories.py",
            "src/shop/tests/__init__.py",
            "shop/tests/views.py",
        ];
        check(
            "src/shop/seed.py",
            "from shop.tests.factories import Order",
            &waiting,
            &[0, 1],
        );
        check(
            "src/shop/seed.py",
            "from .tests import factories",
            &waiting,
            &[0, 1],
        );
        check("src/shop/seed.py", "import tests.views as v", &waiting, &[1, 2]);
        check("src/shop/seed.py", "from shop import views", &waiting, &[]);
    }
}
