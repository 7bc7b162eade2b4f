//! The forms that objectives are written in. A form is told by what it says of itself, never by what its numbers look like:
//! a number is a ratio or a percentage because of its key.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::Mistake;
use crate::policy::Policy;
use crate::slo::{Slo, Target};
use crate::window::{Length, Window};
use crate::yaml::Node;

/// The objectives of a document.
pub(crate) fn read(document: &Node, default_window: &Window) -> Result<Vec<Slo>, Mistake> {
    document.entries()?;
    let kind = || document.need("kind").and_then(Node::text);
    let Some(api) = document.get("apiVersion") else {
        return match document.get("version") {
            Some(version) if version.text() == Ok("prometheus/v1") => sloth(document, default_window),
            Some(version) => Err(version.mistake("expected `prometheus/v1`, the version of sloth's form")),
            None => plain(document).map(|slo| vec![slo]),
        };
    };
    match api.text()? {
        // Services, data sources and alerts stand in the same files.
        "openslo/v1" | "openslo/v1alpha" if kind()? != "SLO" => Ok(Vec::new()),
        "openslo/v1" => openslo(document),
        "openslo/v1alpha" => openslo_alpha(document, default_window),
        "sloth.slok.dev/v1" if kind()? == "PrometheusServiceLevel" => sloth(document.need("spec")?, default_window),
        "pyrra.dev/v1alpha1" if kind()? == "ServiceLevelObjective" => pyrra(document).map(|slo| vec![slo]),
        _ => Err(api.mistake(
            "objectives of this version are not understood; there are openslo/v1, openslo/v1alpha, sloth.slok.dev/v1 and \
             pyrra.dev/v1alpha1",
        )),
    }
}

/// `target: 99.9% over a 28-day window`, for people.
fn plain(document: &Node) -> Result<Slo, Mistake> {
    document.has_only(&["service", "name", "objective", "target", "policy"])?;
    let target = document.need("target")?;
    let (percent, window) = plain_target(target.text()?).map_err(|message| target.mistake(message))?;
    let name = document.get("name").map(Node::text).transpose()?;
    Ok(Slo {
        service: document.need("service")?.text()?.to_owned(),
        name: name.map(str::to_owned),
        objective: Some(document.need("objective")?.phrase()?),
        target: percent,
        window,
        policy: document.get("policy").map(Policy::parse).transpose()?,
        place: document.place,
    })
}

/// A percentage, `over`, and a number with a unit.
fn plain_target(text: &str) -> Result<(Target, Window), String> {
    let expected = || format!("expected a target such as `99.9% over a 28-day window`, found `{text}`");
    let (percent, rest) = text.split_once('%').ok_or_else(expected)?;
    let percent = percent.trim().parse().map_err(|_| expected())?;
    let words = rest.split([' ', '-']).filter(|word| !word.is_empty());
    let mut words: Vec<&str> = words.collect();
    if words.first() != Some(&"over") {
        return Err(expected());
    }
    words.remove(0);
    words.pop_if(|word| *word == "window");
    words.pop_if(|word| *word == "rolling");
    if matches!(words.first(), Some(&"a" | &"an" | &"the" | &"any")) {
        words.remove(0);
    }
    let length = match words[..] {
        [both] => Length::shorthand(both)?,
        [count, unit] => Length::of(count.parse().map_err(|_| expected())?, unit)?,
        _ => return Err(expected()),
    };
    Ok((Target::percent(percent)?, Window::ends_now(length)))
}

/// OpenSLO v1: <https://github.com/OpenSLO/OpenSLO#slo>.
fn openslo(document: &Node) -> Result<Vec<Slo>, Mistake> {
    let spec = document.need("spec")?;
    let windows = spec.need("timeWindow")?;
    let [window] = windows.list()? else {
        return Err(windows.mistake("expected one window"));
    };
    let duration = window.need("duration")?;
    let length = Length::shorthand(duration.text()?).map_err(|message| duration.mistake(message))?;
    let window = openslo_window(window, length)?;
    openslo_objectives(document, &window, |objective| {
        match (objective.get("target"), objective.get("targetPercent")) {
            (Some(_), Some(percent)) => Err(percent.mistake("two targets; keep `target` or `targetPercent`")),
            (Some(ratio), None) => {
                let said =
                    |message| ratio.mistake(format!("{message}; a percentage is written as `targetPercent`"));
                Target::ratio(ratio.number()?).map_err(said)
            }
            (None, Some(percent)) => {
                Target::percent(percent.number()?).map_err(|message| percent.mistake(message))
            }
            (None, None) => Err(objective.mistake("`target` or `targetPercent` is missing")),
        }
    })
}

