//! Batches on their way: the export of one, the import of another, both without any state.

use std::collections::BTreeMap;

use futures_util::{StreamExt, future::BoxFuture, stream};
use tenant::{
    Class, Held, TenantError,
    graph::mailbox_content::{
        EXPORT, ImportMode, ImportSession, ImportedItem, ItemData, MailboxAddress, MailboxItem,
    },
};

use super::delivered::change_key;
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
    /// When it was made, as the service writes it.
    pub(super) created: String,
}

impl Row {
    pub(super) fn of(item: &MailboxItem) -> Self {
        Self {
            id: item.id.clone(),
            tag: item.change_key.clone().unwrap_or_default(),
            size: item.size.unwrap_or(0),
            kind: item.kind.clone().unwrap_or_default(),
            created: item.created_date_time.clone().unwrap_or_default(),
        }
    }

    pub(super) fn of_bad(item: &BadItem) -> Self {
        let (id, tag, kind) = (item.id.clone(), item.tag.clone(), item.name.clone());
        Self { id, tag, size: item.size, kind, created: item.created.clone() }
    }

    pub(super) fn into_texts(self) -> [String; 5] {
        [self.id, self.tag, self.size.to_string(), self.kind, self.created]
    }
}

impl From<[String; 5]> for Row {
    fn from([id, tag, size, kind, created]: [String; 5]) -> Self {
        Self { id, tag, size: size.parse().unwrap_or(0), kind, created }
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
    /// The room in memory that the exported items take.
    pub(super) held: Vec<Held>,
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
        let (exported, along) = (Vec::new(), Vec::new());
        Self { from, to, rows, known, exported, held: Vec::new(), large, along }
    }

    /// The one item of a batch that streams, which is exported only while it is imported.
    pub(super) fn stream(&mut self, from: u64) {
        if self.rows.iter().any(|row| row.size >= from) {
            let rows = std::mem::take(&mut self.rows).into_iter();
            self.exported.extend(rows.map(|row| (row, Ok(Parcel::Streamed))));
        }
    }

    /// About how many bytes its imports send.
    pub(super) fn upload(&self) -> u64 {
        let exported = self.exported.iter().map(|(row, _)| row);
        let all = self.rows.iter().chain(exported);
        all.map(|row| row.size.saturating_add(1_000)).sum::<u64>().saturating_mul(4) / 3
    }

    /// The bytes that an export brings into memory: its reply, and as much again in requests.
    pub(super) fn bytes(&self) -> u64 {
        let all = self.rows.iter().chain(&self.along);
        all.map(|row| row.size).sum::<u64>().saturating_mul(3)
    }

    /// Takes what came along with an earlier batch, if it is still in the state that came.
    pub(super) fn take(&mut self, taken: &mut BTreeMap<String, Taken>) {
        let mut rest = Vec::new();
        for row in std::mem::take(&mut self.rows) {
            match taken.remove(&row.id) {
                Some(taken) if taken.row.tag == row.tag => {
                    self.exported.push((row, Ok(Parcel::Whole(taken.data))));
                    self.held.push(taken.held);
                }
                _ => rest.push(row),
            }
        }
        self.rows = rest;
    }
}

/// An item that was exported along with another folder's.
pub(super) struct Taken {
    pub(super) row: Row,
    pub(super) data: ItemData,
    /// The room in memory that it takes.
    pub(super) held: Held,
}

/// An item on its way into the target.
pub(super) struct Load {
    pub(super) row: Row,
    pub(super) data: Parcel,
    pub(super) known: Option<Entry>,
}

impl Load {
    /// Whether a new item was changed between its listing and its export.
    pub(super) fn is_younger_than_listed(&self) -> bool {
        let Parcel::Whole(data) = &self.data else { return false };
        self.known.is_none() && !data.change_key.is_empty() && data.change_key != self.row.tag
    }
}

/// The content of an item.
#[derive(Debug)]
pub(super) enum Parcel {
    /// In memory.
    Whole(ItemData),
    /// Still in the source: it goes through while it is imported.
    Streamed,
}

/// How the import of one item ended.
pub(super) enum Landed {
    Done {
        item: ImportedItem,
        /// The version of the original that was copied.
        tag: String,
        updated: bool,
    },
    /// The export of a streamed item was refused: nothing was imported.
    NotExported(TenantError),
    Refused(TenantError),
}

