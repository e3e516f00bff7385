//! A preview in three stages, each of which can work on another batch of users at the same time: the
//! mapping, the choice of unique values (one user after the other), and what comes of both.

use std::sync::Arc;

use super::user::Answer;
use super::{Choose, Underway, UserPreview, begin};
use crate::attributes::Attributes;
use crate::context::{RunContext, UserInput};
use crate::diagnostic::ScriptError;
use crate::mapping::Mapping;
use crate::patch::{Remark, Selected, UserPatch, Verdict};
use crate::policy::PolicyContext;

/// What previews users with one mapping.
#[derive(Clone, Debug)]
pub struct Previewer {
    mapping: Mapping,
    policy: Arc<PolicyContext>,
    threads: usize,
}

/// Users whose mapping is under way.
#[derive(Debug)]
#[must_use = "the mapping goes on for nobody"]
pub struct Mapped {
    previewer: Previewer,
    run: Arc<RunContext>,
    users: Vec<UserInput>,
    patches: Underway<Result<UserPatch, ScriptError>>,
}

/// Users whose unique values are chosen, and whose preview is under way.
#[derive(Debug)]
#[must_use = "the preview goes on for nobody"]
pub struct Finished(Underway<UserPreview>);

impl Previewer {
    /// Previews with a mapping under a policy, on so many threads at once in each stage.
    pub fn new(mapping: &Mapping, policy: &PolicyContext, threads: usize) -> Self {
        Self { mapping: mapping.clone(), policy: Arc::new(policy.clone()), threads }
    }

    /// Begins to map users.
    pub fn begin(&self, users: Vec<UserInput>, run: &Arc<RunContext>) -> Mapped {
        let (mapping, context) = (self.mapping.clone(), Arc::clone(run));
        let work = move |users: &[UserInput]| mapped(&mapping, users, &context);
        let patches = begin(users.clone(), self.threads, work);
        Mapped { previewer: self.clone(), run: Arc::clone(run), users, patches }
    }
}

impl Mapped {
    /// Waits for the mapping, chooses unique values for each user in turn, and begins to compare
    /// the result with what the target has.
    pub fn choose(self, choose: &mut dyn Choose) -> Finished {
        let Self { previewer: Previewer { mapping, policy, threads }, run, users, patches } = self;
        let answers: Vec<Answer> = users
            .into_iter()
            .zip(patches.wait())
            .map(|(user, patch)| {
                let chosen = match &patch {
                    Ok(patch) => choose.choose(&user, patch),
                    Err(_) => Ok(Attributes::new()),
                };
                Answer { user, patch, chosen }
            })
            .collect();
        Finished(begin(answers, threads, move |answers| {
            let finishes = finishes(&mapping, answers, &run);
            let pairs = answers.iter().zip(finishes);
            pairs.map(|(answer, finish)| answer.with(finish, &policy)).collect()
        }))
    }
}

impl Finished {
    /// Waits for the previews, in the order of the users.
    pub fn wait(self) -> Vec<UserPreview> {
        self.0.wait()
    }
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
    answers: &[Answer],
    run: &Arc<RunContext>,
) -> Vec<Option<Result<UserPatch, ScriptError>>> {
    if !mapping.finishes() {
        return answers.iter().map(|_| None).collect();
    }
    let ready = |answer: &&Answer| answer.patch.is_ok() && answer.chosen.is_ok();
    let asked: Vec<(&UserInput, &Attributes)> = answers
        .iter()
        .filter(ready)
        .filter_map(|answer| Some((&answer.user, answer.chosen.as_ref().ok()?)))
        .collect();
    let mut finishes = mapping.finish_users(&asked, run).into_iter();
    answers.iter().map(|answer| if ready(&answer) { finishes.next() } else { None }).collect()
}
