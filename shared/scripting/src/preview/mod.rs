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

use user::Answer;

/// How many users a thread maps at once.
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
    let threads = threads.max(1);
    loop {
        let next: Vec<UserInput> = users.by_ref().take(BATCH.saturating_mul(threads)).collect();
        if next.is_empty() {
            return;
        }
        let patches = in_parallel(&next, threads, |users| mapped(mapping, users, run));
        let answers: Vec<Answer<'_>> = next
            .iter()
            .zip(patches)
            .map(|(user, patch)| match patch {
                Ok(patch) => {
                    let chosen = choose.choose(user, &patch);
                    Answer { user, patch: Ok(patch), chosen }
                }
                Err(error) => Answer { user, patch: Err(error), chosen: Ok(Attributes::new()) },
            })
            .collect();
        let previews = in_parallel(&answers, threads, |answers| {
            let finishes = finishes(mapping, answers, run).into_iter();
            answers
                .iter()
                .zip(finishes)
                .map(|(answer, finish)| answer.with(finish, policy))
                .collect()
        });
        for (user, preview) in next.iter().zip(previews) {
            each(user, preview);
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
    in_parallel(users, threads, |users| mapping.match_keys_of(users, run))
}

/// What the script makes of a batch; whoever `select` leaves out is skipped.
fn mapped(
    mapping: &Mapping,
    users: &[UserInput],
    run: &Arc<RunContext>,
) -> Vec<Result<UserPatch, ScriptError>> {
    if !mapping.selects() {
        return mapping.map_users(users, run);
    }
    let selected = mapping.select_users(users, run);
    let moved = users.iter().zip(&selected).filter(|(_, selected)| is_moved(selected));
    let moved: Vec<UserInput> = moved.map(|(user, _)| user.clone()).collect();
    let mut patches = mapping.map_users(&moved, run).into_iter();
    let one = |selected| match selected {
        Ok(Selected::Yes) => patches.next(),
        Ok(Selected::No(text)) => {
            let verdict = Verdict::Skipped(Remark { text, line: None });
            Some(Ok(UserPatch { verdict, ..UserPatch::default() }))
        }
        Err(error) => Some(Err(error)),
    };
    selected.into_iter().filter_map(one).collect()
}

fn is_moved(selected: &Result<Selected, ScriptError>) -> bool {
    matches!(selected, Ok(Selected::Yes))
}

/// Lets the script see what was chosen; `None` for those who got nothing, or when it does not ask.
fn finishes(
    mapping: &Mapping,
    answers: &[Answer<'_>],
    run: &Arc<RunContext>,
) -> Vec<Option<Result<UserPatch, ScriptError>>> {
    if !mapping.finishes() {
        return answers.iter().map(|_| None).collect();
    }
    let ready = |answer: &&Answer<'_>| answer.patch.is_ok() && answer.chosen.is_ok();
    let asked: Vec<(&UserInput, &Attributes)> = answers
        .iter()
        .filter(ready)
        .filter_map(|answer| Some((answer.user, answer.chosen.as_ref().ok()?)))
        .collect();
    let mut finishes = mapping.finish_users(&asked, run).into_iter();
    answers.iter().map(|answer| if ready(&answer) { finishes.next() } else { None }).collect()
}

/// Shares items out among threads; what comes of them is in their order. `work` must not panic: its
/// share would be missing.
pub fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(&[T]) -> Vec<R> + Sync,
) -> Vec<R> {
    let share = items.len().div_ceil(threads.max(1)).max(1);
    if items.len() <= share {
        return work(items);
    }
    std::thread::scope(|scope| {
        let running: Vec<_> =
            items.chunks(share).map(|share| scope.spawn(|| work(share))).collect();
        running.into_iter().flat_map(|share| share.join().unwrap_or_default()).collect()
    })
}
