//! What a project says of its objectives, of the evidence on its error budgets, and of its debt budgets.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use onequery_budget::{Demand, Labels, Policy, SignedDuration, WhenUnknown, parse_duration, share};
use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::settings::Pattern;

/// What services promise.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct SloSettings {
    /// The files with objectives, relative to this file; `slo.yaml` unless given.
    pub(crate) files: Vec<PathBuf>,
    /// The files of services, as patterns of `.gitignore`. Those of other services are in the folder of their objectives.
    pub(crate) services: BTreeMap<String, Vec<Pattern>>,
    /// The window of objectives whose form has none, which is sloth's.
    pub(crate) default_window: Period,
}

impl Default for SloSettings {
    fn default() -> Self {
        Self {
            files: vec![PathBuf::from("slo.yaml")],
            services: BTreeMap::new(),
            default_window: Period("30d".to_owned()),
        }
    }
}

/// How much of the error budgets is left, and what follows.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct BudgetSettings {
    /// What tells how much is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) evidence: Option<EvidenceSetting>,
    /// The labels of Prometheus that say which objective a sample is about.
    pub(crate) labels: LabelSettings,
    /// How old a sample of Prometheus may be.
    pub(crate) max_age: Period,
    /// What holds where nobody knows how much is left; without this setting it is an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) missing: Option<Missing>,
    /// Which findings fail a check, unless the objective says so itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<PolicySetting>,
}

impl Default for BudgetSettings {
    fn default() -> Self {
        Self {
            evidence: None,
            labels: LabelSettings::default(),
            max_age: Period("1d".to_owned()),
            missing: None,
            policy: None,
        }
    }
}

/// Where debt budgets are written down.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct DebtSettings {
    /// The file of debt budgets, relative to this file.
    pub(crate) file: PathBuf,
    /// The file of what was put off day by day, relative to this file.
    pub(crate) history: PathBuf,
}

impl Default for DebtSettings {
    fn default() -> Self {
        Self {
            file: PathBuf::from("onequery-debt.txt"),
            history: PathBuf::from("onequery-debt-history.txt"),
        }
    }
}

/// What tells how much of the error budgets is left: one of two files, relative to that of the settings.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case", try_from = "EvidenceTable")]
#[schemars(!try_from)]
pub(crate) enum EvidenceSetting {
    /// A saved answer of Prometheus to an instant query for the shares that are left.
    Prometheus(PathBuf),
    /// A list of incidents.
    Ledger(PathBuf),
}

/// The same as it is read, so that two files are refused in words for people.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct EvidenceTable {
    prometheus: Option<PathBuf>,
    ledger: Option<PathBuf>,
}

impl TryFrom<EvidenceTable> for EvidenceSetting {
    type Error = &'static str;

    fn try_from(table: EvidenceTable) -> Result<Self, Self::Error> {
        match (table.prometheus, table.ledger) {
            (Some(path), None) => Ok(Self::Prometheus(path)),
            (None, Some(path)) => Ok(Self::Ledger(path)),
            (None, None) => Err("expected `prometheus` or `ledger` with the path of a file"),
            (Some(_), Some(_)) => Err("only one of `prometheus` and `ledger` can tell what is left"),
        }
    }
}

/// Labels of Prometheus.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct LabelSettings {
    /// The label with the service's name.
    pub(crate) service: String,
    /// The label with the objective's name.
    pub(crate) slo: String,
}

impl Default for LabelSettings {
    fn default() -> Self {
        let Labels { service, slo } = Labels::default();
        Self { service, slo }
    }
}

impl From<&LabelSettings> for Labels {
    fn from(LabelSettings { service, slo }: &LabelSettings) -> Self {
        Self {
            service: service.clone(),
            slo: slo.clone(),
        }
    }
}

/// What holds where nobody knows how much of a budget is left.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Missing {
    /// The budget counts as untouched.
    Open,
    /// The budget counts as consumed.
    Closed,
}

impl From<Missing> for WhenUnknown {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Open => Self::Open,
            Missing::Closed => Self::Closed,
        }
    }
}

/// A duration as Prometheus writes it, such as `30d`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Period(String);

impl Period {
    /// How long it is.
    pub(crate) fn length(&self) -> SignedDuration {
        parse_duration(&self.0).expect("it was read as one")
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration(&text).map_err(D::Error::custom)?;
        Ok(Self(text))
    }
}

/// Which findings of a service fail a check: always the same, or by how much of its budget is left at most.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum PolicySetting {
    /// Whatever is left.
    Always(DemandSetting),
    /// By shares of the budget, such as `25%`.
    Steps(BTreeMap<String, DemandSetting>),
}

/// `none`, `new` findings only, or `any`, those of the baseline included.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DemandSetting {
    /// None.
    None,
    /// Those that are new.
    New,
    /// All.
    Any,
}

impl From<DemandSetting> for Demand {
    fn from(demand: DemandSetting) -> Self {
        match demand {
            DemandSetting::None => Self::None,
            DemandSetting::New => Self::New,
            DemandSetting::Any => Self::Any,
        }
    }
}

impl From<&PolicySetting> for Policy {
    fn from(policy: &PolicySetting) -> Self {
        match policy {
            PolicySetting::Always(demand) => Self::always((*demand).into()),
            PolicySetting::Steps(steps) => Self::new(steps.iter().map(|(at_most, demand)| {
                let at_most = share(at_most).expect("it was read as one");
                (at_most, (*demand).into())
            })),
        }
    }
}

impl<'de> Deserialize<'de> for PolicySetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PolicyVisitor)
    }
}

/// Tells what is wrong where serde's own untagged enums only say that nothing fits.
struct PolicyVisitor;

impl<'de> Visitor<'de> for PolicyVisitor {
    type Value = PolicySetting;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`none`, `new`, `any` or a table from shares to these")
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<PolicySetting, E> {
        DemandSetting::deserialize(StrDeserializer::new(word)).map(PolicySetting::Always)
    }

    fn visit_map<A: MapAccess<'de>>(self, steps: A) -> Result<PolicySetting, A::Error> {
        let steps = BTreeMap::<String, DemandSetting>::deserialize(MapAccessDeserializer::new(steps))?;
        match steps.keys().find_map(|at_most| share(at_most).err()) {
            Some(wrong) => Err(A::Error::custom(wrong)),
            None => Ok(PolicySetting::Steps(steps)),
        }
    }
}
