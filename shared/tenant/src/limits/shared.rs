//! Budgets shared by all workers of a tenant, through the store.
//!
//! A record a budget, `{tenant}/{lane}`. A worker leases units with one conditional commit and spends
//! them without the store. A lease is a hundredth of the rate and a minute old at most: little is lost
//! with a worker, and a window holds at most a hundredth too much for each worker that had units left.
//! What a service refuses or tells goes into the record too: all stop within [`HEARD`], not one.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use ports::{Change, CommitError, Key, Store};

use super::{Rate, budget::Budget, signed};

/// Tries at a record that others write too; after them the caller comes back in a moment.
const TRIES: u32 = 8;

/// How long leased units may be spent: each lease costs a write.
pub(super) const VALID: Duration = Duration::from_mins(1);
/// How long a worker goes by what it knows of fences: to look costs a read.
pub(super) const HEARD: Duration = Duration::from_secs(5);

/// The records of all budgets.
pub(super) struct SharedBudgets {
    pub(super) store: Arc<dyn Store>,
    pub(super) partition: String,
}

impl std::fmt::Debug for SharedBudgets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedBudgets").field("partition", &self.partition).finish_non_exhaustive()
    }
}

/// What to do with a record that was read.
pub(super) enum Edit {
    /// Write it back.
    Write(Budget),
    /// Leave it.
    Leave(Budget),
}

impl SharedBudgets {
    /// Reads a budget, lets `edit` decide, and writes it back unless another worker was first: then
    /// again with what that one wrote. `None` when the store is out of reach or contended: the caller
    /// goes by what it knows itself.
    pub(super) async fn update(
        &self,
        sort: &str,
        mut edit: impl FnMut(Budget) -> Edit,
    ) -> Option<Budget> {
        let key = Key::new(self.partition.clone(), sort);
        for _ in 0..TRIES {
            let record = self.store.get(&key).await.ok()?;
            // A record that cannot be read is one of another version: it begins anew.
            let budget =
                record.as_ref().and_then(|found| serde_json::from_slice(&found.value).ok());
            let budget = match edit(budget.unwrap_or_default()) {
                Edit::Leave(budget) => return Some(budget),
                Edit::Write(budget) => budget,
            };
            let value = serde_json::to_vec(&budget).ok()?;
            let change = match record {
                Some(found) => Change::update(key.clone(), value, found.version),
                None => Change::create(key.clone(), value),
            };
            match self.store.commit(&[change]).await {
                Ok(()) => return Some(budget),
                Err(CommitError::Conflict { .. }) => {}
                Err(_out_of_reach) => return None,
            }
        }
        None
    }
}

/// Units that were leased and are not spent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lease {
    units: u32,
    /// Units are spent before.
    until: Timestamp,
    /// The budget's fence is known until then.
    heard: Timestamp,
}

impl Lease {
    /// Nothing leased, nothing heard.
    pub(super) fn none(now: Timestamp) -> Self {
        Self { units: 0, until: now, heard: now }
    }

    /// Units that can be spent.
    pub(super) fn left(&self, now: Timestamp) -> u32 {
        if self.until > now { self.units } else { 0 }
    }

    /// Whether the store need not be asked whether there is a fence.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        self.heard > now
    }

    /// Spends units, all or none; says whether there were enough.
    pub(super) fn spend(&mut self, units: u32, now: Timestamp) -> bool {
        let left = self.left(now);
        if left >= units {
            self.units = left.saturating_sub(units);
        }
        left >= units
    }

    /// Takes units back that were spent for nothing.
    pub(super) fn put_back(&mut self, units: u32) {
        self.units = self.units.saturating_add(units);
    }

    /// The store was asked, and gave so many.
    pub(super) fn renewed(&mut self, units: u32, now: Timestamp) {
        self.heard = now + signed(HEARD);
        if units > 0 {
            *self = Self {
                units: self.left(now).saturating_add(units),
                until: now + signed(VALID),
                ..*self
            };
        }
    }
}

/// How many units to lease at once, when `units` are needed.
pub(super) fn lease_of(rate: Rate, units: u32) -> u32 {
    (rate.units / 100).clamp(1, 2_000).max(units)
}
