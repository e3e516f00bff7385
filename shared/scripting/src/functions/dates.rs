//! Days, times and time zones, all from given values: nothing here reads a clock.

use std::sync::LazyLock;

use jiff::civil::{self, DateTime, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Span, Timestamp};
use rhai::Dynamic;

use super::call::{Answer, Text, argument, four, one, three, two};
use super::date_format::{self, Names, Zoned};
use super::date_names::names;
use super::fault::Fault;
use super::moment::Moment;
use super::row::{Category, Example, FunctionRow};

/// The functions of this file.
pub(super) static ROWS: &[FunctionRow] = &[
    FunctionRow {
        name: "c_date",
        signature: "c_date(text: text) -> date",
        sentence: "The date that a text writes: ISO 8601, LDAP's generalized time, or \"M/d/yyyy h:mm:ss tt\". Without an offset it is UTC. Dates have `year`, `month`, `day` and `weekday` (Monday is 1) and can be compared.",
        category: Category::Dates,
        entra: Some("CDate"),
        examples: &[
            Example {
                script: r#"c_date("2021-06-30+08:00").to_string()"#,
                result: r#""6/29/2021 4:00:00 PM""#,
            },
            Example { script: r#"c_date("2024-02-29").day"#, result: "29" },
        ],
        register: |engine, name| one(engine, name, |date: Moment| date),
    },
    FunctionRow {
        name: "is_date",
        signature: "is_date(value: any) -> bool",
        sentence: "Whether the value is a date or a text that `c_date` reads.",
        category: Category::Dates,
        entra: None,
        examples: &[Example { script: r#"is_date("2024-02-30")"#, result: "false" }],
        register: |engine, name| {
            one(engine, name, |value: Dynamic| argument::<Moment>(1, value).is_ok());
        },
    },
    FunctionRow {
        name: "parse_date",
        signature: "parse_date(text: text, format: text, zone?: text) -> date",
        sentence: "The date that a text writes in a .NET format. Without an offset in the text it is a time of the IANA zone, else UTC.",
        category: Category::Dates,
        entra: None,
        examples: &[
            Example {
                script: r#"parse_date("29.02.2024", "dd.MM.yyyy").to_string()"#,
                result: r#""2/29/2024 12:00:00 AM""#,
            },
            Example {
                script: r#"parse_date("2024-07-01 08:00", "yyyy-MM-dd HH:mm", "Europe/Berlin").to_string()"#,
                result: r#""7/1/2024 6:00:00 AM""#,
            },
        ],
        register: |engine, name| {
            two(engine, name, |text, format| parse_date(text, format, "UTC".into()));
            three(engine, name, parse_date);
        },
    },
    FunctionRow {
        name: "format_date",
        signature: "format_date(date: date, format: text, zone?: text, language?: text) -> text",
        sentence: "A date in a .NET format, in the IANA zone (UTC unless given), with names of months and days in the language (English unless given). Empty for an empty date.",
        category: Category::Dates,
        entra: None,
        examples: &[
            Example {
                script: r#"format_date("2024-07-01T06:00:00Z", "yyyy-MM-dd HH:mm zzz", "Europe/Berlin")"#,
                result: r#""2024-07-01 08:00 +02:00""#,
            },
            Example {
                script: r#"format_date("2024-07-01", "dddd, d. MMMM yyyy", "UTC", "de")"#,
                result: r#""Montag, 1. Juli 2024""#,
            },
        ],
        register: |engine, name| {
            two(engine, name, |date, format| format_date(date, format, "UTC".into(), "en".into()));
            three(engine, name, |date, format, zone| format_date(date, format, zone, "en".into()));
            four(engine, name, format_date);
        },
    },
    FunctionRow {
        name: "format_date_time",
        signature: "format_date_time(source: any, in_format: text, out_format: text) -> text",
        sentence: "A text in one .NET format, written in another, in UTC. A date needs no first format. Empty for an empty source.",
        category: Category::Dates,
        entra: Some("FormatDateTime"),
        examples: &[Example {
            script: r#"format_date_time("20150123105347.1Z", "yyyyMMddHHmmss.fZ", "yyyy-MM-dd")"#,
            result: r#""2015-01-23""#,
        }],
        register: |engine, name| three(engine, name, format_date_time),
    },
    FunctionRow {
        name: "date_add",
        signature: "date_add(interval: text, number: int, date: date) -> date",
        sentence: "The date this many intervals later: yyyy, q, m, d, ww (7 days), h, n (minutes) or s. A day that the month lacks becomes its last.",
        category: Category::Dates,
        entra: Some("DateAdd"),
        examples: &[
            Example {
                script: r#"date_add("ww", 2, "2012-03-16").to_string()"#,
                result: r#""3/30/2012 12:00:00 AM""#,
            },
            Example { script: r#"date_add("m", 1, "2024-01-31").day"#, result: "29" },
        ],
        register: |engine, name| three(engine, name, date_add),
    },
    FunctionRow {
        name: "add_days",
        signature: "add_days(date: date, days: int) -> date",
        sentence: "The date this many days later.",
        category: Category::Dates,
        entra: None,
        examples: &[Example { script: r#"add_days("2024-02-28", 2).month"#, result: "3" }],
        register: |engine, name| two(engine, name, |date, days| date_add("d".into(), days, date)),
    },
    FunctionRow {
        name: "date_diff",
        signature: "date_diff(interval: text, from: date, to: date) -> int",
        sentence: "How many intervals from one date to another: d, h, n, s and w (7 days) count elapsed time; yyyy, q, m and ww (weeks that begin on Sunday) count calendar fields.",
        category: Category::Dates,
        entra: Some("DateDiff"),
        examples: &[
            Example { script: r#"date_diff("d", "2021-08-18", "2021-08-31")"#, result: "13" },
            Example { script: r#"date_diff("yyyy", "2021-12-31", "2022-01-01")"#, result: "1" },
        ],
        register: |engine, name| three(engine, name, date_diff),
    },
    FunctionRow {
        name: "date_from_num",
        signature: "date_from_num(number: int) -> date",
        sentence: "The date of a FILETIME, which counts 100 nanoseconds since 1601, as AD's pwdLastSet does.",
        category: Category::Dates,
        entra: Some("DateFromNum"),
        examples: &[Example {
            script: "date_from_num(129699324000000000).to_string()",
            result: r#""1/1/2012 11:00:00 PM""#,
        }],
        register: |engine, name| one(engine, name, date_from_num),
    },
    FunctionRow {
        name: "num_from_date",
        signature: "num_from_date(date: date) -> int",
        sentence: "The FILETIME of a date, as AD's accountExpires takes it.",
        category: Category::Dates,
        entra: Some("NumFromDate"),
        examples: &[Example {
            script: r#"num_from_date("2012-01-01 23:00:00")"#,
            result: "129699324000000000",
        }],
        register: |engine, name| one(engine, name, num_from_date),
    },
    FunctionRow {
        name: "start_of_day",
        signature: "start_of_day(date: date, zone: text) -> date",
        sentence: "The first moment of the day that the date falls on in an IANA zone.",
        category: Category::Dates,
        entra: None,
        examples: &[Example {
            script: r#"start_of_day("2024-07-01T23:30:00Z", "Europe/Berlin").to_string()"#,
            result: r#""7/1/2024 10:00:00 PM""#,
        }],
        register: |engine, name| two(engine, name, start_of_day),
    },
];

/// The zones that came with the build, so that the answer does not depend on the machine.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

fn zone(name: &str) -> Answer<TimeZone> {
    ZONES.get(name).map_err(|_unknown| {
        let name: String = name.chars().take(60).collect();
        Fault::Value(format!(
            "the time zone {name:?} is not known: use an IANA name such as \"Europe/Berlin\""
        ))
    })
}

/// A date as the clocks of a zone show it. Years before and after the zone's rules have its first or last offset.
fn in_zone(date: Moment, zone: &TimeZone) -> Answer<Zoned> {
    let nearest = if date.in_utc().year() > 1970 { Timestamp::MAX } else { Timestamp::MIN };
    let offset = zone.to_offset(date.timestamp().unwrap_or(nearest)).seconds();
    let at = date.in_utc().checked_add(SignedDuration::from_secs(offset.into()));
    Ok(Zoned { at: at.map_err(|_out_of_range| Fault::DateRange)?, offset })
}

/// The moment at which the clocks of a zone show this. A time that a change skips is read with the earlier offset.
fn from_zone(at: DateTime, zone: &TimeZone) -> Answer<Moment> {
    match zone.to_timestamp(at) {
        Ok(timestamp) => Moment::utc(Moment::new(timestamp).in_utc()),
        Err(_) => Moment::utc(at),
    }
}

fn parse_date(text: Text, format: Text, zone_name: Text) -> Answer<Moment> {
    let parsed = date_format::parse(&text, &format)?;
    match parsed.offset {
        Some(offset) => Moment::at_offset(parsed.at, offset),
        None => from_zone(parsed.at, &zone(&zone_name)?),
    }
}

fn format_date(
    date: Option<Moment>,
    format: Text,
    zone_name: Text,
    language: Text,
) -> Answer<String> {
    date_format::check(&format)?;
    let names = names(&language)?;
    let zone = zone(&zone_name)?;
    let Some(date) = date else {
        return Ok(String::new());
    };
    Ok(date_format::write(in_zone(date, &zone)?, &format, names))
}

fn format_date_time(source: Dynamic, in_format: Text, out_format: Text) -> Answer<String> {
    date_format::check(&out_format)?;
    if super::call::is_empty(&source) {
        return Ok(String::new());
    }
    let date = match source.try_cast_result::<Moment>() {
        Ok(date) => date,
        Err(text) => parse_date(argument(1, text)?, in_format, "UTC".into())?,
    };
    Ok(date_format::write(Zoned { at: date.in_utc(), offset: 0 }, &out_format, &Names::ENGLISH))
}

/// The intervals of Visual Basic's date functions.
#[derive(Clone, Copy)]
enum Interval {
    Year,
    Quarter,
    Month,
    Day,
    SevenDays,
    Week,
    Hour,
    Minute,
    Second,
}

impl Interval {
    fn read(name: &str) -> Answer<Self> {
        Ok(match name {
            "yyyy" => Self::Year,
            "q" => Self::Quarter,
            "m" => Self::Month,
            "d" | "y" => Self::Day,
            "w" => Self::SevenDays,
            "ww" => Self::Week,
            "h" => Self::Hour,
            "n" => Self::Minute,
            "s" => Self::Second,
            other => {
                return Err(Fault::Value(format!(
                    "the interval must be one of yyyy q m d w ww h n s, but is {other:?}"
                )));
            }
        })
    }
}

fn date_add(interval: Text, number: i64, date: Moment) -> Answer<Moment> {
    let out_of_range = |_: jiff::Error| Fault::DateRange;
    let start = date.in_utc();
    let seconds = |seconds: i64| {
        let seconds = number.checked_mul(seconds).ok_or(Fault::DateRange)?;
        later(start, SignedDuration::from_secs(seconds))
    };
    let months = |count: i64| {
        let months = number.checked_mul(count).ok_or(Fault::DateRange)?;
        let span = Span::new().try_months(months).map_err(out_of_range)?;
        start.checked_add(span).map_err(out_of_range)
    };
    Moment::utc(match Interval::read(&interval)? {
        Interval::Year => months(12)?,
        Interval::Quarter => months(3)?,
        Interval::Month => months(1)?,
        // Visual Basic adds single weekdays for "w".
        Interval::Day | Interval::SevenDays => seconds(86_400)?,
        Interval::Week => seconds(7 * 86_400)?,
        Interval::Hour => seconds(3_600)?,
        Interval::Minute => seconds(60)?,
        Interval::Second => seconds(1)?,
    })
}

/// A time this much later, in two halves: jiff adds no duration longer than from 1970 to 9999 at once.
fn later(start: DateTime, duration: SignedDuration) -> Answer<DateTime> {
    let half = duration / 2;
    let middle = start.checked_add(half);
    let end = middle.and_then(|middle| middle.checked_add(duration - half));
    end.map_err(|_out_of_range| Fault::DateRange)
}

fn date_diff(interval: Text, from: Moment, to: Moment) -> Answer<i64> {
    let (a, b) = (from.in_utc(), to.in_utc());
    let elapsed = b.duration_since(a).as_secs();
    let months = |at: DateTime| i64::from(at.year()) * 12 + i64::from(at.month()) - 1;
    Ok(match Interval::read(&interval)? {
        Interval::Year => i64::from(b.year()) - i64::from(a.year()),
        Interval::Quarter => months(b).div_euclid(3) - months(a).div_euclid(3),
        Interval::Month => months(b) - months(a),
        Interval::Day => elapsed / 86_400,
        Interval::SevenDays => elapsed / (7 * 86_400),
        Interval::Week => (days_to_sunday(b) - days_to_sunday(a)) / 7,
        Interval::Hour => elapsed / 3_600,
        Interval::Minute => elapsed / 60,
        Interval::Second => elapsed,
    })
}

/// The Sunday on which the week of a date begins, in days since a fixed Sunday.
fn days_to_sunday(at: DateTime) -> i64 {
    let epoch = civil::date(1, 1, 7);
    let days = at.date().duration_since(epoch).as_hours() / 24;
    days - i64::from(at.weekday().since(Weekday::Sunday))
}

const FILETIME_EPOCH: DateTime = civil::datetime(1601, 1, 1, 0, 0, 0, 0);
/// FILETIME counts tenths of microseconds.
const TICKS_PER_SECOND: i64 = 10_000_000;

fn date_from_num(number: i64) -> Answer<Moment> {
    let seconds = number.div_euclid(TICKS_PER_SECOND);
    let ticks = i32::try_from(number.rem_euclid(TICKS_PER_SECOND));
    let ticks = ticks.map_err(|_out_of_range| Fault::DateRange)?;
    let since = SignedDuration::new(seconds, ticks.saturating_mul(100));
    Moment::utc(later(FILETIME_EPOCH, since)?)
}

fn num_from_date(date: Moment) -> Answer<i64> {
    let since = date.in_utc().duration_since(FILETIME_EPOCH);
    i64::try_from(since.as_nanos().div_euclid(100)).map_err(|_out_of_range| Fault::DateRange)
}

fn start_of_day(date: Moment, zone_name: Text) -> Answer<Moment> {
    let zone = zone(&zone_name)?;
    let local = in_zone(date, &zone)?;
    from_zone(local.at.date().at(0, 0, 0, 0), &zone)
}
