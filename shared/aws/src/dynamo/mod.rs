//! The store adapter: one table, on demand.

mod action;
mod anchor;
mod commit;
mod item;
mod read;
mod single;
mod transaction;
pub(crate) mod value;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use ports::{
    Change, Clock, CommitError, Key, Page, Query, Random, Record, Store, StoreError, within_limits,
};

use crate::{Meter, Operation, retry::Retry, trouble::Trouble};

/// Which records a table treats apart. The port knows nothing of it: a record that may go is read
/// as long as it is there.
#[derive(Clone, Copy, Default)]
pub struct Layout {
    /// How long after its last put a record may go; `None` for those that stay. DynamoDB removes
    /// such records within some days of that time.
    pub lifetime: Option<fn(&Key) -> Option<Duration>>,
    /// In which listing a record appears; `None` for nearly all.
    pub listing: Option<fn(&Key) -> Option<&'static str>>,
    /// The sort key of a partition's anchor, in whose item the partition's other records are kept as
    /// long as there is room; `None` for partitions without. For partitions that are written by one
    /// writer at a time. All programs that use a table must agree on this.
    pub anchor: Option<fn(&str) -> Option<&'static str>>,
}

/// The store in a DynamoDB table.
///
/// A commit of one change is one conditional write; of more, one transaction at twice the price.
/// All reads of the port are strongly consistent.
pub struct DynamoStore {
    client: Client,
    table: String,
    layout: Layout,
    retry: Retry,
    meter: Meter,
    anchors: anchor::Remembered,
}

impl DynamoStore {
    /// The store in the table of this name.
    pub fn new(
        client: Client,
        table: impl Into<String>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            client,
            table: table.into(),
            layout: Layout::default(),
            retry: Retry { clock, random },
            meter: Meter::new(),
            anchors: anchor::Remembered::default(),
        }
    }

    /// The same with records that may go and records that are listed.
    #[must_use]
    pub fn with_layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// The same, counting into this meter.
    #[must_use]
    pub fn with_meter(mut self, meter: Meter) -> Self {
        self.meter = meter;
        self
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// What this store has asked for.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Asks until it is answered, or attempts are used up.
    async fn reading<T, F>(
        &self,
        operation: Operation,
        ask: impl Fn() -> F + Send,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Trouble>> + Send,
    {
        let answer =
            self.retry.until_answered(&self.meter, operation, ask, |trouble| trouble).await;
        answer.map_err(|trouble| match trouble {
            Trouble::Busy(text) => StoreError::Throttled(text),
            Trouble::Lost(text) | Trouble::Refused(text) => StoreError::Unavailable(text),
        })
    }
}

#[async_trait]
impl Store for DynamoStore {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        match self.anchor_of(&key.partition) {
            Some(anchor) => self.read_beside(&anchor, key).await,
            None => self.read_one(key).await,
        }
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        match self.anchor_of(&query.partition) {
            Some(anchor) => self.read_page_beside(&anchor, query).await,
            None => self.read_page(query).await,
        }
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        within_limits(changes)?;
        self.write(changes).await
    }
}
