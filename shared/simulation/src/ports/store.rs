//! A store that is throttled, conflicts, loses replies, and at which processes die.

use std::{fmt::Write as _, sync::Arc};

use async_trait::async_trait;
use conformance::reference::ModelStore;
use ports::{Change, CommitError, Expect, Key, Page, Query, Record, Store, StoreError};

use crate::{fault::FaultKind, fuzz::Garbled, planted, stage::SharedStage};

pub(crate) struct FaultyStore {
    pub(crate) inner: Arc<ModelStore>,
    pub(crate) stage: SharedStage,
}

impl FaultyStore {
    fn readable(&self) -> Result<(), StoreError> {
        match self.stage.fires(FaultKind::ReadThrottled) {
            Some(_) => Err(StoreError::Throttled("simulated".to_owned())),
            None => Ok(()),
        }
    }

    /// Another writer is first: it writes a record that the commit has read, as it is.
    async fn overtake(&self, changes: &[Change]) -> Result<(), CommitError> {
        for change in changes {
            let Change::Put { key, expect: Expect::Version(version), .. } = change else {
                continue;
            };
            let there = self.inner.get(key).await.ok().flatten();
            if let Some(there) = there.filter(|there| there.version == *version) {
                return self.inner.commit(&[Change::put(key.clone(), there.value)]).await;
            }
        }
        Ok(())
    }

    /// The record, garbled perhaps.
    fn garbled(&self, record: Record) -> Record {
        match self.stage.garble(Garbled::Records, &record.value) {
            Some(value) => Record { value, ..record },
            None => record,
        }
    }

    async fn apply(&self, changes: &[Change]) -> Result<(), CommitError> {
        planted::store::flush(&self.stage, &self.inner).await;
        let bug = self.stage.lock().bug;
        let changes = planted::store::twisted(&self.stage, bug, changes);
        if changes.is_empty() {
            return Ok(());
        }
        let committed = self.inner.commit(&changes).await;
        if committed.is_ok() {
            crate::check::committed(&self.stage, &changes);
        }
        committed
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn get(&self, key: &Key) -> Result<Option<Record>, StoreError> {
        self.readable()?;
        planted::store::flush(&self.stage, &self.inner).await;
        let record = planted::store::read(&self.stage, self.inner.get(key).await?);
        Ok(record.map(|record| self.garbled(record)))
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        self.readable()?;
        planted::store::flush(&self.stage, &self.inner).await;
        let mut page = self.inner.query(query).await?;
        page.records = page.records.into_iter().map(|record| self.garbled(record)).collect();
        Ok(page)
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        self.stage.boundary(FaultKind::CrashBeforeCommit).await;
        if self.stage.fires(FaultKind::CommitThrottled).is_some() {
            return Err(CommitError::Throttled("simulated".to_owned()));
        }
        if self.stage.fires(FaultKind::Conflict).is_some() {
            self.overtake(changes).await?;
        }
        if self.stage.fires(FaultKind::CommitLost).is_some() {
            return Err(CommitError::Unknown("simulated: not applied".to_owned()));
        }
        let committed = self.apply(changes).await;
        self.stage.note(&described(changes, &committed));
        self.stage.boundary(FaultKind::CrashAfterCommit).await;
        if committed.is_ok() && self.stage.fires(FaultKind::CommitReplyLost).is_some() {
            return Err(CommitError::Unknown("simulated: applied".to_owned()));
        }
        committed
    }
}

fn described(changes: &[Change], committed: &Result<(), CommitError>) -> String {
    let mut text = "commit".to_owned();
    for change in changes {
        let key = change.key();
        let place = key.partition.rsplit_once("#U#").map_or("", |(_, place)| place);
        let _written = write!(text, " {place}|{}", key.sort);
    }
    if let Err(error) = committed {
        let _written = write!(text, " -> {error}");
    }
    text
}
