//! What a project's budgets demand of its findings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use onequery_budget::{
    Date, Debt, Demand, Evidence, Excess, Ledger, Mistake, Policy, Ratchet, Samples, Slo, Standing, TimeZone,
    Timestamp, WhenUnknown, Window,
};
use onequery_core::Finding;
use onequery_rules::{Mandate, is_about_comments, nearest};

use crate::budget::settings::{BudgetSettings, EvidenceSetting, SloSettings};
use crate::cli::EvidenceArgs;
use crate::complain;
use crate::discover::relative;
use crate::session::{Session, Target};
use crate::settings::Matcher;

/// Objectives, the evidence on them, and debt budgets, as the files of a project have them.
pub(crate) struct Gate {
    objectives: Vec<Objective>,
    /// The files of each service, by its name.
    areas: BTreeMap<String, Area>,
    evidence: Evidence,
    /// Where the evidence stands.
    evidence_path: String,
    /// The shares that the command line tells, by service or objective.
    given: Vec<(String, f64)>,
    policy: Policy,
    when_unknown: WhenUnknown,
    /// The error budgets are to be looked at.
    is_mandated: bool,
    /// The debt budgets, if the project has any.
    pub(crate) ratchet: Option<Ratchet>,
    now: Timestamp,
}

/// An objective and the file that it is written in.
pub(crate) struct Objective {
    pub(crate) slo: Slo,
    path: String,
}

/// The files of a service.
enum Area {
    /// All below a folder, relative to the root; empty for the root itself.
    Folder(String),
    Patterns(Matcher),
}

impl Area {
    fn has(&self, path: &str) -> bool {
        match self {
            Self::Folder(folder) if folder.is_empty() => true,
            Self::Folder(folder) => path
                .strip_prefix(folder.as_str())
                .is_some_and(|rest| rest.starts_with('/')),
            Self::Patterns(patterns) => patterns.matches(path),
        }
    }
}

