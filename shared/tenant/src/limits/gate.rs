//! Requests in flight: as many as a service takes, found out by trying. A refusal halves them, a run of
//! successes adds one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::signed;

/// Refusals this close together, in seconds, are one.
const ONE_REFUSAL: u64 = 1;
/// So many successes for each place before there is one more.
const RUN: u32 = 8;

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
        let state = State { most, limit: most, owed: 0, run: 0, cut: None };
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
        let left = (state.limit / 2).max(1);
        let gone = state.limit.saturating_sub(left);
        state.limit = left;
        let free = self.places.forget_permits(usize::try_from(gone).unwrap_or(0));
        state.owed += gone.saturating_sub(u32::try_from(free).unwrap_or(gone));
    }

    /// A request was taken.
    pub(super) fn taken(&self) {
        let mut state = self.state();
        if state.limit >= state.most {
            return;
        }
        state.run += 1;
        if state.run >= state.limit.saturating_mul(RUN) {
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

    #[test]
    fn a_batch_takes_as_many_places_as_it_runs_side_by_side() {
        let gate = Gate::new(4);
        let batch = gate.try_enter(20).unwrap();
        assert!(gate.try_enter(1).is_none());
        drop(batch);
        assert_eq!(entered(&gate).len(), 4);
    }
}
