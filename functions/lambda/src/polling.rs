//! Whether the queues are polled: an empty queue that is polled costs money.
//!
//! Whoever is about to send something says so in a record first, and switches polling on then. Who would
//! switch it off has read the record before looking whether anything is left to do, and gives whoever
//! spoke last the time to do what was said. It takes the record only if nobody has spoken since; and when
//! somebody spoke while it was switching off, it switches on again. So no start is left without anybody
//! who listens.

use engine::records::{Batch, Loaded, load};
use jiff::{SignedDuration, Timestamp};
use model::Stored;
use ports::CommitError;
use serde::{Deserialize, Serialize};

use crate::{Deployment, FunctionError, layout::BOOKS};

/// Whoever has spoken has sent everything after so long: no invocation lasts longer that starts a wave.
const LINGER: SignedDuration = SignedDuration::from_mins(5);

/// What was said last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Polling {
    on: bool,
    since: Timestamp,
}

impl Stored for Polling {
    const KIND: &'static str = "polling";
}

/// What had been said when somebody began to look.
pub(crate) struct Said(Option<Loaded<Polling>>);

impl Said {
    /// Whether the queues are not polled.
    pub(crate) fn is_off(&self) -> bool {
        self.0.as_ref().is_some_and(|said| !said.value.on)
    }
}

/// What has been said last.
pub(crate) async fn said(deployment: &Deployment) -> Result<Said, FunctionError> {
    Ok(Said(load(&*deployment.host.store, place()).await?))
}

/// Lets every queue be polled.
pub(crate) async fn on(deployment: &Deployment) -> Result<(), FunctionError> {
    while !say(deployment, &said(deployment).await?, true).await? {}
    deployment.switch.polling(true).await.map_err(FunctionError::Switch)
}

/// Lets no queue be polled, unless somebody has spoken since `before`, or does so meanwhile. Whether they
/// are polled now.
pub(crate) async fn off(deployment: &Deployment, before: &Said) -> Result<bool, FunctionError> {
    if before.is_off() {
        return Ok(false);
    }
    let now = deployment.host.clock.now();
    let lingers =
        before.0.as_ref().is_some_and(|said| now.duration_since(said.value.since) < LINGER);
    // Still on: whoever dies from here on leaves it to the next one.
    if lingers || !say(deployment, before, true).await? {
        return Ok(true);
    }
    let mine = Said(Some(Loaded {
        value: Polling { on: true, since: now },
        version: before.0.as_ref().map_or(0, |before| before.version) + 1,
    }));
    deployment.switch.polling(false).await.map_err(FunctionError::Switch)?;
    if say(deployment, &mine, false).await? {
        return Ok(false);
    }
    deployment.switch.polling(true).await.map_err(FunctionError::Switch)?;
    Ok(true)
}

fn place() -> (String, String) {
    (BOOKS.to_owned(), "POLLING".to_owned())
}

/// Writes it down; false if somebody else was first.
async fn say(deployment: &Deployment, before: &Said, on: bool) -> Result<bool, FunctionError> {
    let version = before.0.as_ref().map_or(0, |before| before.version);
    let mut batch = Batch::new();
    batch.put(place(), &Polling { on, since: deployment.host.clock.now() }, version)?;
    match batch.commit(&*deployment.host.store).await {
        Ok(()) => Ok(true),
        Err(CommitError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