impl Gate {
    /// Reads what `check` needs; `None` if the project has neither settings of budgets nor debt budgets, and the command line
    /// has no evidence either.
    ///
    /// # Errors
    ///
    /// As of [`of`](Self::of).
    pub(crate) fn of_check(target: &Target, args: &EvidenceArgs) -> anyhow::Result<Option<Self>> {
        if target.config.settings.budget.is_some() || args.is_given() {
            Self::of(target, args).map(Some)
        } else if debt_file(target).exists() {
            Self::of_debt(target, args.at).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Reads the objectives of a project, the evidence on them, and its debt budgets.
    ///
    /// # Errors
    ///
    /// As of [`of_debt`](Self::of_debt); evidence that is not there or not what it should be, with the place; a service of the
    /// command line that nobody has objectives for.
    pub(crate) fn of(target: &Target, args: &EvidenceArgs) -> anyhow::Result<Self> {
        let gate = Self::of_debt(target, args.at)?;
        let objectives = &gate.objectives;
        let is_known = |name: &str| {
            objectives
                .iter()
                .any(|it| it.slo.service == name || it.slo.id() == name)
        };
        if let Some((unknown, _)) = args.left.iter().find(|(name, _)| !is_known(name)) {
            bail!("--left: {}", unknown_service(unknown, objectives));
        }
        let settings = target.config.settings.budget.clone().unwrap_or_default();
        let (evidence, evidence_path) = evidence(target, args, &settings, objectives)?;
        Ok(Self {
            evidence,
            evidence_path,
            given: args.left.clone(),
            is_mandated: true,
            ..gate
        })
    }

    /// Reads the objectives of a project, and its debt budgets, which need no evidence.
    ///
    /// # Errors
    ///
    /// A file that is not there or not what it should be, with the place; a service of the settings that nobody has
    /// objectives for; services that cannot be told apart by folders.
    pub(crate) fn of_debt(target: &Target, at: Option<Timestamp>) -> anyhow::Result<Self> {
        let settings = target.config.settings.clone();
        let (slo, budget) = (
            settings.slo.unwrap_or_default(),
            settings.budget.unwrap_or_default(),
        );
        let objectives = objectives(target, &slo)?;
        let areas = areas(target, &slo, &objectives)?;
        Ok(Self {
            objectives,
            areas,
            evidence: Evidence::Nothing,
            evidence_path: String::new(),
            given: Vec::new(),
            policy: budget.policy.as_ref().map(Policy::from).unwrap_or_default(),
            when_unknown: budget.missing.map(WhenUnknown::from).unwrap_or_default(),
            is_mandated: false,
            ratchet: ratchet(target)?,
            now: at.unwrap_or_else(Timestamp::now),
        })
    }

    /// Whether anything, be it only the settings, tells how much of the budgets is left.
    pub(crate) fn has_evidence(&self) -> bool {
        let is_assumed = self.when_unknown != WhenUnknown::Refuse;
        self.evidence != Evidence::Nothing || !self.given.is_empty() || is_assumed
    }

    /// The day, in UTC.
    pub(crate) fn today(&self) -> Date {
        self.now.to_zoned_datetime(TimeZone::UTC).date()
    }

    /// The services, sorted.
    pub(crate) fn services(&self) -> impl Iterator<Item = &str> {
        self.areas.keys().map(String::as_str)
    }

    /// The objectives with the state of their budgets, by service.
    ///
    /// # Errors
    ///
    /// Evidence that says two things, or an objective whose window has not begun.
    pub(crate) fn standings(&self) -> anyhow::Result<Vec<(&Objective, Standing)>> {
        let standing = |objective| Ok((objective, self.standing(objective)?));
        self.objectives.iter().map(standing).collect()
    }

    fn standing(&self, objective: &Objective) -> anyhow::Result<Standing> {
        let slo = &objective.slo;
        if let Err(mistake) = slo.budget(self.now) {
            bail!(mistake.of_file(&objective.path));
        }
        let given = self
            .given
            .iter()
            .rev()
            .find(|(name, _)| *name == slo.id() || *name == slo.service);
        self.evidence
            .standing(slo, given.map(|(_, share)| *share), self.now)
            .map_err(|mistake| anyhow::Error::msg(mistake.of_file(&self.evidence_path)))
    }

    /// What follows from the state of a budget. Says aloud what is only assumed.
    ///
    /// # Errors
    ///
    /// Nobody knows the state, and the settings do not say what holds then.
    pub(crate) fn demand(&self, objective: &Objective, standing: &Standing) -> anyhow::Result<Demand> {
        let id = objective.slo.id();
        let policy = objective.slo.policy.as_ref().unwrap_or(&self.policy);
        let demand = standing.demand(policy, self.when_unknown);
        let Err(unknown) = standing.left else {
            return demand.context("what is left is known");
        };
        let place = unknown
            .place()
            .map_or_else(String::new, |place| format!(":{place}"));
        let place = match self.evidence_path.as_str() {
            "" => String::new(),
            path => format!("{path}{place}: "),
        };
        let told = format!("{place}nobody knows how much of the budget of {id} is left: {unknown}");
        match (demand, self.when_unknown) {
            (Some(demand), WhenUnknown::Refuse) => Ok(demand),
            (Some(demand), WhenUnknown::Open) => {
                complain(&format!("{told}; it counts as untouched, as `missing` says"));
                Ok(demand)
            }
            (Some(demand), WhenUnknown::Closed) => {
                complain(&format!("{told}; it counts as consumed, as `missing` says"));
                Ok(demand)
            }
            (None, _) => bail!(
                "{told}; give evidence, or decide with `missing = \"open\"` or `\"closed\"` in `[budget]`"
            ),
        }
    }

    /// What services have put off.
    pub(crate) fn debt(&self, session: &Session) -> Debt {
        let mut debt = Debt::default();
        for finding in session.triage(&|_| None).shown {
            if is_about_comments(finding.rule) {
                continue;
            }
            for (service, _) in self.areas_of(session.path(&finding)) {
                debt.add(service, finding.rule, finding.confidence);
            }
        }
        debt
    }

    fn areas_of(&self, path: &str) -> impl Iterator<Item = (&String, &Area)> {
        self.areas.iter().filter(move |(_, area)| area.has(path))
    }

    /// What is demanded of the findings of a project.
    ///
    /// # Errors
    ///
    /// As of [`standings`](Self::standings) and [`demand`](Self::demand).
    pub(crate) fn mandates(&self, session: &Session) -> anyhow::Result<Mandates<'_>> {
        let mut by_service: BTreeMap<&str, (Demand, String)> = BTreeMap::new();
        let standings = if self.is_mandated {
            self.standings()?
        } else {
            Vec::new()
        };
        for (objective, standing) in &standings {
            let demand = self.demand(objective, standing)?;
            let service = objective.slo.service.as_str();
            // The strictest demand on a service counts, and among equal ones the first.
            if by_service.get(service).is_none_or(|(known, _)| *known < demand) {
                by_service.insert(service, (demand, reason(service, standing, demand)));
            }
        }
        let exceeded = self
            .ratchet
            .as_ref()
            .map(|ratchet| ratchet.exceeded(&self.debt(session)));
        Ok(Mandates {
            gate: self,
            by_service,
            exceeded: exceeded.unwrap_or_default(),
        })
    }
}

/// Why a budget demands what it does, as a phrase for reports.
fn reason(service: &str, standing: &Standing, demand: Demand) -> String {
    match (demand, standing.left) {
        (Demand::None, _) => format!("allowed by the budget of {service}"),
        (_, Err(_)) => format!("the budget of {service} is unknown"),
        (_, Ok(left)) if left <= 0.0 => format!("the budget of {service} is consumed"),
        (_, Ok(left)) => format!("{:.0} % of the budget of {service} is left", left * 100.0),
    }
}

/// What is demanded of findings, by the files they are in.
pub(crate) struct Mandates<'g> {
    gate: &'g Gate,
    by_service: BTreeMap<&'g str, (Demand, String)>,
    exceeded: Vec<Excess>,
}

