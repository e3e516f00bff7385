//! What has been drawn of a rate, and what a service said about it.
//!
//! Three rules at once: no window of one period holds more than the rate allows (kept in sixty
//! slots), the draws come evenly with a small burst (a generic cell rate), and what a service said
//! counts: a Retry-After fences, `RateLimit-*` headers cap what is left of the present window and name
//! the whole, and each refusal cuts the rate, which then grows back step by step.
//!
//! A service that tells what is left once a window runs low also tells by its silence: where nearly all
//! of the rate was used and nothing was told, the true rate is higher ([`Budget::listen`]).

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Rate, signed};

/// Slots of a window.
const SLOTS: u32 = 60;
/// The even pace leaves this part of the rate, in hundredths, to the burst.
const EVENLY: u64 = 96;
/// The burst is this part of a period.
const BURST: u32 = 40;
/// A rate that is longer than this has no even pace: a day's budget may be used in an hour.
const PACED_MAX: Duration = Duration::from_hours(1);
/// The whole rate, in thousandths.
const WHOLE: u32 = 1_000;
/// What a refusal leaves of the rate in use: the multiplicative decrease.
const CUT: u32 = 700;
/// The least share.
const LEAST: u32 = 50;
/// What a quiet twentieth of a period adds: the additive increase.
const GROWTH: u32 = 100;
/// So many hundredths of the rate are used before silence means something. SharePoint tells what is left
/// from 80 on ("Avoid getting throttled or blocked in SharePoint Online").
const SILENCE: u64 = 85;
/// The newest slots, whose replies may still be on their way.
const IN_FLIGHT: i64 = 3;
/// After a refusal at a rate that was only inferred, so many periods pass before it is tried again.
const DOUBT: u32 = 60;

/// How much of a [`Rate`] has been drawn. Small, so that it can be shared through a store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Budget {
    /// Slot number and units drawn in it, oldest first.
    #[serde(default)]
    slots: VecDeque<(i64, u32)>,
    /// The moment at which everything drawn so far is earned.
    #[serde(default)]
    drawn_until: Option<Timestamp>,
    /// Nothing is drawn before.
    #[serde(default)]
    not_before: Option<Timestamp>,
    /// The share of the rate in use, in thousandths, and since when; `None` for all of it.
    #[serde(default)]
    share: Option<(u32, Timestamp)>,
    /// The rate's units as the service told them, or as its silence did.
    #[serde(default)]
    told: Option<u32>,
    /// Whether that is only inferred from silence.
    #[serde(default)]
    inferred: bool,
    /// When the service last told anything.
    #[serde(default)]
    heard: Option<Timestamp>,
    /// Silence means nothing before.
    #[serde(default)]
    deaf_until: Option<Timestamp>,
    /// What the service says is left until a moment.
    #[serde(default)]
    left: Option<(u32, Timestamp)>,
}

/// Headroom as a service tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Headroom {
    /// Units of the whole window, if told.
    pub limit: Option<u32>,
    /// Units that are left of it.
    pub left: u32,
    /// Until it begins anew.
    pub reset: Duration,
}

impl Budget {
    /// How long until so many units may be drawn; zero for now. More units than the rate has pass
    /// when nothing else is in the window.
    pub(super) fn wait(&self, rate: Rate, units: u32, now: Timestamp) -> Duration {
        let fence = self.not_before.map_or(Duration::ZERO, |until| span(now, until));
        if units == 0 {
            return fence;
        }
        let capped = match self.left {
            Some((left, until)) if left < units => span(now, until),
            _ => Duration::ZERO,
        };
        fence.max(capped).max(self.paced(rate, units, now)).max(self.windowed(rate, units, now))
    }

    /// Draws units; the caller has waited.
    pub(super) fn draw(&mut self, rate: Rate, units: u32, now: Timestamp) {
        if units == 0 {
            return;
        }
        if is_paced(rate) {
            let from = self.drawn_until.map_or(now, |until| until.max(now));
            self.drawn_until = Some(from + signed(self.cost(rate, units, now)));
        }
        let slot = slot_of(rate, now);
        self.slots.retain(|(old, _)| slot - *old <= i64::from(SLOTS));
        match self.slots.back_mut() {
            Some((last, drawn)) if *last == slot => *drawn = drawn.saturating_add(units),
            _ => self.slots.push_back((slot, units)),
        }
        self.share = self.share.and_then(|(share, since)| {
            let quiet = rate.period / 20;
            let grown =
                if span(since, now) < quiet { (share, since) } else { (share + GROWTH, now) };
            (grown.0 < WHOLE).then_some(grown)
        });
        if let Some((left, until)) = self.left {
            self.left = (until > now).then_some((left.saturating_sub(units), until));
        }
    }

    /// The service refused and wants to be left alone until a moment.
    pub(super) fn refused(&mut self, rate: Rate, until: Timestamp, now: Timestamp) {
        self.fence(until);
        // Requests that were on their way together are refused together: that is one refusal.
        let recently = self.share.is_some_and(|(_, since)| span(since, now) < rate.period / 60);
        if self.inferred {
            // The silence meant nothing: not every reply tells.
            (self.told, self.inferred) = (None, false);
            self.deaf_until = Some(now + signed(rate.period.saturating_mul(DOUBT)));
        }
        if !recently {
            let share = self.share.map_or(WHOLE, |(share, _)| share);
            self.share = Some(((share * CUT / WHOLE).max(LEAST), now));
        }
    }

