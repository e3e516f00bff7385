//! The polling of queues, switched on and off: an empty queue that is polled costs money.

use http::Method;
use serde_json::json;

use crate::{
    Caller, Operation,
    call::{Ask, AwsError},
};

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
    /// needs it says it again.
    pub async fn switch(&self, on: bool) -> Result<(), AwsError> {
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
                Err(error) if error.is("ResourceInUse") || error.is("ResourceConflict") => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
