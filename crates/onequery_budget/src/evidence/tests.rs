//! What is left, by each kind of evidence.

use proptest::prelude::*;

use super::*;
use crate::{Labels, Window};

fn slos() -> Vec<Slo> {
    let text = "service: auth-service\nobjective: logins succeed\ntarget: 99.9% over a 28-day window\n---\n\
                service: search\nname: fast\nobjective: results come fast\ntarget: 99% over 28 days\n";
    Slo::parse(text, &Window::rolling(SignedDuration::from_hours(1))).expect("the file is sound")
}

fn now() -> Timestamp {
    "2026-11-24T00:00:00Z".parse().expect("it is a time")
}

fn answer(samples: &str) -> String {
    format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{samples}]}}}}"#)
}

fn sample(value: &str) -> String {
    let at = now().as_second() - 60;
    format!(
        r#"{{"metric":{{"sloth_service":"auth-service","sloth_slo":"logins"}},"value":[{at}.781,"{value}"]}}"#
    )
}

fn by_samples(samples: &str) -> Result<Standing, Mistake> {
    let samples = Samples::parse(&answer(samples), &Labels::default())?;
    Evidence::Samples(samples, SignedDuration::from_hours(1)).standing(&slos()[0], None, now())
}

fn left(samples: &str) -> Result<f64, Unknown> {
    by_samples(samples).expect("the answer is one").left
}

