//! How much of a budget is left, as far as anything tells.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::duration::words;
use crate::ledger::Ledger;
use crate::policy::{Demand, Policy};
use crate::prometheus::Samples;
use crate::{Mistake, Place, Slo};

/// What tells how much of the budgets is left.
#[derive(Clone, Debug, PartialEq)]
pub enum Evidence {
    /// Nothing.
    Nothing,
    /// An answer of Prometheus, and how old a sample may be.
    Samples(Samples, SignedDuration),
    /// Incidents.
    Ledger(Ledger),
}

/// Why nobody knows how much of a budget is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// There is no evidence.
    NoEvidence,
    /// The answer, whose list of samples is here, has none about the objective.
    NoSample(Place),
    /// The sample is not a finite number.
    NoNumber(Place),
    /// The sample is so old.
    Stale(Place, SignedDuration),
    /// The sample is of a time that has not come yet, by so much.
    Ahead(Place, SignedDuration),
}

/// How far the clock of whoever took a sample may be ahead.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

impl Unknown {
    /// The place in the evidence that it is about.
    #[must_use]
    pub fn place(self) -> Option<Place> {
        match self {
            Self::NoEvidence => None,
            Self::NoSample(place) | Self::NoNumber(place) | Self::Stale(place, _) | Self::Ahead(place, _) => {
                Some(place)
            }
        }
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEvidence => f.write_str("there is no evidence"),
            Self::NoSample(_) => f.write_str("the answer has no sample about it"),
            Self::NoNumber(_) => {
                f.write_str("its sample is no number, as when nothing was asked of the service")
            }
            Self::Stale(_, age) => write!(f, "its sample is {} old", words(*age)),
            Self::Ahead(_, by) => write!(f, "its sample is of a time {} from now", words(*by)),
        }
    }
}

/// What is demanded where nobody knows how much of a budget is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenUnknown {
    /// Nothing: it is an error.
    #[default]
    Refuse,
    /// As if nothing were consumed.
    Open,
    /// As if everything were consumed.
    Closed,
}

/// The state of one budget at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// What may fail in the window.
    pub budget: SignedDuration,
    /// The share of it that is left, at most 1, negative where more than the budget is used up.
    pub left: Result<f64, Unknown>,
}

impl Evidence {
    /// The state of an objective's budget. What is `given` by a person counts more than any evidence.
    ///
    /// # Errors
    ///
    /// Two samples about the objective, or a window that no time is in.
    pub fn standing(&self, slo: &Slo, given: Option<f64>, now: Timestamp) -> Result<Standing, Mistake> {
        let (begin, end, budget) = slo.budget(now)?;
        let left = match (given, self) {
            (Some(share), _) => Ok(share),
            (None, Self::Nothing) => Err(Unknown::NoEvidence),
            (None, Self::Ledger(ledger)) => {
                let consumed = ledger.consumed(slo, begin, end.min(now));
                Ok(1.0 - consumed.as_secs_f64() / budget.as_secs_f64())
            }
            (None, Self::Samples(samples, max_age)) => match samples.about(slo)? {
                None => Err(Unknown::NoSample(samples.place())),
                Some(sample) if !sample.left.is_finite() => Err(Unknown::NoNumber(sample.place)),
                Some(sample) if sample.left > 1.0 => {
                    return Err(Mistake {
                        place: Some(sample.place),
                        message: format!(
                            "{} is no share of a budget, which is at most 1: does the query give a percentage, or what is \
                             consumed?",
                            sample.left
                        ),
                    });
                }
                Some(sample) => match now.duration_since(sample.at) {
                    age if age > *max_age => Err(Unknown::Stale(sample.place, age)),
                    age if -age > SKEW => Err(Unknown::Ahead(sample.place, -age)),
                    _ => Ok(sample.left),
                },
            },
        };
        Ok(Standing { budget, left })
    }
}

impl Standing {
    /// What is left, in time; negative where more than the budget is used up.
    #[must_use]
    pub fn left_in_time(&self) -> Option<SignedDuration> {
        let share = self.left.ok()?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it saturates, which no budget comes near"
        )]
        let millis = (self.budget.as_secs_f64() * 1000.0 * share).round() as i64;
        Some(SignedDuration::from_millis(millis))
    }

    /// What is demanded of the service's findings; `None` where nobody knows and that is an error.
    #[must_use]
    pub fn demand(&self, policy: &Policy, when_unknown: WhenUnknown) -> Option<Demand> {
        let left = match (self.left, when_unknown) {
            (Ok(left), _) => left,
            (Err(_), WhenUnknown::Open) => 1.0,
            (Err(_), WhenUnknown::Closed) => 0.0,
            (Err(_), WhenUnknown::Refuse) => return None,
        };
        Some(policy.demand(left))
    }
}

#[cfg(test)]
mod tests;
