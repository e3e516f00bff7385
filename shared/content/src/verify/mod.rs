//! Verification (SYN-4): counts and sizes on both sides, a sample of hashes, every difference.

mod drive;
mod listing;
mod mailbox;
mod places;
mod tree;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::places::Places;
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
    /// The target has no such mailbox or drive at all.
    NoPlace,
}

/// The result of a verification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyReport {
    /// Each folder and drive.
    pub places: Vec<VerifiedPlace>,
    /// Each difference, the first two hundred of each place.
    pub differences: Vec<Difference>,
    /// Differences that are not listed.
    #[serde(default)]
    pub more_differences: u64,
}

impl DifferenceReason {
    /// Whether the report of the copy has said so already: an item that cannot be copied, which the profile's
    /// limit of bad items allows (SYN-5), or one that is left out on purpose.
    pub fn is_reported(self) -> bool {
        matches!(self, Self::BadItem | Self::NotCopied)
    }

    /// What to do before the person can be cut over.
    pub fn before_cutover(self) -> &'static str {
        match self {
            Self::DeletedInTarget => {
                "the copy is not made again: restore it in the target (\"Recover deleted items\", or the \
                 recycle bin of OneDrive), or, if it was deleted or moved on purpose, set verify_first to no \
                 for this user; then apply cutover again"
            }
            Self::ContentDiffers => {
                "edit the item in the source (a category of a mail, a character of a file), so that it is \
                 copied anew; then apply cutover again"
            }
            Self::NoPlace => {
                "give the person the licence or the archive that it comes with, reset him to synced and sync; \
                 then apply cutover again"
            }
            Self::BadItem | Self::NotCopied | Self::ChangedSince | Self::GoneFromSource => {
                "then apply cutover again: it copies first what has changed"
            }
        }
    }
}

impl VerifyReport {
    /// Nothing differs.
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty() && self.more_differences == 0
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

/// All that the source has of a workload is missing: the target has no such mailbox or drive.
fn no_target(workload: Workload, source: &str) -> VerifyReport {
    let title = workload.title();
    let difference = Difference {
        workload,
        place: title.to_owned(),
        id: source.to_owned(),
        name: title.to_owned(),
        reason: DifferenceReason::NoPlace,
        detail: format!("the target has no {title}"),
    };
    VerifyReport { differences: vec![difference], ..VerifyReport::default() }
}

/// How a unit of a verification ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyOutcome {
    /// There is more to compare: run another unit.
    More,
    /// Everything is compared.
    Finished(VerifyReport),
    /// Nothing can be done before so long; what was compared is kept.
    Wait {
        /// How long.
        after: Duration,
        /// Why, in words for a person.
        why: String,
    },
}

impl CopyJob<'_> {
    /// Runs one unit of a comparison of source and target (SYN-4): what the source holds now with what
    /// the map says was copied and with what the target holds now. Reads both tenants only. `round` is
    /// the id of the job that verifies: the same id goes on where the last unit ended.
    pub async fn verify_unit(&self, round: &str) -> Result<VerifyOutcome, ContentError> {
        let state = State::load(self.store, &self.partition).await?;
        let mut unit = Unit::new(self, state, CopyMode::Delta);
        let done = match Places::open(self, round).await? {
            Places { finished: true, .. } => Ok(()),
            mut places => Box::pin(unit.verify_all(&mut places)).await,
        };
        match done {
            Ok(()) => Ok(VerifyOutcome::Finished(Places::report(self).await?)),
            Err(Stop::Budget) => Ok(VerifyOutcome::More),
            Err(Stop::Wait { after, why }) => Ok(VerifyOutcome::Wait { after, why }),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Pause { doing, error, after }) => {
                Ok(VerifyOutcome::Wait { after, why: format!("{doing}: {error}") })
            }
        }
    }
}

impl Unit<'_> {
    async fn verify_all(&mut self, places: &mut Places) -> Result<(), Stop> {
        let subject = &self.job.subject;
        let mailboxes =
            [(subject.mailbox, Workload::Mailbox), (subject.archive, Workload::Archive)];
        for (_, workload) in mailboxes.into_iter().filter(|(wanted, _)| *wanted) {
            if places.at < (workload, u32::MAX) {
                self.verify_mailbox(workload, places).await?;
            }
        }
        if subject.drive {
            self.verify_drive(places).await?;
        }
        Ok(places.finish(self.job).await?)
    }
}