    /// Nothing before this moment.
    pub(super) fn fence(&mut self, until: Timestamp) {
        self.not_before = self.not_before.max(Some(until));
    }

    /// The service tells what is left, before it has to refuse.
    pub(super) fn told(&mut self, headroom: Headroom, now: Timestamp) {
        if let Some(limit) = headroom.limit {
            (self.told, self.inferred) = (Some(limit), false);
        }
        self.heard = Some(now);
        let until = now + signed(headroom.reset);
        let left = match self.left {
            // Replies overtake one another: within a window the least counts.
            Some((left, known)) if known > now => left.min(headroom.left),
            _ => headroom.left,
        };
        self.left = Some((left, until));
    }

    /// Infers from a service's silence that it allows more: `step` more units, `most` at most. True if so.
    pub(super) fn listen(&mut self, rate: Rate, step: u32, most: u32, now: Timestamp) -> bool {
        let units = self.told.unwrap_or(rate.units);
        let told = self.heard.is_some_and(|heard| span(heard, now) <= rate.period);
        let deaf = self.deaf_until.is_some_and(|until| now < until);
        if told || deaf || self.share.is_some() || units >= most {
            return false;
        }
        let newest = slot_of(rate, now);
        let answered = (newest - i64::from(SLOTS))..=(newest - IN_FLIGHT);
        let used = self.slots.iter().filter(|(slot, _)| answered.contains(slot));
        let used: u64 = used.map(|(_, drawn)| u64::from(*drawn)).sum();
        let higher = used * 100 >= u64::from(units) * SILENCE;
        if higher {
            (self.told, self.inferred) = (Some(units.saturating_add(step).min(most)), true);
        }
        higher
    }

    /// How many units the rate has, so far as the service has let know.
    pub(super) fn known(&self) -> Option<u32> {
        self.told
    }

    /// Nothing of it matters any more.
    pub(super) fn is_idle(&self, now: Timestamp) -> bool {
        let owed = self.drawn_until.is_some_and(|until| until > now);
        let fenced = self.not_before.is_some_and(|until| until > now);
        !owed && !fenced && self.slots.is_empty()
    }

    /// Units in the rate's period, as told and as cut.
    fn allowed(&self, rate: Rate, now: Timestamp) -> u32 {
        let units = self.told.unwrap_or(rate.units).max(1);
        let share = self.share.map_or(WHOLE, |(share, since)| {
            let quiet = span(since, now).as_nanos() / (rate.period / 20).as_nanos().max(1);
            let quiet = u32::try_from(quiet).unwrap_or(u32::MAX);
            share.saturating_add(quiet.saturating_mul(GROWTH)).min(WHOLE)
        });
        let part = u64::from(units) * u64::from(share) / u64::from(WHOLE);
        u32::try_from(part).unwrap_or(u32::MAX).max(1)
    }

    fn paced(&self, rate: Rate, units: u32, now: Timestamp) -> Duration {
        if !is_paced(rate) {
            return Duration::ZERO;
        }
        let owed = self.drawn_until.map_or(Duration::ZERO, |until| span(now, until));
        let room = (rate.period / BURST).saturating_sub(self.cost(rate, units, now));
        owed.saturating_sub(room)
    }

