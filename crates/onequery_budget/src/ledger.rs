//! A list of incidents that people keep, from which the consumed part of a budget follows.

use jiff::{SignedDuration, Timestamp};

use crate::yaml::{Node, document};
use crate::{Mistake, Place, Slo};

/// A time in which a part of what was promised did not hold.
#[derive(Clone, Debug, PartialEq)]
struct Incident {
    service: String,
    slo: Option<String>,
    start: Timestamp,
    end: Timestamp,
    /// More than 0, at most 1.
    fraction: f64,
    place: Place,
}

/// Incidents that do not overlap, as far as they are about the same objective.
#[derive(Clone, Debug, PartialEq)]
pub struct Ledger(Vec<Incident>);

impl Ledger {
    /// Reads a list of incidents, each with `service`, `start`, `end` and `fraction`, and perhaps `slo` and `what`.
    ///
    /// # Errors
    ///
    /// What is no such list; an incident about none of the objectives; two that overlap, which would count twice.
    pub fn parse(text: &str, slos: &[Slo]) -> Result<Self, Mistake> {
        let mut incidents: Vec<Incident> = Vec::new();
        for node in document(text)?.list()? {
            let incident = read(node)?;
            if !slos.iter().any(|slo| incident.is_about(slo)) {
                let id = incident.slo.as_ref().map_or_else(
                    || incident.service.clone(),
                    |slo| format!("{}/{slo}", incident.service),
                );
                return Err(node.mistake(format!("there is no objective of {id}")));
            }
            incidents.push(incident);
        }
        incidents.sort_by_key(|incident| (incident.start, incident.end, incident.place));
        for (ix, incident) in incidents.iter().enumerate() {
            let during = incidents[ix + 1..]
                .iter()
                .take_while(|other| other.start < incident.end);
            let mut both = during.filter(|other| {
                slos.iter()
                    .any(|slo| incident.is_about(slo) && other.is_about(slo))
            });
            if let Some(other) = both.next() {
                let (first, second) = (incident.place.min(other.place), incident.place.max(other.place));
                return Err(Mistake {
                    place: Some(second),
                    message: format!(
                        "the incident overlaps that of line {}, and would count twice",
                        first.line
                    ),
                });
            }
        }
        Ok(Self(incidents))
    }

    /// How much of an objective's budget was used up between two times.
    #[must_use]
    pub fn consumed(&self, slo: &Slo, begin: Timestamp, end: Timestamp) -> SignedDuration {
        let about = self.0.iter().filter(|incident| incident.is_about(slo));
        let parts = about.map(|incident| {
            let lasted = incident.end.min(end).duration_since(incident.start.max(begin));
            lasted.max(SignedDuration::ZERO).as_secs_f64() * incident.fraction
        });
        #[expect(
            clippy::cast_possible_truncation,
            reason = "no window is longer than the calendar"
        )]
        let millis = (parts.sum::<f64>() * 1000.0).round() as i64;
        SignedDuration::from_millis(millis)
    }
}

impl Incident {
    fn is_about(&self, slo: &Slo) -> bool {
        slo.is_meant(&self.service, self.slo.as_deref())
    }
}

fn read(node: &Node) -> Result<Incident, Mistake> {
    node.has_only(&["service", "slo", "start", "end", "fraction", "what"])?;
    let time = |key| {
        let node = node.need(key)?;
        let parsed: Result<Timestamp, _> = node.text()?.parse();
        parsed.map_err(|_| node.mistake("expected a time with its offset, such as `2026-11-03T09:12:00Z`"))
    };
    let (start, end) = (time("start")?, time("end")?);
    if end <= start {
        return Err(node.need("end")?.mistake("the incident ends before it starts"));
    }
    let fraction = node.need("fraction")?;
    let number = fraction.number()?;
    if !(number > 0.0 && number <= 1.0) {
        return Err(fraction.mistake("expected the failed part as a ratio: more than 0, at most 1"));
    }
    let slo = node.get("slo").map(Node::text).transpose()?;
    Ok(Incident {
        service: node.need("service")?.text()?.to_owned(),
        slo: slo.map(str::to_owned),
        start,
        end,
        fraction: number,
        place: node.place,
    })
}
