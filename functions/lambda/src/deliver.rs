//! A batch of messages: each is handled on its own, and none can spoil another.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_trait::async_trait;
use catalogue::{Function, Step};
use engine::{EngineError, Host, StepContext, StepResult, Steps, Verdict, notify::Whom};
use futures_util::{FutureExt, future};
use model::JobId;
use ports::{CommitError, MAX_DELAY, Outgoing, QueueName, Receipt, StoreError};
use serde::Deserialize;
use tracing::Instrument;

use crate::{
    dead, due,
    event::{BatchResponse, QueueEvent, QueueRecord},
    gather::Gathering,
};

/// So often a message is received before it is a dead letter: as the template's redrive says.
pub(crate) const MAX_RECEIVES: u32 = 10;
/// An invocation leaves so much of its time for the answers.
const RESERVE: Duration = Duration::from_secs(2);
/// A busy store is left alone for so long.
const BUSY_PAUSE: Duration = Duration::from_secs(5);

/// The steps, which say whose wave they work for: the message does not.
struct Told<'a>(&'a dyn Steps);

#[async_trait]
impl Steps for Told<'_> {
    async fn run(&self, step: Step, cx: &StepContext<'_>) -> StepResult {
        if let Some(wave) = &cx.user().wave {
            tracing::Span::current().record("wave", wave.as_str());
        }
        self.0.run(step, cx).await
    }
}

/// What became of one message.
enum Fate {
    /// It is dealt with.
    Done,
    /// It is to come again, by no fault of its own.
    Again(Duration),
    /// It is to come again, and its receives are counted.
    Failed(String),
    /// It can never be handled.
    Dead(String),
}

/// Handles a batch; the answer names the messages that come again.
pub async fn deliver(
    host: &Host,
    steps: &dyn Steps,
    function: Function,
    event: QueueEvent,
) -> BatchResponse {
    let records = &event.records;
    let (queue, clock) = (Arc::clone(&host.queue), Arc::clone(&host.clock));
    let gathering = Arc::new(Gathering::new(queue, clock, records.len()));
    let host = &Host { queue: Arc::<Gathering>::clone(&gathering), ..host.clone() };
    let work = records.iter().map(|record| {
        let (span, gathering) = (span(record), &gathering);
        async move {
            let fate = fate(host, steps, function, record).await;
            let settled = settle(host, function, record, fate).await;
            gathering.ended().await;
            settled
        }
        .instrument(span)
    });
    let settled = future::join_all(work).await;
    let mut response = BatchResponse::default();
    for (record, settled) in records.iter().zip(settled) {
        if !settled {
            response.fail(&record.message_id);
        }
    }
    response
}

/// What every message of ours says of itself: batons and messages of notifications.
#[derive(Deserialize)]
struct About {
    user: Whom,
    job: Option<JobId>,
    step: Option<Step>,
}

/// Whose message it is, for the log.
fn span(record: &QueueRecord) -> tracing::Span {
    let attempt = record.receives();
    match serde_json::from_str::<About>(&record.body) {
        Ok(about) => tracing::info_span!(
            "message",
            customer = %about.user.customer,
            project = %about.user.project,
            user = about.user.user.as_ref().map(display),
            job = about.job.as_ref().map(display),
            step = about.step.as_ref().map(display),
            wave = tracing::field::Empty,
            attempt,
        ),
        Err(_) => tracing::info_span!("message", message = %record.message_id, attempt),
    }
}

async fn fate(host: &Host, steps: &dyn Steps, function: Function, record: &QueueRecord) -> Fate {
    let handling = async {
        match function {
            Function::Notify => engine::notify::handle_notification(host, &record.body).await,
            _ => engine::handle(host, &Told(steps), &record.body).await,
        }
    };
    let handling = AssertUnwindSafe(tenant::counted(handling)).catch_unwind();
    let time = host.identity.until.map(|until| {
        let left = Duration::try_from(until.duration_since(host.clock.now())).unwrap_or_default();
        left.saturating_sub(RESERVE)
    });
    let over = async {
        match time {
            Some(time) => host.clock.sleep(time).await,
            None => future::pending().await,
        }
    };
    let handled = match future::select(Box::pin(handling), Box::pin(over)).await {
        future::Either::Left((handled, _)) => handled,
        future::Either::Right(_) => {
            let text = "the invocation's time is over; the step goes on where it stopped";
            return Fate::Failed(text.to_owned());
        }
    };
    match handled {
        Ok(Ok(Verdict::Acknowledge)) => Fate::Done,
        Ok(Ok(Verdict::Defer(pause))) => Fate::Again(pause),
        Ok(Ok(Verdict::Poison(why))) => Fate::Dead(why),
        Ok(Err(error)) if is_busy(&error) => Fate::Again(BUSY_PAUSE),
        Ok(Err(error)) => Fate::Failed(error.to_string()),
        Err(panic) => Fate::Failed(format!("the step panicked: {}", words(&*panic))),
    }
}

