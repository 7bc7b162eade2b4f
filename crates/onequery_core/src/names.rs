//! Interned identifiers and string literals of one file.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An interned string; meaningful only together with the [`NameTable`] that made it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Name(u32);

impl Name {
    /// The name as an index, dense from 0, for side tables.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

/// All interned strings of one file in one buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameTable {
    text: String,
    ends: Vec<u32>,
}

impl NameTable {
    /// The string behind a name.
    #[must_use]
    pub fn get(&self, name: Name) -> &str {
        let ix = name.index();
        let start = if ix == 0 { 0 } else { self.ends[ix - 1] as usize };
        &self.text[start..self.ends[ix] as usize]
    }

    /// Appends a string without looking for an equal one. Front ends keep the map that makes names unique.
    pub fn push(&mut self, string: &str) -> Name {
        let name =
            Name(u32::try_from(self.ends.len()).expect("a file below 4 GiB has fewer than 2^32 names"));
        self.text.push_str(string);
        self.ends.push(
            u32::try_from(self.text.len())
                .expect("names are no longer than their file, which is below 4 GiB"),
        );
        name
    }

    /// Gives back room for more names.
    pub fn shrink_to_fit(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// All names, in the order in which they were first met.
    pub fn all(&self) -> impl Iterator<Item = Name> + use<> {
        (0..u32::try_from(self.ends.len()).unwrap_or(u32::MAX)).map(Name)
    }

    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no name at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}
