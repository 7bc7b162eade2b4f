//! YAML as a tree whose every part knows its place, so that whatever is wrong can be pointed at.
//!
//! JSON is read as what it is, a part of YAML 1.2, because JSON libraries give no places.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Error, Spanned};

use crate::{Mistake, Place};

/// A value with its place.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// The key of a mapping with its place.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) place: Place,
    pub(crate) name: String,
}

/// The documents of a text; empty ones are left out.
///
/// # Errors
///
/// What is no YAML, and a key that stands twice in one mapping.
pub(crate) fn documents(text: &str) -> Result<Vec<Node>, Mistake> {
    let documents: Vec<Spanned<Value>> =
        serde_saphyr::from_multiple(text).map_err(|error| mistake(&error))?;
    Ok(documents.into_iter().map(Node::from).collect())
}

/// The only document of a text.
///
/// # Errors
///
/// As of [`documents`], and none or several of them.
pub(crate) fn document(text: &str) -> Result<Node, Mistake> {
    let mut documents = documents(text)?;
    match (documents.pop(), documents.len()) {
        (Some(document), 0) => Ok(document),
        (Some(second), _) => Err(second.mistake("expected one document, and here another one begins")),
        (None, _) => Err(Mistake {
            place: None,
            message: "the file is empty".to_owned(),
        }),
    }
}

/// What the library says, in words for people who have never heard of it.
fn mistake(error: &Error) -> Mistake {
    let place = error.location().map(place);
    // Without the excerpt, and without the place, which is told with the file's name.
    let message = match error.without_snippet() {
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key `{}` stands here for the second time", key.escape_debug())
        }
        other => {
            let told = other.to_string();
            let told = told.lines().next().unwrap_or_default();
            told.rsplit_once(" at line ")
                .map_or(told, |(told, _)| told)
                .to_owned()
        }
    };
    Mistake { place, message }
}

fn place(location: serde_saphyr::Location) -> Place {
    Place {
        line: location.line(),
        column: location.column(),
    }
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Self {
        Self {
            place: place(spanned.referenced),
            value: spanned.value,
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of YAML")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, is_so: bool) -> Result<Value, E> {
        Ok(Value::Bool(is_so))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "no number that is asked for is as large"
    )]
    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "no number that is asked for is as large"
    )]
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Value>>()? {
            list.push(Node::from(item));
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some((key, value)) = entries.next_entry::<Spanned<String>, Spanned<Value>>()? {
            if key.value == "<<" {
                return Err(A::Error::custom("merge keys are not understood here"));
            }
            let key = Key {
                place: place(key.referenced),
                name: key.value,
            };
            map.push((key, Node::from(value)));
        }
        Ok(Value::Map(map))
    }
}

impl Node {
    /// A mistake at this place.
    pub(crate) fn mistake(&self, message: impl Into<String>) -> Mistake {
        mistake_at(self.place, message)
    }

    fn expected(&self, what: &str) -> Mistake {
        self.mistake(format!("expected {what}, found {}", self.kind()))
    }

