//! Knobs of content: what differs between tenants, and what the vendor leaves open.

use serde::{Deserialize, Serialize};

/// How mailboxes and drives behave. Probabilities are from 0.0 to 1.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct ContentRules {
    /// How often an entry of a delta page comes twice.
    pub delta_duplicates: f64,
    /// How often a delta page is empty and still carries a nextLink.
    pub delta_empty_pages: f64,
    /// How often a delta round repeats a change that the round before has shown.
    pub delta_replays: f64,
    /// Life of a delta token in seconds; after it the answer is 410.
    pub delta_token_seconds: u32,
    /// Life of a mailbox import session in seconds.
    pub import_session_seconds: u32,
    /// Largest item that a mailbox takes, in bytes.
    pub largest_item_bytes: u64,
    /// What a mailbox holds at most, in bytes; 0 for no limit.
    pub mailbox_quota_bytes: u64,
    /// Life of a drive upload session in seconds; each fragment renews it.
    pub upload_session_seconds: u32,
    /// Life of a download URL in seconds.
    pub download_url_seconds: u32,
    /// Whether download and upload URLs refuse a request that carries a token. rclone 1.60 sends its token
    /// along and is in wide use; personal drives refuse it since 2024.
    pub download_refuses_token: bool,
    /// What a drive holds at most, in bytes; 0 for no limit.
    pub drive_quota_bytes: u64,
    /// Whether SharePoint rewrites Office files on upload, which changes size and hash.
    pub rewrite_office_files: bool,
    /// How often an item of a `$batch` is throttled on its own.
    pub batch_items_throttled: f64,
    /// Whether sharing is switched off in the tenant.
    pub sharing_disabled: bool,
}

impl Default for ContentRules {
    fn default() -> Self {
        Self {
            delta_duplicates: 0.0,
            delta_empty_pages: 0.0,
            delta_replays: 0.0,
            delta_token_seconds: 30 * 86_400,
            import_session_seconds: 3_600,
            largest_item_bytes: 150 * 1024 * 1024,
            mailbox_quota_bytes: 0,
            upload_session_seconds: 86_400,
            download_url_seconds: 3_600,
            download_refuses_token: true,
            drive_quota_bytes: 1 << 40,
            rewrite_office_files: false,
            batch_items_throttled: 0.0,
            sharing_disabled: false,
        }
    }
}

impl ContentRules {
    /// Everything that makes a copier's life hard.
    pub(crate) fn awkward() -> Self {
        Self {
            delta_duplicates: 0.1,
            delta_empty_pages: 0.2,
            delta_replays: 0.1,
            import_session_seconds: 600,
            download_url_seconds: 300,
            rewrite_office_files: true,
            batch_items_throttled: 0.05,
            ..Self::default()
        }
    }
}
