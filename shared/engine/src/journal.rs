//! The journal: where entries wait, and where they stay.
//!
//! With a record of its own for each entry every commit were a transaction, and on DynamoDB that costs
//! four write units instead of one. So an entry waits in its job's record, which is written anyway, until
//! some go into a page together. In either place it is as durable: a before-image is there before its
//! effect.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{Cost, Job, JournalEntry, JournalEvent, JournalPage, Keys, Stored, UserKey};
use ports::Store;

use crate::records::{Batch, EngineError, load_all};

/// So many bytes of entries may wait in a job's record that is written alone: deflated, they and the job
/// are about one KiB, one write unit.
const WAITING: usize = 3_500;
/// So many, where other records are written with it: one more in a transaction is a page for two units.
const WAITING_BESIDE: usize = 1_500;

/// Appends an entry to a job's journal; it is durable when the job is put.
pub(crate) fn append(job: &mut Job, event: JournalEvent, now: Timestamp, cost: Cost) {
    let of_job = matches!(
        event,
        JournalEvent::Started { .. } | JournalEvent::Ended { .. } | JournalEvent::Reset { .. }
    );
    let step = job.plan.get(job.at).copied().filter(|_| !of_job);
    let entry = JournalEntry {
        at: now,
        job: job.id.clone(),
        kind: job.kind,
        n: job.journal_next,
        step,
        reached_at: job.reached_at,
        attempt: job.attempt,
        event,
        cost,
    };
    job.journal.push(entry);
    job.journal_next += 1;
}

/// Puts the entries that wait into a page, if there are enough of them. The job itself is the batch's last
/// record.
pub(crate) fn make_room(
    batch: &mut Batch,
    user: &UserKey,
    job: &mut Job,
) -> Result<(), EngineError> {
    let page = JournalPage { entries: std::mem::take(&mut job.journal) };
    let most = if batch.is_empty() { WAITING } else { WAITING_BESIDE };
    let full = page.to_bytes()?.len() > most;
    job.journal = page.entries;
    if full { close(batch, user, job) } else { Ok(()) }
}

/// Puts all entries that wait into a page: the job ends.
pub(crate) fn close(batch: &mut Batch, user: &UserKey, job: &mut Job) -> Result<(), EngineError> {
    let entries = std::mem::take(&mut job.journal);
    let Some(first) = entries.first() else { return Ok(()) };
    let place = Keys::journal_page(user, &job.id, first.n);
    batch.put(place, &JournalPage { entries }, 0)
}

/// A user's whole journal, by job and number.
pub async fn load_journal(
    store: &dyn Store,
    user: &UserKey,
) -> Result<Vec<JournalEntry>, EngineError> {
    // What waits is read first: what goes into a page meanwhile is then seen twice, and not missed.
    let project = Keys::project_partition(&user.customer, &user.project);
    let jobs = load_all::<Job>(store, &project, &Keys::jobs_of(user)).await?;
    let partition = Keys::user_partition(user);
    let pages = load_all::<JournalPage>(store, &partition, Keys::JOURNAL).await?;
    let paged = pages.into_iter().flat_map(|page| page.value.entries);
    let waiting = jobs.into_iter().flat_map(|job| job.value.journal);
    let all: BTreeMap<_, _> =
        paged.chain(waiting).map(|entry| ((entry.job.clone(), entry.n), entry)).collect();
    Ok(all.into_values().collect())
}