    fn kind(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(_) => "a boolean".to_owned(),
            Value::Number(number) => format!("the number {number}"),
            Value::Text(text) => format!("the text `{}`", text.escape_debug()),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
        }
    }

    /// The value of a key, if this is a mapping that has it and it is not null.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Value::Map(entries) = &self.value else {
            return None;
        };
        let (_, value) = entries.iter().find(|(known, _)| known.name == key)?;
        (!matches!(value.value, Value::Null)).then_some(value)
    }

    /// The value of a key that has to be there.
    pub(crate) fn need(&self, key: &str) -> Result<&Self, Mistake> {
        self.entries()?;
        self.get(key)
            .ok_or_else(|| self.mistake(format!("`{key}` is missing")))
    }

    /// The entries of a mapping.
    pub(crate) fn entries(&self) -> Result<&[(Key, Self)], Mistake> {
        match &self.value {
            Value::Map(entries) => Ok(entries),
            _ => Err(self.expected("a mapping")),
        }
    }

    /// Refuses keys that nobody would read.
    pub(crate) fn has_only(&self, known: &[&str]) -> Result<(), Mistake> {
        let odd = self
            .entries()?
            .iter()
            .find(|(key, _)| !known.contains(&key.name.as_str()));
        odd.map_or(Ok(()), |(key, _)| {
            let message = format!(
                "the key `{}` is not known; there are {}",
                key.name.escape_debug(),
                known.join(", ")
            );
            Err(mistake_at(key.place, message))
        })
    }

    /// The items of a list.
    pub(crate) fn list(&self) -> Result<&[Self], Mistake> {
        match &self.value {
            Value::List(items) => Ok(items),
            _ => Err(self.expected("a list")),
        }
    }

    /// A text of one line that is not empty. It may be printed as it is.
    pub(crate) fn text(&self) -> Result<&str, Mistake> {
        match &self.value {
            Value::Text(text) if text.trim().is_empty() => Err(self.mistake("the text is empty")),
            Value::Text(text) if text.contains(char::is_control) => {
                Err(self.mistake("the text has a line end or another control character"))
            }
            Value::Text(text) => Ok(text),
            _ => Err(self.expected("a text")),
        }
    }

    /// A text of any lines, as one.
    pub(crate) fn phrase(&self) -> Result<String, Mistake> {
        match &self.value {
            Value::Text(text) => {
                let words = text
                    .split_whitespace()
                    .map(|word| word.replace(char::is_control, ""));
                Ok(words.collect::<Vec<_>>().join(" "))
            }
            _ => Err(self.expected("a text")),
        }
    }

    /// A number.
    pub(crate) fn number(&self) -> Result<f64, Mistake> {
        match self.value {
            Value::Number(number) => Ok(number),
            _ => Err(self.expected("a number")),
        }
    }

    /// A number that may be written as a text.
    pub(crate) fn number_in_text(&self) -> Result<f64, Mistake> {
        match &self.value {
            Value::Text(text) => text.trim().parse().map_err(|_| self.expected("a number")),
            _ => self.number(),
        }
    }

    /// A boolean.
    pub(crate) fn boolean(&self) -> Result<bool, Mistake> {
        match self.value {
            Value::Bool(is_so) => Ok(is_so),
            _ => Err(self.expected("`true` or `false`")),
        }
    }

    /// Whether this is a mapping.
    pub(crate) fn is_map(&self) -> bool {
        matches!(self.value, Value::Map(_))
    }
}

/// A mistake at a place.
pub(crate) fn mistake_at(place: Place, message: impl Into<String>) -> Mistake {
    Mistake {
        place: Some(place),
        message: message.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_has_a_place() {
        let check = |text: &str, expected: &str| {
            let mistake = document(text).expect_err("the text is wrong");
            assert_eq!(mistake.to_string(), expected);
        };
        check(
            "a: 1\nb: 2\na: 3\n",
            "3:1: the key `a` stands here for the second time",
        );
        check(
            "a: 1\n---\nb: 2\n",
            "3:1: expected one document, and here another one begins",
        );
        check("", "the file is empty");
        check("a: [1\nb: 2", "2:2: illegal placement of ':' indicator");
    }

    #[test]
    fn nesting_without_end_is_refused() {
        let mistake = document(&"[".repeat(100_000)).expect_err("nobody nests as deep");
        assert!(mistake.place.is_some(), "{mistake}");
    }

    #[test]
    fn json_is_read_with_its_places() {
        let json =
            "{\"status\":\"success\",\"data\":{\"value\":[1435781451.781,\"NaN\"],\"a\\/b\":\"\\u003c\"}}\n";
        let document = document(json).expect("JSON is YAML");
        let data = document.need("data").expect("it is there");
        let value = data.need("value").and_then(Node::list).expect("it is a list");
        assert_eq!(value[0].number(), Ok(1_435_781_451.781));
        assert_eq!(value[1].text(), Ok("NaN"));
        assert_eq!(value[1].place, Place { line: 1, column: 53 });
        assert_eq!(data.need("a/b").and_then(Node::text), Ok("<"));
    }
}
