//! Lengths of time, as people and Prometheus write them.

use jiff::SignedDuration;

/// Seconds of the units that are as long at any time, the longest first, by the letters that Prometheus gives them
/// (<https://prometheus.io/docs/prometheus/latest/querying/basics/#float-literals-and-time-durations>). A year has 365 days.
const UNITS: [(&str, i64); 6] = [
    ("y", 365 * 86_400),
    ("w", 7 * 86_400),
    ("d", 86_400),
    ("h", 3_600),
    ("m", 60),
    ("s", 1),
];

/// Reads a duration of Prometheus, such as `2w` or `1d12h`: numbers with units, each unit once, the longest first.
///
/// # Errors
///
/// What is none, in words; and a duration of zero.
pub fn parse(text: &str) -> Result<SignedDuration, String> {
    let expected =
        || format!("`{text}` is no duration; expected a number and a unit (y, w, d, h, m, s), such as `30d`");
    let mut seconds: i64 = 0;
    let mut rest = text;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at(letters);
        let number: i64 = number.parse().map_err(|_| expected())?;
        let (_, length) = units.find(|(known, _)| *known == unit).ok_or_else(expected)?;
        seconds = number
            .checked_mul(*length)
            .and_then(|part| seconds.checked_add(part))
            .ok_or_else(|| format!("`{text}` is too long"))?;
        rest = after;
    }
    match seconds {
        _ if text.is_empty() => Err(expected()),
        0 => Err(format!("`{text}` has no length")),
        seconds => Ok(SignedDuration::from_secs(seconds)),
    }
}

/// A duration in words, rounded to the second: `40 min 19 s`, `28 days`.
#[must_use]
pub fn words(duration: SignedDuration) -> String {
    let millis = duration.as_millis();
    let seconds = (millis.abs() + 500) / 1000;
    let parts = [
        (
            seconds / 86_400,
            if seconds / 86_400 == 1 { "day" } else { "days" },
        ),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, unit)| format!("{n} {unit}"))
        .collect();
    let sign = if millis < 0 && seconds > 0 { "-" } else { "" };
    match parts[..] {
        [] => "0 s".to_owned(),
        _ => format!("{sign}{}", parts.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_prometheus() {
        let seconds = |text| parse(text).map(|duration| duration.as_secs());
        assert_eq!(seconds("2w"), Ok(14 * 86_400));
        assert_eq!(seconds("1d12h"), Ok(36 * 3_600));
        for wrong in ["", "30", "d", "1h1d", "1d1d", "1 d", "-1d", "1M", "1fortnight"] {
            assert!(
                seconds(wrong).is_err_and(|told| told.contains("no duration")),
                "{wrong}"
            );
        }
        assert!(seconds("0d").is_err_and(|told| told.contains("no length")));
        assert!(seconds("99999999999999y").is_err_and(|told| told.contains("too long")));
    }

    #[test]
    fn durations_are_told_in_words() {
        let told = |millis| words(SignedDuration::from_millis(millis));
        assert_eq!(told(2_419_200), "40 min 19 s");
        assert_eq!(told(2_592_000), "43 min 12 s");
        assert_eq!(told(86_400_000), "1 day");
        assert_eq!(told(90_061_000), "1 day 1 h 1 min 1 s");
        assert_eq!(told(-61_000), "-1 min 1 s");
        assert_eq!(told(400), "0 s");
        assert_eq!(told(-400), "0 s");
    }
}
