//! A saved answer of Prometheus to an instant query
//! (<https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries>).

use jiff::Timestamp;

use crate::yaml::{Node, document};
use crate::{Mistake, Place, Slo};

/// The labels that say what a sample is about. Those of sloth are `sloth_service` and `sloth_slo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// The label with the service's name.
    pub service: String,
    /// The label with the objective's name. A sample without it is about all objectives of its service.
    pub slo: String,
}

impl Default for Labels {
    fn default() -> Self {
        Self {
            service: "sloth_service".to_owned(),
            slo: "sloth_slo".to_owned(),
        }
    }
}

/// What is left of one budget.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    service: String,
    slo: Option<String>,
    /// When it was so.
    pub at: Timestamp,
    /// The share of the budget; not finite where Prometheus could not tell, for instance since nothing was asked for.
    pub left: f64,
    /// Where the value stands.
    pub place: Place,
}

/// The samples of an answer, in its order.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    list: Vec<Sample>,
    /// Where the list stands.
    place: Place,
}

impl Samples {
    /// Reads an answer. Samples without the label of the service are of something else and passed over.
    ///
    /// # Errors
    ///
    /// What is no answer, or one that says that the query failed; a result that is no instant vector.
    pub fn parse(text: &str, labels: &Labels) -> Result<Self, Mistake> {
        let answer = document(text)?;
        let status = answer.need("status")?;
        if status.text()? != "success" {
            let told = |key| match answer.get(key).map(Node::phrase) {
                Some(Ok(text)) => text,
                _ => "nothing more".to_owned(),
            };
            let (kind, error) = (told("errorType"), told("error"));
            return Err(status.mistake(format!("the query failed ({kind}): {error}")));
        }
        let data = answer.need("data")?;
        let kind = data.need("resultType")?;
        if kind.text()? != "vector" {
            return Err(
                kind.mistake("expected the answer to an instant query, whose `resultType` is `vector`")
            );
        }
        let result = data.need("result")?;
        let samples: Result<Vec<Option<Sample>>, Mistake> =
            result.list()?.iter().map(|sample| read(sample, labels)).collect();
        Ok(Self {
            list: samples?.into_iter().flatten().collect(),
            place: result.place,
        })
    }

    /// Where the list of samples stands in the answer.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// The sample about an objective, if there is one.
    ///
    /// # Errors
    ///
    /// Two of them.
    pub fn about(&self, slo: &Slo) -> Result<Option<&Sample>, Mistake> {
        let mut about = self
            .list
            .iter()
            .filter(|sample| slo.is_meant(&sample.service, sample.slo.as_deref()));
        let first = about.next();
        match about.next() {
            None => Ok(first),
            Some(second) => Err(Mistake {
                place: Some(second.place),
                message: format!(
                    "a second sample about {}; the query has to give one for each objective",
                    slo.id()
                ),
            }),
        }
    }
}

fn read(sample: &Node, labels: &Labels) -> Result<Option<Sample>, Mistake> {
    let metric = sample.need("metric")?;
    let label = |name: &str| metric.get(name).map(Node::text).transpose();
    let Some(service) = label(&labels.service)? else {
        return Ok(None);
    };
    let pair = sample.need("value")?;
    let [time, value] = pair.list()? else {
        return Err(pair.mistake("expected a time and a value"));
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what does not fit is no time, which is told"
    )]
    let at = Timestamp::from_millisecond((time.number()? * 1000.0) as i64);
    Ok(Some(Sample {
        service: service.to_owned(),
        slo: label(&labels.slo)?.map(str::to_owned),
        at: at.map_err(|_| time.mistake("expected a time in seconds since 1970"))?,
        // As Go writes floats: `NaN`, `+Inf`, `1e-05`, which Rust reads.
        left: value
            .text()?
            .parse()
            .map_err(|_| value.mistake("expected a number in a text, as Prometheus writes it"))?,
        place: value.place,
    }))
}
