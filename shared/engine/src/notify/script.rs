//! What the notification script wants to be sent for an event.

use model::{Branch, Event, EventKind, Job, Keys, Project, ScriptKind, User, UserKey, Wave};
use scripting::{
    Attributes, Notice, RunContext, Step as ScriptStep, UserInput,
    policy::{PolicyContext, check_notices},
};

use crate::{
    Host, ScriptPins, StepError,
    context::internal,
    records::{Loaded, load, load_job},
    scripts::{after_script_error, pins_of},
};

/// The messages that the notification script wants for an event. Pure: the same each time.
pub(super) async fn notices(
    host: &Host,
    project: &Project,
    user: Option<&User>,
    event: &Event,
) -> Result<Vec<Notice>, StepError> {
    let pins = pins_of_event(host, project, user, event).await?;
    let script = host.scripts.notifications(project, &pins).await?;
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
    told.old_address = user.map(|user| user.source.mail.clone()).filter(|mail| !mail.is_empty());
    let target = user.and_then(|user| user.target.as_ref());
    told.new_address = target.map(|target| target.user_principal_name.clone());
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
    let input = user.map(input_of).unwrap_or_default();
    let notices = match script.notify(&told, &input, &std::sync::Arc::new(run)) {
        Ok(notices) => notices.notices,
        Err(error) => {
            let kind = ScriptKind::Notifications;
            return Err(after_script_error(host, project, kind, &pins, &error).await);
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
        None => Ok(notices),
        Some(violation) => Err(StepError::park(
            violation.code.as_str(),
            violation.to_string(),
            "correct the notification script, or approve it in the project file",
        )),
    }
}

fn input_of(user: &User) -> UserInput {
    let language = user.source.language.clone().unwrap_or_default();
    UserInput {
        source_id: user.id.to_string(),
        source: Attributes::new()
            .with("displayName", user.source.display_name.as_str())
            .with("userPrincipalName", user.source.user_principal_name.as_str())
            .with("mail", user.source.mail.as_str())
            .with("preferredLanguage", language.as_str()),
        target: Attributes::new(),
    }
}

/// The script versions of an event: those of its job, else those of the user, else those of the wave.
async fn pins_of_event(
    host: &Host,
    project: &Project,
    user: Option<&User>,
    event: &Event,
) -> Result<ScriptPins, StepError> {
    let Some(user) = user else {
        let wave = match &event.wave {
            Some(wave) => {
                load::<Wave>(&*host.store, Keys::wave(&project.customer, &project.id, wave))
                    .await
                    .map_err(internal)?
            }
            None => None,
        };
        let pins = wave.map(|wave| wave.value.scripts).filter(|pins| !pins.is_empty());
        return match pins {
            Some(pins) => Ok(pins),
            None => host.scripts.current(project).await,
        };
    };
    let key = UserKey {
        customer: project.customer.clone(),
        project: project.id.clone(),
        user: user.id.clone(),
    };
    if let Some(job) = &event.job {
        let running = load_job(&*host.store, &key, Branch::Main).await.map_err(internal)?;
        let running = running.filter(|running| running.value.id == *job);
        let job = match running {
            Some(running) => Some(running),
            None => load(&*host.store, Keys::past_job(&key, job)).await.map_err(internal)?,
        };
        if let Some(job) = job.filter(|job: &Loaded<Job>| !job.value.scripts.is_empty()) {
            return Ok(job.value.scripts);
        }
    }
    pins_of(host, project, user, &key).await
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
