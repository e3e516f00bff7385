//! The copy of one small file: one download, one upload session.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, future::BoxFuture, stream};
use jiff::Timestamp;
use ports::TransportError;
use tenant::{
    Class, SecretText, Streamed, TenantError,
    graph::drive::{
        DriveItem, ItemChange, ParentReference, Placement, UploadSession, UploadTarget, Uploaded,
    },
};

use super::{
    DriveCopy,
    ahead::{self, Addresses, Asked},
    files::{Clash, Load, Outcome},
    fragments::content_range,
    row::{Row, folder_of, is_office},
};
use crate::{
    CopyJob,
    map::Entry,
    quick_xor_hash,
    unit::{Unit, aged, patient},
};

/// How a file's copy ended, and when that was.
pub(super) struct Copied {
    outcome: Outcome,
    spent: Spent,
    at: Timestamp,
}

/// What copying a file has done beside its outcome.
#[derive(Default)]
pub(super) struct Spent {
    /// Requests.
    pub(super) requests: usize,
    /// Where the old copy lies now, which was moved before its new content came.
    pub(super) moved: Option<Entry>,
}

impl Unit<'_> {
    /// Takes what a file's copy has done into account; says how it ended as of now: pauses that were asked
    /// for have begun meanwhile.
    pub(super) fn account(&mut self, copy: &mut DriveCopy<'_>, copied: Copied) -> Outcome {
        let Copied { outcome, spent, at } = copied;
        self.spend(spent.requests);
        if let Some(moved) = spent.moved {
            copy.files.put(&moved);
        }
        let age = Duration::try_from(self.job.clock.now().duration_since(at)).unwrap_or_default();
        match outcome {
            Outcome::Refused(error) => Outcome::Refused(aged(error, age)),
            other => other,
        }
    }
}

/// Asks for the addresses of some files and copies these. Where asking is refused, for instance by
/// a budget, only these files are: what others got so far is not lost.
pub(super) async fn copy_group(
    job: &CopyJob<'_>,
    source: &str,
    target: &str,
    loads: &[Load],
    lanes: usize,
) -> (Vec<Copied>, Asked) {
    let (ahead, asked) = match ahead::ask(job, source, target, loads).await {
        Ok(asked) => asked,
        Err(error) => {
            let at = job.clock.now();
            let refused = |_: &Load| {
                let outcome = Outcome::Refused(error.clone());
                Copied { outcome, spent: Spent::default(), at }
            };
            return (loads.iter().map(refused).collect(), Asked::default());
        }
    };
    let mut copies: Vec<BoxFuture<'_, Copied>> = Vec::new();
    for (load, ahead) in loads.iter().zip(ahead) {
        copies.push(Box::pin(copy_small(job, source, target, load, ahead)));
    }
    (stream::iter(copies).buffered(lanes).collect().await, asked)
}

async fn copy_small(
    job: &CopyJob<'_>,
    source: &str,
    target: &str,
    load: &Load,
    ahead: Addresses,
) -> Copied {
    let mut spent = Spent::default();
    let outcome = Box::pin(small(job, source, target, load, ahead, &mut spent)).await;
    let outcome = outcome.unwrap_or_else(Outcome::Refused);
    Copied { outcome, spent, at: job.clock.now() }
}

