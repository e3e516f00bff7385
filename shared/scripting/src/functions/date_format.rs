//! .NET's custom date and time formats, which Entra's expressions use, in the invariant culture or another language.
//!
//! Source: ".NET custom date and time format strings" (Microsoft Learn).

use std::iter::Peekable;
use std::str::Chars;

use jiff::civil::{Date, DateTime, Time};

use super::call::Answer;
use super::fault::Fault;

/// The most bytes of a format. It bounds the size of what it writes.
pub(super) const FORMAT_BYTES: usize = 200;

/// Date and time somewhere, with that place's offset in seconds east of Greenwich.
#[derive(Debug, Clone, Copy)]
pub(super) struct Zoned {
    pub(super) at: DateTime,
    pub(super) offset: i32,
}

/// What a text said, with an offset only where it named one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) at: DateTime,
    pub(super) offset: Option<i32>,
}

/// Names of months from January and of days from Monday.
#[derive(Debug)]
pub(super) struct Names {
    pub(super) months: [&'static str; 12],
    pub(super) days: [&'static str; 7],
}

impl Names {
    /// The invariant culture's.
    pub(super) const ENGLISH: Self = Self {
        months: [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ],
        days: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    };
}

/// A piece of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// A run of one of the letters that mean something.
    Field(char, usize),
    /// A letter that stands for itself.
    Letter(char),
}

/// The pieces of a format, one at a time.
struct Tokens<'a> {
    letters: Peekable<Chars<'a>>,
    quote: Option<char>,
}

fn tokens(format: &str) -> Tokens<'_> {
    Tokens { letters: format.chars().peekable(), quote: None }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            let letter = self.letters.next()?;
            if self.quote == Some(letter) {
                self.quote = None;
                continue;
            }
            if self.quote.is_some() {
                return Some(Token::Letter(letter));
            }
            match letter {
                '\'' | '"' => self.quote = Some(letter),
                '\\' => return self.letters.next().map(Token::Letter),
                '%' => {}
                'd' | 'f' | 'F' | 'h' | 'H' | 'K' | 'm' | 'M' | 's' | 't' | 'y' | 'z' => {
                    let mut count = 1;
                    while letter != 'K' && self.letters.next_if_eq(&letter).is_some() {
                        count += 1;
                    }
                    return Some(Token::Field(letter, count));
                }
                other => return Some(Token::Letter(other)),
            }
        }
    }
}

/// Refuses a format that is too long.
pub(super) fn check(format: &str) -> Answer<()> {
    if format.len() > FORMAT_BYTES {
        return Err(Fault::TooLong { what: "format", found: format.len(), limit: FORMAT_BYTES });
    }
    Ok(())
}

/// Writes a date. The caller has checked the format's length.
pub(super) fn write(zoned: Zoned, format: &str, names: &Names) -> String {
    let mut result = String::new();
    for token in tokens(format) {
        match token {
            Token::Letter(letter) => result.push(letter),
            Token::Field(field, count) => {
                result.push_str(&written(zoned, names, field, count));
            }
        }
    }
    result
}

fn written(zoned: Zoned, names: &Names, field: char, count: usize) -> String {
    let at = zoned.at;
    let two = |number: i8| format!("{number:0width$}", width = count.min(2));
    let month = usize::from(at.month().unsigned_abs()).saturating_sub(1);
    let day = usize::from(at.weekday().to_monday_zero_offset().unsigned_abs());
    let half_day = if at.hour() < 12 { "AM" } else { "PM" };
    match (field, count) {
        ('d', 1 | 2) => two(at.day()),
        ('d', _) => name(names.days.get(day), count),
        ('M', 1 | 2) => two(at.month()),
        ('M', _) => name(names.months.get(month), count),
        ('y', 1 | 2) => format!("{:0count$}", at.year() % 100),
        ('y', _) => format!("{:0count$}", at.year()),
        ('h', _) => two(if at.hour() % 12 == 0 { 12 } else { at.hour() % 12 }),
        ('H', _) => two(at.hour()),
        ('m', _) => two(at.minute()),
        ('s', _) => two(at.second()),
        ('f', _) => fraction(at, count),
        ('F', _) => fraction(at, count).trim_end_matches('0').to_owned(),
        ('t', _) => half_day.chars().take(count).collect(),
        ('K', _) if zoned.offset == 0 => "Z".to_owned(),
        ('K', _) => offset(zoned.offset, 3),
        ('z', _) => offset(zoned.offset, count),
        _ => String::new(),
    }
}

/// A name in full, or its first three letters.
fn name(name: Option<&&str>, count: usize) -> String {
    let letters = if count == 3 { 3 } else { usize::MAX };
    name.map(|name| name.chars().take(letters).collect()).unwrap_or_default()
}

fn fraction(at: DateTime, digits: usize) -> String {
    format!("{:09}", at.subsec_nanosecond()).chars().take(digits.min(7)).collect()
}

fn offset(seconds: i32, count: usize) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.unsigned_abs() / 60;
    let (hours, minutes) = (minutes / 60, minutes % 60);
    match count {
        1 => format!("{sign}{hours}"),
        2 => format!("{sign}{hours:02}"),
        _ => format!("{sign}{hours:02}:{minutes:02}"),
    }
}

