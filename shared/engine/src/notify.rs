//! Notifications: at most once per event and user, retried until accepted, each with a delivery
//! record (NOT-2).
//!
//! Sending cannot be looked up afterwards, so the record says "sending" before each message and the
//! mark is cleared only by a definite answer. Found set after a crash, the message may have been
//! sent; it is not sent again, and the record says so.

use std::time::Duration;

use jiff::SignedDuration;
use model::{
    Branch, DeliveryState, Event, EventKind, Job, Keys, Notification, Project, ScriptKind, Stored,
    User, UserKey,
};
use ports::{CommitError, Outgoing, QueueName};
use scripting::{
    Attributes, Notice, Recipient, RunContext, Step as ScriptStep, UserInput,
    policy::{PolicyContext, check_notices},
};
use serde::{Deserialize, Serialize};
use tenant::{
    Class,
    graph::{Mail, MailBody},
};

use crate::{
    Host, ScriptPins, StepError, Verdict,
    context::internal,
    outcome::Failure,
    records::{Batch, EngineError, Loaded, load, load_job, load_project, load_user},
    scripts::{after_script_error, pins_of},
};

/// The queue of notifications.
pub const NOTIFICATION_QUEUE: &str = catalogue::NOTIFICATIONS;
/// After this long a message that is still "being sent" belonged to a process that died, where that
/// is not known otherwise.
const SENDING_LASTS: SignedDuration = SignedDuration::from_mins(3);
/// The longest pause between two tries.
const MAX_PAUSE: Duration = Duration::from_hours(1);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Message {
    user: UserKey,
    partition: String,
    sort: String,
}

impl Stored for Message {
    const KIND: &'static str = "notification message";
}

/// Sends the message that leads to [`deliver`].
pub async fn enqueue(
    host: &Host,
    user: &UserKey,
    (partition, sort): &(String, String),
) -> Result<(), EngineError> {
    let message = Message { user: user.clone(), partition: partition.clone(), sort: sort.clone() };
    let body = String::from_utf8_lossy(&message.to_bytes()?).into_owned();
    let outgoing = Outgoing {
        queue: QueueName::parse(NOTIFICATION_QUEUE)?,
        body,
        delay: Duration::ZERO,
        group: user.customer.to_string(),
    };
    Ok(host.queue.send(&[outgoing]).await?)
}

/// Handles one message of the notification queue.
pub async fn handle_notification(host: &Host, body: &str) -> Result<Verdict, EngineError> {
    let message = match Message::from_bytes(body.as_bytes()) {
        Ok(message) => message,
        Err(error) => return Ok(Verdict::Poison(error.to_string())),
    };
    match deliver(host, &message.user, (message.partition, message.sort)).await? {
        Delivery::Over(_) => Ok(Verdict::Acknowledge),
        Delivery::Later(pause) => Ok(Verdict::Defer(pause)),
    }
}

/// How a delivery stands after a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It is decided.
    Over(DeliveryState),
    /// To be tried again after this long.
    Later(Duration),
}

/// Puts the record of an event, unless it is there, and says where.
pub async fn raise(
    host: &Host,
    user: &UserKey,
    event: Event,
) -> Result<(String, String), EngineError> {
    let job = event.job.clone().unwrap_or_else(|| model::JobId::numbered(0));
    let place = Keys::notification(user, event.kind, &job);
    let record =
        Notification { event, delivery: DeliveryState::Pending, attempts: 0, accepted: Vec::new() };
    let mut batch = Batch::new();
    batch.put(place.clone(), &record, 0)?;
    match batch.commit(&*host.store).await {
        Ok(()) | Err(CommitError::Conflict { .. }) => Ok(place),
        Err(error) => Err(error.into()),
    }
}

