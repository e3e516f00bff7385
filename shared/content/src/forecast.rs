//! How far a round is and when it will end, from the measured rate and the vendor's budgets.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ports::Store;
use serde::Serialize;

use crate::{ContentError, CopyMode, Counts, Progress, Workload, store::State};

/// A round of a person's copy, as its checkpoint tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// The id under which it was begun.
    pub id: String,
    /// Whether it copies everything or what changed.
    pub mode: CopyMode,
    /// Whether it is complete.
    pub finished: bool,
    /// Its numbers.
    pub progress: Progress,
}

/// The last round in a copy's partition; `None` before the first. It only reads.
pub async fn last_round(store: &dyn Store, partition: &str) -> Result<Option<Round>, ContentError> {
    let checkpoint = State::load(store, partition).await?.checkpoint;
    Ok((!checkpoint.round.is_empty()).then(|| Round {
        id: checkpoint.round,
        mode: checkpoint.mode.unwrap_or(CopyMode::Initial),
        finished: checkpoint.summary.is_some(),
        progress: checkpoint.progress,
    }))
}

/// So much in so long a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How much.
    pub amount: u64,
    /// In how long.
    pub period: Duration,
}

impl Pace {
    /// How long so much takes; rounded down, at the end of time at most.
    fn time_for(self, amount: u64) -> Duration {
        let nanos = self.period.as_nanos().saturating_mul(u128::from(amount));
        let nanos = nanos / u128::from(self.amount.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// The vendor's budgets, as a copy feels them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// Items into one mailbox.
    pub mail_items: Pace,
    /// Bytes into one mailbox, before they are written as text.
    pub mail_bytes: Pace,
    /// Files into all drives of a tenant together.
    pub files: Pace,
}

impl Budgets {
    /// The published numbers ("Microsoft Graph throttling limits", "Avoid
    /// getting throttled or blocked in SharePoint Online"): 10,000 requests in ten minutes and 150 MB
    /// in five for a mailbox, of which base64 takes a quarter; 1,200 resource units a minute for the
    /// drives of the smallest tenants, of which a file takes six, and so many times that by the tier that
    /// the tenant's licences put it into ([`tenant::sharepoint_tier`]).
    pub const fn published(tier: u32) -> Self {
        Self {
            mail_items: Pace { amount: 10_000, period: Duration::from_mins(10) },
            mail_bytes: Pace { amount: 112_500_000, period: Duration::from_mins(5) },
            files: Pace { amount: 200 * tier as u64, period: Duration::from_mins(1) },
        }
    }
}

/// What a round has done and what is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// Items and files dealt with.
    pub items_done: u64,
    /// Those that are left, as far as is known.
    pub items_left: u64,
    /// Bytes dealt with.
    pub bytes_done: u64,
    /// Those that are left, as far as is known.
    pub bytes_left: u64,
    /// Of the items left, files.
    pub files_left: u64,
    /// The measured rate.
    pub items_per_minute: u64,
    /// The measured rate.
    pub bytes_per_second: u64,
    /// Seconds to the end; none while neither a rate nor anything left is known.
    pub seconds_left: Option<u64>,
    /// When that is.
    pub ends: Option<Timestamp>,
}

impl Round {
    /// Where the round stands at `now`. `expected` is what a discovery has counted in the mailbox, in
    /// items and bytes: it helps until the copy itself has looked.
    pub fn forecast(&self, now: Timestamp, expected: (u64, u64), budgets: &Budgets) -> Forecast {
        let progress = &self.progress;
        let mut forecast = Forecast {
            items_done: progress.items(),
            bytes_done: progress.bytes(),
            ..Forecast::default()
        };
        let spent = progress.started.map(|started| now.duration_since(started));
        let spent = spent.and_then(|spent| Duration::try_from(spent).ok()).unwrap_or_default();
        forecast.measure(spent);
        if self.finished {
            return forecast;
        }
        let mail = self.left_in_mail(expected);
        let drive = self.left_in_drive();
        forecast.items_left = mail.items.saturating_add(drive.items);
        forecast.bytes_left = mail.bytes.saturating_add(drive.bytes);
        forecast.files_left = drive.items;
        let paced = (budgets.mail_items.time_for(mail.items))
            .max(budgets.mail_bytes.time_for(mail.bytes))
            .saturating_add(budgets.files.time_for(drive.items));
        let known = forecast.items_done > 0 || forecast.items_left > 0 || forecast.bytes_left > 0;
        if known {
            let so_far = |amount: u64| Pace { amount, period: spent };
            let measured =
                forecast.at_the_rate(so_far(forecast.items_done), so_far(forecast.bytes_done));
            forecast.end_after(measured.max(paced), now);
        }
        forecast
    }

