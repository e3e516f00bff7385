//! Budgets shared by all workers of a tenant, through the store.
//!
//! A record a budget, `{tenant}/{lane}`. A worker leases units with one conditional commit and spends
//! them without the store; a lease is a hundredth of the rate and a slot old at most, so that little is
//! lost with a worker. What a service refuses or tells goes into the record too: all stop, not one.

use std::sync::Arc;

use jiff::Timestamp;
use ports::{Change, CommitError, Key, Store};

use super::{Rate, budget::Budget};

/// Tries at a record that others write too; after them the caller comes back in a moment.
const TRIES: u32 = 8;

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
    pub(super) units: u32,
    pub(super) until: Timestamp,
}

/// How many units to lease at once, when `units` are needed.
pub(super) fn lease_of(rate: Rate, units: u32) -> u32 {
    (rate.units / 100).clamp(1, 200).max(units)
}