#[test]
fn an_answer_of_prometheus_tells_what_is_left() {
    assert_eq!(left(&sample("0.25")), Ok(0.25));
    assert_eq!(left(&sample("-1.5e-05")), Ok(-1.5e-5));
    let other = sample("0.5").replace("auth-service", "billing");
    assert_eq!(left(&format!("{other},{}", sample("0.25"))), Ok(0.25));
    assert!(matches!(
        left(r#"{"metric":{},"value":[1,"1"]}"#),
        Err(Unknown::NoSample(_))
    ));
    assert!(matches!(left(""), Err(Unknown::NoSample(_))));
    assert!(matches!(left(&sample("NaN")), Err(Unknown::NoNumber(_))));
    assert!(matches!(left(&sample("+Inf")), Err(Unknown::NoNumber(_))));
}

#[test]
fn an_old_sample_is_stale() {
    let text = answer(&sample("0.25"));
    let samples = Samples::parse(&text, &Labels::default()).expect("the answer is one");
    let later = now() + SignedDuration::from_hours(2);
    let evidence = Evidence::Samples(samples, SignedDuration::from_hours(1));
    let standing = evidence
        .standing(&slos()[0], None, later)
        .expect("there is a window");
    let stale = standing.left.expect_err("it is stale");
    assert_eq!(stale.to_string(), "its sample is 2 h 59 s old");
    assert_eq!(
        evidence.standing(&slos()[0], Some(0.5), later).map(|it| it.left),
        Ok(Ok(0.5))
    );
}

#[test]
fn what_is_no_answer_says_where() {
    let refuses = |text: &str, expected: &str| {
        let mistake = Samples::parse(text, &Labels::default()).expect_err("it is no answer");
        assert!(mistake.to_string().starts_with(expected), "{mistake}");
    };
    refuses("", "the file is empty");
    refuses("{\"status\":", "1:1");
    refuses(
        r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#,
        "1:11: the query failed (bad_data): parse error",
    );
    refuses(
        &answer("").replace("vector", "matrix"),
        "1:42: expected the answer to an instant query",
    );
    refuses(&answer(&sample("x")), "1:");
    refuses(&answer(&sample("1").replace(".781", "e9")), "1:");
    let twice = by_samples(&format!("{},{}", sample("1"), sample("0"))).expect_err("which one counts?");
    assert!(
        twice.message.contains("a second sample about auth-service"),
        "{twice}"
    );
}

#[test]
fn a_label_of_ones_own_names_the_service() {
    let labels = Labels {
        service: "slo".to_owned(),
        slo: "name".to_owned(),
    };
    let text = answer(&sample("0.25").replace("sloth_service", "slo"));
    let samples = Samples::parse(&text, &labels).expect("the answer is one");
    let about = samples.about(&slos()[0]).expect("there is one");
    assert_eq!(about.map(|sample| sample.left), Some(0.25));
}

const LEDGER: &str = "\
- service: auth-service
  start: 2026-11-20T10:00:00Z
  end: 2026-11-20T10:20:00Z
  fraction: 1
- service: auth-service
  start: 2026-11-20T12:00:00+01:00
  end: 2026-11-20T12:10:00+01:00
  fraction: 0.5
  what: the pool was too small
- service: auth-service
  start: 2026-10-26T23:50:00Z
  end: 2026-10-27T00:01:00Z
  fraction: 1
";

#[test]
fn incidents_of_the_window_are_added_up() {
    let ledger = Ledger::parse(LEDGER, &slos()).expect("the ledger is sound");
    let standing = Evidence::Ledger(ledger)
        .standing(&slos()[0], None, now())
        .expect("there is a window");
    // 20 min, half of 10 min, and the minute that lies in the window.
    let consumed = standing.budget - standing.left_in_time().expect("it is known");
    assert_eq!(
        (words(standing.budget), words(consumed)),
        ("40 min 19 s".to_owned(), "26 min".to_owned())
    );
}

#[test]
fn a_ledger_that_cannot_be_right_is_refused() {
    let refuses = |text: &str, expected: &str| {
        let mistake = Ledger::parse(text, &slos()).expect_err("the ledger is wrong");
        assert!(mistake.to_string().starts_with(expected), "{mistake}");
    };
    refuses(
        &LEDGER.replace("T12:00", "T11:15"),
        "5:3: the incident overlaps that of line 1",
    );
    refuses(
        &LEDGER.replace("auth-service", "auth"),
        "1:3: there is no objective of auth",
    );
    refuses(
        &LEDGER.replace("fraction: 0.5", "fraction: 50"),
        "8:13: expected the failed part as a ratio",
    );
    refuses(
        &LEDGER.replace("T10:20:00Z", "T09:20:00Z"),
        "3:8: the incident ends before it starts",
    );
    refuses(
        &LEDGER.replace("T10:20:00Z", ""),
        "3:8: expected a time with its offset",
    );
    refuses(
        &LEDGER.replace("  fraction: 0.5\n", ""),
        "5:3: `fraction` is missing",
    );
    refuses(
        &LEDGER.replace("what:", "note:"),
        "9:3: the key `note` is not known",
    );
    let apart = LEDGER
        .replace("T12:00", "T11:15")
        .replacen("auth-service", "search", 1);
    assert!(
        Ledger::parse(&apart, &slos()).is_ok(),
        "two services may fail at once"
    );
}

#[test]
fn what_nobody_knows_is_open_closed_or_refused() {
    let standing = Evidence::Nothing
        .standing(&slos()[0], None, now())
        .expect("there is a window");
    let demand = |when| standing.demand(&Policy::default(), when);
    assert_eq!(demand(WhenUnknown::Open), Some(Demand::New));
    assert_eq!(demand(WhenUnknown::Closed), Some(Demand::Any));
    assert_eq!(demand(WhenUnknown::Refuse), None);
    assert_eq!(standing.left_in_time(), None);
}

/// Texts that begin as sound ones, with some characters exchanged.
fn altered(sound: &'static str) -> impl Strategy<Value = String> {
    let changes = proptest::collection::vec((any::<proptest::sample::Index>(), "[ -~\\n]"), 0..6);
    changes.prop_map(move |changes| {
        let mut chars: Vec<String> = sound.chars().map(String::from).collect();
        for (at, other) in changes {
            *at.get_mut(&mut chars) = other;
        }
        chars.concat()
    })
}

const OPENSLO: &str = "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec:\n  service: b\n  timeWindow:\n    - \
                       duration: 1M\n      calendar: {startTime: 2026-01-01 00:00:00, timeZone: Europe/Berlin}\n  objectives:\n    \
                       - target: 0.99\n";

proptest! {
    #[test]
    fn no_text_stops_the_program(
        slo in prop_oneof![altered(OPENSLO), altered("service: a\nobjective: b\ntarget: 99.9% over a 28-day window\n")],
        incidents in altered(LEDGER),
        debt in altered("# onequery debt 1\na\tread\t8\n"),
    ) {
        let window = Window::rolling(SignedDuration::from_hours(1));
        for slo in Slo::parse(&slo, &window).unwrap_or_default() {
            let _ = Evidence::Nothing.standing(&slo, Some(0.5), now()).map(|standing| standing.left_in_time());
        }
        if let Ok(ledger) = Ledger::parse(&incidents, &slos()) {
            let standing = Evidence::Ledger(ledger).standing(&slos()[0], None, now()).expect("there is a window");
            prop_assert!(standing.left.is_ok_and(|left| left <= 1.0));
        }
        if let Ok(ratchet) = crate::Ratchet::parse(&debt) {
            prop_assert_eq!(crate::Ratchet::parse(&ratchet.to_string()), Ok(ratchet));
        }
    }
}
