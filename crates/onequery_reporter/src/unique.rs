//! Names that are told apart: services that compare reports merge what has the same name.

use std::collections::BTreeMap;

/// The names given so far, each with the number of the last one that was asked for.
#[derive(Default)]
pub(crate) struct Unique(BTreeMap<String, usize>);

impl Unique {
    /// The name itself when it is new, else the name and a number. Equal findings in equal order get equal names.
    pub(crate) fn name(&mut self, name: String) -> String {
        let mut number = self.0.get(&name).copied().unwrap_or(1);
        let mut given = name.clone();
        while self.0.contains_key(&given) {
            number += 1;
            given = format!("{name}-{number}");
        }
        self.0.insert(given.clone(), 1);
        self.0.insert(name, number);
        given
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_given_twice() {
        let mut unique = Unique::default();
        let given = ["a", "b", "a", "a-2", "a", "a-2"].map(|name| unique.name(name.into()));
        assert_eq!(given, ["a", "b", "a-2", "a-2-2", "a-3", "a-2-3"]);
    }
}
