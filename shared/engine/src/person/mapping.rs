//! The mapping script's decision for one person, complete before the first write.

use std::{collections::BTreeMap, sync::Arc};

use model::{Keys, Project, ScriptKind, User};
use scripting::{
    Assignment, AttributeValue, Attributes, Code, Mapping, RunContext, ScriptError, Selected,
    Step as ScriptStep, UserInput, UserPatch, Verdict,
    policy::{self, PolicyContext},
};
use tenant::{exchange::Recipient, graph::GraphUser};

use super::{attributes_of, unique_values};
use crate::{
    StepContext, StepError,
    context::internal,
    records::{Loaded, load},
    scripts::after_script_error,
};

/// What a script decided, with every unique value chosen and reserved.
#[derive(Clone, Debug, Default)]
pub struct Mapped {
    /// The wanted value of each attribute; `None` empties it.
    pub values: BTreeMap<String, Option<AttributeValue>>,
    /// What the script wants a person to know.
    pub warnings: Vec<String>,
}

impl Mapped {
    /// One attribute's wanted text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.as_ref()?.as_text()
    }

    /// One attribute's wanted texts.
    pub fn texts(&self, name: &str) -> &[String] {
        match self.values.get(name) {
            Some(Some(value)) => value.as_texts(),
            _ => &[],
        }
    }
}

/// Maps the person's user for a phase. `existing` is the target user with its recipient.
pub async fn map_user(
    cx: &StepContext<'_>,
    step: ScriptStep,
    existing: Option<(&GraphUser, Option<&Recipient>)>,
) -> Result<Mapped, StepError> {
    let (input, run) = input(cx, step, existing).await?;
    let mapping = mapping_of(cx).await?;
    if existing.is_none() || step == ScriptStep::Prepare {
        selected(&answered(cx, mapping.select(&input, &run)).await?)?;
    }
    let patch = answered(cx, mapping.map_user(&input, &run)).await?;
    decided(&patch)?;
    allowed(&patch, &policy_of(cx.project(), step))?;
    let chosen = unique_values::choose(cx, &patch, &input.target).await?;
    let finish = answered(cx, mapping.finish_user(&input, &chosen, &run)).await?;
    decided(&finish)?;
    allowed(&finish, &policy_of(cx.project(), step))?;
    let mut mapped = taken(&patch);
    for (name, value) in chosen.iter() {
        mapped.values.insert(name.to_string(), Some(value.clone()));
    }
    let last = taken(&finish);
    mapped.values.extend(last.values);
    mapped.warnings.extend(last.warnings);
    Ok(mapped)
}

/// Maps the person's mail contact.
pub async fn map_contact(cx: &StepContext<'_>, step: ScriptStep) -> Result<Mapped, StepError> {
    let (input, run) = input(cx, step, None).await?;
    let mapping = mapping_of(cx).await?;
    let patch = answered(cx, mapping.map_contact(&input, &run)).await?;
    decided(&patch)?;
    // A contact's address is another tenant's: it need not be in a domain of this one.
    let protected = PolicyContext { protected: protected(cx.project()), ..Default::default() };
    let found = policy::check(&patch, &protected).into_iter();
    refused(found.filter(|violation| violation.code == Code::P003))?;
    Ok(taken(&patch))
}

/// The mapping of the version that the job has pinned.
pub(super) async fn mapping_of(cx: &StepContext<'_>) -> Result<Arc<Mapping>, StepError> {
    cx.host().scripts.mapping(cx.project(), &cx.script_pins()).await
}

/// What a script answered; an error parks the user, and one that endangers others disables the
/// version.
pub(super) async fn answered<T>(
    cx: &StepContext<'_>,
    answer: Result<T, ScriptError>,
) -> Result<T, StepError> {
    match answer {
        Ok(answer) => Ok(answer),
        Err(error) => {
            let pins = cx.script_pins();
            let kind = ScriptKind::Mapping;
            Err(after_script_error(cx.host(), cx.project(), kind, &pins, &error).await)
        }
    }
}

/// The gate after the script: what the project allows in the tenant that the phase writes to.
pub fn policy_of(project: &Project, step: ScriptStep) -> PolicyContext {
    let tenant = if step == ScriptStep::CutoverSource { &project.source } else { &project.target };
    PolicyContext {
        verified_domains: tenant.domains.clone(),
        protected: protected(project),
        ..PolicyContext::default()
    }
}

fn protected(project: &Project) -> Vec<scripting::AttributeName> {
    project.policy.protected.iter().map(|name| name.as_str().into()).collect()
}

