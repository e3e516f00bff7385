//! Receiving, acknowledging, deferring.

use std::time::Duration;

use aws_sdk_sqs::{
    error::SdkError,
    operation::change_message_visibility::ChangeMessageVisibilityError,
    types::{Message, MessageSystemAttributeName},
};
use ports::{Delivery, QueueError, QueueName, Receipt};

use super::{SqsQueues, seconds};
use crate::{Operation, trouble::trouble};

impl SqsQueues {
    pub(super) async fn receive_up_to(
        &self,
        queue: &QueueName,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Delivery>, QueueError> {
        let url = &self.url(queue);
        let max = i32::try_from(max).unwrap_or(i32::MAX);
        let received = self
            .asking(Operation::ReceiveMessage, || {
                let request = self
                    .client
                    .receive_message()
                    .queue_url(url)
                    .max_number_of_messages(max)
                    .visibility_timeout(seconds(visibility))
                    .wait_time_seconds(0)
                    .message_system_attribute_names(
                        MessageSystemAttributeName::ApproximateReceiveCount,
                    );
                async move {
                    request.send().await.map_err(|error| trouble("ReceiveMessage", url, &error))
                }
            })
            .await?;
        let deliveries = received.messages.unwrap_or_default().into_iter().map(delivery);
        let deliveries: Vec<_> = deliveries.collect::<Result<_, _>>()?;
        self.meter.count(Operation::ReceiveMessage, |spent| {
            spent.messages += u64::try_from(deliveries.len()).unwrap_or(u64::MAX);
        });
        Ok(deliveries)
    }

    pub(super) async fn delete(
        &self,
        queue: &QueueName,
        receipt: &Receipt,
    ) -> Result<(), QueueError> {
        let url = &self.url(queue);
        self.asking(Operation::DeleteMessage, || {
            let request = self.client.delete_message().queue_url(url).receipt_handle(&receipt.0);
            async move {
                match request.send().await {
                    Ok(_) => Ok(()),
                    Err(error) if is_gone(&error) => Ok(()),
                    Err(error) => Err(trouble("DeleteMessage", url, &error)),
                }
            }
        })
        .await
    }

    pub(super) async fn hide(
        &self,
        queue: &QueueName,
        receipt: &Receipt,
        delay: Duration,
    ) -> Result<(), QueueError> {
        let mut delay = seconds(delay);
        while !self.hide_for(queue, receipt, delay).await? {
            // The twelve hours count from the receive, which a receipt does not tell. Coming early is
            // no harm: a baton that is not due is sent on.
            delay /= 2;
        }
        Ok(())
    }

    /// Whether the message may be hidden for so many seconds.
    async fn hide_for(
        &self,
        queue: &QueueName,
        receipt: &Receipt,
        delay: i32,
    ) -> Result<bool, QueueError> {
        let url = &self.url(queue);
        self.asking(Operation::ChangeMessageVisibility, || {
            let request = self
                .client
                .change_message_visibility()
                .queue_url(url)
                .receipt_handle(&receipt.0)
                .visibility_timeout(delay);
            async move {
                match request.send().await {
                    Ok(_) => Ok(true),
                    Err(error) if is_gone(&error) => Ok(true),
                    Err(error) if delay > 0 && is_too_long(&error) => Ok(false),
                    Err(error) => Err(trouble("ChangeMessageVisibility", url, &error)),
                }
            }
        })
        .await
    }
}

fn delivery(message: Message) -> Result<Delivery, QueueError> {
    let count = message
        .attributes()
        .and_then(|attributes| attributes.get(&MessageSystemAttributeName::ApproximateReceiveCount))
        .and_then(|count| count.parse().ok());
    match (message.body, message.receipt_handle, count) {
        (Some(body), Some(receipt), Some(receive_count)) => {
            Ok(Delivery { body, receipt: Receipt(receipt), receive_count })
        }
        _ => Err(QueueError::Unavailable(
            "SQS delivered a message without body, receipt or receive count".to_owned(),
        )),
    }
}

/// Whether the message of a receipt is not there any more or not in flight, or the receipt is none:
/// the port asks for no error then.
fn is_gone<E>(error: &SdkError<E, aws_smithy_runtime_api::http::Response>) -> bool
where
    E: aws_sdk_sqs::error::ProvideErrorMetadata,
{
    let Some(error) = error.as_service_error() else { return false };
    let code = error.code().unwrap_or_default();
    let code = code.rsplit(['.', '#']).next().unwrap_or(code);
    let absent = error.message().is_some_and(|message| message.contains("does not exist"));
    matches!(code, "ReceiptHandleIsInvalid" | "InvalidIdFormat" | "MessageNotInflight")
        || (code == "InvalidParameterValue" && absent)
}

/// Whether this delay and the time since the receive are more than twelve hours together ("Amazon SQS
/// visibility timeout").
fn is_too_long(
    error: &SdkError<ChangeMessageVisibilityError, aws_smithy_runtime_api::http::Response>,
) -> bool {
    use aws_sdk_sqs::error::ProvideErrorMetadata as _;
    let service = error.as_service_error();
    service
        .and_then(|error| error.message())
        .is_some_and(|message| message.contains("beyond the limit"))
}
