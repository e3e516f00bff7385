//! Verification (SYN-4): counts and sizes on both sides, a sample of hashes, every difference.

use serde::{Deserialize, Serialize};

use crate::Workload;

/// Source and target of one folder or drive, side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedPlace {
    /// Of which workload.
    pub workload: Option<Workload>,
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
    /// The folder was not copied.
    FolderNotCopied,
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
