//! Events that call functions: what fails is tried again, and what cannot be handled is kept among the
//! function's dead letters, as Lambda does with asynchronous invocations.

use std::{sync::Arc, time::Duration};

use catalogue::Function;
use ports::{Outgoing, Queue, QueueName};
use serde_json::{Value, json};

use crate::fleet::Fleet;

/// Delivers events to functions.
pub(crate) struct Deliveries {
    pub(crate) fleet: Arc<Fleet>,
    pub(crate) queues: Arc<dyn Queue>,
}

impl Deliveries {
    /// Calls a function with an event, as often as the template says; the last answer. In life minutes
    /// lie between two tries.
    pub(crate) async fn deliver(&self, function: Function, event: &Value) -> Result<Value, String> {
        let mut answer = self.fleet.invoke(function, event).await;
        for _ in 0..infra::RETRIES {
            if answer.is_ok() {
                break;
            }
            answer = self.fleet.invoke(function, event).await;
        }
        if let Err(why) = &answer {
            self.keep(function, event, why).await?;
        }
        answer
    }

    /// As Lambda keeps it ("Capturing records of asynchronous invocations").
    async fn keep(&self, function: Function, event: &Value, why: &str) -> Result<(), String> {
        let said: Value =
            serde_json::from_str(why).unwrap_or_else(|_| json!({ "errorMessage": why }));
        let record = json!({
            "version": "1.0",
            "requestContext": { "condition": "RetriesExhausted" },
            "requestPayload": event, "responsePayload": said,
        });
        let queue = QueueName::parse(&function.dead_letters().unwrap_or_default());
        let message = Outgoing {
            queue: queue.map_err(|error| error.to_string())?.dead_letter(),
            body: record.to_string(),
            delay: Duration::ZERO,
            group: String::new(),
        };
        self.queues.send(&[message]).await.map_err(|error| error.to_string())
    }
}
