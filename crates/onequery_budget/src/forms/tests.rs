//! Minimal files of each form, with the numbers that their tools document.

use jiff::SignedDuration;

use crate::{Slo, Window, words};

fn month() -> Window {
    Window::rolling(SignedDuration::from_hours(30 * 24))
}

/// Objectives as `service/name: target over window = budget`.
fn told(text: &str) -> Vec<String> {
    let slos = Slo::parse(text, &month()).expect("the file is sound");
    let now = "2026-03-15T12:00:00Z".parse().expect("it is a time");
    let told = slos.iter().map(|slo| {
        let (_, _, budget) = slo.budget(now).expect("there is a window");
        format!(
            "{}: {} over {} = {}",
            slo.id(),
            slo.target,
            slo.window,
            words(budget)
        )
    });
    told.collect()
}

fn refuses(text: &str, expected: &str) {
    let mistake = Slo::parse(text, &month()).expect_err("the file is wrong");
    let said = mistake.to_string();
    assert!(said.starts_with(expected), "{said}\n{text}");
}

const PLAIN: &str = "service: auth-service\nobjective: logins succeed\ntarget: 99.9% over a 28-day window\n";

#[test]
fn the_plain_form() {
    assert_eq!(told(PLAIN), ["auth-service: 99.9 % over 28 days = 40 min 19 s"]);
    let with = |target: &str| told(&PLAIN.replace("99.9% over a 28-day window", target));
    assert_eq!(
        with("99.5 % over 4 weeks"),
        ["auth-service: 99.5 % over 28 days = 3 h 21 min 36 s"]
    );
    assert_eq!(
        with("99% over 30d"),
        ["auth-service: 99 % over 30 days = 7 h 12 min"]
    );
    let policy = format!("{PLAIN}policy: {{25%: any}}\n");
    let slos = Slo::parse(&policy, &month()).expect("the file is sound");
    assert_eq!(
        slos[0].policy,
        Some(crate::Policy::new([(0.25, crate::Demand::Any)]))
    );
}

#[test]
fn mistakes_of_the_plain_form() {
    let with = |target: &str, expected: &str| {
        refuses(&PLAIN.replace("99.9% over a 28-day window", target), expected)
    };
    with(
        "100% over 28 days",
        "3:9: a target of 100 % leaves no error budget",
    );
    with("0.999 over 28 days", "3:9: expected a target such as");
    with("99.9% and 99% over 28 days", "3:9: expected a target such as");
    with("99.9% over a 0-day window", "3:9: a window of zero has no budget");
    with("99.9% over a 28-moon window", "3:9: the unit `moon` is not known");
    with("0.999", "3:9: expected a text, found the number 0.999");
    refuses(
        &format!("{PLAIN}target: 99% over 28 days\n"),
        "4:1: the key `target` stands here for the second time",
    );
    refuses(
        &format!("{PLAIN}targt: 99%\n"),
        "4:1: the key `targt` is not known",
    );
    refuses(&format!("{PLAIN}policy: all\n"), "4:9: `all` is no demand");
    refuses(
        &format!("{PLAIN}policy:\n  0.25: any\n"),
        "5:3: `0.25` is no share",
    );
    refuses(
        &format!("{PLAIN}---\n{PLAIN}"),
        "5:1: the objective auth-service is written down for the second time",
    );
    refuses("", "no objective is in the file");
    refuses("- a\n", "1:1: expected a mapping, found a list");
}

const OPENSLO: &str = "\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: logins
spec:
  service: auth-service
  timeWindow:
    - duration: 4w
      isRolling: true
  budgetingMethod: Occurrences
  objectives:
    - target: 0.999
";

