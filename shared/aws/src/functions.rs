//! Functions of the same deployment, called as an event calls them.

use http::Method;
use serde_json::Value;

use crate::{
    Caller, Operation,
    call::{Ask, AwsError},
};

/// The functions of one stack.
#[derive(Clone)]
pub struct Functions {
    caller: Caller,
    stack: String,
}

impl Functions {
    /// The functions of the stack of this name.
    pub fn new(caller: Caller, stack: impl Into<String>) -> Self {
        Self { caller, stack: stack.into() }
    }

    /// Hands an event to a function, by its name without the stack's; nobody waits for what comes of
    /// it.
    pub async fn call(&self, function: &str, event: &Value) -> Result<(), AwsError> {
        let path = format!("/2015-03-31/functions/{}-{function}/invocations", self.stack);
        let mut ask = Ask::rest("lambda", Operation::Invoke, Method::POST, path, Some(event));
        ask.headers.push(("x-amz-invocation-type", "Event".to_owned()));
        self.caller.ask(&ask).await.map(drop)
    }
}
