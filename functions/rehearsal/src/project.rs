//! The project of a rehearsal, as a project file for its tenants describes it.

use catalogue::ProjectType;
use model::{BadId, Capabilities, CustomerId, Profile, Project, TenantFacts};
use simulator::{Credentials, Rehearsal};

/// The pair of attributes that match: both companies keep a personnel number there.
pub const MATCH_BY: (&str, &str) = ("extensionAttribute1", "extensionAttribute1");
/// The licences of a new user.
pub const LICENSES: [&str; 1] = ["SPE_E3"];

/// The mailbox that notifications are sent from.
pub fn sender(tenants: &Rehearsal) -> String {
    format!("notifications@{}", tenants.target.vanity_domain)
}

/// The project for a host that is not told by a file.
pub fn project(tenants: &Rehearsal, customer: CustomerId) -> Result<Project, BadId> {
    let facts = |credentials: &Credentials| TenantFacts {
        tenant_id: credentials.tenant_id.to_string(),
        initial_domain: credentials.initial_domain.clone(),
        domains: vec![credentials.vanity_domain.clone(), credentials.initial_domain.clone()],
        capabilities: Capabilities { archive: true, hybrid: false },
        licences: None,
    };
    let mut profile = Profile::default();
    profile.sync.licenses = LICENSES.map(str::to_owned).to_vec();
    profile.sync.usage_location = Some("DE".to_owned());
    profile.cutover.app_accounts = vec![tenants.service_account.clone()];
    let (source, target) = MATCH_BY;
    Ok(Project {
        customer,
        id: "rehearsal".parse()?,
        project_type: ProjectType::Premium,
        source: facts(&tenants.source),
        target: facts(&tenants.target),
        match_by: vec![(source.to_owned(), target.to_owned())],
        groups: model::GroupMatching::default(),
        target_domain: tenants.target.vanity_domain.clone(),
        default_profile: profile,
        profiles: std::collections::BTreeMap::new(),
        notification_sender: Some(sender(tenants)),
        quiet_hours: None,
        policy: model::ScriptPolicy::default(),
    })
}
