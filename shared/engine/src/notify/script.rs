//! What the notification script wants to be sent for an event.

use std::sync::Arc;

use model::{Event, EventKind, Given, Project, ScriptKind};
use scripting::{
    Attributes, Library, Notice, Notifications, RunContext, Step as ScriptStep, UserInput,
    policy::{PolicyContext, check_notices},
};
use serde::Deserialize;

use crate::{Host, StepError, scripts::after_script_error};

/// The messages that the notification script wants for an event.
pub(super) struct Decided {
    pub(super) notices: Vec<Notice>,
    script: Arc<Notifications>,
}

impl Decided {
    /// The files that the messages name.
    pub(super) fn library(&self) -> &Library {
        self.script.script().library()
    }
}

/// Asks the notification script. Pure: the same each time.
pub(super) async fn decide(
    host: &Host,
    project: &Project,
    given: &Given,
    event: &Event,
) -> Result<Decided, StepError> {
    let pins = &given.scripts;
    let script = host.scripts.notifications(project, pins).await?;
    let run = RunContext {
        project: project.id.to_string(),
        wave: event.wave.as_ref().map(ToString::to_string).unwrap_or_default(),
        step: ScriptStep::Notify,
        now: event.at,
        source_domains: project.source.domains.clone(),
        target_domains: project.target.domains.clone(),
        default_domain: project.target_domain.clone(),
        domain_map: std::collections::BTreeMap::new(),
        matches: std::collections::BTreeMap::new(),
    };
    let mut told = scripting::Event::new(kind_of(event.kind), run.wave.clone());
    let detail = |name: &str| event.details.get(name).cloned();
    told.at = Some(detail("at").unwrap_or_else(|| event.at.to_string()));
    told.old_address.clone_from(&given.old_address);
    told.new_address.clone_from(&given.new_address);
    told.link = detail("link");
    told.step = detail("step");
    told.message = detail("message");
    told.advice = detail("advice");
    let number = |name: &str| detail(name).and_then(|text| text.parse().ok()).unwrap_or_default();
    told.users = number("users");
    told.complete = number("complete");
    told.failed = number("failed");
    told.failures =
        detail("failures").iter().flat_map(|all| all.lines()).map(str::to_owned).collect();
    let input = input(given, event)?;
    let notices = match script.notify(&told, &input, &Arc::new(run)) {
        Ok(notices) => notices.notices,
        Err(error) => {
            let kind = ScriptKind::Notifications;
            return Err(after_script_error(host, project, kind, pins, &error).await);
        }
    };
    let approved = PolicyContext {
        recipient_domains: [&project.source.domains, &project.target.domains]
            .into_iter()
            .chain([&project.policy.recipient_domains])
            .flatten()
            .cloned()
            .collect(),
        lists: project.policy.lists.keys().cloned().collect(),
        // The person's own confirmation link is Crosswave's.
        links: project.policy.links.iter().cloned().chain(told.link).collect(),
        ..PolicyContext::default()
    };
    match check_notices(script.script().name(), &notices, &approved).first() {
        None => Ok(Decided { notices, script }),
        Some(violation) => Err(StepError::park(
            violation.code.as_str(),
            violation.to_string(),
            "correct the notification script, or approve it in the project file",
        )),
    }
}

fn input(given: &Given, event: &Event) -> Result<UserInput, StepError> {
    let Some(attributes) = &given.attributes else { return Ok(UserInput::default()) };
    let unreadable = |error: serde_json::Error| {
        let advice = "this is a fault of Crosswave; report it";
        StepError::park("attributes", error.to_string(), advice)
    };
    Ok(UserInput {
        source_id: event.user.as_ref().map(ToString::to_string).unwrap_or_default(),
        source: Attributes::deserialize(attributes).map_err(unreadable)?,
        target: Attributes::new(),
    })
}

fn kind_of(kind: EventKind) -> scripting::EventKind {
    match kind {
        EventKind::WaveScheduled => scripting::EventKind::WaveScheduled,
        EventKind::PrepareDone => scripting::EventKind::PrepareDone,
        EventKind::InitialSyncDone => scripting::EventKind::InitialSyncDone,
        EventKind::ActionRequired => scripting::EventKind::ActionRequired,
        EventKind::CutoverComplete => scripting::EventKind::CutoverComplete,
        EventKind::Error => scripting::EventKind::Error,
        EventKind::WaveReport => scripting::EventKind::WaveReport,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scripts see no model and the model sees no scripts, so the events stand in both; they must be
    /// the same.
    #[test]
    fn scripts_know_every_event_of_the_model_by_its_name() {
        let kinds = [
            EventKind::WaveScheduled,
            EventKind::PrepareDone,
            EventKind::InitialSyncDone,
            EventKind::ActionRequired,
            EventKind::CutoverComplete,
            EventKind::Error,
            EventKind::WaveReport,
        ];
        assert_eq!(kinds.map(kind_of), scripting::EventKind::ALL);
        assert_eq!(
            kinds.map(EventKind::name),
            scripting::EventKind::ALL.map(scripting::EventKind::as_str)
        );
    }
}
