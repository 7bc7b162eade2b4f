//! Debt budgets: how much of the work that a service has put off may be left, rule by rule. They only shrink.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use onequery_core::{Confidence, RecordError, RecordFile};

/// How much a finding weighs. Whole numbers, so that the sums in the file are whole, too; what is sure weighs twice what is
/// likely.
#[must_use]
pub const fn weight(confidence: Confidence) -> u64 {
    match confidence {
        Confidence::Possible => 1,
        Confidence::Likely => 2,
        Confidence::Proven => 4,
    }
}

/// The weight of what services have put off, by service and rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Debt(BTreeMap<(String, String), u64>);

impl Debt {
    /// Adds a finding of a service.
    pub fn add(&mut self, service: &str, rule: &str, confidence: Confidence) {
        *self.0.entry((service.to_owned(), rule.to_owned())).or_default() += weight(confidence);
    }

    /// What a service has put off in all.
    #[must_use]
    pub fn total(&self, service: &str) -> u64 {
        self.rules(service).map(|(_, debt)| debt).sum()
    }

    fn rules<'d>(&'d self, service: &'d str) -> impl Iterator<Item = (&'d str, u64)> {
        let own = self.0.iter().filter(move |((known, _), _)| known == service);
        own.map(|((_, rule), debt)| (rule.as_str(), *debt))
    }
}

/// The rule of the line that holds for all rules of a service that have no line of their own.
const OTHERS: &str = "*";

/// The file that debt budgets are written to.
const BUDGETS: RecordFile = RecordFile {
    name: "debt",
    version: 1,
    fields: "service, rule and the most that is allowed",
    after_merge: "keep the lines of both sides; of two about the same the lower counts",
};

/// Debt budgets by service and rule.
///
/// A merge cannot loosen them. Of two lines about the same the lower counts, so both sides of a merge may be kept. A rule
/// without a line has what the line of the other rules says, which [`tightened`](Self::tightened) makes nothing, so a line
/// that got lost allows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ratchet(BTreeMap<(String, String), u64>);

/// A debt that is larger than its budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excess {
    /// Whose.
    pub service: String,
    /// Of which rule.
    pub rule: String,
    /// How large it is.
    pub debt: u64,
    /// How large it may be.
    pub max: u64,
}

impl Ratchet {
    /// Reads what [`Display`](fmt::Display) wrote, in any order and with repetitions.
    ///
    /// # Errors
    ///
    /// The first line that is none of it: a conflict of a merge, what is no whole number.
    pub fn parse(text: &str) -> Result<Self, RecordError> {
        Ok(Self(lowest(BUDGETS.read(text)?)?))
    }

    /// The most that a service may have put off of a rule; `None` for a service without debt budgets.
    #[must_use]
    pub fn max(&self, service: &str, rule: &str) -> Option<u64> {
        let line = |rule: &str| self.0.get(&(service.to_owned(), rule.to_owned())).copied();
        line(rule)
            .or_else(|| line(OTHERS))
            .or_else(|| self.knows(service).then_some(0))
    }

    /// The most that a service may have put off in all; `None` for one without debt budgets.
    #[must_use]
    pub fn total(&self, service: &str) -> Option<u64> {
        let own = self.0.iter().filter(|((known, _), _)| known == service);
        self.knows(service)
            .then(|| own.fold(0, |sum, (_, max)| max.saturating_add(sum)))
    }

    fn knows(&self, service: &str) -> bool {
        self.0.keys().any(|(known, _)| known == service)
    }

    /// Lowers every debt budget of some services to what is true. A service that has none gets them; no other grows.
    #[must_use]
    pub fn tightened<'s>(&self, services: impl Iterator<Item = &'s str>, debt: &Debt) -> Self {
        let mut tightened = self.0.clone();
        for service in services {
            let named = self.0.keys().filter(|(known, _)| known == service);
            let rules: BTreeSet<&str> = named
                .map(|(_, rule)| rule.as_str())
                .filter(|rule| *rule != OTHERS)
                .chain(debt.rules(service).map(|(rule, _)| rule))
                .collect();
            for rule in rules {
                let key = (service.to_owned(), rule.to_owned());
                let debt = debt.0.get(&key).copied().unwrap_or_default();
                let max = self.max(service, rule).map_or(debt, |max| max.min(debt));
                if max > 0 || self.0.contains_key(&key) {
                    tightened.insert(key, max);
                }
            }
            tightened.insert((service.to_owned(), OTHERS.to_owned()), 0);
        }
        Self(tightened)
    }

    /// The debts that are larger than their budgets.
    #[must_use]
    pub fn exceeded(&self, debt: &Debt) -> Vec<Excess> {
        let larger = debt.0.iter().filter_map(|((service, rule), &debt)| {
            let max = self.max(service, rule).filter(|max| debt > *max)?;
            Some(Excess {
                service: service.clone(),
                rule: rule.clone(),
                debt,
                max,
            })
        });
        larger.collect()
    }
}

impl fmt::Display for Ratchet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written(BUDGETS, &self.0))
    }
}

/// The file that debts are written to as they shrink.
const HISTORY: RecordFile = RecordFile {
    name: "history",
    version: 1,
    fields: "date, service and debt",
    after_merge: "keep the lines of both sides; of two about the same the lower counts",
};

/// What services had put off, day by day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History(BTreeMap<(String, String), u64>);

impl History {
    /// Reads what [`Display`](fmt::Display) wrote, in any order and with repetitions.
    ///
    /// # Errors
    ///
    /// The first line that is none of it: a conflict of a merge, what is no date or no whole number.
    pub fn parse(text: &str) -> Result<Self, RecordError> {
        let records = HISTORY.read::<3>(text)?;
        for (line, [date, ..]) in &records {
            if date.parse::<Date>().is_err() {
                let message = format!("`{date}` is no date; expected one such as 2026-11-03");
                return Err(RecordError { line: *line, message });
            }
        }
        Ok(Self(lowest(records)?))
    }

