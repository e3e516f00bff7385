//! Dead letters: taken out of their queues, kept with their reasons in the deployment's books, and
//! sent back by one command. Those of functions that events call are the events.

use std::{collections::BTreeMap, time::Duration};

use catalogue::Function;
use engine::{
    EngineError, Host,
    records::{Batch, load_all},
};
use jiff::Timestamp;
use model::{CustomerId, Stored, WireError};
use ports::{Change, Expect, Key, MAX_BATCH, Outgoing, QueueName};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Deployment, FunctionError,
    due::{customer_of, name_of},
    layout::BOOKS,
};

const DEAD: &str = "X#";
/// So many bytes of a message are kept. Ours have some hundreds; a letter must fit into a message
/// however its characters are escaped, and into a record.
const KEPT: usize = 8 * 1024;
/// Long enough to keep what was taken.
const VISIBILITY: Duration = Duration::from_mins(2);

/// A message that could not be handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The queue that it belongs to.
    pub queue: String,
    /// The message.
    pub body: String,
    /// Why it could not be handled.
    pub why: String,
    /// How many bytes the message had, where it was too long to be kept: then `body` is its beginning,
    /// and it cannot be sent again.
    #[serde(default)]
    pub cut: Option<usize>,
    /// When it was collected.
    #[serde(default)]
    pub at: Option<Timestamp>,
}

impl Stored for DeadLetter {
    const KIND: &'static str = "dead letter";
}

impl DeadLetter {
    fn new(queue: &QueueName, body: &str, why: String) -> Self {
        let end = body.floor_char_boundary(KEPT);
        let cut = (end < body.len()).then_some(body.len());
        let body = body.get(..end).unwrap_or_default().to_owned();
        Self { queue: queue.to_string(), body, why, cut, at: None }
    }

    /// What Lambda keeps of an event that its function did not handle ("Capturing records of
    /// asynchronous invocations"), or a bus of one that it could not hand over: the event alone.
    fn of_event(queue: &QueueName, text: &str) -> Self {
        let kept: Value = serde_json::from_str(text).unwrap_or_default();
        let said = kept.pointer("/responsePayload/errorMessage").and_then(Value::as_str);
        let condition = kept.pointer("/requestContext/condition").and_then(Value::as_str);
        match kept.get("requestPayload") {
            Some(event) => {
                let why = said.or(condition).unwrap_or("the function's log says why");
                Self::new(queue, &event.to_string(), why.to_owned())
            }
            None => Self::new(queue, text, "the bus could not call the function".to_owned()),
        }
    }
}

impl DeadLetter {
    /// What Lambda says of a part of the table's stream that was not handled and is given up ("Retaining
    /// discarded batch records for a DynamoDB event source"): where it lay, not what it held.
    fn of_stream(queue: &QueueName, text: &str) -> Self {
        let said: Value = serde_json::from_str(text).unwrap_or_default();
        let text_at =
            |place: &str| said.pointer(place).and_then(Value::as_str).unwrap_or("unknown");
        let count = said.pointer("/DDBStreamBatchInfo/batchSize").and_then(Value::as_u64);
        let why = format!(
            "{}: {} changes between {} and {} were not published; the table has them",
            text_at("/requestContext/condition"),
            count.map_or_else(|| "some".to_owned(), |count| count.to_string()),
            text_at("/DDBStreamBatchInfo/approximateArrivalOfFirstRecord"),
            text_at("/DDBStreamBatchInfo/approximateArrivalOfLastRecord"),
        );
        Self::new(queue, text, why)
    }
}

/// What was collected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Collected {
    /// Dead letters that are kept in all; the log turns it into a metric.
    pub dead_letters: usize,
}

/// The form in which a message goes to its queue of dead letters.
pub(crate) fn wrap(queue: &QueueName, body: &str, why: String) -> Result<String, EngineError> {
    let letter = DeadLetter::new(queue, body, why);
    let unreadable = |error: &dyn ToString| WireError::Unreadable {
        kind: DeadLetter::KIND,
        text: error.to_string(),
    };
    let bytes = letter.to_bytes()?;
    String::from_utf8(bytes).map_err(|error| unreadable(&error).into())
}

