//! Who in the target is meant by a principal of the source (SYN-2).

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::ContentError;

/// A principal as the source names it. Exchange often gives only a display name, OneDrive an
/// object id and an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourcePrincipal {
    /// The text as the source wrote it: an address, a display name, a SID.
    pub text: String,
    /// The source's Entra object id, where it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_id: Option<String>,
    /// The primary address, where it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

impl SourcePrincipal {
    /// A principal of which only the written text is known.
    pub fn named(text: impl Into<String>) -> Self {
        Self { text: text.into(), object_id: None, address: None }
    }
}

/// A security principal of the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetPrincipal {
    /// The target's Entra object id.
    pub object_id: String,
    /// The target's primary address or user principal name.
    pub address: String,
}

/// What a source principal becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Translation {
    /// This one in the target, able to hold rights there.
    Mapped(TargetPrincipal),
    /// Known in the source, but not (yet) matched to anyone who can hold rights: kept and granted
    /// by a later sync.
    Unmatched,
    /// The same, and a person can settle it: why it waits and what to do, for the report.
    Undecided(String),
    /// `Default`, `Anonymous`, `NT AUTHORITY\SELF` and the like: the same on both sides.
    WellKnown,
    /// Deleted in the source, or outside it: dropped and reported.
    Orphan,
    /// An account of the migration itself: its rights are nobody's in the target.
    OfMigration,
}

/// The match table, as the copy asks it.
#[async_trait]
pub trait Principals: Send + Sync {
    /// Translates one principal. An ambiguous name is [`Translation::Unmatched`], never a guess.
    async fn translate(&self, principal: &SourcePrincipal) -> Result<Translation, ContentError>;

    /// A right begins to wait for this principal. Whoever keeps the table notes it durably before he
    /// answers, so that the right is granted when its holder comes and no round of the copy follows
    /// any more. Told again, it changes nothing.
    async fn awaited(&self, principal: &SourcePrincipal) -> Result<(), ContentError>;
}

/// Translations that need no table: well-known names, system accounts and orphaned SIDs.
/// `None` when the match table must be asked.
pub(crate) fn obvious(text: &str) -> Option<Translation> {
    let lower = text.trim().to_ascii_lowercase();
    if matches!(lower.as_str(), "default" | "anonymous") || lower.starts_with("nt authority\\") {
        return Some(Translation::WellKnown);
    }
    let orphan = lower.is_empty()
        || lower.starts_with("s-1-5-")
        || lower.starts_with("nt:s-1-5-")
        || lower.starts_with("nt user:s-1-5-")
        || lower.starts_with("exchangepublisheduser.")
        || lower == "deleted user";
    orphan.then_some(Translation::Orphan)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SYN-2: what Exchange itself owns stays, what is left of deleted accounts goes.
    #[test]
    fn well_known_and_orphaned_principals_need_no_table() {
        let well_known = ["Default", "anonymous", "NT AUTHORITY\\SELF"];
        for text in well_known {
            assert_eq!(obvious(text), Some(Translation::WellKnown), "{text}");
        }
        let orphans = ["S-1-5-21-1-2-3-4", "NT:S-1-5-21-9", "", "ExchangePublishedUser.a@b.c"];
        for text in orphans {
            assert_eq!(obvious(text), Some(Translation::Orphan), "{text}");
        }
        assert_eq!(obvious("Zoë Müller"), None);
    }
}
