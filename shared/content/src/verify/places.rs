//! What a verification has compared so far: a record a folder or drive, and where it goes on. A unit ends
//! between two pages of a listing.

use ports::{Change, Expect, Key};
use serde::{Deserialize, Serialize};

use super::{VerifyReport, listing::Listing};
use crate::{
    ContentError, CopyJob, Workload,
    store::{decode, encode},
};

/// Where the comparison stands.
const CURSOR: &str = "V";
/// The compared places, in order.
const PLACES: &str = "V/";
/// The fingerprints of the place in hand.
const PRINTS: [&str; 2] = ["VT/", "VH/"];
/// Records that go in one commit.
const PER_COMMIT: usize = 60;

/// The comparison in hand.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Places {
    round: String,
    /// The next place: workload and folder.
    pub(super) at: (Workload, u32),
    kept: u32,
    pub(super) finished: bool,
    /// The place in the middle of which the last unit ended.
    #[serde(default)]
    open: Option<Listing>,
}

impl Places {
    /// The comparison of this round, or a new one.
    pub(super) async fn open(job: &CopyJob<'_>, round: &str) -> Result<Self, ContentError> {
        let record = job.store.get(&Key::new(job.partition.clone(), CURSOR)).await?;
        if let Some(record) = record {
            let known: Self = decode(CURSOR, &record.value)?;
            if known.round == round {
                return Ok(known);
            }
        }
        for prefix in [PLACES].into_iter().chain(PRINTS) {
            let old = job.store.query_all(&job.partition, prefix).await?;
            let gone = old.into_iter().map(|record| record.key);
            let gone = gone.map(|key| Change::Delete { key, expect: Expect::Anything });
            commit(job, gone.collect()).await?;
        }
        let at = (Workload::Mailbox, 0);
        Ok(Self { round: round.to_owned(), at, kept: 0, finished: false, open: None })
    }

    /// The listing of a place: the one that an earlier unit began, or a new one.
    pub(super) async fn listing(
        &mut self,
        job: &CopyJob<'_>,
        of: (Workload, u32),
        place: String,
    ) -> Result<Listing, ContentError> {
        let Some(mut open) = self.open.take().filter(|open| open.of == of) else {
            return Ok(Listing::new(of, place));
        };
        open.there.load(job).await?;
        open.here.load(job).await?;
        Ok(open)
    }

    /// Keeps a place in the middle of which the unit ends.
    pub(super) async fn suspend(
        &mut self,
        job: &CopyJob<'_>,
        mut listing: Listing,
    ) -> Result<(), ContentError> {
        let mut changes = listing.there.save(job);
        changes.extend(listing.here.save(job));
        commit(job, changes).await?;
        self.at = listing.of;
        self.open = Some(listing);
        self.save(job, None).await
    }

    /// Keeps what was found at one place, and goes on behind it.
    pub(super) async fn keep(
        &mut self,
        job: &CopyJob<'_>,
        listing: Listing,
    ) -> Result<(), ContentError> {
        let (of, mut done) = (listing.of, listing.there.forget(job));
        done.extend(listing.here.forget(job));
        self.keep_report(job, of, &listing.into_report()).await?;
        commit(job, done).await
    }

    /// Keeps a report about a place that need not be listed.
    pub(super) async fn keep_report(
        &mut self,
        job: &CopyJob<'_>,
        (workload, folder): (Workload, u32),
        report: &VerifyReport,
    ) -> Result<(), ContentError> {
        let sort = format!("{PLACES}{:08}", self.kept);
        let place = Change::put(Key::new(job.partition.clone(), &*sort), encode(&sort, report)?);
        self.kept = self.kept.saturating_add(1);
        self.at = (workload, folder.saturating_add(1));
        self.save(job, Some(place)).await
    }

    /// Everything is compared.
    pub(super) async fn finish(&mut self, job: &CopyJob<'_>) -> Result<(), ContentError> {
        self.finished = true;
        self.save(job, None).await
    }

    async fn save(&self, job: &CopyJob<'_>, place: Option<Change>) -> Result<(), ContentError> {
        let value = encode(CURSOR, self)?;
        let cursor = Change::put(Key::new(job.partition.clone(), CURSOR), value);
        commit(job, place.into_iter().chain([cursor]).collect()).await
    }

    /// All places together.
    pub(super) async fn report(job: &CopyJob<'_>) -> Result<VerifyReport, ContentError> {
        let mut report = VerifyReport::default();
        for record in job.store.query_all(&job.partition, PLACES).await? {
            let place: VerifyReport = decode(&record.key.sort, &record.value)?;
            report.places.extend(place.places);
            report.differences.extend(place.differences);
            report.more_differences =
                report.more_differences.saturating_add(place.more_differences);
        }
        Ok(report)
    }
}

/// Commits changes that need not be one commit.
async fn commit(job: &CopyJob<'_>, changes: Vec<Change>) -> Result<(), ContentError> {
    for part in changes.chunks(PER_COMMIT) {
        job.store.commit(part).await?;
    }
    Ok(())
}
