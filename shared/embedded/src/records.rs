//! The store's operation on the tables: an atomic commit, and the reads.

use ports::{Change, CommitError, Expect, Key, Page, Query, Record};
use redb::{ReadTransaction, ReadableTable};

use crate::{
    tables::{RECORDS, Tables},
    writer::{Effect, Work},
};

/// Bytes of one page at most, as in DynamoDB (a query reads up to 1 MB): bounds a reader's memory.
const MAX_PAGE_BYTES: usize = 1 << 20;

/// A commit that waits for the writer. Its limits have been checked.
pub(crate) struct Commit(pub(crate) Vec<Change>);

impl Work for Commit {
    type Answer = Result<(), CommitError>;

    fn bytes(&self) -> usize {
        let size = |change: &Change| {
            let key = change.key();
            let value = if let Change::Put { value, .. } = change { value.len() } else { 0 };
            key.partition.len() + key.sort.len() + value
        };
        self.0.iter().map(size).sum()
    }

    fn apply(&self, tables: &mut Tables<'_>) -> Result<(Self::Answer, Effect), redb::Error> {
        let mut found = Vec::with_capacity(self.0.len());
        let mut failed = Vec::new();
        for change in &self.0 {
            let (key, expect) = match change {
                Change::Put { key, expect, .. }
                | Change::Delete { key, expect }
                | Change::Check { key, expect } => (key, *expect),
            };
            let version = version(tables, key)?;
            let holds = match expect {
                Expect::Absent => version.is_none(),
                Expect::Version(expected) => version == Some(expected),
                Expect::Anything => true,
            };
            if !holds {
                failed.push(key.clone());
            }
            found.push(version);
        }
        if !failed.is_empty() {
            return Ok((Err(CommitError::Conflict { keys: failed }), Effect::Nothing));
        }
        let mut effect = Effect::Nothing;
        for (change, version) in self.0.iter().zip(found) {
            match change {
                Change::Put { key, value, .. } => {
                    let next = version.map_or(1, |version| version.saturating_add(1));
                    tables.records.insert((&*key.partition, &*key.sort), (next, &**value))?;
                    effect = Effect::Durable;
                }
                Change::Delete { key, .. } if version.is_some() => {
                    tables.records.remove((&*key.partition, &*key.sort))?;
                    effect = Effect::Durable;
                }
                Change::Delete { .. } | Change::Check { .. } => {}
            }
        }
        Ok((Ok(()), effect))
    }
}

fn version(tables: &Tables<'_>, key: &Key) -> Result<Option<u64>, redb::Error> {
    let record = tables.records.get((&*key.partition, &*key.sort))?;
    Ok(record.map(|record| record.value().0))
}

/// The record at a key.
pub(crate) fn get(transaction: &ReadTransaction, key: &Key) -> Result<Option<Record>, redb::Error> {
    let records = transaction.open_table(RECORDS)?;
    let found = records.get((&*key.partition, &*key.sort))?;
    Ok(found.map(|found| {
        let (version, value) = found.value();
        Record { key: key.clone(), version, value: value.to_vec() }
    }))
}

/// A page of a partition.
pub(crate) fn query(transaction: &ReadTransaction, query: &Query) -> Result<Page, redb::Error> {
    let records = transaction.open_table(RECORDS)?;
    let after = query.after.as_deref().unwrap_or("");
    let from = after.max(&query.prefix);
    let mut page = Page::default();
    let mut bytes = 0_usize;
    for entry in records.range((&*query.partition, from)..)? {
        let (key, found) = entry?;
        let (partition, sort) = key.value();
        if partition != query.partition || !sort.starts_with(&query.prefix) {
            break;
        }
        if query.after.as_deref() == Some(sort) {
            continue;
        }
        if page.records.len() >= query.limit.max(1) || bytes >= MAX_PAGE_BYTES {
            page.next = page.records.last().map(|record| record.key.sort.clone());
            break;
        }
        let (version, value) = found.value();
        bytes = bytes.saturating_add(sort.len() + value.len());
        let key = Key::new(partition, sort);
        page.records.push(Record { key, version, value: value.to_vec() });
    }
    Ok(page)
}
