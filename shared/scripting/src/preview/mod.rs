//! What a mapping would do to many users: nothing is written and nothing is reserved.

mod report;
mod stages;
mod underway;
mod user;

pub use report::{Difference, Group, Preview, Summary, Tally, csv_head, csv_lines, differences_of};
pub use stages::{Finished, Mapped, Previewer};
pub use underway::{Underway, begin};
pub use user::{Change, Effect, UserPreview, preview_user};

use std::sync::Arc;

use crate::attributes::Attributes;
use crate::context::{RunContext, UserInput};
use crate::mapping::Mapping;
use crate::patch::UserPatch;
use crate::policy::PolicyContext;

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
/// users. Memory holds three batches of users and results per thread, whatever their number.
pub fn preview(
    mapping: &Mapping,
    users: impl IntoIterator<Item = UserInput>,
    run: &Arc<RunContext>,
    policy: &PolicyContext,
    threads: usize,
    choose: &mut dyn Choose,
    mut each: impl FnMut(UserPreview),
) {
    let previewer = Previewer::new(mapping, policy, threads);
    let batch = BATCH.saturating_mul(threads.max(1));
    let mut users = users.into_iter().peekable();
    let (mut mapped, mut finished) = (None::<Mapped>, None::<Finished>);
    while users.peek().is_some() || mapped.is_some() || finished.is_some() {
        // Each stage works on the batch before that of the stage above it, at the same time.
        let shown = finished.take();
        finished = mapped.take().map(|mapped| mapped.choose(choose));
        let next: Vec<UserInput> = users.by_ref().take(batch).collect();
        mapped = (!next.is_empty()).then(|| previewer.begin(next, run));
        shown.into_iter().flat_map(Finished::wait).for_each(&mut each);
    }
}
