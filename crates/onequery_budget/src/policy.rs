//! What a service's findings have to answer for, by how much of its budget is left.

use crate::Mistake;
use crate::yaml::{Node, mistake_at};

/// Which findings of a service fail a check, from the mildest demand to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demand {
    /// None.
    None,
    /// Those that are new.
    New,
    /// All, known ones included.
    Any,
}

/// All demands, by the words that stand for them.
const DEMANDS: [(&str, Demand); 3] = [("none", Demand::None), ("new", Demand::New), ("any", Demand::Any)];

impl Demand {
    /// The demand of a word.
    ///
    /// # Errors
    ///
    /// Another word.
    pub fn parse(word: &str) -> Result<Self, String> {
        let known = DEMANDS.iter().find(|(known, _)| *known == word);
        known
            .map(|(_, demand)| *demand)
            .ok_or_else(|| format!("`{word}` is no demand; there are `none`, `new` and `any`"))
    }

    /// The word that stands for it.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::New => "new",
            Self::Any => "any",
        }
    }
}

/// Demands by how much of a budget is left.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// A demand and the largest share of the budget that it holds for, sorted by that; above all of them only new findings
    /// fail.
    steps: Vec<(f64, Demand)>,
}

impl Default for Policy {
    /// Only new findings fail while something is left, all of them once nothing is.
    fn default() -> Self {
        Self::new([(0.0, Demand::Any)])
    }
}

impl Policy {
    /// The same demand whatever is left.
    #[must_use]
    pub fn always(demand: Demand) -> Self {
        Self::new([(f64::INFINITY, demand)])
    }

    /// Demands, each with the largest share of the budget that it holds for.
    #[must_use]
    pub fn new(steps: impl IntoIterator<Item = (f64, Demand)>) -> Self {
        let mut steps: Vec<(f64, Demand)> = steps.into_iter().collect();
        steps.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        Self { steps }
    }

    /// What is demanded while a share of the budget is left, which is negative where more than the budget is used up.
    #[must_use]
    pub fn demand(&self, left: f64) -> Demand {
        let step = self.steps.iter().find(|(at_most, _)| left <= *at_most);
        step.map_or(Demand::New, |(_, demand)| *demand)
    }

    /// Reads a word for all times, or a mapping from shares to words.
    pub(crate) fn parse(node: &Node) -> Result<Self, Mistake> {
        let demand = |node: &Node| Demand::parse(node.text()?).map_err(|message| node.mistake(message));
        if !node.is_map() {
            return demand(node).map(Self::always);
        }
        let step = |(key, value): &(crate::yaml::Key, Node)| {
            let share = share(&key.name).map_err(|message| mistake_at(key.place, message))?;
            Ok((share, demand(value)?))
        };
        let steps: Result<Vec<_>, Mistake> = node.entries()?.iter().map(step).collect();
        steps.map(Self::new)
    }
}

/// Reads a share of a budget, such as `25%`; `-10%` is one that is overspent. A number without the sign could mean either
/// a ratio or a percentage, and is refused.
///
/// # Errors
///
/// What is no share, in words.
pub fn share(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').map(str::trim);
    let percent = number.and_then(|number| number.parse::<f64>().ok());
    match percent {
        Some(percent) if percent.is_finite() && percent <= 100.0 => Ok(percent / 100.0),
        Some(_) => Err(format!("`{text}` is no share of a budget; it is 100% at most")),
        None => Err(format!(
            "`{text}` is no share of a budget; expected a percentage, such as `25%`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demand_follows_what_is_left() {
        let policy = Policy::default();
        assert_eq!(policy.demand(0.001), Demand::New);
        assert_eq!(policy.demand(0.0), Demand::Any);
        assert_eq!(policy.demand(-3.0), Demand::Any);
        let steps = Policy::new([(1.0, Demand::None), (0.25, Demand::Any), (0.5, Demand::New)]);
        assert_eq!(steps.demand(0.9), Demand::None);
        assert_eq!(steps.demand(0.5), Demand::New);
        assert_eq!(steps.demand(0.25), Demand::Any);
        assert_eq!(Policy::always(Demand::None).demand(-1.0), Demand::None);
    }

    #[test]
    fn a_share_has_its_sign() {
        assert_eq!(share("25%"), Ok(0.25));
        assert_eq!(share("-10 %"), Ok(-0.1));
        for wrong in ["0.25", "25", "", "%", "NaN%", "inf%", "101%"] {
            assert!(
                share(wrong).is_err_and(|told| told.contains("no share")),
                "{wrong}"
            );
        }
    }
}
