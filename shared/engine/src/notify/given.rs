//! What a notification script is given besides the event: fixed when it is first asked.

use model::{Branch, Event, Given, Job, Keys, Project, User, UserKey, Wave};
use scripting::Attributes;

use crate::{
    Host, ScriptPins, SourceEntry, StepError,
    context::internal,
    records::{Loaded, load, load_job},
    scripts::pins_of,
};

/// The script versions, and the person as discovery has found him.
pub(super) async fn given(
    host: &Host,
    project: &Project,
    user: Option<&User>,
    event: &Event,
) -> Result<Given, StepError> {
    let scripts = pins_of_event(host, project, user, event).await?;
    let Some(user) = user else { return Ok(Given { scripts, ..Given::default() }) };
    let place = Keys::source_entry(&project.customer, &project.id, &user.id);
    let entry: Option<Loaded<SourceEntry>> = load(&*host.store, place).await.map_err(internal)?;
    let mut attributes = identity_of(user);
    for (name, value) in entry.iter().flat_map(|entry| entry.value.attributes.iter()) {
        attributes.set(name.as_str(), value.clone());
    }
    let unwritable = |error: serde_json::Error| StepError::retry("attributes", error.to_string());
    let mail = &user.source.mail;
    Ok(Given {
        scripts,
        attributes: Some(serde_json::to_value(attributes).map_err(unwritable)?),
        old_address: Some(mail.clone()).filter(|mail| !mail.is_empty()),
        new_address: user.target.as_ref().map(|target| target.user_principal_name.clone()),
    })
}

/// What the user's own record knows.
fn identity_of(user: &User) -> Attributes {
    let source = &user.source;
    let language = source.language.as_deref().unwrap_or_default();
    let known = [
        ("displayName", source.display_name.as_str()),
        ("userPrincipalName", source.user_principal_name.as_str()),
        ("mail", source.mail.as_str()),
        ("preferredLanguage", language),
    ];
    let mut attributes = Attributes::new();
    for (name, value) in known.into_iter().filter(|(_, value)| !value.is_empty()) {
        attributes.set(name, value);
    }
    attributes
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
