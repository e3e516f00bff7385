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
mod tests {
    use super::*;
    use crate::project::{Template, template};

    fn faults(change: impl Fn(&str) -> String) -> String {
        let text = change(&template(&Template::example()));
        read(std::path::Path::new("p.toml"), &text).unwrap_err().to_string()
    }

    /// ERR-1: whatever stands in the file, it is read or refused in words.
    #[test]
    fn a_garbled_project_file_is_refused_and_never_a_panic() {
        let good = template(&Template::example());
        let words = ["", "=", "\"", "[[", "-1", "1979-13-45", "é", "\u{0}", "true", "{}"];
        let mut bits = 0x9E37_79B9_u64;
        let mut next = |bound: usize| {
            bits = bits
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(bits >> 33).unwrap() % bound.max(1)
        };
        for _ in 0..1_500 {
            let mut chars: Vec<char> = good.chars().collect();
            for _ in 0..=next(3) {
                let at = next(chars.len());
                let to = (at + next(30)).min(chars.len());
                chars.splice(at..to, words[next(words.len())].chars());
            }
            let text: String = chars.into_iter().collect();
            if let Err(faults) = read(std::path::Path::new("p.toml"), &text) {
                assert!(faults.to_string().contains("p.toml"), "{faults}");
            }
        }
    }

    #[test]
    fn the_template_of_init_is_a_good_project_file() {
        let file = read(std::path::Path::new("x/p.toml"), &template(&Template::example())).unwrap();
        assert_eq!(file.project.project_type, ProjectType::Premium);
        assert_eq!(file.state, std::path::Path::new("x/merger.crosswave"));
        assert_eq!(file.project.target.domains, ["fabrikam.example", "fabrikam.onmicrosoft.com"]);
    }

    /// ERR-1: an unknown key, with file, line and column.
    #[test]
    fn an_unknown_key_is_named_with_its_place() {
        let text = faults(|text| text.replacen("[source]", "[source]\ntennant = 1", 1));
        assert!(text.starts_with("p.toml:"), "{text}");
        assert!(text.contains("column 1: unknown field `tennant`, expected one of"), "{text}");
    }

    /// ERR-1: a wrong type.
    #[test]
    fn a_wrong_type_is_named_with_its_place() {
        let text = faults(|text| text.replace("workers = 24", "workers = \"many\""));
        assert!(
            text.contains("column 11: invalid type: string \"many\", expected a whole number"),
            "{text}"
        );
    }

    /// A unit of a copy is well inside one invocation: the file may set how long it works, within bounds.
    #[test]
    fn the_budget_of_a_unit_is_a_setting_with_bounds() {
        let good = template(&Template::example());
        let with =
            |seconds: &str| good.replace("unit_seconds = 60", &format!("unit_seconds = {seconds}"));
        let read = |text: &str| read(std::path::Path::new("p.toml"), text);
        let unit = |text: &str| read(text).unwrap().project.default_profile.sync.unit_seconds;
        assert_eq!(unit(&good).duration(), Duration::from_mins(1));
        assert_eq!(unit(&good.replace("unit_seconds = 60", "")).duration(), Duration::from_mins(1));
        assert_eq!(unit(&with("20")).duration(), Duration::from_secs(20));
        for wrong in ["4", "601"] {
            let faults = read(&with(wrong)).unwrap_err().to_string();
            assert!(faults.contains("expected a number from 5 to 600"), "{faults}");
            assert!(faults.starts_with("p.toml:"), "{faults}");
        }
    }

    /// SYN-2: groups by name and by attribute, and the licences by which SharePoint's budget grows.
    #[test]
    fn groups_and_licences_are_read() {
        let text = template(&Template::example())
            .replace("by = []", "by = [\"mailNickname\", \"displayName\"]")
            .replace("# named =", "named =")
            .replace("# licences = 1000", "licences = 6000");
        let project = read(std::path::Path::new("p.toml"), &text).unwrap().project;
        assert_eq!(project.groups.by.len(), 2);
        let named = project.groups.named(["Sales@Contoso.example"]);
        assert_eq!(named, Some("contoso-sales@fabrikam.example"));
        assert_eq!((project.source.licences, project.target.licences), (Some(6_000), Some(6_000)));
        let wrong = faults(|text| text.replace("by = []", "by = [\"mail\"]"));
        assert!(wrong.contains("unknown variant `mail`, expected `displayName`"), "{wrong}");
    }

    /// ERR-1
    #[test]
    fn values_that_cannot_be_are_named_all_at_once() {
        let text = faults(|text| {
            text.replace("name = \"merger\"", "name = \"my merger\"").replace(
                "new_address_domain = \"fabrikam.example\"",
                "new_address_domain = \"x.y\"",
            )
        });
        assert!(text.contains("`my merger`: `my merger` cannot be a project id"), "{text}");
        assert!(text.contains("`x.y`: new_address_domain must be one of the target's"), "{text}");
    }

    /// NOT-3, ERR-1
    #[test]
    fn a_webhook_needs_a_safe_address_and_a_secret() {
        let with = |lines: &str| {
            faults(|text| text.replacen("[notifications]", &format!("[notifications]\n{lines}"), 1))
        };
        let plain = with("webhook = \"http://hooks.example/x\"\nwebhook_secret_env = \"S\"");
        assert!(plain.contains("column 11: a webhook's address begins with https://"), "{plain}");
        let bare = with("webhook = \"https://hooks.example/x\"");
        assert!(bare.contains("a webhook needs webhook_secret_env"), "{bare}");
        let user = with("webhook = \"https://me:pw@hooks.example/\"\nwebhook_secret_env = \"S\"");
        assert!(user.contains("no user and no password"), "{user}");
    }

    #[test]
    fn two_credentials_and_none_are_refused() {
        let two = faults(|text| {
            let both = "client_secret_file = \"s\"\nclient_secret_env = ";
            text.replacen("client_secret_env = ", both, 1)
        });
        assert!(two.contains("[source] needs exactly one credential"), "{two}");
        let none = faults(|text| text.replace("client_secret_env =", "# client_secret_env ="));
        assert!(none.contains("[target] needs exactly one credential"), "{none}");
    }
}
