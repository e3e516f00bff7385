//! What is due later than a queue can hold a message: an index in the store, which the tick works
//! off. SQS delays a message by at most fifteen minutes.

use std::time::Duration;

use engine::{EngineError, Host, records::Batch};
use jiff::{SignedDuration, Timestamp};
use model::Stored;
use ports::{Change, Key, Outgoing, QueueName};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A message that is due at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Due {
    queue: String,
    body: String,
}

impl Stored for Due {
    const KIND: &'static str = "due message";
}

/// The customer that a message is about: every message of ours names its user.
pub(crate) fn customer_of(body: &str) -> Option<String> {
    let message: serde_json::Value = serde_json::from_str(body).ok()?;
    Some(message.get("user")?.get("customer")?.as_str()?.to_owned())
}

fn partition(customer: &str) -> String {
    format!("C#{customer}#DUE")
}

/// Seconds since 1970 with leading zeros, so that keys are in the order of time.
fn stamp(at: Timestamp) -> String {
    format!("{:012}", at.as_second())
}

/// A short name for a text, the same each time.
pub(crate) fn name_of(text: &str) -> String {
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(Sha256::digest(text)) {
        *to = from;
    }
    format!("{:016x}", u64::from_be_bytes(first))
}

/// Keeps a message until its pause is over. The same message at the same second is kept once.
pub(crate) async fn keep(
    host: &Host,
    customer: &str,
    queue: &QueueName,
    body: &str,
    pause: Duration,
) -> Result<(), EngineError> {
    let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
    let at = host.clock.now().checked_add(pause).unwrap_or(Timestamp::MAX);
    let name = name_of(&format!("{queue}\n{body}"));
    let due = Due { queue: queue.to_string(), body: body.to_owned() };
    let mut batch = Batch::new();
    batch.overwrite((partition(customer), format!("{}#{name}", stamp(at))), &due)?;
    Ok(batch.commit(&*host.store).await?)
}

/// Sends what is due; says how many. Sent first and removed then: after a crash between the two a
/// message goes twice, which every receiver stands.
pub(crate) async fn release(host: &Host, customer: &str) -> Result<usize, EngineError> {
    let now = stamp(host.clock.now());
    let mut sent = 0;
    for record in host.store.query_all(&partition(customer), "").await? {
        // Up to and with this second.
        if record.key.sort.get(..now.len()).is_none_or(|at| at > now.as_str()) {
            break;
        }
        let due = Due::from_bytes(&record.value)?;
        let message = Outgoing {
            queue: QueueName::parse(&due.queue)?,
            body: due.body,
            delay: Duration::ZERO,
            group: customer.to_owned(),
        };
        host.queue.send(&[message]).await?;
        let key = Key::new(record.key.partition, record.key.sort);
        let gone = Change::Delete { key, expect: ports::Expect::Anything };
        host.store.commit(&[gone]).await?;
        sent += 1;
    }
    Ok(sent)
}
