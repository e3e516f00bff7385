//! Bad items (SYN-5): what could not be copied, why, and what to do about it.

use serde::{Deserialize, Serialize};

use crate::Workload;

/// One item that could not be copied. It stays listed until a later round copies it or it is gone
/// from the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadItem {
    /// Of which workload.
    pub workload: Workload,
    /// The source's id.
    pub id: String,
    /// The folder it lies in, in words.
    pub folder: String,
    /// Its name or kind, as far as the source tells.
    pub name: String,
    /// Bytes; 0 when the source does not tell.
    pub size: u64,
    /// Why it was not copied.
    pub reason: String,
    /// What a person can do.
    pub advice: String,
    /// The state that was tried: a change key or an eTag.
    pub tag: String,
    /// When it was made, as the source writes it; empty where a search by it is not needed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub created: String,
    /// In how many rounds it failed.
    pub tries: u32,
}

impl BadItem {
    /// One line for a report.
    pub fn line(&self) -> String {
        format!(
            "{} `{}` in `{}` ({} bytes): {}; {}",
            self.workload.title(),
            self.name,
            self.folder,
            self.size,
            self.reason,
            self.advice
        )
    }
}

/// What to advise for a tenant's refusal of one item.
pub(crate) fn advice(error: &tenant::TenantError) -> &'static str {
    use tenant::Class;
    match error.class {
        Class::Unreadable => "open it in the source; if that fails too, delete it there",
        Class::QuotaExceeded => "free room in the target or assign a larger plan",
        Class::Forbidden => "check holds and policies of the mailbox or drive",
        Class::Locked => "close it wherever it is open; the next sync tries again",
        _ => "the next sync tries again; if it stays so, move or save it by hand",
    }
}
