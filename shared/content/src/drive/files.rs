//! Small files: one download, one upload session, a few files at a time.

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, future::BoxFuture, stream};
use tenant::{
    Class, SecretText, Streamed, TenantError,
    graph::{
        BATCH_MAX,
        drive::{
            DriveItem, ItemChange, ParentReference, Placement, UploadSession, UploadTarget,
            Uploaded,
        },
    },
};

use super::{
    DriveCopy,
    ahead::{self, Addresses, Asked},
    fragments::content_range,
    names,
    row::{Row, folder_of, is_office},
};
use crate::{
    ContentError, CopyJob, Workload,
    bad::advice,
    map::Entry,
    quick_xor_hash,
    unit::{Step, Stop, Unit, judge, pause},
};

const DRIVE: Workload = Workload::OneDrive;
/// Groups of files whose addresses are asked for together, in flight.
const TOGETHER: usize = 2;

/// A file to copy.
#[derive(Clone)]
pub(super) struct Load {
    pub(super) row: Row,
    /// The target folder.
    pub(super) parent: String,
    pub(super) known: Option<Entry>,
    /// What is found at its place is our own, from a unit that was interrupted.
    pub(super) ours: bool,
}

/// How the copy of one file ended.
pub(super) enum Outcome {
    Created(String),
    Updated(String),
    /// The source changed while it was read.
    SourceChanged,
    /// It is gone from the source since it was listed.
    SourceGone,
    /// The target has another file of this name there.
    NameTaken,
    /// What arrived is not what was sent.
    Differs,
    Refused(TenantError),
}

impl Unit<'_> {
    /// Copies a batch of small files. Rows that the map has in this state already are passed over.
    pub(super) async fn small_files(
        &mut self,
        copy: &mut DriveCopy<'_>,
        rows: &[Row],
        ours: bool,
    ) -> Step {
        let ids = rows.iter().map(|row| row.id.clone()).collect();
        let mut known = copy.files.find(&ids).await?;
        let mut loads = Vec::new();
        for row in rows {
            let known = known.remove(&row.id);
            let same = known.as_ref().is_some_and(|known| {
                known.source_tag == row.content() && known.target_tag == row.placement()
            });
            if !same && let Some(load) = self.load(copy, row, known, ours).await? {
                loads.push(load);
            }
        }
        let job = self.job;
        let lanes = (job.settings.drive_lanes() / TOGETHER).max(1);
        // Boxed one by one: the compiler cannot prove a stream of borrowing closures to be Send.
        let mut groups: Vec<BoxFuture<'_, (Vec<Copied>, Asked)>> = Vec::new();
        for group in loads.chunks(BATCH_MAX) {
            groups.push(Box::pin(copy_group(job, &copy.source, &copy.target, group, lanes)));
        }
        let groups: Vec<_> = stream::iter(groups).buffered(TOGETHER).collect().await;
        let mut results = Vec::new();
        for (copied, asked) in groups {
            self.spend_batched(asked.outer, asked.inner);
            results.extend(copied);
        }
        let mut stop = None;
        for (load, (outcome, requests)) in loads.iter().zip(results) {
            self.spend(requests);
            let done = match self.with_half_known(copy, load, outcome).await {
                Ok(outcome) => self.file_done(copy, load, outcome),
                Err(stop) => Err(stop),
            };
            if let Err(error) = done {
                stop = Some(error);
            }
        }
        stop.map_or(Ok(()), Err)
    }

    /// What is needed to copy a file; `None`: it became a bad item.
    pub(super) async fn load(
        &mut self,
        copy: &mut DriveCopy<'_>,
        row: &Row,
        known: Option<Entry>,
        ours: bool,
    ) -> Step<Option<Load>> {
        if !self.name_is_fine(copy, row)? {
            return Ok(None);
        }
        let Some(parent) = self.folder_for(copy, &row.parent).await? else {
            let reason = "the folder it lies in is missing".to_owned();
            let advice = "the next sync tries again".to_owned();
            self.bad_file(copy, row, reason, advice)?;
            return Ok(None);
        };
        Ok(Some(Load { row: row.clone(), parent, known, ours }))
    }

    /// Checks name, path and size; what breaks a rule is reported with a proposed name.
    pub(super) fn name_is_fine(&mut self, copy: &mut DriveCopy<'_>, row: &Row) -> Step<bool> {
        let Some((reason, advice)) = broken_rule(copy, row) else { return Ok(true) };
        self.bad_file(copy, row, reason, advice)?;
        Ok(false)
    }

    /// Takes the result of one file into map, counters and the list of bad items.
    pub(super) fn file_done(
        &mut self,
        copy: &mut DriveCopy<'_>,
        load: &Load,
        outcome: Outcome,
    ) -> Step {
        let row = &load.row;
        let mut bad = |unit: &mut Self, reason: &str, advice: &str| {
            unit.bad_file(copy, row, reason.to_owned(), advice.to_owned())
        };
        let (target, updated) = match outcome {
            Outcome::Created(target) => (target, false),
            Outcome::Updated(target) => (target, true),
            Outcome::SourceChanged => {
                return bad(
                    self,
                    "it changed while it was copied",
                    "the next sync copies it again",
                );
            }
            Outcome::SourceGone if load.known.is_none() => {
                // The next delta says so too.
                self.no_longer_bad_file(copy, &row.id);
                self.counts(DRIVE).seen += 1;
                return Ok(());
            }
            Outcome::SourceGone => {
                let advice = "the next sync deletes its copy";
                return bad(self, "it is gone from the source since it was listed", advice);
            }
            Outcome::NameTaken => {
                let reason = "the target has another file of this name there";
                return bad(self, reason, "rename one of the two, then sync again");
            }
            Outcome::Differs => {
                let reason = "what arrived in the target has another hash than what was sent";
                return bad(self, reason, "the next sync copies it again");
            }
            Outcome::Refused(error) => match error.class {
                Class::QuotaExceeded => {
                    let place = DRIVE.title().to_owned();
                    let full = ContentError::TargetFull { place, reason: error.to_string() };
                    return Err(Stop::Failed(full));
                }
                Class::Unauthorized | Class::MissingConsent { .. } | Class::NoDrive => {
                    return Err(judge("copying a file", error));
                }
                Class::Locked => {
                    let reason = format!("{} ({})", error.message, error.code);
                    return bad(self, &reason, advice(&error));
                }
                _ if pause(&error).is_some() => return Err(judge("copying a file", error)),
                _ => {
                    let reason = format!("{} ({})", error.message, error.code);
                    return bad(self, &reason, advice(&error));
                }
            },
        };
        copy.files.put(&Entry {
            source: row.id.clone(),
            source_tag: row.content(),
            target,
            target_tag: row.placement(),
        });
        let copied = load.known.as_ref().is_none_or(|known| known.source_tag != row.content());
        let counts = self.counts(DRIVE);
        if updated {
            counts.updated += 1;
        } else {
            counts.created += 1;
        }
        counts.bytes += if copied { row.size } else { 0 };
        counts.seen += 1;
        counts.seen_bytes += row.size;
        self.no_longer_bad_file(copy, &row.id);
        Ok(())
    }
}

