//! A project: one source tenant, one target tenant.

use std::{collections::BTreeMap, time::Duration};

use catalogue::ProjectType;
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{Blackout, CustomerId, Profile, ProjectId, Stored};

/// A project as the engine needs it. Credentials are not here: they are configuration of the host
/// and never reach the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Whose.
    pub customer: CustomerId,
    /// Which.
    pub id: ProjectId,
    /// Its type.
    pub project_type: ProjectType,
    /// The tenant that people leave.
    pub source: TenantFacts,
    /// The tenant that people join.
    pub target: TenantFacts,
    /// Matching: pairs of source and target attribute, in order (MAT-2).
    pub match_by: Vec<(String, String)>,
    /// Which group of the target is meant by one of the source that holds rights (SYN-2).
    #[serde(default)]
    pub groups: GroupMatching,
    /// The domain of new target addresses.
    pub target_domain: String,
    /// The options that a wave uses when it names no profile.
    pub default_profile: Profile,
    /// Named options.
    pub profiles: BTreeMap<String, Profile>,
    /// The mailbox in the target tenant that notifications are sent from.
    pub notification_sender: Option<String>,
    /// Hours in which no notification is sent, and their IANA zone (NOT-2).
    #[serde(default)]
    pub quiet_hours: Option<QuietHours>,
    /// What the project's scripts may decide.
    #[serde(default)]
    pub policy: ScriptPolicy,
}

/// Which group of the target is meant by a group of the source (SYN-2). Nothing is guessed: without a
/// word about a group its rights wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GroupMatching {
    /// Groups by their address, name or object id in the source, each with the address or object id of the
    /// target's. Asked first.
    pub named: BTreeMap<String, String>,
    /// For all others: attributes that both have in common, in order. The first that hits decides.
    pub by: Vec<GroupAttribute>,
}

impl GroupMatching {
    /// Whether it says nothing about any group.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty() && self.by.is_empty()
    }

    /// What the target's group is called, if one of these names of a source group is listed.
    pub fn named<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<&str> {
        names.into_iter().find_map(|name| {
            let of_it =
                |(listed, _): &(&String, &String)| listed.to_lowercase() == name.to_lowercase();
            self.named.iter().find(of_it).map(|(_, target)| target.as_str())
        })
    }
}

/// An attribute by which groups are told to be the same one, by its name in Graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GroupAttribute {
    /// The name that people see.
    DisplayName,
    /// Exchange's alias.
    MailNickname,
}

/// What the project's scripts may decide, beyond what is never allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptPolicy {
    /// Attributes that no script may set.
    pub protected: Vec<String>,
    /// Domains, beside both tenants' own, that a notification may be sent to by address.
    pub recipient_domains: Vec<String>,
    /// Distribution lists that a notification may be sent to: the name that scripts use, and the
    /// address.
    pub lists: BTreeMap<String, String>,
    /// Links that a notification may hold: each allows itself and what is below its path.
    pub links: Vec<String>,
}

/// Hours in which no notification is sent (NOT-2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    /// The IANA zone of the wall clock.
    pub zone: String,
    /// The hours.
    pub hours: Vec<Blackout>,
}

impl Project {
    /// How long notifications are still held back; `None` when they may go.
    pub fn quiet_for(&self, now: Timestamp) -> Option<Duration> {
        let quiet = self.quiet_hours.as_ref()?;
        let zone = TimeZone::get(&quiet.zone).ok()?;
        let local = now.to_zoned(zone.clone());
        let ends =
            quiet.hours.iter().filter_map(|hours| hours.end_if_inside(&local, &zone).ok()?);
        let end = ends.max()?;
        Duration::try_from(end.duration_since(now)).ok()
    }
}

impl Stored for Project {
    const KIND: &'static str = "project";
}

/// What is known about a tenant without asking it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantFacts {
    /// The tenant's GUID.
    pub tenant_id: String,
    /// The initial domain, `name.onmicrosoft.com`.
    pub initial_domain: String,
    /// The verified domains, the initial one among them; lower case.
    pub domains: Vec<String>,
    /// What the tenant offers beyond the plain.
    pub capabilities: Capabilities,
    /// How many licences it has, as far as the project says: SharePoint's budget grows with them.
    #[serde(default)]
    pub licences: Option<u32>,
}

/// What a tenant offers beyond the plain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Capabilities {
    /// Archive mailboxes through the preview endpoint.
    pub archive: bool,
    /// The target is hybrid: recipients are mastered on premises.
    pub hybrid: bool,
}