/// What a panic said.
fn words(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}

/// A throttled store says nothing about the message.
fn is_busy(error: &EngineError) -> bool {
    matches!(
        error,
        EngineError::Store(StoreError::Throttled(_))
            | EngineError::Commit(CommitError::Throttled(_))
    )
}

/// Does what a message's fate asks for; whether the message may be removed.
async fn settle(host: &Host, function: Function, record: &QueueRecord, fate: Fate) -> bool {
    match fate {
        Fate::Done => true,
        Fate::Again(pause) => match again(host, function, record, pause).await {
            Ok(()) => {
                tracing::debug!(seconds = pause.as_secs(), "deferred");
                true
            }
            Err(error) => {
                tracing::warn!(%error, "a message could not be deferred; it comes again");
                false
            }
        },
        Fate::Failed(why) if record.receives() < MAX_RECEIVES => {
            tracing::warn!(why, "a message could not be handled; it comes again");
            back_off(host, function, record).await;
            false
        }
        Fate::Failed(why) | Fate::Dead(why) => {
            tracing::error!(why, "a message can never be handled; it is kept apart");
            match bury(host, function, record, why).await {
                Ok(()) => true,
                Err(error) => {
                    tracing::warn!(%error, "a dead letter could not be sent; it comes again");
                    false
                }
            }
        }
    }
}

fn queue_of(function: Function) -> Result<QueueName, EngineError> {
    Ok(QueueName::parse(&function.queue().unwrap_or_default())?)
}

/// Sends the message anew, so that waiting never uses its receives up. A pause that is longer than a
/// queue can hold a message goes into the index of what is due, and costs nothing meanwhile.
async fn again(
    host: &Host,
    function: Function,
    record: &QueueRecord,
    pause: Duration,
) -> Result<(), EngineError> {
    let queue = queue_of(function)?;
    let customer = due::customer_of(&record.body);
    if let Some(customer) = customer.as_deref().filter(|_| pause > MAX_DELAY) {
        return due::keep(host, customer, &queue, &record.body, pause).await;
    }
    let message = Outgoing {
        queue,
        body: record.body.clone(),
        // SQS counts in whole seconds; too early is a wasted invocation.
        delay: Duration::from_secs(pause.as_secs() + u64::from(pause.subsec_nanos() > 0))
            .min(MAX_DELAY),
        group: customer.unwrap_or_default(),
    };
    Ok(host.queue.send(&[message]).await?)
}

/// Lets a failed message come sooner than its visibility says: 5, 10, 20 seconds and so on.
async fn back_off(host: &Host, function: Function, record: &QueueRecord) {
    let pause = (Duration::from_secs(5) * 2_u32.pow(record.receives().min(7).saturating_sub(1)))
        .min(MAX_DELAY);
    let Ok(queue) = queue_of(function) else { return };
    let receipt = Receipt(record.receipt_handle.clone());
    if let Err(error) = host.queue.defer(&queue, &receipt, pause).await {
        tracing::debug!(%error, "the message comes when its visibility is over");
    }
}

/// Puts the message where a person sees it, with its reason.
async fn bury(
    host: &Host,
    function: Function,
    record: &QueueRecord,
    why: String,
) -> Result<(), EngineError> {
    let queue = queue_of(function)?;
    let body = dead::wrap(&queue, &record.body, why)?;
    let message = Outgoing {
        queue: queue.dead_letter(),
        body,
        delay: Duration::ZERO,
        group: due::customer_of(&record.body).unwrap_or_default(),
    };
    Ok(host.queue.send(&[message]).await?)
}
