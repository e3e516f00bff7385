//! Sending: a batch a queue, and only what failed again.

use std::collections::BTreeMap;

use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchRequestEntry};
use futures_util::future::try_join_all;
use ports::{Outgoing, QueueError, QueueName};

use super::{SqsQueues, seconds};
use crate::{
    Operation,
    trouble::{Trouble, of_reply, trouble},
};

/// SQS bills each 64 KiB of a request as one.
const BILLED_BYTES: usize = 64 * 1024;

impl SqsQueues {
    pub(super) async fn send_all(&self, messages: &[Outgoing]) -> Result<(), QueueError> {
        let mut by_queue: BTreeMap<&QueueName, Vec<&Outgoing>> = BTreeMap::new();
        for message in messages {
            by_queue.entry(&message.queue).or_default().push(message);
        }
        try_join_all(by_queue.into_iter().map(|(queue, batch)| self.send_batch(queue, batch)))
            .await?;
        Ok(())
    }

    /// Sends one queue's messages. Of a batch that failed in part, only the failed ones go again.
    async fn send_batch(
        &self,
        queue: &QueueName,
        mut batch: Vec<&Outgoing>,
    ) -> Result<(), QueueError> {
        let url = self.url(queue);
        let mut attempts = self.retry.attempts();
        loop {
            let trouble = match self.send_once(&url, &batch).await {
                Ok(failed) if failed.is_empty() => return Ok(()),
                Ok(failed) => {
                    let trouble = worst(&failed, &url);
                    batch = left(&batch, &failed);
                    trouble
                }
                Err(trouble) => trouble,
            };
            self.meter.refused(Operation::SendMessageBatch);
            if matches!(trouble, Trouble::Refused(_)) || !attempts.again().await {
                let (Trouble::Busy(text) | Trouble::Lost(text) | Trouble::Refused(text)) = trouble;
                return Err(QueueError::Unavailable(text));
            }
        }
    }

    /// One request; returns the entries that failed.
    async fn send_once(
        &self,
        url: &str,
        batch: &[&Outgoing],
    ) -> Result<Vec<BatchResultErrorEntry>, Trouble> {
        let bytes: usize = batch.iter().map(|message| message.body.len()).sum();
        self.meter.count(Operation::SendMessageBatch, |spent| {
            spent.requests += 1;
            spent.billed += u64::try_from(bytes.div_ceil(BILLED_BYTES).max(1)).unwrap_or(u64::MAX);
        });
        let entries: Result<Vec<_>, _> = batch
            .iter()
            .enumerate()
            .map(|(number, message)| {
                SendMessageBatchRequestEntry::builder()
                    .id(number.to_string())
                    .message_body(&message.body)
                    .delay_seconds(seconds(message.delay))
                    .set_message_group_id(group(message))
                    .build()
            })
            .collect();
        let entries = entries.map_err(|error| Trouble::Refused(error.to_string()))?;
        let request = self.client.send_message_batch().queue_url(url).set_entries(Some(entries));
        let sent = request.send().await.map_err(|e| trouble("SendMessageBatch", url, &e))?;
        let sent_well = batch.len().saturating_sub(sent.failed().len());
        self.meter.count(Operation::SendMessageBatch, |spent| {
            spent.messages += u64::try_from(sent_well).unwrap_or(u64::MAX);
        });
        Ok(sent.failed)
    }
}

/// SQS takes no empty group.
fn group(message: &Outgoing) -> Option<String> {
    (!message.group.is_empty()).then(|| message.group.clone())
}

/// What the failed entries mean together: one that will never be taken ends the attempts.
fn worst(failed: &[BatchResultErrorEntry], url: &str) -> Trouble {
    let one = failed.iter().find(|entry| entry.sender_fault()).or_else(|| failed.first());
    let Some(entry) = one else { return Trouble::Lost(format!("SendMessageBatch on {url}")) };
    let status = if entry.sender_fault() { 400 } else { 503 };
    let message = entry.message().unwrap_or("no message");
    of_reply(&format!("one message of SendMessageBatch on {url}"), status, entry.code(), message)
}

/// The messages that failed.
fn left<'a>(batch: &[&'a Outgoing], failed: &[BatchResultErrorEntry]) -> Vec<&'a Outgoing> {
    batch
        .iter()
        .enumerate()
        .filter(|(number, _)| failed.iter().any(|entry| entry.id() == number.to_string()))
        .map(|(_, message)| *message)
        .collect()
}