impl Mandates<'_> {
    /// What is demanded of a finding in a file: the strictest of what the budgets of its services demand.
    pub(crate) fn of(&self, finding: &Finding, path: &str) -> Mandate {
        let services: Vec<&str> = self
            .gate
            .areas_of(path)
            .map(|(service, _)| service.as_str())
            .collect();
        let excess = self
            .exceeded
            .iter()
            .find(|excess| excess.rule == finding.rule && services.contains(&excess.service.as_str()));
        let demands = services.iter().filter_map(|service| self.by_service.get(service));
        // `max_by_key` takes the last of equal ones, and the first service is to be named.
        match (demands.rev().max_by_key(|(demand, _)| *demand), excess) {
            (Some((Demand::Any, reason)), _) => Mandate::Any(reason.clone()),
            (
                _,
                Some(Excess {
                    service,
                    rule,
                    debt,
                    max,
                }),
            ) => Mandate::Any(format!(
                "the debt of {service} in {rule} is {debt}, with {max} allowed"
            )),
            (Some((Demand::None, reason)), None) => Mandate::Nothing(reason.clone()),
            (Some((Demand::New, _)) | None, None) => Mandate::New,
        }
    }
}

/// The objectives of all files, by service and name.
fn objectives(target: &Target, settings: &SloSettings) -> anyhow::Result<Vec<Objective>> {
    let default_window = Window::rolling(settings.default_window.length());
    let mut all: Vec<Objective> = Vec::new();
    for file in &settings.files {
        let path = target.named(file);
        if !path.exists() {
            bail!(
                "{}: there is no such file of objectives; `files` of `[slo]` names those of the project",
                path.display()
            );
        }
        for slo in read(&path, |text| Slo::parse(text, &default_window))? {
            let path = shown(&path);
            if let Some(known) = all.iter().find(|known| known.slo.id() == slo.id()) {
                bail!(
                    "{path}:{}: the objective {} stands in {}, too",
                    slo.place,
                    slo.id(),
                    known.path
                );
            }
            all.push(Objective { slo, path });
        }
    }
    all.sort_by(|a, b| (&a.slo.service, &a.slo.name).cmp(&(&b.slo.service, &b.slo.name)));
    Ok(all)
}

