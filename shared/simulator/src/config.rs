//! Every knob of the simulator, and three profiles that set them all.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{content::ContentRules, faults::Faults, throttle::Throttling};

/// How the simulated tenants behave. Every part has a default; a file names only what differs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Config {
    /// How long changes take to show.
    pub lags: Lags,
    /// Rules that Microsoft has not documented or that differ between tenants.
    pub rules: Rules,
    /// Faults injected into requests.
    pub faults: Faults,
    /// Request budgets.
    pub throttling: Throttling,
    /// How mailboxes and drives behave.
    pub content: ContentRules,
}

/// A delay drawn anew each time, between two bounds. Written as milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Lag {
    /// At least so long.
    #[serde(rename = "leastMs", with = "millis")]
    pub least: Duration,
    /// At most so long.
    #[serde(rename = "mostMs", with = "millis")]
    pub most: Duration,
}

impl Lag {
    /// No delay.
    pub const NONE: Self = Self { least: Duration::ZERO, most: Duration::ZERO };

    /// A delay between two numbers of seconds.
    pub const fn seconds(least: u64, most: u64) -> Self {
        Self { least: Duration::from_secs(least), most: Duration::from_secs(most) }
    }

    /// A delay between two numbers of milliseconds.
    pub const fn millis(least: u64, most: u64) -> Self {
        Self { least: Duration::from_millis(least), most: Duration::from_millis(most) }
    }
}

/// How long changes take to show.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Lags {
    /// Until the other directory servers of the same side show a write.
    pub directory: Lag,
    /// Until Exchange shows a write of Graph, and Graph one of Exchange.
    pub forward_sync: Lag,
    /// From the licence to the mailbox.
    pub mailbox_provisioning: Lag,
    /// From the mailbox object to a store that answers.
    pub mailbox_open: Lag,
    /// From the request for a personal site (or the licence) to the drive.
    pub drive_provisioning: Lag,
    /// How long an address that its holder gave up stays taken.
    pub address_release: Lag,
}

/// Rules that are not documented or differ between tenants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Rules {
    /// How many directory servers answer on each side.
    pub directory_servers: u8,
    /// How often a call with an anchor header lands on the server that the anchor names.
    pub anchor_hits: f64,
    /// Whether `HiddenFromAddressListsEnabled` survives the change from mail user to mailbox.
    pub hidden_survives_licence: bool,
    /// Whether a contact with an address in an accepted domain is refused.
    pub contact_in_accepted_domain_refused: bool,
    /// Most hops of one message before it counts as a loop.
    pub most_hops: u8,
    /// Life of an access token in seconds.
    pub token_seconds: u32,
    /// How often an Exchange error carries no exception id (`|type|text`).
    pub empty_error_id: f64,
    /// How often an Exchange error arrives wrapped in a `CmdletProxyException`.
    pub proxied_error: f64,
    /// Whether a licence gives the drive too; otherwise somebody has to ask for the site.
    pub licence_provisions_drive: bool,
    /// Page size of Graph lists of users where the caller names none.
    pub graph_page: u16,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            directory_servers: 3,
            anchor_hits: 1.0,
            hidden_survives_licence: true,
            contact_in_accepted_domain_refused: true,
            most_hops: 10,
            token_seconds: 3_599,
            empty_error_id: 0.0,
            proxied_error: 0.0,
            licence_provisions_drive: false,
            graph_page: 100,
        }
    }
}

/// A named set of knobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// No lag, no fault, no throttling: every rule, at once.
    Calm,
    /// Lags and budgets as met in practice, with few faults.
    #[default]
    Realistic,
    /// Everything that can go wrong does, often.
    Awkward,
}

impl Config {
    /// The knobs of a profile.
    pub fn of(profile: Profile) -> Self {
        match profile {
            Profile::Calm => Self::default(),
            Profile::Realistic => Self::realistic(),
            Profile::Awkward => Self::awkward(),
        }
    }

    fn realistic() -> Self {
        Self {
            lags: Lags {
                directory: Lag::seconds(2, 45),
                forward_sync: Lag::seconds(5, 90),
                mailbox_provisioning: Lag::seconds(60, 900),
                mailbox_open: Lag::seconds(5, 60),
                drive_provisioning: Lag::seconds(60, 900),
                address_release: Lag::seconds(30, 600),
            },
            rules: Rules { anchor_hits: 0.95, empty_error_id: 0.1, ..Rules::default() },
            faults: Faults::few(),
            throttling: Throttling::as_published(),
            content: ContentRules::default(),
        }
    }

    fn awkward() -> Self {
        Self {
            lags: Lags {
                directory: Lag::seconds(5, 240),
                forward_sync: Lag::seconds(30, 600),
                mailbox_provisioning: Lag::seconds(300, 7_200),
                mailbox_open: Lag::seconds(30, 600),
                drive_provisioning: Lag::seconds(300, 7_200),
                address_release: Lag::seconds(60, 3_600),
            },
            rules: Rules {
                anchor_hits: 0.7,
                hidden_survives_licence: false,
                empty_error_id: 0.4,
                proxied_error: 0.1,
                ..Rules::default()
            },
            faults: Faults::many(),
            throttling: Throttling::as_published(),
            content: ContentRules::awkward(),
        }
    }
}

/// Durations as a number of milliseconds.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}
