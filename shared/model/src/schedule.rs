//! Schedules: wall-clock times of a zone, each fired exactly once, across daylight-saving changes
//! too (GEN-2).

use jiff::{
    SignedDuration, Span, Timestamp, ToSpan, Zoned,
    civil::{Date, DateTime, Time, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A schedule that cannot be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ScheduleError {
    /// The zone is not in the IANA database.
    #[error("`{0}` is no IANA time zone, for instance `Europe/Berlin`")]
    UnknownZone(String),
    /// The time is outside the calendar.
    #[error("the schedule leaves the calendar: {0}")]
    OutOfRange(String),
    /// Black-out hours leave no time at all.
    #[error("the black-out hours leave no time to start in the week after {0}")]
    NoTimeLeft(String),
}

/// A wall-clock time, without a zone.
pub type LocalTime = DateTime;

/// How a schedule goes on after its first time. Only a sync repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "every")]
pub enum Repeat {
    /// Every so many days at the same wall-clock time.
    Days {
        /// At least 1.
        days: u16,
    },
    /// Weekly until the week of the cutover date, then daily up to that date (SYN-D2).
    UntilCutover {
        /// The cutover date.
        cutover: Date,
    },
}

/// Hours in which nothing is started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blackout {
    /// On these days; empty for every day. The day is the one on which the hours begin.
    #[serde(default)]
    pub days: Vec<String>,
    /// From, wall clock of the schedule's zone.
    pub from: Time,
    /// Up to, exclusive; not after `from` means the next day.
    pub to: Time,
}

/// When an action of a wave starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// The first time, wall clock.
    pub first: LocalTime,
    /// The IANA zone of the wall clock.
    pub zone: String,
    /// How it goes on.
    pub repeat: Option<Repeat>,
    /// When nothing starts: a planned time inside is moved to the end of the hours.
    #[serde(default)]
    pub blackout: Vec<Blackout>,
}

impl Schedule {
    /// Checks zone, calendar and black-out hours.
    pub fn validate(&self) -> Result<(), ScheduleError> {
        self.next(None).map(drop)
    }

    /// The next planned time after `last`, the one that fired last; `None` when there is no more.
    ///
    /// Days are counted on the wall clock. A wall-clock time that a daylight-saving change skips
    /// becomes the moment after the gap; one that it repeats is taken at its first occurrence.
    pub fn next(&self, last: Option<Timestamp>) -> Result<Option<Timestamp>, ScheduleError> {
        let zone = TimeZone::get(&self.zone)
            .map_err(|_error| ScheduleError::UnknownZone(self.zone.clone()))?;
        let mut local = self.first;
        loop {
            let fire = self.outside_blackout(moment(local, &zone)?, &zone)?;
            if last.is_none_or(|last| fire > last) {
                return Ok(Some(fire));
            }
            let Some(step) = self.step_after(local.date()) else { return Ok(None) };
            local = local
                .checked_add(step)
                .map_err(|error| ScheduleError::OutOfRange(error.to_string()))?;
            if let Some(Repeat::UntilCutover { cutover }) = self.repeat
                && local.date() > cutover
            {
                return Ok(None);
            }
        }
    }

    fn step_after(&self, date: Date) -> Option<Span> {
        match self.repeat? {
            Repeat::Days { days } => Some(i64::from(days.max(1)).days()),
            Repeat::UntilCutover { cutover } => {
                let monday = |date: Date| {
                    date.checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days())
                };
                let next_week = date.checked_add(7.days()).ok()?;
                let week_of_cutover = monday(cutover).ok()?;
                // In the week of the cutover, or when the weekly step would jump into it.
                if next_week > week_of_cutover { Some(1.day()) } else { Some(7.days()) }
            }
        }
    }

    /// The moment itself, or the end of the black-out hours that it falls into.
    fn outside_blackout(
        &self,
        mut at: Timestamp,
        zone: &TimeZone,
    ) -> Result<Timestamp, ScheduleError> {
        // A week of moves without a free minute is a schedule without any time.
        let start = at;
        'moved: while at.duration_since(start) <= SignedDuration::from_hours(8 * 24) {
            let local = at.to_zoned(zone.clone());
            for hours in &self.blackout {
                if let Some(end) = hours.end_if_inside(&local, zone)? {
                    at = end;
                    continue 'moved;
                }
            }
            return Ok(at);
        }
        Err(ScheduleError::NoTimeLeft(self.first.to_string()))
    }
}