/// Delivers what is still to be delivered of one notification.
pub async fn deliver(
    host: &Host,
    user: &UserKey,
    place: (String, String),
) -> Result<Delivery, EngineError> {
    let Some(mut record) = load::<Notification>(&*host.store, place.clone()).await? else {
        return Ok(Delivery::Over(DeliveryState::Nothing));
    };
    let now = host.clock.now();
    match &record.value.delivery {
        DeliveryState::Pending => {}
        DeliveryState::Sending { since, by, .. } => {
            let lasted = now.duration_since(*since);
            let dead = host.identity.sole && *by != host.identity.incarnation;
            if lasted < SENDING_LASTS && !dead {
                let rest = Duration::try_from(SENDING_LASTS - lasted).unwrap_or_default();
                return Ok(Delivery::Later(rest));
            }
            return settle(host, place, record, DeliveryState::Uncertain).await;
        }
        over => return Ok(Delivery::Over(over.clone())),
    }
    let project = load_project(&*host.store, user).await?;
    if let Some(rest) = project.quiet_for(now) {
        return Ok(Delivery::Later(rest));
    }
    let person = load_user(&*host.store, user).await?.value;
    let notices = match notices(host, &project, &person, &record.value.event).await {
        Ok(notices) => notices,
        Err(error) => {
            let why = format!("{}: {}", error.code, error.message);
            return settle(host, place, record, DeliveryState::Failed { why }).await;
        }
    };
    let Some(sender) = project.notification_sender.clone().filter(|_| !notices.is_empty()) else {
        let state = if notices.is_empty() {
            DeliveryState::Nothing
        } else {
            DeliveryState::Failed { why: "the project names no notification_sender".to_owned() }
        };
        return settle(host, place, record, state).await;
    };
    let from = record.value.accepted.len();
    for (index, notice) in notices.iter().enumerate().skip(from) {
        let message = u32::try_from(index).unwrap_or(u32::MAX);
        let by = host.identity.incarnation.clone();
        record.value.delivery = DeliveryState::Sending { message, since: now, by };
        record = match keep(host, &place, record).await? {
            Some(record) => record,
            None => return Ok(Delivery::Later(Duration::from_secs(5))),
        };
        match send(host, &project, &person, &record.value.event, &sender, notice).await {
            Ok(to) => record.value.accepted.push((to, notice.subject.clone())),
            Err(refused) => return after_refusal(host, place, record, refused).await,
        }
        record.value.delivery = DeliveryState::Pending;
        if index + 1 < notices.len() {
            record = match keep(host, &place, record).await? {
                Some(record) => record,
                None => return Ok(Delivery::Later(Duration::from_secs(5))),
            };
        }
    }
    settle(host, place, record, DeliveryState::Sent { at: host.clock.now() }).await
}

/// A refusal clears the mark: the message has definitely not been sent.
async fn after_refusal(
    host: &Host,
    place: (String, String),
    mut record: Loaded<Notification>,
    refused: Refused,
) -> Result<Delivery, EngineError> {
    match refused {
        Refused::Unknown => settle(host, place, record, DeliveryState::Uncertain).await,
        Refused::ForGood(why) => settle(host, place, record, DeliveryState::Failed { why }).await,
        Refused::ForNow(pause) => {
            record.value.attempts += 1;
            record.value.delivery = DeliveryState::Pending;
            let grown = Duration::from_secs(5_u64 << record.value.attempts.min(10)).min(MAX_PAUSE);
            let kept = keep(host, &place, record).await?;
            Ok(Delivery::Later(kept.map_or(Duration::from_secs(5), |_| pause.max(grown))))
        }
    }
}

async fn settle(
    host: &Host,
    place: (String, String),
    mut record: Loaded<Notification>,
    state: DeliveryState,
) -> Result<Delivery, EngineError> {
    record.value.delivery = state.clone();
    match keep(host, &place, record).await? {
        Some(_) => Ok(Delivery::Over(state)),
        None => Ok(Delivery::Later(Duration::from_secs(5))),
    }
}

