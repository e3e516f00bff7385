//! What a mapping would do to one user.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::attributes::{AttributeName, AttributeValue};
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
    /// What it would have; nothing when it would be emptied. Of candidates, the first.
    pub after: Option<String>,
    /// How many candidates there are, when the value is still to be made unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidates: Option<usize>,
    /// The script that sets it.
    pub script: String,
    /// The line that sets it.
    pub line: usize,
}

/// Maps one user and compares the result with what the target has.
pub fn preview_user(
    mapping: &Mapping,
    user: &UserInput,
    run: &Arc<RunContext>,
    policy: &PolicyContext,
) -> UserPreview {
    of(user, mapping.map_user(user, run), policy)
}

pub(super) fn of(
    user: &UserInput,
    patch: Result<UserPatch, ScriptError>,
    policy: &PolicyContext,
) -> UserPreview {
    let name = user.source.text("userPrincipalName").unwrap_or(&user.source_id).to_owned();
    let mut preview = UserPreview {
        source_id: user.source_id.clone(),
        user: name,
        effect: Effect::Unchanged,
        changes: Vec::new(),
        warnings: Vec::new(),
        cost: Cost::default(),
    };
    match patch {
        Ok(patch) => {
            preview.cost = patch.cost;
            preview.warnings = patch.warnings.iter().map(|remark| remark.text.clone()).collect();
            preview.changes = changes(user, &patch);
            preview.effect = effect(&patch, &preview.changes, policy);
        }
        Err(error) => {
            preview.cost = error.cost;
            preview.effect = Effect::Fails {
                code: error.code(),
                message: error.diagnostic.message.clone(),
                line: error.diagnostic.line,
            };
        }
    }
    preview
}

fn effect(patch: &UserPatch, changes: &[Change], policy: &PolicyContext) -> Effect {
    match &patch.verdict {
        Verdict::Parked(remark) => return Effect::Parked(remark.text.clone()),
        Verdict::Skipped(remark) => return Effect::Skipped(remark.text.clone()),
        Verdict::GoOn => {}
    }
    match policy::check(patch, policy).into_iter().next() {
        Some(violation) => {
            Effect::Fails { code: violation.code, message: violation.message, line: violation.line }
        }
        None if changes.is_empty() => Effect::Unchanged,
        None => Effect::Changes,
    }
}

fn changes(user: &UserInput, patch: &UserPatch) -> Vec<Change> {
    let single = patch.values.iter().filter_map(|(name, assigned)| {
        let present = user.target.get(name.as_str());
        if !differs(present, assigned) {
            return None;
        }
        let hidden = |text: String| if assigned.secret { SECRET.to_owned() } else { text };
        let (after, candidates) = match &assigned.assignment {
            Assignment::Value(value) => (Some(hidden(value.to_string())), None),
            Assignment::Candidates(texts) => {
                (texts.first().cloned().map(hidden), Some(texts.len()))
            }
            Assignment::Clear => (None, None),
        };
        Some(Change {
            attribute: name.clone(),
            before: present.map(|value| hidden(value.to_string())),
            after,
            candidates,
            script: assigned.script.clone(),
            line: assigned.line,
        })
    });
    let linked = patch.linked.iter().flat_map(|linked| {
        linked.options.first().into_iter().flatten().map(|(name, value)| Change {
            attribute: name.clone(),
            before: user.target.get(name.as_str()).map(ToString::to_string),
            after: Some(value.clone()),
            candidates: Some(linked.options.len()),
            script: linked.script.clone(),
            line: linked.line,
        })
    });
    let mut changes: Vec<Change> = single.chain(linked).collect();
    changes.sort();
    changes
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