impl Blackout {
    /// The end of the hours, if the moment is inside them.
    pub fn end_if_inside(
        &self,
        at: &Zoned,
        zone: &TimeZone,
    ) -> Result<Option<Timestamp>, ScheduleError> {
        let out_of_range = |error: jiff::Error| ScheduleError::OutOfRange(error.to_string());
        // Hours over midnight may have begun yesterday.
        for begun in [at.date(), at.date().yesterday().map_err(out_of_range)?] {
            if !self.applies_on(begun.weekday()) {
                continue;
            }
            let ends_on =
                if self.to > self.from { begun } else { begun.tomorrow().map_err(out_of_range)? };
            let from = moment(begun.to_datetime(self.from), zone)?;
            let to = moment(ends_on.to_datetime(self.to), zone)?;
            if (from..to).contains(&at.timestamp()) {
                return Ok(Some(to));
            }
        }
        Ok(None)
    }

    fn applies_on(&self, day: Weekday) -> bool {
        let name = format!("{day:?}").to_lowercase();
        self.days.is_empty() || self.days.iter().any(|d| name.starts_with(&d.to_lowercase()))
    }
}

fn moment(local: DateTime, zone: &TimeZone) -> Result<Timestamp, ScheduleError> {
    zone.to_ambiguous_timestamp(local)
        .compatible()
        .map_err(|error| ScheduleError::OutOfRange(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn daily(first: &str, zone: &str) -> Schedule {
        Schedule {
            first: first.parse().unwrap(),
            zone: zone.to_owned(),
            repeat: Some(Repeat::Days { days: 1 }),
            blackout: Vec::new(),
        }
    }

    fn times(schedule: &Schedule, count: usize) -> Vec<String> {
        let mut last = None;
        let mut all = Vec::new();
        while all.len() < count {
            let Some(next) = schedule.next(last).unwrap() else { break };
            all.push(next.to_string());
            last = Some(next);
        }
        all
    }

    /// GEN-2: the wall clock goes on through the change to summer time, and each planned time
    /// comes once: 02:30 does not exist on 29 March 2026 in Berlin.
    #[test]
    fn a_skipped_wall_clock_time_fires_once_after_the_gap() {
        let schedule = daily("2026-03-28T02:30", "Europe/Berlin");
        assert_eq!(
            times(&schedule, 3),
            ["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]
        );
    }

    /// GEN-2: 02:30 happens twice on 25 October 2026 in Berlin.
    #[test]
    fn a_repeated_wall_clock_time_fires_once() {
        let schedule = daily("2026-10-24T02:30", "Europe/Berlin");
        assert_eq!(
            times(&schedule, 3),
            ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
    }

    /// GEN-2
    #[test]
    fn a_planned_time_in_black_out_hours_moves_to_their_end() {
        let mut schedule = daily("2026-06-01T23:00", "UTC");
        schedule.repeat = None;
        schedule.blackout = vec![Blackout {
            days: vec!["mon".to_owned()],
            from: "22:00".parse().unwrap(),
            to: "06:00".parse().unwrap(),
        }];
        assert_eq!(times(&schedule, 5), ["2026-06-02T06:00:00Z"]);
    }

    #[test]
    fn black_out_hours_that_leave_no_time_are_refused() {
        let mut schedule = daily("2026-06-01T23:00", "UTC");
        let all_day = |day: &str| Blackout {
            days: vec![day.to_owned()],
            from: "00:00".parse().unwrap(),
            to: "00:00".parse().unwrap(),
        };
        schedule.blackout = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map(all_day).to_vec();
        assert!(matches!(schedule.validate(), Err(ScheduleError::NoTimeLeft(_))));
    }

    /// SYN-D2: weekly until the week of the cutover date, then daily.
    #[test]
    fn the_default_cadence_is_weekly_then_daily() {
        let mut schedule = daily("2026-06-01T20:00", "UTC");
        schedule.repeat = Some(Repeat::UntilCutover { cutover: "2026-06-18".parse().unwrap() });
        let days: Vec<_> =
            times(&schedule, 20).iter().map(|time| time.get(..10).unwrap().to_owned()).collect();
        assert_eq!(
            days,
            ["2026-06-01", "2026-06-08", "2026-06-15", "2026-06-16", "2026-06-17", "2026-06-18"]
        );
    }

    #[test]
    fn an_unknown_zone_is_named() {
        let schedule = daily("2026-06-01T23:00", "Europe/Atlantis");
        assert_eq!(
            schedule.validate(),
            Err(ScheduleError::UnknownZone("Europe/Atlantis".to_owned()))
        );
    }
}
