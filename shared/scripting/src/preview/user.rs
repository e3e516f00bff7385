//! What a mapping would do to one user.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Taken;
use crate::attributes::{AttributeName, AttributeValue, Attributes};
use crate::choices::AT_CREATION;
use crate::code::Code;
use crate::context::{RunContext, UserInput};
use crate::diagnostic::ScriptError;
use crate::mapping::Mapping;
use crate::patch::{Assigned, Assignment, Cost, SECRET, UserPatch, Verdict};
use crate::policy::{self, PolicyContext};

/// What a mapping would do to one user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPreview {
    /// The source user's id.
    pub source_id: String,
    /// The name that people know the user by: the source user principal name, else the id.
    pub user: String,
    /// What would become of the user.
    pub effect: Effect,
    /// Every attribute that would change, with the line that sets it.
    pub changes: Vec<Change>,
    /// What the script wants a person to know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What the call used.
    pub cost: Cost,
}

/// What would become of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Attributes would change.
    Changes,
    /// Everything is as the mapping wants it.
    Unchanged,
    /// The script leaves the user out.
    Skipped(String),
    /// The script parks the user.
    Parked(String),
    /// The script fails, or its result is not allowed.
    Fails {
        /// The numbered code.
        code: Code,
        /// What is wrong.
        message: String,
        /// The script's line.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        line: Option<usize>,
    },
}

impl Effect {
    /// Whether a person would have to look at the user.
    pub const fn needs_a_person(&self) -> bool {
        matches!(self, Self::Parked(_) | Self::Fails { .. })
    }
}

/// One attribute of one user, before and after.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Change {
    /// The attribute.
    pub attribute: AttributeName,
    /// What the target has; nothing for a new user.
    pub before: Option<String>,
    /// What it would have; nothing when it would be emptied. Of candidates, the one that is free.
    pub after: Option<String>,
    /// How many candidates there are, when the value has to be unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidates: Option<usize>,
    /// The first candidate, when another object has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<String>,
    /// The script that sets it.
    #[serde(with = "crate::shared")]
    pub script: Arc<str>,
    /// The line that sets it.
    pub line: usize,
}

/// Maps one user and compares the result with what the target has. Of candidates the first is taken.
pub fn preview_user(
    mapping: &Mapping,
    user: &UserInput,
    run: &Arc<RunContext>,
    policy: &PolicyContext,
) -> UserPreview {
    let mut only = None;
    let users = std::iter::once(user.clone());
    super::preview(mapping, users, run, policy, 1, &mut super::FirstCandidates, |preview| {
        only = Some(preview);
    });
    // One user goes in, so one comes out.
    only.unwrap_or_else(|| empty(user))
}

/// What the script answered for one user, and what was chosen from it.
pub(super) struct Answer {
    pub(super) user: UserInput,
    pub(super) patch: Result<UserPatch, ScriptError>,
    /// Every unique value; else who holds what.
    pub(super) chosen: Result<Attributes, Taken>,
}

fn empty(user: &UserInput) -> UserPreview {
    let name = user.source.text("userPrincipalName").unwrap_or(&user.source_id).to_owned();
    UserPreview {
        source_id: user.source_id.clone(),
        user: name,
        effect: Effect::Unchanged,
        changes: Vec::new(),
        warnings: Vec::new(),
        cost: Cost::default(),
    }
}

impl UserPreview {
    /// Of a user who is parked before the mapping is asked.
    pub fn parked(user: &UserInput, reason: String) -> Self {
        Self { effect: Effect::Parked(reason), ..empty(user) }
    }
}

impl Answer {
    /// The user's preview with what `finish_user` adds.
    pub(super) fn with(
        &self,
        finish: Option<Result<UserPatch, ScriptError>>,
        policy: &PolicyContext,
    ) -> UserPreview {
        match (&self.patch, finish.transpose()) {
            (Ok(patch), Ok(finish)) => self.decided(patch, finish.as_ref(), policy),
            (Err(error), _) => failed(&self.user, error),
            (Ok(_), Err(error)) => failed(&self.user, &error),
        }
    }

