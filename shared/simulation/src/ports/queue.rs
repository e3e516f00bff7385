//! A queue whose messages come twice, late, out of order, after an hour, and at which processes die.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use conformance::reference::{ModelQueue, ModelStore};
use futures_util::FutureExt;
use jiff::Timestamp;
use ports::{Delivery, Outgoing, Queue, QueueError, QueueName, Receipt};

use crate::{
    fault::FaultKind,
    planted::{self, Bug},
    stage::SharedStage,
};

/// How long a lost message is lost.
const LOST: Duration = Duration::from_hours(1);

pub(crate) struct FaultyQueue {
    pub(crate) inner: Arc<ModelQueue>,
    store: Arc<ModelStore>,
    pub(crate) stage: SharedStage,
    /// Messages that are lost for a while, by when they come back.
    pub(crate) lost: Mutex<BTreeMap<(Timestamp, u64), Outgoing>>,
}

impl FaultyQueue {
    pub(crate) fn new(inner: Arc<ModelQueue>, store: Arc<ModelStore>, stage: SharedStage) -> Self {
        Self { inner, store, stage, lost: Mutex::default() }
    }

    /// When the next lost message comes back.
    pub(crate) fn next_found(&self) -> Option<Timestamp> {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.keys().next().map(|(at, _)| *at)
    }

    /// Delivers the lost messages that have come back by now.
    pub(crate) fn find(&self) {
        let now = self.stage.now();
        let found: Vec<Outgoing> = {
            let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
            let still = lost.split_off(&(now, u64::MAX));
            std::mem::replace(&mut *lost, still).into_values().collect()
        };
        for message in found {
            self.put(message);
        }
    }

    /// The model answers at once and keeps every legal message.
    fn put(&self, message: Outgoing) {
        let sent = self.inner.send(&[message]).now_or_never();
        if !matches!(sent, Some(Ok(()))) {
            self.stage.violated("simulation", format!("the queue refused a message: {sent:?}"));
        }
    }

    fn pass(&self, message: &Outgoing) {
        let mut message = message.clone();
        if self.stage.fires(FaultKind::Duplicate).is_some() {
            let mut copy = message.clone();
            // A space behind it, which no reader minds, tells the copy from the original in traces.
            copy.body.push(' ');
            self.put(copy);
        }
        if let Some(bits) = self.stage.fires(FaultKind::Late) {
            let late = Duration::from_millis(bits % 60_000);
            message.delay = (message.delay + late).min(ports::MAX_DELAY);
        }
        if self.stage.fires(FaultKind::LostForAnHour).is_some() {
            let back = self.stage.now().checked_add(LOST).unwrap_or(Timestamp::MAX);
            let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
            let number = lost.len() as u64;
            lost.insert((back, number), message);
            return;
        }
        self.put(message);
    }
}

#[async_trait]
impl Queue for FaultyQueue {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), QueueError> {
        ports::sendable(messages)?;
        self.stage.boundary(FaultKind::CrashBeforeSend).await;
        if self.stage.fires(FaultKind::SendFails).is_some() {
            return Err(QueueError::Unavailable("simulated: not sent".to_owned()));
        }
        for message in messages {
            let delay = message.delay.as_secs();
            self.stage.note(&format!("send {} in {delay} s", message.queue));
            if !planted::queue::swallowed(&self.stage, message) {
                self.pass(message);
            }
        }
        self.stage.boundary(FaultKind::CrashAfterSend).await;
        planted::store::flush(&self.stage, &self.store).await;
        if self.stage.fires(FaultKind::SendReplyLost).is_some() {
            return Err(QueueError::Unavailable("simulated: sent".to_owned()));
        }
        Ok(())
    }

    async fn receive(
        &self,
        queue: &QueueName,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, QueueError> {
        let visibility = match self.stage.happens(FaultKind::ShortVisibility) {
            Some(bits) => Duration::from_millis(50 + bits % 3_000),
            None => visibility,
        };
        self.inner.receive(queue, max, visibility).await
    }

    async fn acknowledge(&self, queue: &QueueName, receipt: &Receipt) -> Result<(), QueueError> {
        if self.stage.fires(FaultKind::AcknowledgeLost).is_some() {
            return Err(QueueError::Unavailable("simulated: not acknowledged".to_owned()));
        }
        self.inner.acknowledge(queue, receipt).await
    }

    async fn defer(
        &self,
        queue: &QueueName,
        receipt: &Receipt,
        delay: Duration,
    ) -> Result<(), QueueError> {
        if self.stage.fires(FaultKind::AcknowledgeLost).is_some() {
            return Err(QueueError::Unavailable("simulated: not deferred".to_owned()));
        }
        if self.stage.has_bug(Bug::DeferredIsForgotten) {
            return self.inner.acknowledge(queue, receipt).await;
        }
        self.inner.defer(queue, receipt, delay).await
    }
}