pub(super) type Exported = Vec<(Row, Result<Parcel, TenantError>)>;

/// Both mailboxes and the way into the target.
pub(super) struct Route<'a> {
    pub(super) source: &'a MailboxAddress,
    pub(super) target: &'a MailboxAddress,
    pub(super) folder: &'a str,
    pub(super) session: &'a ImportSession,
}

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
        let parcel = |outcome: Result<ItemData, TenantError>| outcome.map(Parcel::Whole);
        let mut by_id: BTreeMap<String, Result<Parcel, TenantError>> =
            items.into_iter().map(|item| (item.id, parcel(item.outcome))).collect();
        let answered = |row: &Row| Some((row.clone(), by_id.remove(&row.id)?));
        all().filter_map(answered).collect()
    });
    (batch, 1, outcome)
}

/// Imports all items of a batch, a few at a time. Results are in the items' order.
pub(super) async fn import_all(
    job: &CopyJob<'_>,
    route: &Route<'_>,
    loads: &[Load],
) -> (Vec<Landed>, usize) {
    // Boxed one by one: the compiler cannot prove a stream of borrowing closures to be Send.
    let mut imports: Vec<BoxFuture<'_, (Landed, usize)>> = Vec::new();
    for load in loads {
        imports.push(Box::pin(import_one(job, route, load)));
    }
    let results: Vec<(Landed, usize)> =
        stream::iter(imports).buffered(job.settings.lanes()).collect().await;
    let requests = results.iter().map(|(_, requests)| requests).sum();
    (results.into_iter().map(|(landed, _)| landed).collect(), requests)
}

/// Imports one item: over its copy when there is one, else as new. Counts its requests.
async fn import_one(job: &CopyJob<'_>, route: &Route<'_>, load: &Load) -> (Landed, usize) {
    let graph = job.target.graph();
    let mut requests = 0;
    if let Some(known) = &load.known {
        let mut tag = change_key(&known.target_tag).to_owned();
        for attempt in 0.. {
            let mode = ImportMode::Update { item: &known.target, change_key: &tag };
            match Box::pin(send(job, route, load, mode, &mut requests)).await {
                // The copy was changed in the target, or our own update's reply was lost.
                Landed::Refused(error) if error.class == Class::Changed && attempt == 0 => {}
                // The copy is gone from the target: it comes anew.
                Landed::Refused(error) if error.is_not_found() => break,
                landed => return (landed, requests),
            }
            requests += 1;
            let there = graph.mailbox_item(route.target, route.folder, &known.target, &[]);
            match Box::pin(there).await {
                Ok(item) => tag = item.change_key.unwrap_or_default(),
                Err(error) if error.is_not_found() => break,
                Err(error) => return (Landed::Refused(error), requests),
            }
        }
    }
    let landed = Box::pin(send(job, route, load, ImportMode::Create, &mut requests)).await;
    (landed, requests)
}

/// Sends one item, from memory or straight from its export.
async fn send(
    job: &CopyJob<'_>,
    route: &Route<'_>,
    load: &Load,
    mode: ImportMode<'_>,
    requests: &mut usize,
) -> Landed {
    let graph = job.target.graph();
    let updated = matches!(mode, ImportMode::Update { .. });
    *requests += 1;
    let Route { session, folder, .. } = *route;
    let sent = match &load.data {
        Parcel::Whole(data) => {
            let imported = graph.import_mailbox_item(session, folder, mode, &data.data).await;
            imported.map(|item| (item, data.change_key.clone()))
        }
        Parcel::Streamed => {
            *requests += 1;
            let source = job.source.graph();
            let item = match source.export_mailbox_item(route.source, &load.row.id).await {
                Ok(item) => item,
                Err(error) => return Landed::NotExported(error),
            };
            graph.import_streamed_item(session, folder, mode, item, load.row.size).await
        }
    };
    match sent {
        Ok((item, tag)) => Landed::Done { item, tag, updated },
        Err(error) if error.operation == EXPORT => Landed::NotExported(error),
        Err(error) => Landed::Refused(error),
    }
}