/// Takes all dead letters out of their queues and keeps them. Kept first and removed then.
pub async fn collect(host: &Host) -> Result<Collected, EngineError> {
    for function in Function::all() {
        let Some(name) = function.dead_letters() else { continue };
        let queue = QueueName::parse(&name)?;
        let dead = queue.dead_letter();
        loop {
            let deliveries = host.queue.receive(&dead, MAX_BATCH, VISIBILITY).await?;
            if deliveries.is_empty() {
                break;
            }
            for delivery in deliveries {
                let mut letter = if function.is_called_by_events() {
                    DeadLetter::of_event(&queue, &delivery.body)
                } else if function.follows_the_stream() {
                    DeadLetter::of_stream(&queue, &delivery.body)
                } else {
                    let letter = DeadLetter::from_bytes(delivery.body.as_bytes());
                    letter.unwrap_or_else(|_| {
                        let why = "it was delivered too often; the function's log says why";
                        DeadLetter::new(&queue, &delivery.body, why.to_owned())
                    })
                };
                letter.at = Some(host.clock.now());
                let mut batch = Batch::new();
                batch.overwrite(place(&letter), &letter)?;
                batch.commit(&*host.store).await?;
                host.queue.acknowledge(&dead, &delivery.receipt).await?;
            }
        }
    }
    Ok(Collected { dead_letters: list_dead(host).await?.len() })
}

/// One record for one message of one queue, however often it dies.
fn place(letter: &DeadLetter) -> (String, String) {
    let name = name_of(&letter.body);
    (BOOKS.to_owned(), format!("{DEAD}{}#{name}", letter.queue))
}

/// Every dead letter that is kept.
pub async fn list_dead(host: &Host) -> Result<Vec<DeadLetter>, EngineError> {
    let letters = load_all::<DeadLetter>(&*host.store, BOOKS, DEAD).await?;
    Ok(letters.into_iter().map(|letter| letter.value).collect())
}

/// How many dead letters lie there, by queue: those about a customer, and those about nobody.
pub(crate) async fn count_dead(
    host: &Host,
    customer: &CustomerId,
) -> Result<BTreeMap<String, usize>, EngineError> {
    let mut counts = BTreeMap::new();
    for letter in list_dead(host).await? {
        if customer_of(&letter.body).is_none_or(|whose| whose == customer.as_str()) {
            *counts.entry(letter.queue).or_default() += 1;
        }
    }
    Ok(counts)
}

/// What a redrive did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Redriven {
    /// Dead letters that went back to their queues, or as events to their functions.
    pub redriven: usize,
    /// Those that stay, because they were too long to be kept whole.
    pub kept: usize,
    /// Those that say that changes were not published: nothing can be sent again, so they are taken
    /// note of and go.
    #[serde(skip_serializing_if = "is_zero")]
    pub noted: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Sends all dead letters back to their queues, and events to their functions.
pub async fn redrive(deployment: &Deployment) -> Result<Redriven, FunctionError> {
    let host = &deployment.host;
    let called = |letter: &DeadLetter| {
        Function::all()
            .filter(|function| function.queue().is_none())
            .find(|function| function.dead_letters().as_deref() == Some(letter.queue.as_str()))
    };
    let (whole, cut): (Vec<_>, Vec<_>) =
        list_dead(host).await?.into_iter().partition(|letter| letter.cut.is_none());
    let mut noted = 0;
    for letter in &whole {
        match called(letter) {
            Some(function) if function.follows_the_stream() => noted += 1,
            Some(function) => {
                let event = serde_json::from_str(&letter.body).unwrap_or_default();
                deployment.calls.call(function, &event).await.map_err(FunctionError::Call)?;
            }
            None => {
                let message = Outgoing {
                    queue: QueueName::parse(&letter.queue).map_err(EngineError::from)?,
                    group: customer_of(&letter.body).unwrap_or_default(),
                    body: letter.body.clone(),
                    delay: Duration::ZERO,
                };
                host.queue.send(&[message]).await?;
            }
        }
        let (partition, sort) = place(letter);
        let key = Key::new(partition, sort);
        host.store.commit(&[Change::Delete { key, expect: Expect::Anything }]).await?;
    }
    Ok(Redriven { redriven: whole.len() - noted, kept: cut.len(), noted })
}