async fn small(
    job: &CopyJob<'_>,
    source: &str,
    target: &str,
    load: &Load,
    ahead: Addresses,
    spent: &mut Spent,
) -> Result<Outcome, TenantError> {
    let row = &load.row;
    if let Some(outcome) = replace_place(job, target, load, spent).await? {
        return Ok(outcome);
    }
    let requests = &mut spent.requests;
    let graph = job.source.graph();
    let mut content = Bytes::new();
    let _held = job.source.hold(row.size).await?;
    if row.size > 0 {
        *requests += 1;
        let url = match ahead.download {
            Some(url) => url,
            None => {
                *requests += 1;
                graph.download_url(source, &row.id).await
            }
        };
        let url = match url {
            Err(error) if error.is_not_found() => return Ok(Outcome::SourceGone),
            url => url?,
        };
        let mut got = patient(job, || whole(&graph, &url, 0, row.size)).await;
        if got.as_ref().is_err_and(is_of_address) {
            // It is good for minutes only, and was asked for with those of many others.
            *requests += 2;
            let url = match graph.download_url(source, &row.id).await {
                Err(error) if error.is_not_found() => return Ok(Outcome::SourceGone),
                url => url?,
            };
            got = patient(job, || whole(&graph, &url, 0, row.size)).await;
        }
        match got? {
            Some(bytes) => content = bytes,
            None => return Ok(Outcome::SourceChanged),
        }
    }
    let hash = quick_xor_hash(&content);
    if row.hash.as_ref().is_some_and(|told| *told != hash) {
        return Ok(Outcome::SourceChanged);
    }
    upload_small(job, target, load, (content, &hash), ahead.session, requests).await
}

/// Renames, moves or dates a copy. `None`: its content is to be copied as well, or it is gone.
///
/// This comes before the content: SharePoint goes by the name that a file has when it is uploaded. The new
/// place counts even if the content does not come.
pub(super) async fn replace_place(
    job: &CopyJob<'_>,
    target: &str,
    load: &Load,
    spent: &mut Spent,
) -> Result<Option<Outcome>, TenantError> {
    let row = &load.row;
    let Some(known) = &load.known else { return Ok(None) };
    let same = known.source_tag == row.content();
    if !same && known.target_tag == row.placement() {
        return Ok(None);
    }
    let moved = folder_of(&known.target_tag) != row.parent;
    let parent = ParentReference { drive_id: None, id: Some(load.parent.clone()) };
    let change = ItemChange {
        name: Some(row.name.clone()),
        parent_reference: moved.then_some(parent),
        file_system_info: Some(row.dates()),
    };
    spent.requests += 1;
    match job.target.graph().update_drive_item(target, &known.target, &change).await {
        Ok(item) if same => Ok(Some(Outcome::Updated(item.id))),
        Ok(_) => {
            spent.moved = Some(Entry { target_tag: row.placement(), ..known.clone() });
            Ok(None)
        }
        // Deleted in the target: it comes anew. When it was to be moved, the folder may be what is gone.
        Err(error) if error.is_not_found() && !moved => Ok(None),
        Err(error) if error.is_already_exists() => Ok(Some(Outcome::Clash(Clash::Moved))),
        Err(error) => Err(error),
    }
}