    /// Writes down what a service has put off on a day, instead of what was known of that day.
    pub fn record(&mut self, date: Date, service: &str, debt: u64) {
        self.0.insert((date.to_string(), service.to_owned()), debt);
    }

    /// The services, in order.
    #[must_use]
    pub fn services(&self) -> BTreeSet<&str> {
        self.0.keys().map(|(_, service)| service.as_str()).collect()
    }

    /// What a service had put off, the oldest first.
    #[must_use]
    pub fn of(&self, service: &str) -> Vec<u64> {
        let own = self.0.iter().filter(|((_, known), _)| known == service);
        own.map(|(_, debt)| *debt).collect()
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written(HISTORY, &self.0))
    }
}

/// Numbers by two keys; of two numbers with the same keys the lower one.
fn lowest(records: Vec<(usize, [String; 3])>) -> Result<BTreeMap<(String, String), u64>, RecordError> {
    let mut numbers = BTreeMap::new();
    for (line, [first, second, number]) in records {
        let number: u64 = number.parse().map_err(|_| RecordError {
            line,
            message: format!("`{number}` is no whole number"),
        })?;
        let lowest = numbers.entry((first, second)).or_insert(number);
        *lowest = number.min(*lowest);
    }
    Ok(numbers)
}

fn written(file: RecordFile, numbers: &BTreeMap<(String, String), u64>) -> String {
    let lines: Vec<[String; 3]> = numbers
        .iter()
        .map(|((first, second), number)| [first.clone(), second.clone(), number.to_string()])
        .collect();
    file.write(lines.iter().map(|line| line.each_ref().map(String::as_str)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: &str = "# onequery debt 1\n";

    fn ratchet(lines: &str) -> Ratchet {
        Ratchet::parse(&format!("{BEGIN}{lines}")).expect("it is a file of debt budgets")
    }

    fn debt(entries: &[(&str, &str, u64)]) -> Debt {
        let entry =
            |(service, rule, debt): &(&str, &str, u64)| (((*service).to_owned(), (*rule).to_owned()), *debt);
        Debt(entries.iter().map(entry).collect())
    }

    #[test]
    fn budgets_are_lowered_and_never_raised() {
        let before = ratchet("a\tread\t8\na\twrite\t4\n");
        let after = before.tightened(
            ["a", "b"].into_iter(),
            &debt(&[
                ("a", "read", 6),
                ("a", "write", 6),
                ("a", "commit", 2),
                ("b", "read", 3),
            ]),
        );
        let expected = format!("{BEGIN}a\t*\t0\na\tread\t6\na\twrite\t4\nb\t*\t0\nb\tread\t3\n");
        assert_eq!(after.to_string(), expected);
        let gone = after.tightened(["a"].into_iter(), &Debt::default());
        assert_eq!(gone.max("a", "read"), Some(0));
        assert_eq!(
            gone.tightened(["a"].into_iter(), &debt(&[("a", "read", 6)])),
            gone
        );
    }

    #[test]
    fn the_budget_of_other_rules_is_shared_out_once() {
        let before = ratchet("a\t*\t5\n");
        let after = before.tightened(["a"].into_iter(), &debt(&[("a", "read", 3), ("a", "write", 9)]));
        assert_eq!(after, ratchet("a\t*\t0\na\tread\t3\na\twrite\t5\n"));
    }

    #[test]
    fn a_merge_cannot_loosen_a_budget() {
        let both = ratchet("a\tread\t8\na\tread\t3\na\tread\t6\n");
        assert_eq!(both.max("a", "read"), Some(3));
        let lost = ratchet("a\t*\t0\n");
        assert_eq!(lost.max("a", "read"), Some(0));
        assert_eq!(lost.max("b", "read"), None);
        let marks = format!("{BEGIN}a\t*\t0\n<<<<<<< ours\na\tread\t3\n=======\n");
        let error = Ratchet::parse(&marks).expect_err("the merge is not done");
        assert!(
            error.line == 3 && error.message.contains("the lower counts"),
            "{error}"
        );
    }

    #[test]
    fn what_is_more_than_allowed_is_told() {
        let exceeded = ratchet("a\tread\t8\na\twrite\t4\n").exceeded(&debt(&[
            ("a", "read", 9),
            ("a", "write", 4),
            ("b", "read", 1),
        ]));
        let expected = Excess {
            service: "a".to_owned(),
            rule: "read".to_owned(),
            debt: 9,
            max: 8,
        };
        assert_eq!(exceeded, [expected]);
    }

    #[test]
    fn a_day_has_one_debt() {
        let mut history =
            History::parse("# onequery history 1\n2026-11-03\ta\t8\n2026-11-01\ta\t9\n2026-11-03\ta\t7\n")
                .expect("it is a history");
        assert_eq!(history.of("a"), [9, 7]);
        history.record("2026-11-03".parse().expect("it is a date"), "a", 8);
        history.record("2026-11-04".parse().expect("it is a date"), "b", 1);
        let text = history.to_string();
        assert_eq!(
            text,
            "# onequery history 1\n2026-11-01\ta\t9\n2026-11-03\ta\t8\n2026-11-04\tb\t1\n"
        );
        let error = History::parse("# onequery history 1\nyesterday\ta\t8\n").expect_err("it has no date");
        assert!(error.line == 2 && error.message.contains("no date"), "{error}");
    }

    #[test]
    fn what_is_sure_weighs_more() {
        assert!(weight(Confidence::Proven) > weight(Confidence::Likely));
        assert!(weight(Confidence::Likely) > weight(Confidence::Possible));
    }
}