    fn decided(
        &self,
        patch: &UserPatch,
        finish: Option<&UserPatch>,
        policy: &PolicyContext,
    ) -> UserPreview {
        let mut preview = empty(&self.user);
        let patches = std::iter::once(patch).chain(finish);
        for patch in patches.clone() {
            preview.cost = preview.cost.and(patch.cost);
            preview.warnings.extend(patch.warnings.iter().map(|remark| remark.text.clone()));
        }
        let none = Attributes::new();
        let chosen = self.chosen.as_ref().unwrap_or(&none);
        preview.changes = changes(&self.user, patches.clone(), chosen);
        let verdict = patches.clone().find_map(ended);
        let refused = patches.flat_map(|patch| policy::check(patch, policy)).next();
        preview.effect = match (verdict, &self.chosen, refused) {
            (Some(effect), _, _) => effect,
            (None, Err(taken), _) => Effect::Fails {
                code: Code::U101,
                message: taken.message.clone(),
                line: choice_line(patch, &taken.what),
            },
            (None, Ok(_), Some(found)) => {
                Effect::Fails { code: found.code, message: found.message, line: found.line }
            }
            (None, Ok(_), None) if preview.changes.is_empty() => Effect::Unchanged,
            (None, Ok(_), None) => Effect::Changes,
        };
        preview
    }
}

fn failed(user: &UserInput, error: &ScriptError) -> UserPreview {
    let effect = Effect::Fails {
        code: error.code(),
        message: error.diagnostic.message.clone(),
        line: error.diagnostic.line,
    };
    UserPreview { cost: error.cost, effect, ..empty(user) }
}

fn ended(patch: &UserPatch) -> Option<Effect> {
    match &patch.verdict {
        Verdict::Parked(remark) => Some(Effect::Parked(remark.text.clone())),
        Verdict::Skipped(remark) => Some(Effect::Skipped(remark.text.clone())),
        Verdict::GoOn => None,
    }
}

/// The line that gives the candidates.
fn choice_line(patch: &UserPatch, what: &str) -> Option<usize> {
    let single = patch.values.get(what).map(|assigned| assigned.line);
    single.or_else(|| Some(patch.linked.as_ref()?.line))
}

fn changes<'p>(
    user: &UserInput,
    patches: impl Iterator<Item = &'p UserPatch>,
    chosen: &Attributes,
) -> Vec<Change> {
    let mut changes: BTreeMap<AttributeName, Change> = BTreeMap::new();
    for patch in patches {
        for (name, assigned) in &patch.values {
            changes.remove(name);
            if let Some(change) = single(user, name, assigned, chosen) {
                changes.insert(name.clone(), change);
            }
        }
        if let Some(linked) = &patch.linked {
            for (name, value) in linked.options.first().into_iter().flatten() {
                let first = value;
                let value = chosen.text(name.as_str()).unwrap_or(first);
                if is_settled(user, name) || user.target.text(name.as_str()) == Some(value) {
                    continue;
                }
                let change = Change {
                    attribute: name.clone(),
                    before: user.target.get(name.as_str()).map(ToString::to_string),
                    after: Some(value.to_owned()),
                    candidates: Some(linked.options.len()),
                    wanted: (first != value).then(|| first.clone()),
                    script: Arc::clone(&linked.script),
                    line: linked.line,
                };
                changes.insert(name.clone(), change);
            }
        }
    }
    changes.into_values().collect()
}

/// Whether an account exists, and this is what it is called: that stays.
fn is_settled(user: &UserInput, name: &AttributeName) -> bool {
    AT_CREATION.contains(&name.as_str()) && user.target.get(name.as_str()).is_some()
}

fn single(
    user: &UserInput,
    name: &AttributeName,
    assigned: &Assigned,
    chosen: &Attributes,
) -> Option<Change> {
    let present = user.target.get(name.as_str());
    if is_settled(user, name) || !differs(present, assigned) {
        return None;
    }
    let hidden = |text: String| if assigned.secret { SECRET.to_owned() } else { text };
    let (after, candidates, wanted) = match &assigned.assignment {
        Assignment::Value(value) => (Some(hidden(value.to_string())), None, None),
        Assignment::Candidates(texts) => {
            let first = texts.first();
            let taken = chosen.text(name.as_str()).map(str::to_owned).or_else(|| first.clone());
            let wanted = first.filter(|first| Some(first) != taken.as_ref());
            (taken.map(hidden), Some(texts.count()), wanted.map(hidden))
        }
        Assignment::Clear => (None, None, None),
    };
    Some(Change {
        attribute: name.clone(),
        before: present.map(|value| hidden(value.to_string())),
        after,
        candidates,
        wanted,
        script: Arc::clone(&assigned.script),
        line: assigned.line,
    })
}

/// Whether an assignment changes what the target has.
fn differs(present: Option<&AttributeValue>, assigned: &Assigned) -> bool {
    match (&assigned.assignment, present) {
        (Assignment::Clear, present) => present.is_some(),
        (Assignment::Value(value), Some(present)) => value != present,
        // A value that the target already has is free for this user.
        (Assignment::Candidates(texts), Some(AttributeValue::Text(present))) => {
            !texts.iter().any(|text| text.eq_ignore_ascii_case(present))
        }
        (Assignment::Value(_) | Assignment::Candidates(_), _) => true,
    }
}
