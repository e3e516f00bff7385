//! Notifications: at most once per event and user, retried until accepted, each with a delivery
//! record (NOT-2).
//!
//! An event concerns a user or, without one, a wave. Sending a mail cannot be looked up afterwards, so the record says "sending" before each message and the
//! mark is cleared only by a definite answer. Found set after a crash, the message may have been
//! sent; it is not sent again, and the record says so. A webhook is sent again: its receiver knows it
//! by its id. A message that waits for a date has a record of its own.

mod given;
mod later;
mod script;
mod send;

use std::time::Duration;

use jiff::SignedDuration;
use model::{
    CustomerId, DeliveryState, Event, Keys, Notification, Project, ProjectId, Stored, User, UserId,
    UserKey,
};
use ports::{CommitError, MAX_VISIBILITY, Outgoing, QueueName};
use scripting::{Channel, Library, Notice};
use serde::{Deserialize, Serialize};

use self::{
    script::{Decided, decide},
    send::{Letter, Refused, send},
};
use crate::{
    Host, StepError, Verdict,
    records::{Batch, EngineError, Loaded, load, load_user},
};

/// The queue of notifications.
pub const NOTIFICATION_QUEUE: &str = catalogue::NOTIFICATIONS;
/// After this long a message that is still "being sent" belonged to a process that died, where that
/// is not known otherwise.
const SENDING_LASTS: SignedDuration = SignedDuration::from_mins(3);
/// The longest pause between two tries.
const MAX_PAUSE: Duration = Duration::from_hours(1);

/// Whom an event concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whom {
    /// The customer.
    pub customer: CustomerId,
    /// The project.
    pub project: ProjectId,
    /// The user; none for an event of a wave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
}

