//! Batches on their way: the export of one, the import of another, both without any state.

use std::collections::BTreeMap;

use futures_util::{StreamExt, future::BoxFuture, stream};
use tenant::{
    Class, TenantError,
    graph::mailbox_content::{
        ImportMode, ImportSession, ImportedItem, ItemData, MailboxAddress, MailboxItem,
    },
};

use crate::{BadItem, CopyJob, map::Entry};

/// Room in an export's reply beyond what the sizes promise.
const EXPORT_SLACK: u64 = 32 * 1024 * 1024;

/// One item of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) id: String,
    /// The change key.
    pub(super) tag: String,
    pub(super) size: u64,
    pub(super) kind: String,
}

impl Row {
    pub(super) fn of(item: &MailboxItem) -> Self {
        Self {
            id: item.id.clone(),
            tag: item.change_key.clone().unwrap_or_default(),
            size: item.size.unwrap_or(0),
            kind: item.kind.clone().unwrap_or_default(),
        }
    }

    pub(super) fn of_bad(item: &BadItem) -> Self {
        let (id, tag, kind) = (item.id.clone(), item.tag.clone(), item.name.clone());
        Self { id, tag, size: item.size, kind }
    }

    pub(super) fn into_texts(self) -> [String; 4] {
        [self.id, self.tag, self.size.to_string(), self.kind]
    }
}

impl From<[String; 4]> for Row {
    fn from([id, tag, size, kind]: [String; 4]) -> Self {
        Self { id, tag, size: size.parse().unwrap_or(0), kind }
    }
}

/// Rows of a page that travel together.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) rows: Vec<Row>,
    pub(super) known: BTreeMap<String, Entry>,
    pub(super) exported: Exported,
    /// Too large to be copied.
    pub(super) large: Vec<Row>,
    /// Items of other folders that travel along, since the request has room.
    pub(super) along: Vec<Row>,
}

impl Batch {
    /// A batch of the rows that the map does not have in this state yet.
    pub(super) fn new(
        (from, to): (usize, usize),
        chosen: &[Row],
        known: BTreeMap<String, Entry>,
        bytes_max: u64,
    ) -> Self {
        let open = |row: &&Row| known.get(&row.id).is_none_or(|entry| entry.source_tag != row.tag);
        let (large, rows) =
            chosen.iter().filter(open).cloned().partition(|row| row.size > bytes_max);
        Self { from, to, rows, known, exported: Vec::new(), large, along: Vec::new() }
    }

    /// Takes what came along with an earlier batch, if it is still in the state that came.
    pub(super) fn take(&mut self, taken: &mut BTreeMap<String, (Row, ItemData)>) {
        let mut rest = Vec::new();
        for row in std::mem::take(&mut self.rows) {
            match taken.remove(&row.id) {
                Some((there, data)) if there.tag == row.tag => self.exported.push((row, Ok(data))),
                _ => rest.push(row),
            }
        }
        self.rows = rest;
    }
}

/// An item on its way into the target.
pub(super) struct Load {
    pub(super) row: Row,
    pub(super) data: ItemData,
    pub(super) known: Option<Entry>,
}

/// How the import of one item ended.
pub(super) enum Landed {
    Done { item: ImportedItem, updated: bool },
    Refused(TenantError),
}

pub(super) type Exported = Vec<(Row, Result<ItemData, TenantError>)>;

pub(super) async fn export_ahead(
    job: &CopyJob<'_>,
    mailbox: &MailboxAddress,
    batch: Option<Batch>,
) -> Option<(Batch, usize, Result<Exported, TenantError>)> {
    match batch {
        Some(batch) => Some(export(job, mailbox, batch).await),
        None => None,
    }
}

/// Exports a batch: one request, or none when nothing is left of it.
pub(super) async fn export(
    job: &CopyJob<'_>,
    mailbox: &MailboxAddress,
    batch: Batch,
) -> (Batch, usize, Result<Exported, TenantError>) {
    if batch.rows.is_empty() {
        return (batch, 0, Ok(Vec::new()));
    }
    let all = || batch.rows.iter().chain(&batch.along);
    let ids: Vec<&str> = all().map(|row| row.id.as_str()).collect();
    let bytes: u64 = all().map(|row| row.size).sum();
    let limit = bytes.saturating_mul(2).saturating_add(EXPORT_SLACK);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let reply = job.source.graph().export_mailbox_items(mailbox, &ids, limit).await;
    let outcome = reply.map(|items| {
        let mut by_id: BTreeMap<String, Result<ItemData, TenantError>> =
            items.into_iter().map(|item| (item.id, item.outcome)).collect();
        let answered = |row: &Row| Some((row.clone(), by_id.remove(&row.id)?));
        all().filter_map(answered).collect()
    });
    (batch, 1, outcome)
}

/// Imports all items of a batch, a few at a time. Results are in the items' order.
pub(super) async fn import_all(
    job: &CopyJob<'_>,
    mailbox: &MailboxAddress,
    session: &ImportSession,
    folder: &str,
    loads: &[Load],
) -> (Vec<Landed>, usize) {
    // Boxed one by one: the compiler cannot prove a stream of borrowing closures to be Send.
    let mut imports: Vec<BoxFuture<'_, (Landed, usize)>> = Vec::new();
    for load in loads {
        imports.push(Box::pin(import_one(job, mailbox, session, folder, load)));
    }
    let results: Vec<(Landed, usize)> =
        stream::iter(imports).buffered(job.settings.lanes()).collect().await;
    let requests = results.iter().map(|(_, requests)| requests).sum();
    (results.into_iter().map(|(landed, _)| landed).collect(), requests)
}

/// Imports one item: over its copy when there is one, else as new. Counts its requests.
async fn import_one(
    job: &CopyJob<'_>,
    mailbox: &MailboxAddress,
    session: &ImportSession,
    folder: &str,
    load: &Load,
) -> (Landed, usize) {
    let graph = job.target.graph();
    let data = &load.data.data;
    let mut requests = 0;
    if let Some(known) = &load.known {
        let mut tag = known.target_tag.clone();
        for attempt in 0.. {
            requests += 1;
            let mode = ImportMode::Update { item: &known.target, change_key: &tag };
            match Box::pin(graph.import_mailbox_item(session, folder, mode, data)).await {
                Ok(item) => return (Landed::Done { item, updated: true }, requests),
                // The copy was changed in the target, or our own update's reply was lost.
                Err(error) if error.class == Class::Changed && attempt == 0 => {}
                // The copy is gone from the target: it comes anew.
                Err(error) if error.is_not_found() => break,
                Err(error) => return (Landed::Refused(error), requests),
            }
            requests += 1;
            match Box::pin(graph.mailbox_item(mailbox, folder, &known.target, &[])).await {
                Ok(item) => tag = item.change_key.unwrap_or_default(),
                Err(error) if error.is_not_found() => break,
                Err(error) => return (Landed::Refused(error), requests),
            }
        }
    }
    requests += 1;
    let created = graph.import_mailbox_item(session, folder, ImportMode::Create, data);
    let landed = match Box::pin(created).await {
        Ok(item) => Landed::Done { item, updated: false },
        Err(error) => Landed::Refused(error),
    };
    (landed, requests)
}