async fn upload_small(
    job: &CopyJob<'_>,
    target: &str,
    load: &Load,
    (content, hash): (Bytes, &str),
    mut session: Option<Result<UploadSession, TenantError>>,
    requests: &mut usize,
) -> Result<Outcome, TenantError> {
    let row = &load.row;
    let at = Placement { parent: &load.parent, name: &row.name };
    if let Some(known) = &load.known {
        let over = UploadTarget::Over(&known.target);
        match put(job, target, (over, session.take()), row, content.clone(), requests).await {
            Ok(item) if arrived(row, &item, hash) => return Ok(Outcome::Updated(item.id)),
            Ok(item) => return Ok(Outcome::Differs(item.id)),
            // Deleted in the target: it comes anew.
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    let new = (UploadTarget::New(at), session);
    match put(job, target, new, row, content.clone(), requests).await {
        Ok(item) if arrived(row, &item, hash) => Ok(Outcome::Created(item.id)),
        Ok(item) => Ok(Outcome::Differs(item.id)),
        Err(error) if error.is_already_exists() => {
            Ok(Outcome::Clash(Clash::Copied { ours: load.ours }))
        }
        Err(error) => Err(error),
    }
}

/// Uploads a file that fits into one fragment. Upload sessions keep the dates; only an empty file
/// cannot go through one.
async fn put(
    job: &CopyJob<'_>,
    drive: &str,
    (target, session): (UploadTarget<'_>, Option<Result<UploadSession, TenantError>>),
    row: &Row,
    content: Bytes,
    requests: &mut usize,
) -> Result<DriveItem, TenantError> {
    let graph = job.target.graph();
    if content.is_empty() {
        *requests += 1;
        let item = graph.upload_small(drive, target, content).await?;
        return set_dates(job, drive, &item.id, row, requests).await;
    }
    let size = row.size;
    let range = content_range(0, size, size);
    let mut sent = None;
    if let Some(session) = session {
        *requests += 1;
        let session = session?;
        let send = || graph.upload_fragment(&session.url, &range, content.clone());
        match patient(job, send).await {
            // It has expired, or has the bytes from a try whose reply was lost.
            Err(error) if is_of_session(&error.class) => {}
            uploaded => sent = Some(uploaded?),
        }
    }
    let uploaded = match sent {
        Some(uploaded) => uploaded,
        None => {
            *requests += 2;
            let dates = row.dates();
            let open = || graph.create_upload_session(drive, target, size, &dates);
            let session = patient(job, open).await?;
            patient(job, || graph.upload_fragment(&session.url, &range, content.clone())).await?
        }
    };
    match uploaded {
        Uploaded::Done(item) => Ok(*item),
        Uploaded::More(_) => Err(TenantError::unanswered(
            Class::UnknownOutcome,
            "reply",
            "upload fragment",
            "the upload session wants more than the whole file",
        )),
    }
}

/// Refusals of a download address that a new address may mend.
fn is_of_address(error: &TenantError) -> bool {
    matches!(error.class, Class::Unauthorized | Class::Forbidden | Class::NotFound | Class::Gone)
}

/// Refusals of an upload session that a new session mends.
fn is_of_session(class: &Class) -> bool {
    matches!(class, Class::NotFound | Class::Gone | Class::RangeNotSatisfiable)
}

/// Gives a file of the target its original's dates.
pub(super) async fn set_dates(
    job: &CopyJob<'_>,
    drive: &str,
    id: &str,
    row: &Row,
    requests: &mut usize,
) -> Result<DriveItem, TenantError> {
    *requests += 1;
    let dates = ItemChange { file_system_info: Some(row.dates()), ..ItemChange::default() };
    job.target.graph().update_drive_item(drive, id, &dates).await
}

/// Whether what the target says it holds is what was sent. SharePoint may rewrite Office files, and
/// may not have the hash yet.
pub(super) fn arrived(row: &Row, item: &DriveItem, hash: &str) -> bool {
    is_office(&row.name) || item.quick_xor_hash().is_none_or(|there| there == hash)
}

/// The bytes `start..end` of a file; `None` when the service does not give exactly these.
pub(super) async fn whole(
    graph: &tenant::Graph,
    url: &SecretText,
    start: u64,
    end: u64,
) -> Result<Option<Bytes>, TenantError> {
    let streamed = graph.download_range(url, start, end).await?;
    let Ok(length) = usize::try_from(end.saturating_sub(start)) else { return Ok(None) };
    if streamed.status.as_u16() != 206 && start > 0 {
        // The range was ignored: this is the file from its beginning.
        return Ok(None);
    }
    collect(streamed, length).await
}

async fn collect(mut streamed: Streamed, length: usize) -> Result<Option<Bytes>, TenantError> {
    let mut bytes = BytesMut::with_capacity(length.min(64 * 1024 * 1024));
    while let Some(chunk) = streamed.body.next().await {
        let broken = |error: TransportError| {
            TenantError::unanswered(Class::Transient, "transport", "download", error.text)
        };
        let chunk = chunk.map_err(broken)?;
        if bytes.len().saturating_add(chunk.len()) > length {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((bytes.len() == length).then(|| bytes.freeze()))
}
