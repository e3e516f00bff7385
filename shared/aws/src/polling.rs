//! The polling of queues, switched on and off: an empty queue that is polled costs money.

use http::Method;
use serde_json::json;

use crate::{
    Caller, Operation,
    call::{Ask, AwsError},
};

/// The codes of a mapping that is being changed ("UpdateEventSourceMapping", Lambda API Reference).
const IN_USE: [&str; 2] = ["ResourceInUseException", "ResourceConflictException"];

/// The event source mappings of a deployment.
#[derive(Clone)]
pub struct Polling {
    caller: Caller,
    mappings: Vec<String>,
}

impl Polling {
    /// The mappings with these ids.
    pub fn new(caller: Caller, mappings: Vec<String>) -> Self {
        Self { caller, mappings }
    }

    /// Lets every queue be polled, or none. A mapping that is being changed is passed over: whoever
    /// needs it says it again. One that is refused keeps no other from being switched.
    pub async fn switch(&self, on: bool) -> Result<(), AwsError> {
        let mut first = Ok(());
        for id in &self.mappings {
            let ask = Ask {
                service: "lambda",
                operation: Operation::UpdateEventSourceMapping,
                method: Method::PUT,
                path: format!("/2015-03-31/event-source-mappings/{id}"),
                headers: vec![("content-type", "application/json".to_owned())],
                body: json!({ "Enabled": on }).to_string(),
            };
            match self.caller.ask(&ask).await {
                Ok(_) => {}
                Err(error) if IN_USE.iter().any(|code| error.is(code)) => {}
                Err(error) => first = first.and(Err(error)),
            }
        }
        first
    }
}