    fn cost(&self, rate: Rate, units: u32, now: Timestamp) -> Duration {
        let allowed = u64::from(self.allowed(rate, now)).saturating_mul(EVENLY).max(1);
        let period = rate.period.as_nanos().saturating_mul(100);
        let nanos = period.saturating_mul(u128::from(units)) / u128::from(allowed);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn windowed(&self, rate: Rate, units: u32, now: Timestamp) -> Duration {
        let slot = slot_of(rate, now);
        let oldest = slot - i64::from(SLOTS);
        let inside = || self.slots.iter().filter(move |(old, _)| *old >= oldest);
        let allowed = u64::from(self.allowed(rate, now));
        let mut used: u64 = inside().map(|(_, drawn)| u64::from(*drawn)).sum();
        if used == 0 || used.saturating_add(u64::from(units)) <= allowed {
            return Duration::ZERO;
        }
        let length = rate.period / SLOTS;
        for (old, drawn) in inside() {
            used = used.saturating_sub(u64::from(*drawn));
            if used == 0 || used.saturating_add(u64::from(units)) <= allowed {
                let free = (old + i64::from(SLOTS) + 1).saturating_sub(slot);
                let whole = length.saturating_mul(u32::try_from(free.max(1)).unwrap_or(1));
                return whole.saturating_sub(into_slot(rate, now)).max(Duration::from_millis(1));
            }
        }
        length
    }
}

fn is_paced(rate: Rate) -> bool {
    rate.period <= PACED_MAX
}

fn slot_nanos(rate: Rate) -> i128 {
    i128::try_from((rate.period / SLOTS).as_nanos()).unwrap_or(i128::MAX).max(1)
}

fn slot_of(rate: Rate, now: Timestamp) -> i64 {
    i64::try_from(now.as_nanosecond().div_euclid(slot_nanos(rate))).unwrap_or(i64::MAX)
}

fn into_slot(rate: Rate, now: Timestamp) -> Duration {
    let nanos = now.as_nanosecond().rem_euclid(slot_nanos(rate));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}

/// The time from one moment to a later one; zero if it is earlier.
pub(super) fn span(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate::new(1_200, Duration::from_mins(1));

    /// Draws as fast as allowed for so long; the moments of all units.
    fn greedy(budget: &mut Budget, rate: Rate, units: u32, minutes: u64) -> Vec<Timestamp> {
        let mut now = Timestamp::UNIX_EPOCH;
        let end = now + signed(Duration::from_mins(minutes));
        let mut drawn = Vec::new();
        while now < end {
            let wait = budget.wait(rate, units, now);
            if wait.is_zero() {
                budget.draw(rate, units, now);
                drawn.extend(std::iter::repeat_n(now, usize::try_from(units).unwrap()));
            } else {
                now += signed(wait);
            }
        }
        drawn
    }

    #[test]
    fn no_window_holds_more_than_the_rate_and_nearly_all_of_it_is_used() {
        for units in [1, 2, 5, 70, 400] {
            let drawn = greedy(&mut Budget::default(), RATE, units, 20);
            let mut end = 0;
            for (index, first) in drawn.iter().enumerate() {
                while drawn.get(end).is_some_and(|at| span(*first, *at) < RATE.period) {
                    end += 1;
                }
                assert!(end - index <= 1_200, "{} in a minute, {units} at a time", end - index);
            }
            assert!(drawn.len() >= 20 * 1_200 * 93 / 100, "{} at {units}", drawn.len());
        }
    }

    #[test]
    fn a_refusal_cuts_the_rate_once_and_quiet_time_gives_it_back() {
        let mut budget = Budget::default();
        let now = Timestamp::UNIX_EPOCH;
        for _ in 0..4 {
            budget.refused(RATE, now, now);
        }
        assert_eq!(budget.allowed(RATE, now), 840);
        let later = now + signed(Duration::from_secs(4));
        assert_eq!(budget.allowed(RATE, later), 960);
        assert_eq!(budget.allowed(RATE, now + signed(Duration::from_mins(1))), 1_200);
    }

    #[test]
    fn what_the_service_says_is_left_is_kept_until_its_window_ends() {
        let mut budget = Budget::default();
        let now = Timestamp::UNIX_EPOCH;
        let reset = Duration::from_secs(20);
        budget.told(Headroom { limit: Some(2_400), left: 3, reset }, now);
        budget.draw(RATE, 2, now);
        assert_eq!(budget.wait(RATE, 2, now), reset);
        assert_eq!(budget.wait(RATE, 2, now + signed(reset)), Duration::ZERO);
        assert_eq!(budget.allowed(RATE, now), 2_400, "the tier that the service told");
    }

    /// Draws and listens for so many minutes as fast as allowed.
    fn listened(budget: &mut Budget, from: Timestamp, minutes: u64) -> Timestamp {
        let mut now = from;
        let end = now + signed(Duration::from_mins(minutes));
        while now < end {
            budget.listen(RATE, 1_200, 6_000, now);
            let wait = budget.wait(RATE, 2, now);
            if wait.is_zero() {
                budget.draw(RATE, 2, now);
            } else {
                now += signed(wait);
            }
        }
        now
    }

    #[test]
    fn silence_at_the_full_rate_means_the_next_tier_and_a_word_ends_it() {
        let mut budget = Budget::default();
        let now = listened(&mut budget, Timestamp::UNIX_EPOCH, 1);
        assert_eq!(budget.known(), Some(2_400));
        let reset = Duration::from_secs(12);
        budget.told(Headroom { limit: Some(2_400), left: 480, reset }, now);
        let now = listened(&mut budget, now, 1);
        assert_eq!(budget.known(), Some(2_400), "it speaks");
        listened(&mut budget, now, 9);
        assert_eq!(budget.known(), Some(6_000), "silent again, up to the highest tier");
    }

    #[test]
    fn a_refusal_out_of_silence_is_not_provoked_again_for_an_hour() {
        let mut budget = Budget::default();
        let now = listened(&mut budget, Timestamp::UNIX_EPOCH, 2);
        budget.refused(RATE, now + signed(Duration::from_secs(30)), now);
        let now = listened(&mut budget, now, 59);
        assert_eq!(budget.known(), None);
        listened(&mut budget, now, 3);
        assert!(budget.known() > Some(1_200));
    }

    #[test]
    fn one_upload_larger_than_a_window_passes_alone() {
        let rate = Rate::new(100, Duration::from_mins(5));
        let mut budget = Budget::default();
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(budget.wait(rate, 150, now), Duration::ZERO);
        budget.draw(rate, 150, now);
        assert!(budget.wait(rate, 1, now) >= Duration::from_mins(5));
    }
}