impl From<&UserKey> for Whom {
    fn from(key: &UserKey) -> Self {
        let UserKey { customer, project, user } = key.clone();
        Self { customer, project, user: Some(user) }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Message {
    user: Whom,
    partition: String,
    sort: String,
}

impl Stored for Message {
    const KIND: &'static str = "notification message";
}

/// Sends the message that leads to [`deliver`].
pub async fn enqueue(
    host: &Host,
    whom: &Whom,
    (partition, sort): &(String, String),
) -> Result<(), EngineError> {
    let message = Message { user: whom.clone(), partition: partition.clone(), sort: sort.clone() };
    let body = String::from_utf8_lossy(&message.to_bytes()?).into_owned();
    let outgoing = Outgoing {
        queue: QueueName::parse(NOTIFICATION_QUEUE)?,
        body,
        delay: Duration::ZERO,
        group: whom.customer.to_string(),
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
        // A longer wait is looked at in between.
        Delivery::Later(pause) => Ok(Verdict::Defer(pause.min(MAX_VISIBILITY))),
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

/// Puts the record of a job's event, unless it is there, and says where.
pub async fn raise(
    host: &Host,
    user: &UserKey,
    event: Event,
) -> Result<(String, String), EngineError> {
    let job = event.job.clone().unwrap_or_else(|| model::JobId::numbered(0));
    let place = Keys::notification(user, event.kind, &job);
    raise_at(host, place.clone(), event).await?;
    Ok(place)
}

/// Puts the record of an event in its place; `false` when it was there already.
pub async fn raise_at(
    host: &Host,
    place: (String, String),
    event: Event,
) -> Result<bool, EngineError> {
    let mut batch = Batch::new();
    batch.put(place, &Notification::new(event), 0)?;
    match batch.commit(&*host.store).await {
        Ok(()) => Ok(true),
        Err(CommitError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Delivers what is still to be delivered of one notification.
pub async fn deliver(
    host: &Host,
    whom: &Whom,
    place: (String, String),
) -> Result<Delivery, EngineError> {
    let Some(mut record) = load::<Notification>(&*host.store, place.clone()).await? else {
        return Ok(Delivery::Over(DeliveryState::Nothing));
    };
    let now = host.clock.now();
    // The message that a process had in hand when it died.
    let left = match &record.value.delivery {
        DeliveryState::Pending => None,
        DeliveryState::Sending { since, by, message } => {
            let lasted = now.duration_since(*since);
            let dead = host.identity.sole && *by != host.identity.incarnation;
            if lasted < SENDING_LASTS && !dead {
                let rest = Duration::try_from(SENDING_LASTS - lasted).unwrap_or_default();
                return Ok(Delivery::Later(rest));
            }
            Some(*message)
        }
        over => return Ok(Delivery::Over(over.clone())),
    };
    let waits = record.value.later.filter(|_| left.is_none()).map(|later| later.at);
    if let Some(at) = waits.filter(|at| *at > now) {
        return Ok(Delivery::Later(Duration::try_from(at.duration_since(now)).unwrap_or_default()));
    }
    let (project, person) = concerned(host, whom).await?;
    if let Some(rest) = project.quiet_for(now).filter(|_| left.is_none()) {
        return Ok(Delivery::Later(rest));
    }
    if waits.is_some()
        && let Some(why) = later::void(host, &project, person.as_ref(), &record.value.event).await?
    {
        return settle(host, place, record, DeliveryState::Void { why }).await;
    }
    let decided = match decided(host, &project, person.as_ref(), &mut record.value).await {
        Ok(decided) => decided,
        // A message that may have been sent is not decided anew.
        Err(_) if left.is_some() => {
            return settle(host, place, record, DeliveryState::Uncertain).await;
        }
        Err(error) => return after_refusal(host, place, record, send::of_host(&error)).await,
    };
    let notices = later::of_record(&record.value, &decided.notices);
    if left.is_some_and(|left| !may_be_sent_again(&notices, left)) {
        return settle(host, place, record, DeliveryState::Uncertain).await;
    }
    let first = record.value.later.is_none() && record.value.attempts == 0;
    if first && notices.len() < decided.notices.len() {
        // What the script was given is kept first: the messages that wait are numbered by it.
        record = match keep(host, &place, record).await? {
            Some(record) => record,
            None => return Ok(Delivery::Later(Duration::from_secs(5))),
        };
        later::put_aside(host, whom, &place, &record.value, &decided.notices).await?;
    }
    if notices.is_empty() {
        return settle(host, place, record, DeliveryState::Nothing).await;
    }
    let about = About { project: &project, person: person.as_ref(), library: decided.library() };
    send_all(host, &about, place, record, &notices).await
}

/// Whom and what messages are about, and the files that they name.
struct About<'a> {
    project: &'a Project,
    person: Option<&'a User>,
    library: &'a Library,
}

/// Sends what has not been accepted yet, one message after the other.
async fn send_all(
    host: &Host,
    about: &About<'_>,
    place: (String, String),
    mut record: Loaded<Notification>,
    notices: &[&Notice],
) -> Result<Delivery, EngineError> {
    let from = record.value.accepted.len();
    for (index, notice) in notices.iter().enumerate().skip(from) {
        let message = u32::try_from(index).unwrap_or(u32::MAX);
        let by = host.identity.incarnation.clone();
        record.value.delivery = DeliveryState::Sending { message, since: host.clock.now(), by };
        record = match keep(host, &place, record).await? {
            Some(record) => record,
            None => return Ok(Delivery::Later(Duration::from_secs(5))),
        };
        let letter = Letter {
            project: about.project,
            user: about.person,
            event: &record.value.event,
            notice,
            library: about.library,
            id: format!("{}/{}/{message}", place.0, place.1),
            attempts: record.value.attempts,
        };
        match send(host, &letter).await {
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

/// What the script wants to be sent. The record keeps what the script was given.
async fn decided(
    host: &Host,
    project: &Project,
    person: Option<&User>,
    record: &mut Notification,
) -> Result<Decided, StepError> {
    let given = match record.given.take() {
        Some(given) => given,
        None => given::given(host, project, person, &record.event).await?,
    };
    let given = record.given.insert(given);
    decide(host, project, given, &record.event).await
}

/// A mail that may have been sent is not sent again; a webhook's receiver knows it by its id.
fn may_be_sent_again(notices: &[&Notice], message: u32) -> bool {
    let notice = usize::try_from(message).ok().and_then(|index| notices.get(index));
    notice.is_some_and(|notice| notice.channel == Channel::Webhook)
}

async fn concerned(host: &Host, whom: &Whom) -> Result<(Project, Option<User>), EngineError> {
    let place = Keys::project(&whom.customer, &whom.project);
    let project =
        load::<Project>(&*host.store, place).await?.ok_or_else(|| EngineError::Missing {
            what: format!("project {}", whom.project),
            advice: "check the name; a project is stored by its first command",
        })?;
    let Whom { customer, project: id, user } = whom.clone();
    let Some(user) = user else { return Ok((project.value, None)) };
    let key = UserKey { customer, project: id, user };
    Ok((project.value, Some(load_user(&*host.store, &key).await?.value)))
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
    record.value.given = None;
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
