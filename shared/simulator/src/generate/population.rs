//! How many people, and how awkward.

use serde::{Deserialize, Serialize};

use crate::config::Profile;

/// What a generated tenant holds. Shares are "one in so many"; 0 for none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Population {
    /// People with a mailbox.
    pub people: usize,
    /// One in so many has an archive.
    pub archives: usize,
    /// One in so many is under litigation hold.
    pub holds: usize,
    /// One in so many is mastered in an on-premises directory.
    pub synced: usize,
    /// One guest for so many people.
    pub guests: usize,
    /// One shared mailbox for so many people.
    pub shared_mailboxes: usize,
    /// One in so many has X500 addresses of an earlier move.
    pub old_x500: usize,
    /// One in so many has an account in the target already.
    pub existing_in_target: usize,
    /// One in so many finds the address in the target taken by somebody else.
    pub conflicts: usize,
    /// Whether mailboxes and drives get content.
    pub content: bool,
}

impl Default for Population {
    fn default() -> Self {
        Self::of(30, Profile::Realistic)
    }
}

impl Population {
    /// The usual mix for a profile.
    pub fn of(people: usize, profile: Profile) -> Self {
        let (synced, conflicts, guests) = match profile {
            Profile::Calm => (0, 0, 20),
            Profile::Realistic => (25, 0, 15),
            Profile::Awkward => (10, 12, 8),
        };
        Self {
            people,
            archives: 5,
            holds: 15,
            synced,
            guests,
            shared_mailboxes: 12,
            old_x500: 4,
            existing_in_target: 4,
            conflicts,
            content: true,
        }
    }

    /// Whether person number `index` is one of "one in `share`"; `offset` keeps the traits apart.
    pub(super) fn hits(share: usize, index: usize, offset: usize) -> bool {
        share > 0 && index % share == offset % share
    }
}
