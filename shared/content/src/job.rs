//! The copy of one user's content: units, in order, each ended by its checkpoint.

use std::time::Duration;

use ports::{Clock, Store};
use tenant::{Class, Retry, TenantClient, TenantError};

use crate::{
    BadItem, ContentError, CopyMode, CopySettings, CopySummary, Principals, Progress, UnitOutcome,
    VerifyReport,
};

/// Whose content is copied, and which parts of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopySubject {
    /// The source user's Entra object id.
    pub source_user: String,
    /// The target user's Entra object id.
    pub target_user: String,
    /// Copy the mailbox, with its permissions and side data.
    pub mailbox: bool,
    /// Copy the archive mailbox, where the source has one.
    pub archive: bool,
    /// Copy the OneDrive.
    pub drive: bool,
}

/// The copy of one user.
///
/// It holds nothing between units: a unit reads its state from the store, works within its budget
/// and commits, so the next may run at any time in any process.
pub struct CopyJob<'a> {
    /// The source tenant; only read.
    pub source: &'a TenantClient,
    /// The target tenant.
    pub target: &'a TenantClient,
    /// Where the state is kept.
    pub store: &'a dyn Store,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// The store's partition for this user's copy; nothing else may be in it.
    pub partition: String,
    /// Whose content.
    pub subject: CopySubject,
    /// The match table.
    pub principals: &'a dyn Principals,
    /// Limits and switches.
    pub settings: CopySettings,
}

impl CopyJob<'_> {
    /// Runs one unit of a round. `round` is the id of the job that copies: the same id goes on where
    /// the last unit ended, another one begins a new round, a finished one answers
    /// [`UnitOutcome::Finished`] again without asking anybody.
    pub async fn run_unit(&self, mode: CopyMode, round: &str) -> Result<UnitOutcome, ContentError> {
        let _ = (mode, round);
        Ok(UnitOutcome::Finished(CopySummary::default()))
    }

    /// Compares source and target (SYN-4). Reads only.
    pub async fn verify(&self) -> Result<VerifyReport, ContentError> {
        Ok(VerifyReport::default())
    }

    /// Where the last round stands; `None` before the first.
    pub async fn progress(&self) -> Result<Option<Progress>, ContentError> {
        Ok(None)
    }

    /// The bad items that are open (SYN-5).
    pub async fn bad_items(&self) -> Result<Vec<BadItem>, ContentError> {
        Ok(Vec::new())
    }

    /// Grants the permissions that waited for their principal and can be granted now (SYN-2).
    /// Says how many were granted and how many still wait.
    pub async fn grant_pending_permissions(&self) -> Result<Granted, ContentError> {
        Ok(Granted::default())
    }
}

/// What became of waiting permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// Granted now.
    pub granted: u32,
    /// Still waiting.
    pub waiting: u32,
}
