//! Why a unit of a copy stopped.

use ports::{CommitError, StoreError};
use thiserror::Error;

/// A failure of the copy itself. Bad items are no failure (SYN-5), throttling neither (ERR-3).
#[derive(Debug, Error)]
pub enum ContentError {
    /// A tenant refused or could not be reached.
    #[error("{doing}: {source}")]
    Tenant {
        /// What the copy was doing, in words for a person.
        doing: String,
        /// The tenant client's own words.
        #[source]
        source: Box<tenant::TenantError>,
    },
    /// The store could not be read.
    #[error("reading the copy's state: {0}")]
    Store(#[from] StoreError),
    /// The store could not be written.
    #[error("writing the copy's state: {0}")]
    Commit(CommitError),
    /// Another process advanced this user's copy at the same time; it goes on, this one ends.
    #[error("another worker is copying this user; this unit gave way and lost nothing")]
    Superseded,
    /// The stored state cannot be read by this program.
    #[error(
        "the copy's state at {place} cannot be read: {reason}; verify the program's version, then reset the user to copy anew"
    )]
    Damaged {
        /// The record's sort key.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// More items failed than the profile allows (SYN-5).
    #[error(
        "{count} items could not be copied and the profile allows {limit}; the last one is {last}; see the list of bad items, then repair them or raise the limit"
    )]
    TooManyBadItems {
        /// How many are open.
        count: u32,
        /// The profile's limit.
        limit: u32,
        /// The last one, in words.
        last: String,
    },
    /// A tenant answered something that no documentation allows.
    #[error("{doing}: the answer makes no sense: {reason}")]
    Protocol {
        /// What the copy was doing.
        doing: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The target has no room left.
    #[error(
        "the target {place} is full: {reason}; free some room or assign a larger plan, then sync again"
    )]
    TargetFull {
        /// `mailbox`, `archive` or `OneDrive`.
        place: String,
        /// The tenant's words.
        reason: String,
    },
    /// What the copy needs is not there, and waiting will not bring it.
    #[error("{what} is missing: {advice}")]
    Missing {
        /// For instance `the target mailbox`.
        what: String,
        /// What to do.
        advice: String,
    },
    /// The source has an archive and the target has none (yet); see
    /// [`crate::CopySettings::archive_required`].
    #[error("the target has no archive mailbox to copy the source's archive into")]
    NoTargetArchive,
    /// The match table could not be asked.
    #[error("translating a principal: {0}")]
    Principals(String),
}

impl From<CommitError> for ContentError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict { .. } => Self::Superseded,
            other @ (CommitError::OutsideLimits(_)
            | CommitError::Throttled(_)
            | CommitError::Refused(_)
            | CommitError::Unknown(_)) => Self::Commit(other),
        }
    }
}
