//! Requests in flight: as many as a service takes, found out by trying. A refusal halves them, a run of
//! successes adds one. How many were refused is remembered: up to there the way back is short, and as
//! many are tried again only after a long run, twice as long each time. So few are refused in the long
//! run, however many the service takes (the idea is that of TCP CUBIC's window of the last loss).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::signed;

/// Refusals this close together, in seconds, are one.
const ONE_REFUSAL: u64 = 1;
/// So many successes for each place before there is one more.
const RUN: u32 = 8;
/// So many successes before as many are tried as were refused.
const PATIENCE: u32 = 500;
/// The most of them, after many tries that failed.
const PATIENCE_MAX: u32 = 32_000;

/// The places of one lane.
#[derive(Debug)]
pub(super) struct Gate {
    places: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    most: u32,
    limit: u32,
    /// Places to be taken away when they are given back.
    owed: u32,
    run: u32,
    cut: Option<Timestamp>,
    /// As many as these were refused.
    ceiling: Option<u32>,
    /// Successes before as many are tried again.
    patience: u32,
}

/// Places that are held. Dropped, they are given back.
#[derive(Debug)]
pub(super) struct Place {
    gate: Arc<Gate>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Gate {
    pub(super) fn new(most: usize) -> Arc<Self> {
        let most = u32::try_from(most.clamp(1, 1_000)).unwrap_or(1);
        let state = State {
            most,
            limit: most,
            owed: 0,
            run: 0,
            cut: None,
            ceiling: None,
            patience: PATIENCE,
        };
        let places = Arc::new(Semaphore::new(usize::try_from(most).unwrap_or(1)));
        Arc::new(Self { places, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many places, or all that there are.
    fn wanted(&self, weight: u32) -> u32 {
        weight.clamp(1, self.state().limit)
    }

    pub(super) fn try_enter(self: &Arc<Self>, weight: u32) -> Option<Place> {
        let wanted = self.wanted(weight);
        let permit = Arc::clone(&self.places).try_acquire_many_owned(wanted).ok()?;
        Some(Place { gate: Arc::clone(self), permit: Some(permit) })
    }

    pub(super) async fn enter(self: Arc<Self>, weight: u32) -> Option<Place> {
        let wanted = self.wanted(weight);
        let permit = Arc::clone(&self.places).acquire_many_owned(wanted).await.ok()?;
        Some(Place { gate: self, permit: Some(permit) })
    }

    /// A request was refused for being too much.
    pub(super) fn refused(&self, now: Timestamp) {
        let mut state = self.state();
        let one = std::time::Duration::from_secs(ONE_REFUSAL);
        if state.cut.is_some_and(|cut| now < cut + signed(one)) {
            return;
        }
        (state.cut, state.run) = (Some(now), 0);
        let left = if state.ceiling == Some(state.limit) && state.limit > 1 {
            // As many as were refused before: one fewer did well.
            state.patience = state.patience.saturating_mul(2).min(PATIENCE_MAX);
            state.limit.saturating_sub(1)
        } else {
            state.ceiling = Some(state.limit);
            (state.limit / 2).max(1)
        };
        let gone = state.limit.saturating_sub(left);
        state.limit = left;
        let free = self.places.forget_permits(usize::try_from(gone).unwrap_or(0));
        state.owed += gone.saturating_sub(u32::try_from(free).unwrap_or(gone));
    }

    /// A request was taken.
    pub(super) fn taken(&self) {
        let mut state = self.state();
        let well = state.limit.saturating_mul(RUN);
        state.run = state.run.saturating_add(1);
        if state.ceiling == Some(state.limit) && state.run >= well {
            // As many as were refused do well now.
            (state.ceiling, state.patience) = (None, PATIENCE);
        }
        if state.limit >= state.most {
            return;
        }
        let before_ceiling = state.ceiling == Some(state.limit.saturating_add(1));
        if state.run >= if before_ceiling { state.patience } else { well } {
            state.run = 0;
            state.limit += 1;
            if state.owed > 0 {
                state.owed -= 1;
            } else {
                self.places.add_permits(1);
            }
        }
    }

    /// Nobody is inside.
    pub(super) fn is_idle(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) == 1
    }
}

impl Place {
    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(mut permit) = self.permit.take() else { return };
        let mut state = self.gate.state();
        while state.owed > 0
            && let Some(one) = permit.split(1)
        {
            one.forget();
            state.owed -= 1;
        }
        drop(state);
        drop(permit);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn entered(gate: &Arc<Gate>) -> Vec<Place> {
        std::iter::from_fn(|| gate.try_enter(1)).collect()
    }

    #[test]
    fn a_refusal_halves_the_places_and_successes_add_one() {
        let gate = Gate::new(4);
        let now = Timestamp::UNIX_EPOCH;
        let held = entered(&gate);
        assert_eq!(held.len(), 4);
        gate.refused(now);
        gate.refused(now);
        drop(held);
        let held = entered(&gate);
        assert_eq!(held.len(), 2, "places that were in use are taken away as they come back");
        drop(held);
        for _ in 0..2 * RUN {
            gate.taken();
        }
        assert_eq!(entered(&gate).len(), 3);
        gate.refused(now + signed(Duration::from_secs(9)));
        gate.refused(now + signed(Duration::from_secs(19)));
        assert_eq!(entered(&gate).len(), 1, "never none");
    }

    /// A service that takes so many at a time, for so many rounds: what was refused, and how wide the gate
    /// was on average.
    fn against(places: usize, rounds: u32) -> (usize, usize, f64) {
        let gate = Gate::new(8);
        let mut now = Timestamp::UNIX_EPOCH;
        let (mut taken, mut refused) = (0, 0);
        for _ in 0..rounds {
            now += signed(Duration::from_secs(2));
            let held = entered(&gate);
            taken += held.len().min(places);
            refused += held.len().saturating_sub(places);
            for place in held.iter().take(places) {
                place.gate().taken();
            }
            if held.len() > places {
                gate.refused(now);
            }
        }
        (taken, refused, f64::from(u32::try_from(taken).unwrap()) / f64::from(rounds))
    }

    #[test]
    fn in_the_long_run_few_are_refused_and_nearly_all_places_are_used_however_many_there_are() {
        for places in 1..=8 {
            let (taken, refused, mean) = against(places, 3_000);
            assert!(refused * 100 < taken + refused, "{refused} beside {taken} of {places} places");
            let all = f64::from(u32::try_from(places).unwrap());
            assert!(mean > 0.95 * all, "{mean} of {places} places");
        }
    }

    #[test]
    fn places_that_come_back_are_found() {
        let gate = Gate::new(4);
        gate.refused(Timestamp::UNIX_EPOCH);
        for _ in 0..PATIENCE + 8 * RUN {
            gate.taken();
        }
        assert_eq!(entered(&gate).len(), 4);
        assert_eq!(gate.state().ceiling, None);
    }

    #[test]
    fn a_batch_takes_as_many_places_as_it_runs_side_by_side() {
        let gate = Gate::new(4);
        let batch = gate.try_enter(20).unwrap();
        assert!(gate.try_enter(1).is_none());
        drop(batch);
        assert_eq!(entered(&gate).len(), 4);
    }
}
