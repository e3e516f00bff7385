//! A point in time, in UTC.

use std::fmt;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use rhai::Engine;

use super::call::Answer;
use super::date_format::{self, Names, Zoned};
use super::fault::Fault;

/// A point in time, from the year 1 to the year 9999, as scripts see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(DateTime);

impl Moment {
    /// From a timestamp, such as the run's fixed "now".
    pub fn new(at: Timestamp) -> Self {
        Self(jiff::tz::Offset::UTC.to_datetime(at))
    }

    /// The timestamp, which does not reach the last day of the year 9999.
    pub fn timestamp(self) -> Option<Timestamp> {
        jiff::tz::Offset::UTC.to_timestamp(self.0).ok()
    }

    /// From date and time in UTC, within the years that scripts have.
    pub(super) fn utc(at: DateTime) -> Answer<Self> {
        if at.year() < 1 { Err(Fault::DateRange) } else { Ok(Self(at)) }
    }

    /// From date and time at this many seconds east of Greenwich.
    pub(super) fn at_offset(at: DateTime, seconds: i32) -> Answer<Self> {
        let at = at.checked_sub(SignedDuration::from_secs(seconds.into()));
        Self::utc(at.map_err(|_out_of_range| Fault::DateRange)?)
    }

    /// Date and time in UTC.
    pub(super) const fn in_utc(self) -> DateTime {
        self.0
    }

    /// Reads the forms that directories write: ISO 8601, LDAP's generalized time, and Entra's `M/d/yyyy h:mm:ss tt`.
    /// What names no offset is UTC.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        const LONGEST: usize = 40;
        let text = text.trim();
        if text.is_empty() || text.len() > LONGEST {
            return None;
        }
        let slashes = text.contains('/');
        let dashes = text.contains('-');
        let formats = match (slashes, dashes) {
            (true, _) => AMERICAN,
            (false, true) => ISO,
            (false, false) => GENERALIZED,
        };
        formats.iter().find_map(|format| {
            let parsed = date_format::parse(text, format).ok()?;
            Self::at_offset(parsed.at, parsed.offset.unwrap_or(0)).ok()
        })
    }
}

const ISO: &[&str] = &[
    "yyyy-MM-ddK",
    "yyyy-MM-ddTHH:mm:ssK",
    "yyyy-MM-ddTHH:mm:ss.FFFFFFFK",
    "yyyy-MM-dd HH:mm:ssK",
    "yyyy-MM-dd HH:mm:ss.FFFFFFFK",
    "yyyy-MM-ddTHH:mmK",
    "yyyy-MM-dd HH:mmK",
];
const AMERICAN: &[&str] =
    &["M/d/yyyy h:mm:ss tt", "M/d/yyyy", "M/d/yyyy h:mm tt", "M/d/yyyy H:mm:ss", "M/d/yyyy H:mm"];
const GENERALIZED: &[&str] = &["yyyyMMddHHmmss.FFFFFFFK", "yyyyMMddHHmmssK", "yyyyMMdd"];

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = Zoned { at: self.0, offset: 0 };
        f.write_str(&date_format::write(at, "M/d/yyyy h:mm:ss tt", &Names::ENGLISH))
    }
}

/// Names the type and gives it comparisons, parts and a text form.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Moment>("date")
        .register_fn("to_string", |moment: &mut Moment| moment.to_string())
        .register_fn("to_debug", |moment: &mut Moment| moment.to_string())
        .register_fn("==", |a: Moment, b: Moment| a == b)
        .register_fn("!=", |a: Moment, b: Moment| a != b)
        .register_fn("<", |a: Moment, b: Moment| a < b)
        .register_fn("<=", |a: Moment, b: Moment| a <= b)
        .register_fn(">", |a: Moment, b: Moment| a > b)
        .register_fn(">=", |a: Moment, b: Moment| a >= b)
        .register_get("year", |moment: &mut Moment| i64::from(moment.0.year()))
        .register_get("month", |moment: &mut Moment| i64::from(moment.0.month()))
        .register_get("day", |moment: &mut Moment| i64::from(moment.0.day()))
        .register_get("weekday", |moment: &mut Moment| {
            i64::from(moment.0.weekday().to_monday_one_offset())
        });
}
