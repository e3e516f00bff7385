//! One person of a project.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{JobId, Problem, Profile, Stored, UserId, UserState, WaveId};

/// One person: source identity, target identity once matched, state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The id: the source user's Entra object id.
    pub id: UserId,
    /// Who that is in the source.
    pub source: SourceIdentity,
    /// Who that is in the target, once matched or created.
    pub target: Option<TargetIdentity>,
    /// Where the user stands.
    pub state: UserState,
    /// The wave.
    pub wave: Option<WaveId>,
    /// Options of this user alone; they win over the wave's profile.
    pub profile: Option<Profile>,
    /// The job in flight (GEN-4).
    pub job: Option<JobId>,
    /// How many jobs the user has had; the next is numbered one more.
    pub jobs: u32,
    /// Whether an initial sync has ended well: later syncs are deltas (SYN-3).
    pub synced_once: bool,
    /// When the last sync ended well.
    pub last_sync: Option<Timestamp>,
    /// Why the user is parked, while it is.
    pub problem: Option<Problem>,
    /// An attribute or user in the target that matched more than once (MAT-2), in words.
    pub match_note: Option<String>,
}

impl User {
    /// A user who has just been discovered.
    pub fn discovered(id: UserId, source: SourceIdentity) -> Self {
        Self {
            id,
            source,
            target: None,
            state: UserState::NoMatch,
            wave: None,
            profile: None,
            job: None,
            jobs: 0,
            synced_once: false,
            last_sync: None,
            problem: None,
            match_note: None,
        }
    }
}

impl Stored for User {
    const KIND: &'static str = "user";
}

/// That rights on somebody's mailbox or drive wait for a user (SYN-2): kept with whom they wait for, so
/// that they are granted when he comes, also behind the last sync of their owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedRights {
    /// Whose mailbox or drive.
    pub owner: UserId,
    /// How the owner's rights name the user: the copier's own text.
    pub names: BTreeSet<String>,
}

impl Stored for AwaitedRights {
    const KIND: &'static str = "awaited rights";
}

/// A person in the source tenant, as discovered (MAT-1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceIdentity {
    /// Entra object id.
    pub object_id: String,
    /// User principal name.
    pub user_principal_name: String,
    /// Display name.
    pub display_name: String,
    /// Primary SMTP address; empty without a mailbox or mail attribute.
    pub mail: String,
    /// The address in the tenant's initial (onmicrosoft) domain, if there is one.
    pub initial_address: Option<String>,
    /// The preferred language, for instance `de-DE`.
    pub language: Option<String>,
    /// Mailbox, archive, drive.
    pub mailbox: MailboxFacts,
    /// The licences, by SKU part number.
    pub licenses: Vec<String>,
    /// Whether the user is a guest of the source tenant.
    pub guest: bool,
    /// Whether the account is mastered on premises.
    pub directory_synced: bool,
    /// What blocks or burdens a move (MAT-1).
    pub blockers: Vec<Blocker>,
}

/// What content a person has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MailboxFacts {
    /// Exchange's RecipientTypeDetails, for instance `UserMailbox` or `SharedMailbox`.
    pub recipient_type: Option<String>,
    /// The recipient's Exchange GUID as a directory object.
    pub recipient_guid: Option<String>,
    /// Whether there is a mailbox.
    pub mailbox: bool,
    /// Whether there is an archive mailbox.
    pub archive: bool,
    /// Whether there is a OneDrive.
    pub drive: bool,
    /// Items in the mailbox, if known.
    pub items: Option<u64>,
    /// Bytes in the mailbox, if known.
    pub bytes: Option<u64>,
}

/// What blocks or burdens a move (MAT-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blocker {
    /// A litigation hold: nothing is lost, but held items in Recoverable Items stay behind.
    Hold,
    /// No mailbox.
    NoMailbox,
    /// A guest of the source tenant.
    Guest,
    /// Mastered on premises: attributes cannot be written in the cloud.
    DirectorySynced,
    /// The account is disabled.
    Disabled,
}

impl Blocker {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Hold => "litigation hold",
            Self::NoMailbox => "no mailbox",
            Self::Guest => "guest",
            Self::DirectorySynced => "directory-synced",
            Self::Disabled => "account disabled",
        }
    }
}

/// A person in the target tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetIdentity {
    /// Entra object id.
    pub object_id: String,
    /// User principal name.
    pub user_principal_name: String,
    /// Whether Crosswave made the account; a matched one is somebody else's work.
    pub created: bool,
}