/// Writes the record; `None` when another process was first.
async fn keep(
    host: &Host,
    place: &(String, String),
    mut record: Loaded<Notification>,
) -> Result<Option<Loaded<Notification>>, EngineError> {
    let mut batch = Batch::new();
    batch.put(place.clone(), &record.value, record.version)?;
    match batch.commit(&*host.store).await {
        Ok(()) => {
            record.version += 1;
            Ok(Some(record))
        }
        Err(CommitError::Conflict { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The messages that the notification script wants for an event. Pure: the same each time.
async fn notices(
    host: &Host,
    project: &Project,
    user: &User,
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
    told.at = Some(event.at.to_string());
    told.old_address = Some(user.source.mail.clone()).filter(|mail| !mail.is_empty());
    told.new_address = user.target.as_ref().map(|target| target.user_principal_name.clone());
    told.link = detail("link");
    told.step = detail("step");
    told.message = detail("message");
    told.advice = detail("advice");
    let language = user.source.language.clone().unwrap_or_default();
    let input = UserInput {
        source_id: user.id.to_string(),
        source: Attributes::new()
            .with("displayName", user.source.display_name.as_str())
            .with("userPrincipalName", user.source.user_principal_name.as_str())
            .with("mail", user.source.mail.as_str())
            .with("preferredLanguage", language.as_str()),
        target: Attributes::new(),
    };
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

/// The script versions of an event: those of its job, else those of the user.
async fn pins_of_event(
    host: &Host,
    project: &Project,
    user: &User,
    event: &Event,
) -> Result<ScriptPins, StepError> {
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

enum Refused {
    /// It may have been sent.
    Unknown,
    /// It was not sent; later it may be.
    ForNow(Duration),
    /// It will never be sent.
    ForGood(String),
}

async fn send(
    host: &Host,
    project: &Project,
    user: &User,
    event: &Event,
    sender: &str,
    notice: &Notice,
) -> Result<String, Refused> {
    if notice.channel == scripting::Channel::Webhook {
        let why = "webhooks are not available on this host; use the mail channel";
        return Err(Refused::ForGood(why.to_owned()));
    }
    let mut to = Vec::new();
    for recipient in &notice.to {
        to.push(address_of(project, user, event, sender, recipient)?);
    }
    let mail = Mail {
        subject: notice.subject.clone(),
        body: MailBody::Text(notice.body.clone()),
        to: to.clone(),
        cc: Vec::new(),
    };
    let client = host.tenants.of(project).await.map_err(|error| match error.failure {
        Failure::Park => Refused::ForGood(error.message),
        _ => Refused::ForNow(Duration::from_secs(30)),
    })?;
    match client.target.graph().send_mail(sender, &mail).await {
        Ok(()) => Ok(to.join(", ")),
        Err(error) => Err(match (&error.class, error.retry()) {
            (Class::UnknownOutcome, _) => Refused::Unknown,
            (Class::Throttled { retry_after }, _) => Refused::ForNow(*retry_after),
            (_, tenant::Retry::Later(pause)) => Refused::ForNow(pause),
            (_, tenant::Retry::Now) => Refused::ForNow(Duration::from_secs(5)),
            (_, tenant::Retry::Never) => Refused::ForGood(error.to_string()),
        }),
    }
}

/// The address behind a role. Free addresses are let through only into the project's own domains.
fn address_of(
    project: &Project,
    user: &User,
    event: &Event,
    sender: &str,
    recipient: &Recipient,
) -> Result<String, Refused> {
    match recipient {
        Recipient::User => {
            let moved = event.kind == EventKind::CutoverComplete;
            let target = user.target.as_ref().map(|target| target.user_principal_name.clone());
            Ok(target.filter(|_| moved).unwrap_or_else(|| user.source.mail.clone()))
        }
        Recipient::Owner => Ok(sender.to_owned()),
        // The policy gate has let it through.
        Recipient::Address(address) => Ok(address.clone()),
        Recipient::List(list) => project.policy.lists.get(list).cloned().ok_or_else(|| {
            Refused::ForGood(format!("the project file names no address for the list `{list}`"))
        }),
        Recipient::Manager => Err(Refused::ForGood(
            "the notification script addresses a manager, whom this project does not know"
                .to_owned(),
        )),
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
