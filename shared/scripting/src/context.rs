//! What a script is given: the person, the run, the event.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::attributes::Attributes;

/// The person that a mapping script maps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserInput {
    /// The source user's id; it also fixes the order in which unique values are decided.
    pub source_id: String,
    /// The source user's attributes.
    pub source: Attributes,
    /// The target user's present attributes, when there is one. A script reads them through
    /// `target` until it assigns its own.
    #[serde(default)]
    pub target: Attributes,
}

/// What is the same for every user of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunContext {
    /// The project's name.
    pub project: String,
    /// The wave's name; empty when the run is for single users.
    #[serde(default)]
    pub wave: String,
    /// Why the script is called.
    pub step: Step,
    /// The run's fixed "now".
    pub now: Timestamp,
    /// The source tenant's domains.
    #[serde(default)]
    pub source_domains: Vec<String>,
    /// The target tenant's verified domains.
    pub target_domains: Vec<String>,
    /// The target domain for addresses of a source domain that has no rule.
    pub default_domain: String,
    /// Which target domain takes the place of a source domain, where it is not the default one.
    #[serde(default)]
    pub domain_map: BTreeMap<String, String>,
    /// Source user ids to ids of their matched target users, for links such as the manager.
    #[serde(default)]
    pub matches: BTreeMap<String, String>,
}

/// Why a script is called; scripts read it as `ctx.step`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The look-up of existing target users.
    Match,
    /// PRE-S1.
    #[default]
    Prepare,
    /// SYN-I1.
    Sync,
    /// CUT-T2.
    CutoverTarget,
    /// CUT-S2.
    CutoverSource,
    /// A notification.
    Notify,
}

impl Step {
    /// Every step, in the order of a move.
    pub const ALL: [Self; 6] = [
        Self::Match,
        Self::Prepare,
        Self::Sync,
        Self::CutoverTarget,
        Self::CutoverSource,
        Self::Notify,
    ];

    /// The word that scripts compare with.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Prepare => "prepare",
            Self::Sync => "sync",
            Self::CutoverTarget => "cutover_target",
            Self::CutoverSource => "cutover_source",
            Self::Notify => "notify",
        }
    }
}

/// What happened, for a notification script (NOT-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A wave has a date.
    WaveScheduled,
    /// A user's account in the target is ready.
    PrepareDone,
    /// A user's first full copy is complete.
    InitialSyncDone,
    /// A user must confirm that the cutover may go on (before CUT-T10).
    ActionRequired,
    /// A user has moved (CUT-S7).
    CutoverComplete,
    /// A step failed.
    Error,
    /// A wave has ended.
    WaveReport,
}

impl EventKind {
    /// Every event, in the order of a move.
    pub const ALL: [Self; 7] = [
        Self::WaveScheduled,
        Self::PrepareDone,
        Self::InitialSyncDone,
        Self::ActionRequired,
        Self::CutoverComplete,
        Self::Error,
        Self::WaveReport,
    ];

    /// The word that scripts compare `event.kind` with.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WaveScheduled => "wave_scheduled",
            Self::PrepareDone => "prepare_done",
            Self::InitialSyncDone => "initial_sync_done",
            Self::ActionRequired => "action_required",
            Self::CutoverComplete => "cutover_complete",
            Self::Error => "error",
            Self::WaveReport => "wave_report",
        }
    }
}

/// An event and what is known of it. Every field is there in the script; what is not known is `()`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The wave.
    #[serde(default)]
    pub wave: String,
    /// When it is planned, or when it happened, in RFC 3339 with the wave's time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The user's address before the move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_address: Option<String>,
    /// The user's address after the move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_address: Option<String>,
    /// The user's confirmation link (action required).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The step that failed (error).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// What failed, in words (error).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What to do (error).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
    /// How many users the wave has (wave scheduled, wave report).
    #[serde(default)]
    pub users: u32,
    /// How many are complete (wave report).
    #[serde(default)]
    pub complete: u32,
    /// How many failed (wave report).
    #[serde(default)]
    pub failed: u32,
    /// One line for each failed user: who, step, message, advice (wave report, ERR-2).
    #[serde(default)]
    pub failures: Vec<String>,
}

impl Event {
    /// An event of which nothing is known yet but its kind and wave.
    pub fn new(kind: EventKind, wave: impl Into<String>) -> Self {
        Self {
            kind,
            wave: wave.into(),
            at: None,
            old_address: None,
            new_address: None,
            link: None,
            step: None,
            message: None,
            advice: None,
            users: 0,
            complete: 0,
            failed: 0,
            failures: Vec::new(),
        }
    }
}
