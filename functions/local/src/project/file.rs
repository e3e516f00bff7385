//! Reading `crosswave.toml`.

use std::{collections::BTreeMap, ops::Range, path::PathBuf, time::Duration};

use catalogue::ProjectType;
use control::{FileFault, FileFaults};
use jiff::tz::TimeZone;
use model::{
    Blackout, Capabilities, GroupMatching, Profile, Project, ProjectId, QuietHours, ScriptKind,
    ScriptPolicy, TenantFacts,
};
use scripting::Budget;
use serde::Deserialize;
use tenant::{ClientId, TenantId};
use toml::Spanned;
use url::Url;

/// Largest project file in bytes.
const MOST_BYTES: usize = 1024 * 1024;
/// The customer of a one-machine installation.
pub(crate) const CUSTOMER: &str = "local";

/// A project file that was checked.
#[derive(Debug)]
pub(crate) struct ProjectFile {
    /// Where it is; other files are named relative to its folder.
    pub(crate) path: PathBuf,
    /// The project as the engine knows it.
    pub(crate) project: Project,
    /// How the source tenant is reached.
    pub(crate) source: TenantSection,
    /// How the target tenant is reached.
    pub(crate) target: TenantSection,
    /// The customer's scripts.
    pub(crate) scripts: Scripts,
    /// Where webhooks go.
    pub(crate) webhook: WebhookKeys,
    /// How the internet is reached.
    pub(crate) network: Network,
    /// Bounds.
    pub(crate) limits: Limits,
    /// The database, beside the project file.
    pub(crate) state: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    name: Spanned<String>,
    #[serde(rename = "type")]
    project_type: ProjectType,
    #[serde(default)]
    state: Option<PathBuf>,
    source: TenantSection,
    target: TenantSection,
    /// The domain of new target addresses.
    new_address_domain: Spanned<String>,
    #[serde(default)]
    matching: Vec<Spanned<Pair>>,
    #[serde(default)]
    groups: GroupMatching,
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
    #[serde(default)]
    notifications: Notifications,
    #[serde(default)]
    scripts: Scripts,
    #[serde(default)]
    network: Network,
    #[serde(default)]
    limits: Limits,
}

/// One tenant and the application that signs in there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantSection {
    tenant_id: Spanned<String>,
    client_id: Spanned<String>,
    initial_domain: Spanned<String>,
    #[serde(default)]
    domains: Vec<Spanned<String>>,
    /// The name of an environment variable that holds the client secret.
    pub(crate) client_secret_env: Option<String>,
    /// A file that holds the client secret and nothing else.
    pub(crate) client_secret_file: Option<PathBuf>,
    /// A certificate, PEM or DER.
    pub(crate) certificate_file: Option<PathBuf>,
    /// Its private key, PEM.
    pub(crate) private_key_file: Option<PathBuf>,
    #[serde(default)]
    capabilities: Capabilities,
    /// How many licences the tenant has.
    licences: Option<u32>,
    /// Other addresses than the public cloud's: a national cloud, or the simulator.
    pub(crate) endpoints: Option<EndpointsSection>,
}

/// Other addresses than the public cloud's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointsSection {
    /// The identity platform.
    pub(crate) login: Url,
    /// Microsoft Graph.
    pub(crate) graph: Url,
    /// Exchange Online.
    pub(crate) exchange: Url,
    /// SharePoint's administration host.
    pub(crate) sharepoint_admin: Option<Url>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    source: String,
    target: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Notifications {
    sender: Option<String>,
    quiet_zone: Option<Spanned<String>>,
    quiet_hours: Vec<Blackout>,
    webhook: Option<Spanned<Url>>,
    webhook_secret_env: Option<String>,
    webhook_secret_file: Option<PathBuf>,
}

/// Where webhooks go (NOT-3).
#[derive(Debug)]
pub(crate) struct WebhookKeys {
    /// The receiver; without one no webhook is sent.
    pub(crate) webhook: Option<Url>,
    /// The name of an environment variable that holds the secret that they are signed with.
    pub(crate) webhook_secret_env: Option<String>,
    /// A file that holds the secret and nothing else.
    pub(crate) webhook_secret_file: Option<PathBuf>,
}

/// The customer's scripts; the shipped ones run where none is named.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Scripts {
    /// The mapping script.
    mapping: Option<PathBuf>,
    /// The notification script.
    notifications: Option<PathBuf>,
    /// Data sets that both look values up in: name and CSV file.
    pub(crate) tables: BTreeMap<String, PathBuf>,
    /// Processor time of one call.
    milliseconds: Spanned<u64>,
    /// Memory of one call.
    memory_mib: Spanned<u64>,
    /// Operations of one call.
    operations: Spanned<u64>,
    /// What scripts may decide.
    policy: ScriptPolicy,
}

