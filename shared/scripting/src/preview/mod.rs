//! What a mapping would do to many users: nothing is written and nothing is reserved.

mod report;
mod user;

pub use report::{Difference, Group, Preview, Summary};
pub use user::{Change, Effect, UserPreview, preview_user};

use std::sync::Arc;

use crate::context::{RunContext, UserInput};
use crate::mapping::Mapping;
use crate::policy::PolicyContext;

/// How many users are mapped between two reports of progress.
const BATCH: usize = 250;

/// Maps every user, on `threads` threads, and hands each result to `each` in the order of the
/// users. Memory holds one batch of users and results per thread, whatever their number.
pub fn preview(
    mapping: &Mapping,
    users: impl IntoIterator<Item = UserInput>,
    run: &Arc<RunContext>,
    policy: &PolicyContext,
    threads: usize,
    mut each: impl FnMut(UserPreview),
) {
    let mut users = users.into_iter();
    loop {
        let batches: Vec<Vec<UserInput>> = (0..threads.max(1))
            .map(|_| users.by_ref().take(BATCH).collect::<Vec<_>>())
            .filter(|batch| !batch.is_empty())
            .collect();
        if batches.is_empty() {
            return;
        }
        std::thread::scope(|scope| {
            let running: Vec<_> = batches
                .iter()
                .map(|batch| scope.spawn(|| preview_batch(mapping, batch, run, policy)))
                .collect();
            for batch in running {
                // A batch does not panic: its scripts run behind the sandbox.
                batch.join().unwrap_or_default().into_iter().for_each(&mut each);
            }
        });
    }
}

fn preview_batch(
    mapping: &Mapping,
    batch: &[UserInput],
    run: &Arc<RunContext>,
    policy: &PolicyContext,
) -> Vec<UserPreview> {
    mapping
        .map_users(batch, run)
        .into_iter()
        .zip(batch)
        .map(|(patch, user)| user::of(user, patch, policy))
        .collect()
}
