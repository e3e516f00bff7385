//! What the adapters asked AWS for: the figures that a price is made of.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// What was asked of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the vendor's")]
pub enum Operation {
    GetItem,
    Query,
    PutItem,
    UpdateItem,
    DeleteItem,
    TransactWriteItems,
    SendMessageBatch,
    ReceiveMessage,
    DeleteMessage,
    ChangeMessageVisibility,
    GetSecretValue,
    AssumeRole,
    GetWebIdentityToken,
    PutEvents,
    CreateSchedule,
    UpdateSchedule,
    DeleteSchedule,
    UpdateEventSourceMapping,
    GetObject,
    Invoke,
}

impl Operation {
    /// The vendor's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GetItem => "GetItem",
            Self::Query => "Query",
            Self::PutItem => "PutItem",
            Self::UpdateItem => "UpdateItem",
            Self::DeleteItem => "DeleteItem",
            Self::TransactWriteItems => "TransactWriteItems",
            Self::SendMessageBatch => "SendMessageBatch",
            Self::ReceiveMessage => "ReceiveMessage",
            Self::DeleteMessage => "DeleteMessage",
            Self::ChangeMessageVisibility => "ChangeMessageVisibility",
            Self::GetSecretValue => "GetSecretValue",
            Self::AssumeRole => "AssumeRole",
            Self::GetWebIdentityToken => "GetWebIdentityToken",
            Self::PutEvents => "PutEvents",
            Self::CreateSchedule => "CreateSchedule",
            Self::UpdateSchedule => "UpdateSchedule",
            Self::DeleteSchedule => "DeleteSchedule",
            Self::UpdateEventSourceMapping => "UpdateEventSourceMapping",
            Self::GetObject => "GetObject",
            Self::Invoke => "Invoke",
        }
    }
}

/// What one operation came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spent {
    /// Requests that were sent, each attempt counted.
    pub requests: u64,
    /// Requests as they are billed: SQS counts each 64 KiB of a request as one.
    pub billed: u64,
    /// Messages, of the queue's operations.
    pub messages: u64,
    /// Read units that DynamoDB reported (4 KB, strongly consistent).
    pub read_units: f64,
    /// Write units that DynamoDB reported (1 KB; twice that in a transaction).
    pub write_units: f64,
    /// Requests that were refused or whose reply was lost. DynamoDB reports no units for them, though
    /// it bills the writes whose condition failed.
    pub refused: u64,
}

/// Counts by operation. Clones count into the same figures.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<BTreeMap<Operation, Spent>>>);

impl Meter {
    /// A meter that shows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was spent since the meter was made or last taken.
    pub fn snapshot(&self) -> BTreeMap<Operation, Spent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was spent, and begins again at nothing: a Lambda function reports each invocation's.
    pub fn take(&self) -> BTreeMap<Operation, Spent> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts into one operation.
    pub(crate) fn count(&self, operation: Operation, count: impl FnOnce(&mut Spent)) {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        count(spent.entry(operation).or_default());
    }

    /// Counts one request of the plain price.
    pub(crate) fn request(&self, operation: Operation) {
        self.count(operation, |spent| {
            spent.requests += 1;
            spent.billed += 1;
        });
    }

    /// Counts that the last request was refused or lost.
    pub(crate) fn refused(&self, operation: Operation) {
        self.count(operation, |spent| spent.refused += 1);
    }
}
