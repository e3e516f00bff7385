//! What a verification has compared so far: a record a folder or drive, and where it goes on. A unit ends
//! between two of them.

use ports::{Change, Expect, Key};
use serde::{Deserialize, Serialize};

use super::VerifyReport;
use crate::{
    ContentError, CopyJob, Workload,
    store::{decode, encode},
    unit::Stop,
};

/// Where the comparison stands.
const CURSOR: &str = "V";
/// The compared places, in order.
const PLACES: &str = "V/";
/// Differences of one place that are listed.
const LISTED: usize = 200;
/// Old records that go in one commit.
const PER_COMMIT: usize = 60;

/// The comparison in hand.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Places {
    round: String,
    /// The next place: workload and folder.
    pub(super) at: (Workload, u32),
    kept: u32,
    pub(super) finished: bool,
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
        let old = job.store.query_all(&job.partition, PLACES).await?;
        for part in old.chunks(PER_COMMIT) {
            let gone = part
                .iter()
                .map(|record| Change::Delete { key: record.key.clone(), expect: Expect::Anything });
            job.store.commit(&gone.collect::<Vec<_>>()).await?;
        }
        let at = (Workload::Mailbox, 0);
        Ok(Self { round: round.to_owned(), at, kept: 0, finished: false })
    }

    /// Keeps what was found at one place, and goes on behind it.
    pub(super) async fn keep(
        &mut self,
        job: &CopyJob<'_>,
        (workload, folder): (Workload, u32),
        mut report: VerifyReport,
    ) -> Result<(), Stop> {
        let more = report.differences.len().saturating_sub(LISTED);
        report.differences.truncate(LISTED);
        report.more_differences = u64::try_from(more).unwrap_or(u64::MAX);
        let sort = format!("{PLACES}{:08}", self.kept);
        let place = Change::put(Key::new(job.partition.clone(), &*sort), encode(&sort, &report)?);
        self.kept = self.kept.saturating_add(1);
        self.at = (workload, folder.saturating_add(1));
        self.save(job, Some(place)).await
    }

    /// Everything is compared.
    pub(super) async fn finish(&mut self, job: &CopyJob<'_>) -> Result<(), Stop> {
        self.finished = true;
        self.save(job, None).await
    }

    async fn save(&self, job: &CopyJob<'_>, place: Option<Change>) -> Result<(), Stop> {
        let value = encode(CURSOR, self)?;
        let cursor = Change::put(Key::new(job.partition.clone(), CURSOR), value);
        let changes: Vec<Change> = place.into_iter().chain([cursor]).collect();
        job.store.commit(&changes).await.map_err(ContentError::from)?;
        Ok(())
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
