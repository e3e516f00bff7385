//! The store adapter.

use std::sync::Arc;

use async_trait::async_trait;
use ports::{Change, CommitError, Key, Page, Query, Record, Store, StoreError, within_limits};

use crate::{database::Inner, records};

/// The store in the file of an [`Embedded`](crate::Embedded).
pub struct EmbeddedStore {
    pub(crate) inner: Arc<Inner>,
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        let found = self.inner.read(|transaction| records::get(transaction, key));
        found.map_err(|error| store_error(&error))
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        let page = self.inner.read(|transaction| records::query(transaction, query));
        page.map_err(|error| store_error(&error))
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        within_limits(changes)?;
        let commit = records::Commit(changes.to_vec());
        self.inner.writer.ask(commit).await.map_err(CommitError::Unknown)?
    }
}

fn store_error(error: &redb::Error) -> StoreError {
    match error {
        redb::Error::Corrupted(_) => StoreError::Damaged(error.to_string()),
        _ => StoreError::Unavailable(error.to_string()),
    }
}