/// The version of OpenSLO that sloth reads, which counts units in a list of another name.
fn openslo_alpha(document: &Node, default_window: &Window) -> Result<Vec<Slo>, Mistake> {
    let window = match document.need("spec")?.get("timeWindows") {
        None => default_window.clone(),
        Some(windows) => {
            let [window] = windows.list()? else {
                return Err(windows.mistake("expected one window"));
            };
            let count = window.need("count")?;
            let unit = window.need("unit")?;
            let length = Length::of(whole(count)?, unit.text()?).map_err(|message| {
                // What is wrong is the number where it is zero.
                if message.contains("zero") {
                    count.mistake(message)
                } else {
                    unit.mistake(message)
                }
            })?;
            openslo_window(window, length)?
        }
    };
    openslo_objectives(document, &window, |objective| {
        let ratio = objective.need("target")?;
        Target::ratio(ratio.number()?).map_err(|message| ratio.mistake(message))
    })
}

fn whole(node: &Node) -> Result<u32, Mistake> {
    let number = node.number()?;
    if number.fract() != 0.0 || !(0.0..=f64::from(u32::MAX)).contains(&number) {
        return Err(node.mistake("expected a whole number"));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it was just looked at"
    )]
    Ok(number as u32)
}

/// One objective per target. Several of them are told apart as sloth does: by their number, from 0.
fn openslo_objectives(
    document: &Node,
    window: &Window,
    target: impl Fn(&Node) -> Result<Target, Mistake>,
) -> Result<Vec<Slo>, Mistake> {
    let (spec, metadata) = (document.need("spec")?, document.need("metadata")?);
    let name = metadata.need("name")?.text()?;
    let service = spec.need("service")?.text()?;
    let objectives = spec.need("objectives")?;
    let listed = objectives.list()?;
    if listed.is_empty() {
        return Err(objectives.mistake("expected one objective at least"));
    }
    // Sloth reads the older version only, and numbers a single one, too.
    let is_numbered = listed.len() > 1
        || document
            .get("apiVersion")
            .is_some_and(|it| it.text() == Ok("openslo/v1alpha"));
    let objective = |(ix, node): (usize, &Node)| {
        let told = node.get("displayName").or_else(|| spec.get("description"));
        Ok(Slo {
            service: service.to_owned(),
            name: Some(if is_numbered {
                format!("{name}-{ix}")
            } else {
                name.to_owned()
            }),
            objective: told.map(Node::phrase).transpose()?,
            target: target(node)?,
            window: window.clone(),
            policy: None,
            place: node.place,
        })
    };
    listed.iter().enumerate().map(objective).collect()
}

/// A window that ends now, or one of a calendar.
fn openslo_window(node: &Node, length: Length) -> Result<Window, Mistake> {
    let is_rolling = node.get("isRolling").map(Node::boolean).transpose()?;
    match (node.get("calendar"), is_rolling) {
        (Some(calendar), Some(true)) => Err(calendar.mistake("a rolling window has no calendar")),
        (None, Some(false)) => Err(node.mistake("a window that is not rolling needs a `calendar`")),
        (None, _) => Ok(Window::ends_now(length)),
        (Some(calendar), _) => {
            let start = calendar.need("startTime")?;
            let first: DateTime = start
                .text()?
                .parse()
                .map_err(|_| start.mistake("expected a time such as `2026-01-01 00:00:00`"))?;
            let zone = calendar.need("timeZone")?;
            let known = TimeZone::get(zone.text()?);
            let known = known.map_err(|_| zone.mistake("expected a time zone such as `Europe/Berlin`"))?;
            Ok(Window::of_calendar(length, first, known))
        }
    }
}

/// Sloth: <https://sloth.dev/specs/default/>. What it calls `objective` is a percentage.
fn sloth(spec: &Node, default_window: &Window) -> Result<Vec<Slo>, Mistake> {
    let service = spec.need("service")?.text()?;
    let slo = |node: &Node| {
        let objective = node.need("objective")?;
        let told = node.get("description").map(Node::phrase).transpose()?;
        Ok(Slo {
            service: service.to_owned(),
            name: Some(node.need("name")?.text()?.to_owned()),
            objective: told,
            target: Target::percent(objective.number()?).map_err(|message| objective.mistake(message))?,
            window: default_window.clone(),
            policy: None,
            place: node.place,
        })
    };
    spec.need("slos")?.list()?.iter().map(slo).collect()
}

/// Pyrra: <https://github.com/pyrra-dev/pyrra>. Its target is a percentage in a text, and it has no services: what is named
/// is one.
fn pyrra(document: &Node) -> Result<Slo, Mistake> {
    let (spec, name) = (
        document.need("spec")?,
        document.need("metadata")?.need("name")?.text()?,
    );
    let (target, window) = (spec.need("target")?, spec.need("window")?);
    let length = crate::duration::parse(window.text()?).map_err(|message| window.mistake(message))?;
    let told = spec.get("description").map(Node::phrase).transpose()?;
    Ok(Slo {
        service: name.to_owned(),
        name: None,
        objective: told,
        target: Target::percent(target.number_in_text()?).map_err(|message| target.mistake(message))?,
        window: Window::rolling(length),
        policy: None,
        place: document.place,
    })
}

#[cfg(test)]
mod tests;
