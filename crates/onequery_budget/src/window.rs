//! The time that an objective is about.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use crate::duration::words;

/// The time that an objective is about: the last so many days, or the current month of a calendar.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    length: Length,
    /// The begin of a first window and the zone whose calendar counts; none if the window ends now.
    calendar: Option<(DateTime, TimeZone)>,
}

/// How long a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// The same at any time.
    Fixed(SignedDuration),
    /// So many months, which differ in length.
    Months(i32),
}

impl Length {
    /// So many of a unit of OpenSLO's duration shorthand (`m h d w M Q Y`) or of the words that people use for them.
    pub(crate) fn of(count: u32, unit: &str) -> Result<Self, String> {
        if count == 0 {
            return Err("a window of zero has no budget".to_owned());
        }
        let fixed = |seconds: i64| Ok(Self::Fixed(SignedDuration::from_secs(i64::from(count) * seconds)));
        let months = |n: i32| {
            let months = i32::try_from(count).ok().and_then(|count| count.checked_mul(n));
            months
                .map(Self::Months)
                .ok_or_else(|| "the window is too long".to_owned())
        };
        // A minute and a month differ in case only.
        let word = if unit.len() > 1 {
            unit.to_ascii_lowercase()
        } else {
            unit.to_owned()
        };
        match word
            .strip_suffix('s')
            .filter(|one| one.len() > 1)
            .unwrap_or(&word)
        {
            "m" | "minute" => fixed(60),
            "h" | "hour" => fixed(3_600),
            "d" | "day" => fixed(86_400),
            "w" | "week" => fixed(7 * 86_400),
            "M" | "month" => months(1),
            "Q" | "quarter" => months(3),
            "Y" | "year" => months(12),
            _ => Err(format!(
                "the unit `{unit}` is not known; there are minute (m), hour (h), day (d), week (w), month (M), quarter (Q) and \
                 year (Y)"
            )),
        }
    }

    /// Reads OpenSLO's duration shorthand, such as `4w` or `1M`.
    pub(crate) fn shorthand(text: &str) -> Result<Self, String> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = text.split_at(digits);
        let count = count
            .parse()
            .map_err(|_| format!("`{text}` is no duration; expected a number and a unit, such as `28d`"))?;
        Self::of(count, unit)
    }

    /// So many of these lengths, one after the other. In a calendar a day is a day, whatever the clocks do.
    fn times(self, n: i64) -> Option<Span> {
        match self {
            Self::Months(months) => Span::new().try_months(i64::from(months).checked_mul(n)?).ok(),
            Self::Fixed(fixed) => {
                let seconds = fixed.as_secs().checked_mul(n)?;
                match fixed.as_secs() % 86_400 {
                    0 => Span::new().try_days(seconds / 86_400).ok(),
                    _ => Span::new().try_seconds(seconds).ok(),
                }
            }
        }
    }

    /// About how many seconds it has.
    fn seconds(self) -> i64 {
        /// Of a month, on average over four hundred years.
        const MONTH: i64 = 2_629_746;
        match self {
            Self::Fixed(fixed) => fixed.as_secs(),
            Self::Months(months) => i64::from(months) * MONTH,
        }
    }
}

impl Window {
    /// A window that ends now.
    #[must_use]
    pub const fn rolling(length: SignedDuration) -> Self {
        Self::ends_now(Length::Fixed(length))
    }

    pub(crate) const fn ends_now(length: Length) -> Self {
        Self {
            length,
            calendar: None,
        }
    }

    pub(crate) const fn of_calendar(length: Length, first: DateTime, zone: TimeZone) -> Self {
        Self {
            length,
            calendar: Some((first, zone)),
        }
    }

    /// The begin and the end of the window that a time is in.
    ///
    /// # Errors
    ///
    /// A time before the first window, or a window that leads out of all calendars.
    pub fn at(&self, now: Timestamp) -> Result<(Timestamp, Timestamp), String> {
        let far = || format!("the window of {self} leads out of the calendar");
        let Some((first, zone)) = &self.calendar else {
            let now = now.to_zoned_datetime(TimeZone::UTC);
            let begin = self.length.times(1).and_then(|span| now.checked_sub(span).ok());
            return Ok((begin.ok_or_else(far)?.timestamp(), now.timestamp()));
        };
        let nth = |n: i64| {
            let begin = first.checked_add(self.length.times(n)?).ok()?;
            Some(begin.to_zoned_datetime(zone.clone()).ok()?.timestamp())
        };
        let begin = nth(0).ok_or_else(far)?;
        if now < begin {
            return Err(format!("its first window begins at {begin}, after {now}"));
        }
        // The estimate is off by one at most for every few thousand months.
        let mut n = now.duration_since(begin).as_secs() / self.length.seconds();
        while nth(n).ok_or_else(far)? > now {
            n -= 1;
        }
        while nth(n + 1).ok_or_else(far)? <= now {
            n += 1;
        }
        Ok((nth(n).ok_or_else(far)?, nth(n + 1).ok_or_else(far)?))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.length {
            Length::Fixed(length) => f.write_str(&words(length))?,
            Length::Months(1) => f.write_str("1 month")?,
            Length::Months(months) => write!(f, "{months} months")?,
        }
        match &self.calendar {
            Some(_) => f.write_str(" of the calendar"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().expect("it is a time")
    }

    fn days(window: &Window, now: &str) -> (String, String) {
        let (begin, end) = window.at(time(now)).expect("there is a window");
        (begin.to_string(), end.to_string())
    }

    #[test]
    fn a_rolling_window_ends_now() {
        let window = Window::ends_now(Length::shorthand("4w").expect("it is a duration"));
        assert_eq!(window.to_string(), "28 days");
        let expected = (
            "2026-01-01T00:00:00Z".to_owned(),
            "2026-01-29T00:00:00Z".to_owned(),
        );
        assert_eq!(days(&window, "2026-01-29T00:00:00Z"), expected);
    }

    #[test]
    fn a_window_of_the_calendar_is_the_current_one() {
        let zone = TimeZone::get("Europe/Berlin").expect("the zones are part of the program");
        let first = "2024-01-01T00:00:00".parse().expect("it is a time");
        let month = Window::of_calendar(Length::Months(1), first, zone);
        let expected = (
            "2026-02-28T23:00:00Z".to_owned(),
            "2026-03-31T22:00:00Z".to_owned(),
        );
        assert_eq!(days(&month, "2026-03-15T12:00:00Z"), expected);
        assert_eq!(days(&month, "2026-02-28T23:00:00Z"), expected);
        assert!(
            month
                .at(time("2023-12-01T00:00:00Z"))
                .is_err_and(|told| told.contains("first window"))
        );
    }

    #[test]
    fn unknown_units_and_windows_of_zero_are_refused() {
        let check = |text, part: &str| {
            let told = Length::shorthand(text).expect_err("it is wrong");
            assert!(told.contains(part), "{told}");
        };
        check("0d", "zero");
        check("2f", "the unit `f` is not known");
        check("2D", "the unit `D` is not known");
        check("w", "no duration");
        check("99999999999d", "no duration");
        assert_eq!(Length::of(30, "Day"), Length::of(30, "days"));
        assert_ne!(Length::of(1, "m"), Length::of(1, "M"));
    }
}
