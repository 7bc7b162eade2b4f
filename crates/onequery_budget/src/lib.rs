//! Error budgets: what services promise, how much of the failure that is left to them is used up, and what that means for
//! their findings; and debt budgets, which only shrink.
//!
//! Pure functions from texts and a time to values. Every text may be wrong, and says where.

mod debt;
mod duration;
mod evidence;
mod forms;
mod ledger;
mod policy;
mod prometheus;
mod slo;
mod window;
mod yaml;

pub use debt::{Debt, Excess, History, Ratchet, weight};
pub use duration::{parse as parse_duration, words};
pub use evidence::{Evidence, Standing, Unknown, WhenUnknown};
pub use jiff::civil::Date;
pub use jiff::tz::TimeZone;
pub use jiff::{SignedDuration, Timestamp};
pub use ledger::Ledger;
pub use policy::{Demand, Policy, share};
pub use prometheus::{Labels, Sample, Samples};
pub use slo::{Slo, Target};
pub use window::Window;

/// Why a text is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", self.place.map_or_else(String::new, |place| format!("{place}: ")))]
pub struct Mistake {
    /// Where it is, unless it is about the text as a whole.
    pub place: Option<Place>,
    /// What is wrong, and what to do, without a full stop.
    pub message: String,
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, counted from 1.
    pub line: u64,
    /// The column, counted from 1 in characters.
    pub column: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl Mistake {
    /// The mistake in the file of a name, as `path:line:column: message`.
    #[must_use]
    pub fn of_file(&self, path: &str) -> String {
        match self.place {
            Some(place) => format!("{path}:{place}: {}", self.message),
            None => format!("{path}: {}", self.message),
        }
    }
}
