//! How much is put into mailboxes and drives.

use serde::{Deserialize, Serialize};

/// What a mailbox gets. The default is small, so that a rehearsal is quick.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct MailboxFill {
    /// At least so many items.
    pub least_items: u32,
    /// At most so many.
    pub most_items: u32,
    /// Folders of the person's own.
    pub folders: u32,
    /// Of the items so many are large,
    pub large_items: u32,
    /// each of so many bytes. They cost no memory until they are exported.
    pub large_bytes: u64,
    /// Of the items so many cannot be read any more (`ErrorCorruptData`).
    pub corrupt_items: u32,
    /// The language of the default folders' names, for instance `de-DE`.
    pub language: String,
}

impl Default for MailboxFill {
    fn default() -> Self {
        Self {
            least_items: 5,
            most_items: 40,
            folders: 6,
            large_items: 0,
            large_bytes: 150 * 1024 * 1024 - 64 * 1024,
            corrupt_items: 0,
            language: "en-US".to_owned(),
        }
    }
}

/// What a drive gets. The default is small, so that a rehearsal is quick.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct DriveFill {
    /// At least so many files.
    pub least_files: u32,
    /// At most so many.
    pub most_files: u32,
    /// Folders.
    pub folders: u32,
    /// Of the files so many are large,
    pub large_files: u32,
    /// each of so many bytes. They cost no memory.
    pub large_bytes: u64,
    /// Bytes of every other file; none for sizes as people have them, empty files among them.
    pub small_bytes: Option<u64>,
    /// Folders and files that are shared with others of the tenant.
    pub shares: u32,
    /// Whether there is a notebook, a shortcut and a file with malware.
    pub oddities: bool,
}

impl Default for DriveFill {
    fn default() -> Self {
        Self {
            least_files: 5,
            most_files: 30,
            folders: 6,
            large_files: 0,
            large_bytes: 10 * 1024 * 1024 * 1024,
            small_bytes: None,
            shares: 2,
            oddities: false,
        }
    }
}