impl Default for Scripts {
    fn default() -> Self {
        let Budget { time, memory, operations } = Budget::default();
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            mapping: None,
            notifications: None,
            tables: BTreeMap::new(),
            milliseconds: Spanned::new(0..0, milliseconds),
            memory_mib: Spanned::new(0..0, memory >> 20),
            operations: Spanned::new(0..0, operations),
            policy: ScriptPolicy::default(),
        }
    }
}

impl Scripts {
    /// The script of a kind, relative to the project file.
    pub(crate) fn path(&self, kind: ScriptKind) -> Option<&std::path::Path> {
        match kind {
            ScriptKind::Mapping => self.mapping.as_deref(),
            ScriptKind::Notifications => self.notifications.as_deref(),
        }
    }

    /// What each call may use.
    pub(crate) fn budget(&self) -> Budget {
        Budget {
            time: Duration::from_millis(*self.milliseconds.get_ref()),
            memory: *self.memory_mib.get_ref() << 20,
            operations: *self.operations.get_ref(),
        }
    }
}

/// How the internet is reached from here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Network {
    /// An HTTP proxy for everything, instead of the system's setting.
    pub(crate) proxy: Option<Url>,
    /// A PEM file of certificates to trust besides the system's.
    pub(crate) trusted_certificates: Option<PathBuf>,
    /// Whether webhooks may go to addresses that are not of the public internet.
    pub(crate) private_webhooks: bool,
}

/// Bounds of this installation.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// Steps that run at the same time.
    pub(crate) workers: Spanned<usize>,
    /// Exchange cmdlets at the same time, per tenant.
    pub(crate) exchange_concurrency: Spanned<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { workers: Spanned::new(0..0, 24), exchange_concurrency: Spanned::new(0..0, 8) }
    }
}

impl TenantSection {
    /// The tenant.
    pub(crate) fn tenant(&self) -> Result<TenantId, tenant::IdentityError> {
        TenantId::parse(self.tenant_id.get_ref())
    }

    /// The application.
    pub(crate) fn client(&self) -> Result<ClientId, tenant::IdentityError> {
        ClientId::parse(self.client_id.get_ref())
    }

    fn facts(&self) -> TenantFacts {
        let initial = self.initial_domain.get_ref().to_lowercase();
        let mut domains: Vec<String> =
            self.domains.iter().map(|domain| domain.get_ref().to_lowercase()).collect();
        if !domains.contains(&initial) {
            domains.push(initial.clone());
        }
        TenantFacts {
            tenant_id: self.tenant_id.get_ref().to_lowercase(),
            initial_domain: initial,
            domains,
            capabilities: self.capabilities,
            licences: self.licences,
        }
    }
}

/// Reads and checks the text of a project file.
pub(crate) fn read(path: &std::path::Path, text: &str) -> Result<ProjectFile, FileFaults> {
    let checker = Checker { file: path.display().to_string(), text };
    if text.len() > MOST_BYTES {
        let text = format!("a project file has at most {MOST_BYTES} bytes");
        return Err(checker.fault(0..0, text).into());
    }
    let document: Document = toml::from_str(text).map_err(|error| {
        let mut message = error.message().replace('\n', "; ");
        for number in ["usize", "u64", "u32", "u16"] {
            message = message.replace(&format!("expected {number}"), "expected a whole number");
        }
        FileFaults::from(checker.fault(error.span().unwrap_or(0..0), message))
    })?;
    checker.check(&document)?;
    let folder = path.parent().map(std::path::Path::to_owned).unwrap_or_default();
    let name: ProjectId = document
        .name
        .get_ref()
        .parse()
        .map_err(|error: model::BadId| checker.at(&document.name, error.to_string()))?;
    let customer = CUSTOMER
        .parse()
        .map_err(|error: model::BadId| checker.at(&document.name, error.to_string()))?;
    let default_profile = document.profiles.get("default").cloned().unwrap_or_default();
    let quiet_hours = document.notifications.quiet_zone.as_ref().map(|zone| QuietHours {
        zone: zone.get_ref().clone(),
        hours: document.notifications.quiet_hours.clone(),
    });
    let pairs = document.matching.iter().map(Spanned::get_ref);
    let project = Project {
        customer,
        project_type: document.project_type,
        source: document.source.facts(),
        target: document.target.facts(),
        match_by: pairs.map(|pair| (pair.source.clone(), pair.target.clone())).collect(),
        groups: document.groups,
        target_domain: document.new_address_domain.get_ref().to_lowercase(),
        default_profile,
        profiles: document.profiles,
        notification_sender: document.notifications.sender,
        quiet_hours,
        policy: document.scripts.policy.clone(),
        id: name.clone(),
    };
    let webhook = WebhookKeys {
        webhook: document.notifications.webhook.map(Spanned::into_inner),
        webhook_secret_env: document.notifications.webhook_secret_env,
        webhook_secret_file: document.notifications.webhook_secret_file,
    };
    let state = document.state.unwrap_or_else(|| PathBuf::from(format!("{name}.crosswave")));
    Ok(ProjectFile {
        path: path.to_owned(),
        project,
        source: document.source,
        target: document.target,
        scripts: document.scripts,
        webhook,
        network: document.network,
        limits: document.limits,
        state: folder.join(state),
    })
}

