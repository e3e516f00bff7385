//! The scene for a test or a rehearsal: fills mailboxes and drives, changes them between two runs,
//! and shows what is in them, so that a copy can be compared with its source item by item.

pub(crate) mod drive;
mod eml;
mod fill;
mod groups;
pub(crate) mod mailbox;
#[cfg(test)]
pub(crate) mod stage;
#[cfg(test)]
mod tests;
mod touch;
mod view;

use thiserror::Error;
use uuid::Uuid;

pub(crate) use drive::fill as fill_drive;
pub use fill::{DriveFill, MailboxFill};
pub(crate) use mailbox::fill as fill_mailbox;
pub use touch::Arrange;
pub use view::{DriveView, EntryView, FolderView, ItemView, MailboxView};

/// Which of a person's mailboxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The primary mailbox.
    Primary,
    /// The in-place archive.
    Archive,
}

/// There is nothing to fill, change or show.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NoContent {
    /// The tenant has no such user.
    #[error("tenant {tenant} has no user `{user}`")]
    User {
        /// The tenant.
        tenant: Uuid,
        /// The object id or the user principal name that was looked for.
        user: String,
    },
    /// The user has no such mailbox or no drive.
    #[error("`{user}` of tenant {tenant} has no {what}")]
    Store {
        /// The tenant.
        tenant: Uuid,
        /// Whose.
        user: String,
        /// What is missing.
        what: &'static str,
    },
}