/// Reads a date by a format, exactly, without regard to the case of names.
pub(super) fn parse(text: &str, format: &str) -> Answer<Parsed> {
    check(format)?;
    let mut reading = Reading { rest: text.trim(), ..Reading::default() };
    for token in tokens(format) {
        let read = match token {
            Token::Letter(letter) => reading.letter(letter),
            Token::Field(field, count) => reading.field(field, count),
        };
        read.ok_or_else(|| not_by(text, format))?;
    }
    if !reading.rest.is_empty() {
        return Err(not_by(text, format));
    }
    reading.finish().ok_or_else(|| not_by(text, format))
}

fn not_by(text: &str, format: &str) -> Fault {
    let shown: String = text.chars().take(60).collect();
    Fault::Value(format!("{shown:?} is not a date of the form {format:?}"))
}

/// What has been read so far, and the text that is left.
#[derive(Default)]
struct Reading<'a> {
    rest: &'a str,
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    hour: i8,
    minute: i8,
    second: i8,
    nanosecond: i32,
    afternoon: Option<bool>,
    offset: Option<i32>,
}

impl<'a> Reading<'a> {
    fn letter(&mut self, letter: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(letter)?;
        Some(())
    }

    /// At least and at most this many digits.
    fn digits(&mut self, least: usize, most: usize) -> Option<&'a str> {
        let found = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if found < least {
            return None;
        }
        let (digits, rest) = self.rest.split_at_checked(found)?;
        self.rest = rest;
        Some(digits)
    }

    /// A number of one or two digits, of exactly two where the format has two letters.
    fn short(&mut self, count: usize) -> Option<i8> {
        self.digits(count.min(2), 2)?.parse().ok()
    }

    fn field(&mut self, field: char, count: usize) -> Option<()> {
        match (field, count) {
            ('y', 1 | 2) => {
                let year: i16 = self.short(count)?.into();
                // .NET's pivot: 49 is 2049, 50 is 1950.
                self.year = Some(if year < 50 { year + 2000 } else { year + 1900 });
            }
            ('y', _) => self.year = Some(self.digits(count, count)?.parse().ok()?),
            ('M', 1 | 2) => self.month = Some(self.short(count)?),
            ('M', _) => {
                let index = self.name(&Names::ENGLISH.months, count == 3)?;
                self.month = Some(i8::try_from(index + 1).ok()?);
            }
            ('d', 1 | 2) => self.day = Some(self.short(count)?),
            ('d', _) => {
                self.name(&Names::ENGLISH.days, count == 3)?;
            }
            ('h' | 'H', _) => self.hour = self.short(count)?,
            ('m', _) => self.minute = self.short(count)?,
            ('s', _) => self.second = self.short(count)?,
            ('f', 1..=7) => self.fraction(count, count)?,
            ('F', 1..=7) => self.fraction(0, count)?,
            ('t', _) => self.half_day(count.min(2))?,
            ('K', _) => self.offset_or_none()?,
            ('z', _) => self.offset_of(count)?,
            _ => return None,
        }
        Some(())
    }

    /// The name that the text begins with: its place in the list.
    fn name(&mut self, names: &[&str], short: bool) -> Option<usize> {
        names.iter().enumerate().find_map(|(index, name)| {
            let name = if short { name.get(..3)? } else { name };
            let (found, rest) = self.rest.split_at_checked(name.len())?;
            found.eq_ignore_ascii_case(name).then(|| {
                self.rest = rest;
                index
            })
        })
    }

    fn fraction(&mut self, least: usize, most: usize) -> Option<()> {
        let digits = self.digits(least, most)?;
        self.nanosecond = format!("{digits:0<9}").parse().ok()?;
        Some(())
    }

    fn half_day(&mut self, letters: usize) -> Option<()> {
        let (found, rest) = self.rest.split_at_checked(letters)?;
        self.afternoon = Some(match found.to_ascii_uppercase().as_str() {
            "A" | "AM" => false,
            "P" | "PM" => true,
            _ => return None,
        });
        self.rest = rest;
        Some(())
    }

    /// `Z`, an offset, or nothing.
    fn offset_or_none(&mut self) -> Option<()> {
        if self.rest.is_empty() { Some(()) } else { self.offset_of(3) }
    }

    fn offset_of(&mut self, count: usize) -> Option<()> {
        if let Some(rest) = self.rest.strip_prefix(['Z', 'z']) {
            self.rest = rest;
            self.offset = Some(0);
            return Some(());
        }
        let sign = if self.rest.starts_with('-') { -1 } else { 1 };
        self.rest = self.rest.strip_prefix(['+', '-'])?;
        let hours: i32 = self.digits(count.min(2), 2)?.parse().ok()?;
        let mut minutes: i32 = 0;
        if count > 2 {
            self.rest = self.rest.strip_prefix(':').unwrap_or(self.rest);
            minutes = self.digits(2, 2)?.parse().ok()?;
        }
        if hours > 14 || minutes > 59 {
            return None;
        }
        self.offset = Some(sign * (hours * 3600 + minutes * 60));
        Some(())
    }

    fn finish(self) -> Option<Parsed> {
        let hour = match self.afternoon {
            None => self.hour,
            Some(_) if !(1..=12).contains(&self.hour) => return None,
            Some(afternoon) => self.hour % 12 + if afternoon { 12 } else { 0 },
        };
        let date = Date::new(self.year?, self.month?, self.day.unwrap_or(1)).ok()?;
        let time = Time::new(hour, self.minute, self.second, self.nanosecond).ok()?;
        Some(Parsed { at: DateTime::from_parts(date, time), offset: self.offset })
    }
}