/// The evidence that the command line names, or else the settings, with its path. A file that only the settings name may
/// be absent where they also say what holds then.
fn evidence(
    target: &Target,
    args: &EvidenceArgs,
    settings: &BudgetSettings,
    objectives: &[Objective],
) -> anyhow::Result<(Evidence, String)> {
    let configured = settings.evidence.as_ref().map(|evidence| match evidence {
        EvidenceSetting::Prometheus(path) => EvidenceSetting::Prometheus(target.named(path)),
        EvidenceSetting::Ledger(path) => EvidenceSetting::Ledger(target.named(path)),
    });
    let given = args.evidence();
    let may_be_absent = given.is_none() && settings.missing.is_some();
    let Some(source) = given.or(configured) else {
        return Ok((Evidence::Nothing, String::new()));
    };
    let (EvidenceSetting::Prometheus(path) | EvidenceSetting::Ledger(path)) = &source;
    if may_be_absent && !path.exists() {
        return Ok((Evidence::Nothing, shown(path)));
    }
    let evidence = match &source {
        EvidenceSetting::Prometheus(path) => {
            let labels = (&settings.labels).into();
            let samples = read(path, |text| Samples::parse(text, &labels))?;
            Evidence::Samples(samples, settings.max_age.length())
        }
        EvidenceSetting::Ledger(path) => {
            let slos: Vec<Slo> = objectives.iter().map(|it| it.slo.clone()).collect();
            Evidence::Ledger(read(path, |text| Ledger::parse(text, &slos))?)
        }
    };
    Ok((evidence, shown(path)))
}

/// The files of each service: as the settings say, or the folder of the only file of objectives that is about it alone.
fn areas(
    target: &Target,
    settings: &SloSettings,
    objectives: &[Objective],
) -> anyhow::Result<BTreeMap<String, Area>> {
    let names: BTreeSet<&str> = objectives.iter().map(|it| it.slo.service.as_str()).collect();
    if let Some(unknown) = settings
        .services
        .keys()
        .find(|name| !names.contains(name.as_str()))
    {
        bail!("`services` of `[slo]`: {}", unknown_service(unknown, objectives));
    }
    let mut areas = BTreeMap::new();
    for objective in objectives {
        let service = &objective.slo.service;
        let area = match settings.services.get(service) {
            Some(patterns) => Area::Patterns(Matcher::new(patterns)?),
            None => {
                let beside = objectives
                    .iter()
                    .find(|other| other.path == objective.path && other.slo.service != *service);
                if let Some(other) = beside {
                    bail!(
                        "{}:{}: which files are {service}'s, and which {}'s? Name them in `services` of `[slo]`",
                        objective.path,
                        objective.slo.place,
                        other.slo.service
                    );
                }
                folder_of(objective, &target.root)?
            }
        };
        areas.entry(service.clone()).or_insert(area);
    }
    Ok(areas)
}

/// All files below the folder that an objective is written in.
fn folder_of(objective: &Objective, root: &Path) -> anyhow::Result<Area> {
    let path = Path::new(&objective.path);
    let path = path.canonicalize().with_context(|| objective.path.clone())?;
    match path.parent() {
        Some(folder) if folder.starts_with(root) => Ok(Area::Folder(relative(root, folder))),
        _ => bail!(
            "{}: which files are {}'s? The file lies outside of the project, so name them in `services` of `[slo]`",
            objective.path,
            objective.slo.service
        ),
    }
}

fn unknown_service(name: &str, objectives: &[Objective]) -> String {
    let near = nearest(name, objectives.iter().map(|it| it.slo.service.as_str()));
    let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    format!("there is no objective of `{name}`{hint}")
}

/// The file of debt budgets.
pub(crate) fn debt_file(target: &Target) -> PathBuf {
    let settings = target.config.settings.debt.clone().unwrap_or_default();
    target.named(&settings.file)
}

fn ratchet(target: &Target) -> anyhow::Result<Option<Ratchet>> {
    let path = debt_file(target);
    if !path.exists() {
        return Ok(None);
    }
    let text = text(&path)?;
    Ok(Some(Ratchet::parse(&text).with_context(|| shown(&path))?))
}

impl EvidenceArgs {
    fn evidence(&self) -> Option<EvidenceSetting> {
        let samples = self.prometheus.clone().map(EvidenceSetting::Prometheus);
        samples.or_else(|| self.ledger.clone().map(EvidenceSetting::Ledger))
    }

    fn is_given(&self) -> bool {
        self.evidence().is_some() || !self.left.is_empty()
    }
}

/// Reads a file, and what is wrong with it as `path:line:column: message`.
fn read<T>(path: &Path, parse: impl Fn(&str) -> Result<T, Mistake>) -> anyhow::Result<T> {
    parse(&text(path)?).map_err(|mistake| anyhow::Error::msg(mistake.of_file(&shown(path))))
}

/// The text of a file.
pub(crate) fn text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| shown(path))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
