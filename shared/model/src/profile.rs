//! The options of prepare, sync and cutover that a wave, or a user, uses.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A named set of options. The defaults are what most migrations want.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Options of prepare.
    pub prepare: PrepareOptions,
    /// Options of sync.
    pub sync: SyncOptions,
    /// Options of cutover.
    pub cutover: CutoverOptions,
    /// What the mapping script may do to a wave.
    pub mapping: MappingOptions,
}

/// What the mapping script may do to a wave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MappingOptions {
    /// A wave does not start when the mapping would park more than this share of its people, in
    /// percent; 100 lets every wave start.
    pub parked_percent: u8,
}

impl Default for MappingOptions {
    fn default() -> Self {
        Self { parked_percent: 10 }
    }
}

/// Options of prepare.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrepareOptions {
    /// Prepare users without a match as guests, uninvited (PRE-6).
    pub as_guests: bool,
}

/// Options of sync.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SyncOptions {
    /// Copy the mailbox.
    pub mailbox: bool,
    /// Copy the archive mailbox, where the tenant offers the preview endpoint.
    pub archive: bool,
    /// Copy OneDrive.
    pub onedrive: bool,
    /// Copy permissions.
    pub permissions: bool,
    /// Forward the target mailbox to the source mailbox until cutover (SYN-I3).
    pub forwarding: bool,
    /// The licences to assign, by SKU part number, for instance `SPE_E3` (SYN-I4).
    pub licenses: Vec<String>,
    /// The usage location of users for whom the mapping gives none: two letters, ISO 3166.
    pub usage_location: Option<String>,
    /// So many items may fail before the sync counts as failed (SYN-5).
    pub bad_item_limit: u64,
    /// How long one unit of a copy works before it ends: one invocation of a step does one unit.
    pub unit_seconds: UnitSeconds,
}

/// How long one unit of a copy works: 5 to 600 seconds, 60 unless told otherwise. A step whose host ends it
/// sooner takes less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct UnitSeconds(u32);

impl UnitSeconds {
    /// As a duration.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0.into())
    }
}

impl Default for UnitSeconds {
    fn default() -> Self {
        Self(60)
    }
}

impl TryFrom<u32> for UnitSeconds {
    type Error = String;

    fn try_from(seconds: u32) -> Result<Self, String> {
        match seconds {
            5..=600 => Ok(Self(seconds)),
            _ => Err("expected a number from 5 to 600: one unit is well inside one invocation"
                .to_owned()),
        }
    }
}

impl From<UnitSeconds> for u32 {
    fn from(unit: UnitSeconds) -> Self {
        unit.0
    }
}

impl Default for SyncOptions {
    fn default() -> Self {
        Self {
            mailbox: true,
            archive: true,
            onedrive: true,
            permissions: true,
            forwarding: true,
            licenses: Vec::new(),
            usage_location: None,
            bad_item_limit: 50,
            unit_seconds: UnitSeconds::default(),
        }
    }
}

/// Options of cutover.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CutoverOptions {
    /// What T10 does.
    pub outlook_gate: OutlookGate,
    /// The gate's time limit in hours, for `wait`.
    pub gate_hours: u32,
    /// Run one late delta after S7 (CUT-3).
    pub late_delta: bool,
    /// Verify before S7 and stop there when something differs.
    pub verify_first: bool,
    /// The migration accounts whose rights S8 removes: user principal names in the source.
    pub app_accounts: Vec<String>,
}

impl Default for CutoverOptions {
    fn default() -> Self {
        Self {
            outlook_gate: OutlookGate::Off,
            gate_hours: 72,
            late_delta: false,
            verify_first: false,
            app_accounts: Vec::new(),
        }
    }
}

impl CutoverOptions {
    /// The gate's time limit.
    pub fn gate_limit(&self) -> Duration {
        Duration::from_hours(u64::from(self.gate_hours))
    }
}

/// What T10 does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutlookGate {
    /// No notice, no wait.
    #[default]
    Off,
    /// Tells the user what is to be done, and goes on.
    Continue,
    /// Tells the user, and waits until the gate is opened or its time limit is over.
    Wait,
}
