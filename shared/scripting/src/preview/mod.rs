//! What a mapping would do to many users: nothing is written and nothing is reserved.

mod report;
mod user;

pub use report::{Difference, Group, Preview, Summary, Tally, csv_head, csv_lines, differences_of};
pub use user::{Change, Effect, UserPreview, preview_user};

use std::sync::Arc;

use crate::attributes::Attributes;
use crate::context::{RunContext, UserInput};
use crate::diagnostic::ScriptError;
use crate::mapping::Mapping;
use crate::patch::{MatchKey, Remark, Selected, UserPatch, Verdict};
use crate::policy::PolicyContext;

use user::Decided;

/// How many users are mapped between two reports of progress.
const BATCH: usize = 250;

/// Chooses unique values, user after user in their order. Nothing is reserved: what one user of the
/// preview gets, the next does not.
pub trait Choose {
    /// The values of every choice that the patch leaves open; else which choice has nothing free.
    fn choose(&mut self, user: &UserInput, patch: &UserPatch) -> Result<Attributes, Taken>;
}

/// A choice with nothing free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// [`Choice::what`](crate::Choice::what) of it.
    pub what: String,
    /// Who holds what, in words.
    pub message: String,
}

/// Takes the first candidate each time: for a preview without a directory.
#[derive(Clone, Copy, Debug, Default)]
pub struct FirstCandidates;

impl Choose for FirstCandidates {
    fn choose(&mut self, user: &UserInput, patch: &UserPatch) -> Result<Attributes, Taken> {
        let choices = patch.choices(&user.target).into_iter();
        let firsts = choices.filter_map(|choice| choice.options().next()).flatten();
        Ok(firsts.map(|(name, value)| (name, value.into())).collect())
    }
}

/// Maps every user, on `threads` threads, and hands each result to `each` in the order of the
/// users. Memory holds one batch of users and results per thread, whatever their number.
pub fn preview(
    mapping: &Mapping,
    users: impl IntoIterator<Item = UserInput>,
    run: &Arc<RunContext>,
    policy: &PolicyContext,
    threads: usize,
    choose: &mut dyn Choose,
    mut each: impl FnMut(&UserInput, UserPreview),
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
        let patches = in_parallel(&batches, |batch| mapped(mapping, batch, run));
        let chosen: Vec<Vec<(&UserInput, Answer)>> = batches
            .iter()
            .zip(patches)
            .map(|(batch, patches)| {
                batch
                    .iter()
                    .zip(patches)
                    .map(|(user, patch)| {
                        let chosen = patch.as_ref().ok().map(|patch| choose.choose(user, patch));
                        (user, (patch, chosen))
                    })
                    .collect()
            })
            .collect();
        let previews = in_parallel(&chosen, |batch| {
            batch
                .iter()
                .map(|(user, answer)| user::of(user, &finished(mapping, user, answer, run), policy))
                .collect()
        });
        for (batch, previews) in batches.iter().zip(previews) {
            for (user, preview) in batch.iter().zip(previews) {
                each(user, preview);
            }
        }
    }
}

/// How each of these users would be found in the target (MAT-2), on `threads` threads.
pub fn match_keys(
    mapping: &Mapping,
    users: &[UserInput],
    run: &Arc<RunContext>,
    threads: usize,
) -> Vec<Result<Vec<MatchKey>, ScriptError>> {
    let parts: Vec<&[UserInput]> =
        users.chunks(users.len().div_ceil(threads.max(1)).max(1)).collect();
    in_parallel(&parts, |part| part.iter().map(|user| mapping.match_keys(user, run)).collect())
        .into_iter()
        .flatten()
        .collect()
}

/// What the script answered, and what was chosen from it.
type Answer = (Result<UserPatch, ScriptError>, Option<Result<Attributes, Taken>>);

/// What the script makes of a batch; whoever `select` leaves out is skipped.
fn mapped(
    mapping: &Mapping,
    batch: &[UserInput],
    run: &Arc<RunContext>,
) -> Vec<Result<UserPatch, ScriptError>> {
    if !mapping.selects() {
        return mapping.map_users(batch, run);
    }
    let one = |user: &UserInput| match mapping.select(user, run)? {
        Selected::Yes => mapping.map_user(user, run),
        Selected::No(reason) => {
            let verdict = Verdict::Skipped(Remark { text: reason, line: None });
            Ok(UserPatch { verdict, ..UserPatch::default() })
        }
    };
    batch.iter().map(one).collect()
}

/// Lets the script see what was chosen.
fn finished<'a>(
    mapping: &Mapping,
    user: &UserInput,
    (patch, chosen): &'a Answer,
    run: &Arc<RunContext>,
) -> Result<Decided<'a>, ScriptError> {
    let patch = patch.as_ref().map_err(Clone::clone)?;
    let none = || Ok(Attributes::new());
    let chosen = chosen.clone().unwrap_or_else(none);
    let finish = match &chosen {
        Ok(chosen) if mapping.finishes() => Some(mapping.finish_user(user, chosen, run)?),
        _ => None,
    };
    Ok(Decided { patch, chosen, finish })
}

/// One thread for each batch.
fn in_parallel<T: Sync, R: Send>(batches: &[T], work: impl Fn(&T) -> Vec<R> + Sync) -> Vec<Vec<R>> {
    if let [only] = batches {
        return vec![work(only)];
    }
    std::thread::scope(|scope| {
        let running: Vec<_> = batches.iter().map(|batch| scope.spawn(|| work(batch))).collect();
        // A batch does not panic: its scripts run behind the sandbox.
        running.into_iter().map(|batch| batch.join().unwrap_or_default()).collect()
    })
}