/// Which rule of OneDrive a row's name, path or size breaks, and what to do.
pub(super) fn broken_rule(copy: &DriveCopy<'_>, row: &Row) -> Option<(String, String)> {
    let at_root = row.parent == copy.source_root;
    let path = copy.path(&row.parent).chars().count() + 1 + row.name.chars().count();
    if let Err(bad) = names::check(&row.name, at_root) {
        let advice = format!("rename it in the source, for instance to `{}`", bad.proposal);
        Some((bad.reason, advice))
    } else if path > names::PATH_MAX {
        let reason = format!("the path has {path} characters; {} are allowed", names::PATH_MAX);
        Some((reason, "shorten the names of the folders above it in the source".to_owned()))
    } else if row.size > names::FILE_MAX && row.kind == super::row::Kind::File {
        let reason = "the file is larger than 250 GB".to_owned();
        Some((reason, "split it in the source".to_owned()))
    } else {
        None
    }
}

/// How a file's copy ended, and the requests that it took.
type Copied = (Outcome, usize);

/// Asks for the addresses of some files and copies these. Where asking is refused, for instance by
/// a budget, only these files are: what others got so far is not lost.
async fn copy_group(
    job: &CopyJob<'_>,
    source: &str,
    target: &str,
    loads: &[Load],
    lanes: usize,
) -> (Vec<Copied>, Asked) {
    let (ahead, asked) = match ahead::ask(job, source, target, loads).await {
        Ok(asked) => asked,
        Err(error) => {
            let refused = |_: &Load| (Outcome::Refused(error.clone()), 0);
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
    let mut requests = 0;
    let outcome = Box::pin(small(job, source, target, load, ahead, &mut requests)).await;
    (outcome.unwrap_or_else(Outcome::Refused), requests)
}

async fn small(
    job: &CopyJob<'_>,
    source: &str,
    target: &str,
    load: &Load,
    ahead: Addresses,
    requests: &mut usize,
) -> Result<Outcome, TenantError> {
    let row = &load.row;
    if let Some(known) = &load.known
        && known.source_tag == row.content()
        && let Some(outcome) = replace_place(job, target, load, known, requests).await?
    {
        return Ok(outcome);
    }
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
        match whole(&graph, &url, 0, row.size).await? {
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

/// Renames, moves or dates a copy whose content is unchanged; `None` when it is gone.
pub(super) async fn replace_place(
    job: &CopyJob<'_>,
    target: &str,
    load: &Load,
    known: &Entry,
    requests: &mut usize,
) -> Result<Option<Outcome>, TenantError> {
    let row = &load.row;
    let moved = folder_of(&known.target_tag) != row.parent;
    let parent = ParentReference { drive_id: None, id: Some(load.parent.clone()) };
    let change = ItemChange {
        name: Some(row.name.clone()),
        parent_reference: moved.then_some(parent),
        file_system_info: Some(row.dates()),
    };
    *requests += 1;
    match job.target.graph().update_drive_item(target, &known.target, &change).await {
        Ok(item) => Ok(Some(Outcome::Updated(item.id))),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) if error.is_already_exists() => Ok(Some(Outcome::NameTaken)),
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
            Ok(item) if arrived(row, &item, hash) => {
                let placed = known.target_tag == row.placement();
                let place = if placed {
                    None
                } else {
                    replace_place(job, target, load, known, requests).await?
                };
                return Ok(place.unwrap_or(Outcome::Updated(item.id)));
            }
            Ok(_) => return Ok(Outcome::Differs),
            // Deleted in the target: it comes anew.
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    let new = (UploadTarget::New(at), session);
    match put(job, target, new, row, content.clone(), requests).await {
        Ok(item) if arrived(row, &item, hash) => return Ok(Outcome::Created(item.id)),
        Ok(_) => return Ok(Outcome::Differs),
        Err(error) if error.is_already_exists() => {}
        Err(error) => return Err(error),
    }
    // Something is there: the same content is the copy already, else it is ours only if a unit was
    // interrupted here.
    *requests += 1;
    let there = job.target.graph().drive_item_at(target, at).await?;
    if there.file.is_none() {
        return Ok(Outcome::NameTaken);
    }
    if there.size == Some(row.size) && there.quick_xor_hash() == Some(hash) {
        // An empty file gets its dates by a request of its own, which may not have come through.
        if there.file_system_info.as_ref() != Some(&row.dates()) {
            set_dates(job, target, &there.id, row, requests).await?;
        }
        return Ok(Outcome::Created(there.id));
    }
    if !load.ours {
        return Ok(Outcome::NameTaken);
    }
    let over = (UploadTarget::Over(&there.id), None);
    let item = put(job, target, over, row, content, requests).await?;
    Ok(if arrived(row, &item, hash) { Outcome::Created(item.id) } else { Outcome::Differs })
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
        match graph.upload_fragment(&session.url, &range, content.clone()).await {
            // It has expired, or has the bytes from a try whose reply was lost.
            Err(error) if is_of_session(&error.class) => {}
            uploaded => sent = Some(uploaded?),
        }
    }
    let uploaded = match sent {
        Some(uploaded) => uploaded,
        None => {
            *requests += 2;
            let session = graph.create_upload_session(drive, target, size, &row.dates()).await?;
            graph.upload_fragment(&session.url, &range, content).await?
        }
    };
    match uploaded {
        Uploaded::Done(item) => Ok(*item),
        Uploaded::More(_) => Err(TenantError {
            class: Class::UnknownOutcome,
            code: "reply".into(),
            status: None,
            message: "the upload session wants more than the whole file".into(),
            operation: "upload fragment",
            target: "".into(),
            retry_after: None,
            request_id: None,
        }),
    }
}

/// Refusals of an upload session that a new session mends.
fn is_of_session(class: &Class) -> bool {
    matches!(class, Class::NotFound | Class::Gone | Class::RangeNotSatisfiable)
}

/// Gives a file of the target its original's dates.
async fn set_dates(
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
        let chunk = chunk.map_err(|error| TenantError {
            class: Class::Transient,
            code: "transport".into(),
            status: None,
            message: error.text.into(),
            operation: "download",
            target: "".into(),
            retry_after: None,
            request_id: None,
        })?;
        if bytes.len().saturating_add(chunk.len()) > length {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok((bytes.len() == length).then(|| bytes.freeze()))
}
