//! Verification (SYN-4): counts and sizes on both sides, a sample of hashes, every difference.

mod drive;
mod mailbox;

use serde::{Deserialize, Serialize};

use crate::{
    ContentError, CopyJob, CopyMode, Workload,
    store::State,
    unit::{Stop, Unit},
};

/// Source and target of one folder or drive, side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedPlace {
    /// Of which workload.
    pub workload: Workload,
    /// The folder's path or the drive.
    pub place: String,
    /// Items in the source.
    pub source_items: u64,
    /// Bytes in the source.
    pub source_bytes: u64,
    /// Items in the target.
    pub target_items: u64,
    /// Bytes in the target.
    pub target_bytes: u64,
    /// Items whose content was compared by hash.
    pub sampled: u64,
    /// Items in the target that are no copies: mail delivered there, files made there.
    pub target_only: u64,
}

/// One difference, with its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Of which workload.
    pub workload: Workload,
    /// The folder's path or the drive.
    pub place: String,
    /// The source item's id.
    pub id: String,
    /// Its name or kind.
    pub name: String,
    /// Why source and target differ.
    pub reason: DifferenceReason,
    /// More in words.
    pub detail: String,
}

/// Why source and target differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceReason {
    /// Listed as a bad item.
    BadItem,
    /// New or changed in the source since the last round; the next one copies it.
    ChangedSince,
    /// The copy is gone from the target: somebody deleted it there.
    DeletedInTarget,
    /// The content is not the same.
    ContentDiffers,
    /// It cannot be copied, or is left out on purpose.
    NotCopied,
    /// The copy of something that is gone from the source.
    GoneFromSource,
}

/// The result of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyReport {
    /// Each folder and drive.
    pub places: Vec<VerifiedPlace>,
    /// Each difference.
    pub differences: Vec<Difference>,
}

impl VerifyReport {
    /// Nothing differs.
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty()
    }
}

impl VerifiedPlace {
    fn new(workload: Workload, place: String) -> Self {
        Self {
            workload,
            place,
            source_items: 0,
            source_bytes: 0,
            target_items: 0,
            target_bytes: 0,
            sampled: 0,
            target_only: 0,
        }
    }
}

impl CopyJob<'_> {
    /// Compares source and target (SYN-4): what the source holds now with what the map says was
    /// copied and with what the target holds now. Reads only.
    pub async fn verify(&self) -> Result<VerifyReport, ContentError> {
        let state = State::load(self.store, &self.partition).await?;
        let mut unit = Unit::new(self, state, CopyMode::Delta);
        let mut report = VerifyReport::default();
        let done = Box::pin(unit.verify_all(&mut report)).await;
        match done {
            // A comparison has no budget and waits for nothing but a tenant.
            Ok(()) | Err(Stop::Wait { .. } | Stop::Budget) => Ok(report),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Pause { doing, error, .. }) => {
                Err(ContentError::Tenant { doing, source: error })
            }
        }
    }
}

impl Unit<'_> {
    async fn verify_all(&mut self, report: &mut VerifyReport) -> Result<(), Stop> {
        let subject = &self.job.subject;
        if subject.mailbox {
            self.verify_mailbox(Workload::Mailbox, report).await?;
        }
        if subject.archive {
            self.verify_mailbox(Workload::Archive, report).await?;
        }
        if subject.drive {
            self.verify_drive(report).await?;
        }
        Ok(())
    }
}