    fn left_in_mail(&self, (items, bytes): (u64, u64)) -> Left {
        let counts = self.sum(&[Workload::Mailbox, Workload::Archive]);
        // A delta has to look at what has changed, whatever the folders count.
        let expected = match (self.mode, self.progress.expected_items) {
            (CopyMode::Delta, _) => 0,
            (CopyMode::Initial, 0) => items,
            (CopyMode::Initial, counted) => counted,
        };
        let mut left = Left::of(&counts, expected, 0);
        if self.mode == CopyMode::Initial && counts.found == 0 {
            left.bytes = left.bytes.max(bytes);
        }
        left
    }

    fn left_in_drive(&self) -> Left {
        let counts = self.sum(&[Workload::OneDrive]);
        let expected =
            if self.mode == CopyMode::Initial { self.progress.expected_bytes } else { 0 };
        Left::of(&counts, 0, expected)
    }

    fn sum(&self, workloads: &[Workload]) -> Counts {
        let mut sum = Counts::default();
        for counts in workloads.iter().filter_map(|part| self.progress.counts.get(part)) {
            sum.found += counts.found;
            sum.seen += counts.seen;
            sum.found_bytes += counts.found_bytes;
            sum.seen_bytes += counts.seen_bytes;
        }
        sum
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Left {
    items: u64,
    bytes: u64,
}

impl Left {
    /// What is left of what was found and what is expected beyond it. Where only items or only bytes
    /// are expected, the average of what was found tells the other.
    fn of(counts: &Counts, items: u64, bytes: u64) -> Self {
        let share = |whole: u64, part: u64, of: u64| {
            let product = u128::from(whole) * u128::from(part);
            u64::try_from(product / u128::from(of.max(1))).unwrap_or(u64::MAX)
        };
        let bytes = bytes.max(share(counts.found_bytes, items, counts.found));
        let items = items.max(share(counts.found, bytes, counts.found_bytes));
        Self {
            items: items.max(counts.found).saturating_sub(counts.seen),
            bytes: bytes.max(counts.found_bytes).saturating_sub(counts.seen_bytes),
        }
    }
}

impl Forecast {
    /// Adds a person's numbers to a wave's. The wave's end is told by [`Self::end_together`].
    pub fn add(&mut self, other: &Self) {
        self.items_done += other.items_done;
        self.items_left += other.items_left;
        self.bytes_done += other.bytes_done;
        self.bytes_left += other.bytes_left;
        self.files_left += other.files_left;
        self.items_per_minute += other.items_per_minute;
        self.bytes_per_second += other.bytes_per_second;
        self.seconds_left = self.seconds_left.max(other.seconds_left);
        self.ends = self.ends.max(other.ends);
    }

    /// Says when a wave ends: not before its last person, not faster than all together work now, and
    /// not faster than the budget that all drives of a tenant share.
    pub fn end_together(&mut self, now: Timestamp, budgets: &Budgets) {
        let minute = Pace { amount: self.items_per_minute, period: Duration::from_mins(1) };
        let second = Pace { amount: self.bytes_per_second, period: Duration::from_secs(1) };
        let after = (budgets.files.time_for(self.files_left))
            .max(Duration::from_secs(self.seconds_left.unwrap_or_default()))
            .max(self.at_the_rate(minute, second));
        if self.seconds_left.is_some() || self.items_left > 0 {
            self.end_after(after, now);
        }
    }

    fn measure(&mut self, spent: Duration) {
        let rate = |done: u64, period: Duration| {
            let amount = u128::from(done) * period.as_nanos();
            u64::try_from(amount / spent.as_nanos().max(1)).unwrap_or(u64::MAX)
        };
        // What took no time has no rate.
        if !spent.is_zero() {
            self.items_per_minute = rate(self.items_done, Duration::from_mins(1));
            self.bytes_per_second = rate(self.bytes_done, Duration::from_secs(1));
        }
    }

    /// How long the rest takes at such paces. Early on what items tell and what bytes tell differ much,
    /// for large ones come unevenly: the geometric mean is wrong by the smaller factor.
    fn at_the_rate(&self, items: Pace, bytes: Pace) -> Duration {
        let after = |pace: Pace, left: u64| {
            (pace.amount > 0 && left > 0).then(|| pace.time_for(left).as_secs())
        };
        match (after(items, self.items_left), after(bytes, self.bytes_left)) {
            (Some(one), Some(other)) => {
                let mean = (u128::from(one) * u128::from(other)).isqrt();
                Duration::from_secs(u64::try_from(mean).unwrap_or(u64::MAX))
            }
            (one, other) => Duration::from_secs(one.or(other).unwrap_or_default()),
        }
    }

    fn end_after(&mut self, after: Duration, now: Timestamp) {
        self.seconds_left = Some(after.as_secs());
        let span = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
        self.ends = Some(now.checked_add(span).unwrap_or(Timestamp::MAX));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const WIDE: Pace = Pace { amount: 1_000_000_000, period: Duration::from_secs(1) };
    const UNPACED: Budgets = Budgets { mail_items: WIDE, mail_bytes: WIDE, files: WIDE };

    fn round(mode: CopyMode, workload: Workload, counts: Counts, expected_items: u64) -> Round {
        let progress = Progress {
            counts: BTreeMap::from([(workload, counts)]),
            expected_items,
            started: Some(Timestamp::UNIX_EPOCH),
            ..Progress::default()
        };
        Round { id: "job-1".to_owned(), mode, finished: false, progress }
    }

    fn counts(found: u64, seen: u64) -> Counts {
        Counts {
            found,
            seen,
            found_bytes: found * 1_000,
            seen_bytes: seen * 1_000,
            ..Counts::default()
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_end_follows_from_the_measured_rate() {
        let round = round(CopyMode::Initial, Workload::Mailbox, counts(100, 50), 150);
        let forecast = round.forecast(at(100), (0, 0), &UNPACED);
        assert_eq!((forecast.items_done, forecast.items_left), (50, 100));
        assert_eq!((forecast.bytes_done, forecast.bytes_left), (50_000, 100_000));
        assert_eq!((forecast.items_per_minute, forecast.bytes_per_second), (30, 500));
        assert_eq!(forecast.ends, Some(at(300)));
    }

    /// A hundred letters are done and a film is not: the film's bytes at the letters' pace would take
    /// two hours, the one item that is left a second.
    #[test]
    fn neither_small_nor_large_items_alone_tell_the_end() {
        let uneven = Counts {
            found: 101,
            seen: 100,
            found_bytes: 80_000_000,
            seen_bytes: 1_000_000,
            ..Counts::default()
        };
        let round = round(CopyMode::Initial, Workload::OneDrive, uneven, 0);
        let forecast = round.forecast(at(100), (0, 0), &UNPACED);
        assert_eq!((forecast.items_left, forecast.bytes_left), (1, 79_000_000));
        assert_eq!(forecast.seconds_left, Some(88));
    }

    /// ERR-3: what the vendor allows bounds the end, however fast it went so far.
    #[test]
    fn the_end_is_not_before_the_budget_allows_it() {
        let round = round(CopyMode::Initial, Workload::OneDrive, counts(1_200, 200), 0);
        let forecast = round.forecast(at(1), (0, 0), &Budgets::published(1));
        assert_eq!(forecast.files_left, 1_000);
        assert_eq!(forecast.seconds_left, Some(300));
        let larger = Budgets::published(tenant::sharepoint_tier(6_000));
        assert_eq!(round.forecast(at(1), (0, 0), &larger).seconds_left, Some(100), "three times");
    }

    #[test]
    fn before_the_first_item_discovery_and_budget_tell_the_end() {
        let round = round(CopyMode::Initial, Workload::Mailbox, Counts::default(), 0);
        let forecast = round.forecast(at(0), (20_000, 45_000_000), &Budgets::published(1));
        assert_eq!((forecast.items_left, forecast.bytes_left), (20_000, 45_000_000));
        assert_eq!(forecast.seconds_left, Some(1_200));
        let unknown = round.forecast(at(0), (0, 0), &Budgets::published(1));
        assert_eq!(unknown.ends, None);
    }

    #[test]
    fn a_delta_has_only_its_changes_to_do() {
        let round = round(CopyMode::Delta, Workload::Mailbox, counts(10, 5), 100_000);
        let forecast = round.forecast(at(10), (100_000, 0), &UNPACED);
        assert_eq!((forecast.items_left, forecast.seconds_left), (5, Some(10)));
    }

    #[test]
    fn a_finished_round_has_nothing_left() {
        let finished = Round {
            finished: true,
            ..round(CopyMode::Initial, Workload::Mailbox, counts(10, 9), 10)
        };
        let forecast = finished.forecast(at(10), (0, 0), &UNPACED);
        assert_eq!((forecast.items_left, forecast.ends), (0, None));
    }

    #[test]
    fn a_wave_ends_with_its_last_person_and_within_the_shared_budget() {
        let one = round(CopyMode::Initial, Workload::OneDrive, counts(400, 200), 0);
        let one = one.forecast(at(10), (0, 0), &Budgets::published(1));
        assert_eq!(one.seconds_left, Some(60));
        let mut wave = Forecast::default();
        for _ in 0..10 {
            wave.add(&one);
        }
        wave.end_together(at(10), &Budgets::published(1));
        assert_eq!((wave.files_left, wave.seconds_left), (2_000, Some(600)));
    }
}
