//! What a service promises, whichever form it is written in.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::policy::Policy;
use crate::window::Window;
use crate::{Mistake, Place, forms, yaml};

/// The part of events, or of the time, that has to be good.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// From 0 to less than 100.
    percent: f64,
}

impl Target {
    /// So many percent.
    ///
    /// # Errors
    ///
    /// What leaves no error budget, or is no percentage.
    pub fn percent(percent: f64) -> Result<Self, String> {
        if percent == 100.0 {
            Err("a target of 100 % leaves no error budget".to_owned())
        } else if (0.0..100.0).contains(&percent) {
            Ok(Self { percent })
        } else {
            Err(format!(
                "{percent} is no percentage; expected 0 or more and less than 100"
            ))
        }
    }

    /// A part of one.
    ///
    /// # Errors
    ///
    /// As of [`percent`](Self::percent).
    pub fn ratio(ratio: f64) -> Result<Self, String> {
        /// So that 0.9995 is told as 99.95, not as 99.95000000000000x.
        const DECIMALS: f64 = 1e9;
        if ratio == 1.0 {
            Err("a target of 1, which is 100 %, leaves no error budget".to_owned())
        } else if (0.0..1.0).contains(&ratio) {
            Self::percent((ratio * 100.0 * DECIMALS).round() / DECIMALS)
        } else {
            Err(format!("{ratio} is no ratio; expected 0 or more and less than 1"))
        }
    }

    /// What may fail in a window, exact to the millisecond.
    #[must_use]
    pub fn budget(self, window: SignedDuration) -> SignedDuration {
        let millis = window.as_secs_f64() * 1000.0 * (100.0 - self.percent) / 100.0;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "no window is longer than the calendar"
        )]
        let millis = millis.round() as i64;
        SignedDuration::from_millis(millis)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.percent)
    }
}

/// A service level objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Slo {
    /// The service that makes the promise.
    pub service: String,
    /// What tells it from others of the service; none in a form that has no names.
    pub name: Option<String>,
    /// What is promised, in a person's words.
    pub objective: Option<String>,
    /// How much of it has to hold.
    pub target: Target,
    /// The time that it is about.
    pub window: Window,
    /// What follows from how much of the budget is left, if the file says so.
    pub policy: Option<Policy>,
    /// Where it is written.
    pub place: Place,
}

impl Slo {
    /// Reads the objectives of a file: the plain form, OpenSLO (`openslo/v1` and `openslo/v1alpha`), sloth
    /// (`prometheus/v1`, also as a Kubernetes resource) and pyrra. Sloth's form has no window; `default_window` is theirs.
    ///
    /// # Errors
    ///
    /// What is none of these, none at all, and two of one name.
    pub fn parse(text: &str, default_window: &Window) -> Result<Vec<Self>, Mistake> {
        let mut slos: Vec<Self> = Vec::new();
        for document in yaml::documents(text)? {
            for slo in forms::read(&document, default_window)? {
                if slos.iter().any(|known| known.id() == slo.id()) {
                    let message = format!("the objective {} is written down for the second time", slo.id());
                    return Err(yaml::mistake_at(slo.place, message));
                }
                slos.push(slo);
            }
        }
        if slos.is_empty() {
            return Err(Mistake {
                place: None,
                message: "no objective is in the file".to_owned(),
            });
        }
        Ok(slos)
    }

    /// What it is called among all: the service, with the objective's name if it has one.
    #[must_use]
    pub fn id(&self) -> String {
        match &self.name {
            Some(name) => format!("{}/{name}", self.service),
            None => self.service.clone(),
        }
    }

    /// Whether somebody who names a service, and perhaps an objective, means this one.
    #[must_use]
    pub fn is_meant(&self, service: &str, name: Option<&str>) -> bool {
        let same_name = match (name, &self.name) {
            (Some(name), Some(own)) => name == own,
            _ => true,
        };
        self.service == service && same_name
    }

    /// The window that a time is in, and the budget of it.
    ///
    /// # Errors
    ///
    /// As of [`Window::at`].
    pub fn budget(&self, now: Timestamp) -> Result<(Timestamp, Timestamp, SignedDuration), Mistake> {
        let (begin, end) = self
            .window
            .at(now)
            .map_err(|message| yaml::mistake_at(self.place, message))?;
        let budget = self.target.budget(end.duration_since(begin));
        if budget.is_zero() {
            return Err(yaml::mistake_at(
                self.place,
                format!(
                    "{} of this window leaves a budget below a millisecond",
                    self.target
                ),
            ));
        }
        Ok((begin, end, budget))
    }
}