#[test]
fn openslo() {
    let expected = ["auth-service/logins: 99.9 % over 28 days = 40 min 19 s"];
    assert_eq!(told(OPENSLO), expected);
    assert_eq!(
        told(&OPENSLO.replace("target: 0.999", "targetPercent: 99.9")),
        expected
    );
    let service = "---\napiVersion: openslo/v1\nkind: Service\nmetadata: {name: auth-service}\n";
    assert_eq!(told(&format!("{OPENSLO}{service}")), expected);
    let month = OPENSLO.replace("4w", "1M").replace(
        "isRolling: true",
        "calendar: {startTime: 2026-01-01 00:00:00, timeZone: America/New_York}",
    );
    // The clocks of New York lose an hour in March.
    assert_eq!(
        told(&month),
        ["auth-service/logins: 99.9 % over 1 month of the calendar = 44 min 35 s"]
    );
    let two = format!("{OPENSLO}    - target: 0.95\n");
    assert_eq!(
        told(&two)[1],
        "auth-service/logins-1: 95 % over 28 days = 1 day 9 h 36 min"
    );
}

#[test]
fn mistakes_of_openslo() {
    let with = |from: &str, to: &str, expected: &str| refuses(&OPENSLO.replace(from, to), expected);
    with(
        "- target: 0.999",
        "- target: 0.999\n      targetPercent: 99.9",
        "13:22: two targets",
    );
    with(
        "target: 0.999",
        "target: 99.9",
        "12:15: 99.9 is no ratio; expected 0 or more and less than 1; a percentage",
    );
    with(
        "target: 0.999",
        "target: 1.0",
        "12:15: a target of 1, which is 100 %, leaves no error budget",
    );
    with(
        "target: 0.999",
        "targetPercent: 100",
        "12:22: a target of 100 % leaves no error budget",
    );
    with(
        "target: 0.999",
        "op: lte",
        "12:7: `target` or `targetPercent` is missing",
    );
    with("4w", "0w", "8:17: a window of zero");
    with("4w", "4x", "8:17: the unit `x` is not known");
    with(
        "isRolling: true",
        "isRolling: false",
        "8:7: a window that is not rolling needs a `calendar`",
    );
    with(
        "openslo/v1",
        "openslo/v3",
        "1:13: objectives of this version are not understood",
    );
    with("  service: auth-service\n", "", "6:3: `service` is missing");
}

#[test]
fn the_openslo_that_sloth_reads() {
    let alpha = OPENSLO.replace("openslo/v1", "openslo/v1alpha").replace(
        "timeWindow:\n    - duration: 4w\n      isRolling: true",
        "timeWindows:\n    - count: 30\n      unit: Day",
    );
    assert_eq!(
        told(&alpha),
        ["auth-service/logins-0: 99.9 % over 30 days = 43 min 12 s"]
    );
    refuses(&alpha.replace("count: 30", "count: 0"), "8:14: a window of zero");
    refuses(
        &alpha.replace("unit: Day", "unit: Moon"),
        "9:13: the unit `Moon` is not known",
    );
}

#[test]
fn sloth() {
    let text =
        "version: prometheus/v1\nservice: auth-service\nslos:\n  - name: logins\n    objective: 99.9\n";
    assert_eq!(
        told(text),
        ["auth-service/logins: 99.9 % over 30 days = 43 min 12 s"]
    );
    let resource = "\
apiVersion: sloth.slok.dev/v1
kind: PrometheusServiceLevel
spec:
  service: auth-service
  slos:
    - name: logins
      objective: 0.999
";
    // A percentage, however small it looks.
    assert_eq!(
        told(resource),
        ["auth-service/logins: 0.999 % over 30 days = 29 days 16 h 48 min 26 s"]
    );
    refuses(&text.replace("99.9", "100"), "5:16: a target of 100 %");
    refuses(&text.replace("99.9", "101"), "5:16: 101 is no percentage");
    refuses(
        &text.replace("prometheus/v1", "prometheus/v2"),
        "1:10: expected `prometheus/v1`",
    );
}

#[test]
fn pyrra() {
    let text = "\
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata:
  name: auth-service
spec:
  target: '99'
  window: 2w
";
    assert_eq!(told(text), ["auth-service: 99 % over 14 days = 3 h 21 min 36 s"]);
    refuses(&text.replace("'99'", "'100'"), "6:11: a target of 100 %");
    refuses(
        &text.replace("'99'", "most"),
        "6:11: expected a number, found the text `most`",
    );
    refuses(&text.replace("2w", "0w"), "7:11: `0w` has no length");
}