fn allowed(patch: &UserPatch, policy: &PolicyContext) -> Result<(), StepError> {
    refused(policy::check(patch, policy).into_iter())
}

fn refused(mut found: impl Iterator<Item = policy::Violation>) -> Result<(), StepError> {
    let Some(violation) = found.next() else { return Ok(()) };
    Err(StepError::park(
        violation.code.as_str(),
        violation.to_string(),
        "correct the mapping, or allow it in the project file",
    ))
}

/// What the script is given.
pub(super) async fn input(
    cx: &StepContext<'_>,
    step: ScriptStep,
    existing: Option<(&GraphUser, Option<&Recipient>)>,
) -> Result<(UserInput, Arc<RunContext>), StepError> {
    let id = &cx.user().source.object_id;
    let source = cx.source();
    let Some(user) = source.user(id).await? else {
        return Err(StepError::park(
            "source_missing",
            format!("the source user {} is no longer there", cx.user().source.user_principal_name),
            "run discover again, and take the user out of the wave if the account is gone",
        ));
    };
    let recipient = source.recipient(id).await?;
    let mut attributes = attributes_of(&user, recipient.as_ref());
    let mut matches = BTreeMap::new();
    if let Some((manager, target)) = manager(cx, id).await? {
        attributes.set("manager", manager.as_str());
        matches.extend(target.map(|target| (manager, target)));
    }
    let target = match existing {
        Some((user, recipient)) => attributes_of(user, recipient),
        None => Attributes::new(),
    };
    let project = cx.project();
    let run = RunContext {
        project: project.id.to_string(),
        wave: cx.user().wave.as_ref().map(ToString::to_string).unwrap_or_default(),
        step,
        // Fixed per run, so that a step that runs twice decides the same.
        now: cx.job().started_at,
        source_domains: project.source.domains.clone(),
        target_domains: project.target.domains.clone(),
        default_domain: project.target_domain.clone(),
        domain_map: BTreeMap::new(),
        matches,
    };
    let input = UserInput { source_id: id.clone(), source: attributes, target };
    Ok((input, Arc::new(run)))
}

/// The source user's manager, and that person's target user once there is one.
async fn manager(
    cx: &StepContext<'_>,
    id: &str,
) -> Result<Option<(String, Option<String>)>, StepError> {
    let client = cx.source().client().await?;
    let Some(manager) = client.graph().get_manager(id).await? else { return Ok(None) };
    let Ok(user) = manager.id.parse() else { return Ok(None) };
    let key = model::UserKey { user, ..cx.key().clone() };
    let known: Option<Loaded<User>> =
        load(&*cx.host().store, Keys::user(&key)).await.map_err(internal)?;
    let target = known.and_then(|user| user.value.target).map(|target| target.object_id);
    Ok(Some((manager.id, target)))
}

/// `select` has the first word on who is moved.
fn selected(selected: &Selected) -> Result<(), StepError> {
    match selected {
        Selected::Yes => Ok(()),
        Selected::No(reason) => Err(StepError::park(
            "not_selected",
            format!("the mapping script's `select` leaves this user out: {reason}"),
            "take the user out of the wave",
        )),
    }
}

/// A script may park a user or leave him out.
fn decided(patch: &UserPatch) -> Result<(), StepError> {
    match &patch.verdict {
        Verdict::GoOn => Ok(()),
        Verdict::Parked(remark) => Err(StepError::park(
            "parked_by_script",
            remark.text.clone(),
            "the mapping script asks a person to look at this user",
        )),
        Verdict::Skipped(remark) => Err(StepError::park(
            "skipped_by_script",
            remark.text.clone(),
            "the mapping script leaves this user out; take him out of the wave",
        )),
    }
}

fn taken(patch: &UserPatch) -> Mapped {
    let mut mapped = Mapped::default();
    for (name, assigned) in &patch.values {
        let value = match &assigned.assignment {
            Assignment::Value(value) => Some(value.clone()),
            Assignment::Clear => None,
            // Chosen by the host.
            Assignment::Candidates(_) => continue,
        };
        mapped.values.insert(name.to_string(), value);
    }
    mapped.warnings = patch.warnings.iter().map(|remark| remark.text.clone()).collect();
    mapped
}

/// Whether the mapping wants an attribute as it is already.
pub(super) fn is_so(now: &Attributes, name: &str, wanted: Option<&AttributeValue>) -> bool {
    match (now.get(name), wanted) {
        (None, None) => true,
        (None, Some(AttributeValue::Texts(texts))) => texts.is_empty(),
        (None, Some(AttributeValue::Text(text))) => text.is_empty(),
        (now, wanted) => now == wanted,
    }
}
