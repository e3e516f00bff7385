//! Runs one case and writes down what came of it, in the words of an expectation.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::suite::mapping_of;
use crate::attributes::{AttributeName, AttributeValue, Attributes};
use crate::context::{Event, RunContext, UserInput};
use crate::diagnostic::{Diagnostic, ScriptError};
use crate::entry::Entry;
use crate::notifications::Notifications;
use crate::patch::{Assignment, Cost, Preferences, SECRET, Selected, UserPatch, Verdict};
use crate::policy::{self, PolicyContext};
use crate::script::Script;

/// What a case asks.
pub(super) struct Asked<'a> {
    pub(super) entry: Entry,
    pub(super) user: UserInput,
    pub(super) chosen: &'a Attributes,
    pub(super) event: Option<&'a Event>,
    pub(super) run: Arc<RunContext>,
    pub(super) policy: &'a PolicyContext,
}

/// What came.
pub(super) struct Seen {
    pub(super) value: Value,
    pub(super) cost: Cost,
    /// The attributes that the script itself set.
    pub(super) set: BTreeSet<AttributeName>,
}

/// How many candidates an expectation shows.
const SHOWN_CANDIDATES: usize = 3;

pub(super) fn observe(script: &Script, asked: &Asked<'_>) -> Result<Seen, Vec<Diagnostic>> {
    let mut seen = Seen { value: Value::Null, cost: Cost::default(), set: BTreeSet::new() };
    let Asked { entry, user, chosen, event, run, policy } = asked;
    if *entry == Entry::Notify {
        let notifications = Notifications::of(script.clone())?;
        let event = event.cloned().unwrap_or_else(|| {
            Event::new(crate::context::EventKind::CutoverComplete, run.wave.clone())
        });
        seen.value = match notifications.notify(&event, user, run) {
            Ok(notices) => {
                seen.cost = notices.cost;
                let found = policy::check_notices(script.name(), &notices.notices, policy);
                json!({
                    "notices": notices.notices,
                    "warnings": texts(&notices.warnings),
                    "violations": found.iter().map(|found| found.code).collect::<Vec<_>>(),
                })
            }
            Err(error) => failed(&error, &mut seen.cost),
        };
        return Ok(seen);
    }
    let mapping = mapping_of(script)?;
    let patch = match entry {
        Entry::Select => {
            seen.value = match mapping.select(user, run) {
                Ok(Selected::Yes) => json!({ "selected": true }),
                Ok(Selected::No(reason)) => json!({ "selected": reason }),
                Err(error) => failed(&error, &mut seen.cost),
            };
            return Ok(seen);
        }
        Entry::MatchKeys => {
            seen.value = match mapping.match_keys(user, run) {
                Ok(keys) => json!({ "keys": keys }),
                Err(error) => failed(&error, &mut seen.cost),
            };
            return Ok(seen);
        }
        Entry::MapContact => mapping.map_contact(user, run),
        Entry::FinishUser => mapping.finish_user(user, chosen, run),
        Entry::MapUser | Entry::Notify => mapping.map_user(user, run),
    };
    seen.value = match patch {
        Ok(patch) => {
            seen.cost = patch.cost;
            let own = patch.values.iter().filter(|(_, set)| *set.script == *script.name());
            seen.set = own.map(|(name, _)| name.clone()).collect();
            patched(&patch, policy)
        }
        Err(error) => failed(&error, &mut seen.cost),
    };
    Ok(seen)
}

fn failed(error: &ScriptError, cost: &mut Cost) -> Value {
    *cost = error.cost;
    let at = &error.diagnostic;
    json!({ "error": at.code, "line": at.line, "message": at.message })
}

fn texts(remarks: &[crate::patch::Remark]) -> Vec<&str> {
    remarks.iter().map(|remark| remark.text.as_str()).collect()
}

fn patched(patch: &UserPatch, policy: &PolicyContext) -> Value {
    let mut attributes = Map::new();
    for (name, assigned) in &patch.values {
        let value = match &assigned.assignment {
            _ if assigned.secret => SECRET.into(),
            Assignment::Value(value) => plain(value),
            Assignment::Candidates(texts) => candidates(texts),
            Assignment::Clear => json!({ "clear": true }),
        };
        attributes.insert(name.to_string(), value);
    }
    let mut seen = Map::new();
    seen.insert("attributes".into(), attributes.into());
    if let Some(linked) = &patch.linked {
        seen.insert(
            "linked".into(),
            json!(linked.options.iter().take(SHOWN_CANDIDATES).collect::<Vec<_>>()),
        );
    }
    seen.insert("warnings".into(), json!(texts(&patch.warnings)));
    match &patch.verdict {
        Verdict::GoOn => {}
        Verdict::Parked(remark) => drop(seen.insert("parked".into(), json!(remark.text))),
        Verdict::Skipped(remark) => drop(seen.insert("skipped".into(), json!(remark.text))),
    }
    if !policy.verified_domains.is_empty() {
        let found = policy::check(patch, policy);
        let codes: Vec<_> = found.iter().map(|found| found.code).collect();
        seen.insert("violations".into(), json!(codes));
    }
    seen.into()
}

fn plain(value: &AttributeValue) -> Value {
    json!(value)
}

/// Few candidates as they are, many by their first ones and their number.
fn candidates(texts: &Preferences) -> Value {
    let first: Vec<String> = texts.iter().take(SHOWN_CANDIDATES).collect();
    if texts.count() <= SHOWN_CANDIDATES {
        json!({ "candidates": first })
    } else {
        json!({ "candidates": first, "count": texts.count() })
    }
}
