//! Lambda's `Invoke`, as far as a function hands an event to another and does not wait.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use catalogue::Function;
use http::StatusCode;

use crate::{
    deliveries::Deliveries,
    serve::{Answer, refusal, spawn, text},
    stack::STACK,
};

/// Functions that call functions.
#[derive(Default)]
pub(crate) struct Calls(OnceLock<Arc<Deliveries>>);

impl Calls {
    /// From now on calls are delivered.
    pub(crate) fn begin(&self, deliveries: &Arc<Deliveries>) {
        // It begins once.
        drop(self.0.set(Arc::clone(deliveries)));
    }

    /// Answers a request: the event is taken, and delivered beside everything else.
    pub(crate) fn answer(&self, path: &str, body: &Bytes) -> Answer {
        let name = called(path).unwrap_or_default();
        let function = Function::all().find(|one| format!("{STACK}-{}", infra::slug(*one)) == name);
        let (Some(function), Some(deliveries), Ok(event)) =
            (function, self.0.get(), serde_json::from_slice(body))
        else {
            return refusal(StatusCode::NOT_FOUND, "ResourceNotFoundException", name);
        };
        let deliveries = Arc::clone(deliveries);
        // What fails is among the dead letters again.
        spawn(async move { drop(deliveries.deliver(function, &event).await) });
        text(StatusCode::ACCEPTED, "")
    }
}

/// The name of the function that a path calls.
pub(crate) fn called(path: &str) -> Option<&str> {
    path.strip_prefix("/2015-03-31/functions/")?.strip_suffix("/invocations")
}