/// Checks what the types cannot.
struct Checker<'a> {
    file: String,
    text: &'a str,
}

impl Checker<'_> {
    fn check(&self, document: &Document) -> Result<(), FileFaults> {
        let mut faults = Vec::new();
        self.tenant(&document.source, "source", &mut faults);
        self.tenant(&document.target, "target", &mut faults);
        if let Err(error) = document.name.get_ref().parse::<ProjectId>() {
            faults.push(self.at(&document.name, error.to_string()));
        }
        let domain = &document.new_address_domain;
        let of_target = document.target.facts().domains;
        if !of_target.contains(&domain.get_ref().to_lowercase()) {
            let text = format!(
                "new_address_domain must be one of the target's domains: {}",
                of_target.join(", ")
            );
            faults.push(self.at(domain, text));
        }
        if let Some(zone) = &document.notifications.quiet_zone
            && TimeZone::get(zone.get_ref()).is_err()
        {
            let text = "this is no IANA time zone, for instance Europe/Berlin";
            faults.push(self.at(zone, text.to_owned()));
        }
        self.webhook(document, &mut faults);
        for (bound, most) in
            [(&document.limits.workers, 500), (&document.limits.exchange_concurrency, 100)]
        {
            if !(1..=most).contains(bound.get_ref()) {
                let text = format!("expected a number from 1 to {most}");
                faults.push(self.fault(bound.span(), text));
            }
        }
        let scripts = &document.scripts;
        for (bound, most) in [
            (&scripts.milliseconds, 10_000),
            (&scripts.memory_mib, 512),
            (&scripts.operations, 100_000_000),
        ] {
            if !(1..=most).contains(bound.get_ref()) {
                let text = format!("expected a number from 1 to {most}");
                faults.push(self.fault(bound.span(), text));
            }
        }
        match faults.split_first_mut() {
            None => Ok(()),
            Some(_) => {
                faults.sort_by_key(|fault| fault.line);
                Err(FileFaults { faults, more: 0 })
            }
        }
    }

    fn tenant(&self, section: &TenantSection, name: &str, faults: &mut Vec<FileFault>) {
        if let Err(error) = section.tenant() {
            faults.push(self.at(&section.tenant_id, error.to_string()));
        }
        if let Err(error) = section.client() {
            faults.push(self.at(&section.client_id, error.to_string()));
        }
        for domain in section.domains.iter().chain([&section.initial_domain]) {
            let text = domain.get_ref();
            if !text.contains('.') || TenantId::parse(text).is_err() {
                let text = "this is no domain, for instance contoso.onmicrosoft.com";
                faults.push(self.at(domain, text.to_owned()));
            }
        }
        let certificate = section.certificate_file.is_some() || section.private_key_file.is_some();
        let ways = [
            section.client_secret_env.is_some(),
            section.client_secret_file.is_some(),
            certificate,
        ];
        let ways = ways.into_iter().filter(|way| *way).count();
        let whole = section.certificate_file.is_some() == section.private_key_file.is_some();
        if ways != 1 || !whole {
            let text = format!(
                "[{name}] needs exactly one credential: client_secret_env, client_secret_file, or \
                 certificate_file with private_key_file"
            );
            faults.push(self.fault(section.client_id.span(), text));
        }
    }

    fn webhook(&self, document: &Document, faults: &mut Vec<FileFault>) {
        let Notifications { webhook, webhook_secret_env, webhook_secret_file, .. } =
            &document.notifications;
        let Some(url) = webhook else { return };
        let (secure, web) = (url.get_ref().scheme() == "https", url.get_ref().scheme() == "http");
        if !(secure || (web && document.network.private_webhooks)) {
            let text = "a webhook's address begins with https://";
            faults.push(self.fault(url.span(), text.to_owned()));
        }
        if !url.get_ref().username().is_empty() || url.get_ref().password().is_some() {
            let text = "a webhook's address holds no user and no password; they are signed instead";
            faults.push(self.fault(url.span(), text.to_owned()));
        }
        if webhook_secret_env.is_some() == webhook_secret_file.is_some() {
            let text = "a webhook needs webhook_secret_env or webhook_secret_file, and not both";
            faults.push(self.fault(url.span(), text.to_owned()));
        }
    }

    fn at(&self, value: &Spanned<String>, expected: String) -> FileFault {
        let mut fault = self.fault(value.span(), expected);
        fault.found.clone_from(value.get_ref());
        fault
    }

    /// A fault at a range of bytes of the text.
    fn fault(&self, span: Range<usize>, expected: String) -> FileFault {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        FileFault {
            file: self.file.clone(),
            line: u64::try_from(line).unwrap_or(u64::MAX),
            column: Some(column.to_string()),
            found: String::new(),
            expected,
        }
    }
}

#[cfg(test)]
mod tests;
