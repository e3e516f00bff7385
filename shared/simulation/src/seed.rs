//! What a seed decides of its world: who lives there, what they own, what the project moves, and when.

use std::{collections::BTreeMap, sync::Arc};

use catalogue::ProjectType;
use jiff::Timestamp;
use model::{Capabilities, Profile, Project, SyncOptions, TenantFacts};
use ports::{Clock, Random, Transport};
use simulator::{Credentials, DriveFill, MailboxFill, Population};
use tenant::{
    ClientId, Credential, Endpoints, Limits, SecretText, TenantClient, TenantConfig, TenantId,
};

use crate::{fault::mix, world::SetUpFailed};

/// What a mailbox and a drive hold: in most runs as little as shows a mistake, in some as much as people
/// have.
pub(crate) fn contents(seed: u64) -> (MailboxFill, DriveFill) {
    let bits = mix(seed, 0xF1_11ED, 0);
    let (items, files, bytes) = match bits % 16 {
        0 => ((15, 40), (5, 15), None),
        1..=3 => ((2, 6), (1, 3), None),
        _ => ((1, 4), (1, 2), Some(1 + (bits >> 4) % 20_000)),
    };
    let mail = MailboxFill {
        least_items: items.0,
        most_items: items.1,
        folders: 1,
        ..MailboxFill::default()
    };
    let files = DriveFill {
        least_files: files.0,
        most_files: files.1,
        small_bytes: bytes,
        folders: 1,
        shares: 1,
        ..DriveFill::default()
    };
    (mail, files)
}

/// One to three people, each a little different; mostly one.
pub(crate) fn population(seed: u64) -> Population {
    let bits = mix(seed, 0x90_9051, 0);
    let one_in =
        |shift: u32, share: usize| if (bits >> shift).trailing_zeros() >= 2 { share } else { 0 };
    Population {
        people: match bits % 16 {
            0..=10 => 1,
            11..=14 => 2,
            _ => 3,
        },
        archives: one_in(8, 1),
        holds: 0,
        synced: 0,
        guests: 0,
        shared_mailboxes: 0,
        old_x500: one_in(10, 1),
        existing_in_target: one_in(12, 2),
        conflicts: 0,
        content: false,
    }
}

/// A client of one tenant.
pub(crate) fn client(
    credentials: &Credentials,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
    limits: &Arc<Limits>,
) -> Result<TenantClient, SetUpFailed> {
    let name = credentials.initial_domain.split('.').next().unwrap_or_default();
    let admin = format!("https://{name}-admin.sharepoint.com/");
    let admin = admin.parse().map_err(|error| format!("{admin}: {error}"))?;
    let failed = |error: &dyn std::fmt::Display| error.to_string();
    let config = TenantConfig::new(
        TenantId::parse(&credentials.tenant_id.to_string()).map_err(|error| failed(&error))?,
        ClientId::parse(&credentials.client_id.to_string()).map_err(|error| failed(&error))?,
        Credential::Secret(SecretText::from(credentials.client_secret.clone())),
    )
    .with_endpoints(Endpoints::public().with_sharepoint_admin(admin));
    let (transport, clock) = (Arc::clone(transport), Arc::clone(clock));
    Ok(TenantClient::new(config, transport, clock, Arc::clone(random), Arc::clone(limits)))
}

/// The project, with what the seed wants moved.
pub(crate) fn project(
    seed: u64,
    source: &Credentials,
    target: &Credentials,
    service_account: &str,
) -> Result<Project, SetUpFailed> {
    let facts = |credentials: &Credentials| TenantFacts {
        tenant_id: credentials.tenant_id.to_string(),
        initial_domain: credentials.initial_domain.clone(),
        domains: vec![credentials.vanity_domain.clone(), credentials.initial_domain.clone()],
        capabilities: Capabilities { archive: true, hybrid: false },
        licences: None,
    };
    let bits = mix(seed, 0x9_0F11E, 0);
    let mut profile = Profile::default();
    profile.sync = SyncOptions {
        archive: bits.trailing_zeros() >= 2,
        onedrive: (bits >> 2) & 1 == 0,
        permissions: (bits >> 3) & 1 == 0,
        ..profile.sync
    };
    profile.cutover.app_accounts = vec![service_account.to_owned()];
    Ok(Project {
        customer: "local".parse().map_err(|error: model::BadId| error.to_string())?,
        id: "story".parse().map_err(|error: model::BadId| error.to_string())?,
        project_type: ProjectType::Premium,
        source: facts(source),
        target: facts(target),
        match_by: Vec::new(),
        groups: model::GroupMatching::default(),
        target_domain: target.vanity_domain.clone(),
        default_profile: profile,
        profiles: BTreeMap::new(),
        notification_sender: Some(format!("notifications@{}", target.vanity_domain)),
        quiet_hours: None,
        policy: model::ScriptPolicy::default(),
    })
}

/// The day before a daylight-saving change, or a day without one.
pub(crate) fn start(seed: u64) -> Timestamp {
    let day = match mix(seed, 0xDA7, 0) % 3 {
        0 => "2026-03-28T08:00:00Z",
        1 => "2026-10-24T08:00:00Z",
        _ => "2026-06-01T08:00:00Z",
    };
    day.parse().unwrap_or(Timestamp::UNIX_EPOCH)
}
