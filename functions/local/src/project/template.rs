//! The commented project file that `init` writes.

use super::file::Network;

/// What is filled in.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    /// The project's name.
    pub(crate) name: String,
    /// The tenant that people leave.
    pub(crate) source: TenantTemplate,
    /// The tenant that people join.
    pub(crate) target: TenantTemplate,
    /// The pairs of attributes that match.
    pub(crate) match_by: Vec<(String, String)>,
    /// The mailbox that notifications are sent from.
    pub(crate) sender: Option<String>,
    /// The licences of a new user.
    pub(crate) licenses: Vec<String>,
    /// The accounts that lose their rights at the end.
    pub(crate) app_accounts: Vec<String>,
    /// How the internet is reached.
    pub(crate) network: Network,
}

/// One tenant.
#[derive(Clone, Debug)]
pub(crate) struct TenantTemplate {
    /// Its GUID.
    pub(crate) tenant_id: String,
    /// The application.
    pub(crate) client_id: String,
    /// The initial domain.
    pub(crate) initial_domain: String,
    /// The domain of its people.
    pub(crate) domain: String,
    /// The line that names the secret.
    pub(crate) secret: String,
    /// The base address of a simulator, which also offers what real tenants may not.
    pub(crate) simulator: Option<String>,
}

impl Network {
    /// The section of the project file.
    fn section(&self) -> String {
        let proxy = match &self.proxy {
            Some(proxy) => format!("proxy = \"{proxy}\""),
            None => "# proxy = \"http://proxy.example:3128\"".to_owned(),
        };
        let trusted = match &self.trusted_certificates {
            Some(file) => format!("trusted_certificates = '{}'", file.display()),
            None => "# trusted_certificates = \"proxy-ca.pem\"".to_owned(),
        };
        format!(
            "# Without these the system's own proxy setting (HTTPS_PROXY) and certificates hold.\n\
             [network]\n{proxy}\n{trusted}\n\
             # Let webhooks go to private and loopback addresses too, and without TLS.\n\
             # private_webhooks = false\n"
        )
    }
}

impl Template {
    /// Two tenants that nobody has.
    pub(crate) fn example() -> Self {
        let tenant = |digit: &str, name: &str, variable: &str| TenantTemplate {
            tenant_id: format!("{digit}0000000-0000-0000-0000-000000000000"),
            client_id: format!("{digit}0000000-0000-0000-0000-00000000000a"),
            initial_domain: format!("{name}.onmicrosoft.com"),
            domain: format!("{name}.example"),
            secret: format!("client_secret_env = \"{variable}\""),
            simulator: None,
        };
        Self {
            name: "merger".to_owned(),
            source: tenant("1", "contoso", "CROSSWAVE_SOURCE_SECRET"),
            target: tenant("2", "fabrikam", "CROSSWAVE_TARGET_SECRET"),
            match_by: [("employeeId", "employeeId"), ("mail", "proxyAddresses")]
                .map(|(source, target)| (source.to_owned(), target.to_owned()))
                .to_vec(),
            sender: None,
            licenses: vec!["SPE_E3".to_owned()],
            app_accounts: Vec::new(),
            network: Network::default(),
        }
    }
}

/// The text of the file.
pub(crate) fn template(values: &Template) -> String {
    let Template { name, source, target, match_by, sender, licenses, app_accounts, network } =
        values;
    let pair = |(source, target): &(String, String)| {
        format!("[[matching]]\nsource = \"{source}\"\ntarget = \"{target}\"\n")
    };
    let matching: Vec<String> = match_by.iter().map(pair).collect();
    let matching = matching.join("\n");
    let licenses = list(licenses);
    let app_accounts = list(app_accounts);
    let domain = &target.domain;
    let (notifications, scripts) = (notifications(sender.as_deref(), domain), scripts(domain));
    let (source, target, network) = (tenant(source), tenant(target), network.section());
    format!(
        r#"# A Crosswave project: the people of one Microsoft 365 tenant move into another.
# `crosswave check` reads this file strictly and looks at both tenants; it writes nothing.

# Letters, digits, hyphens, dots, underscores.
name = "{name}"

# premium: Crosswave makes the users in the target and routes their mail.
# basic, advanced: user, licence and mailbox exist in the target; content only.
type = "premium"

# The database of this project, beside this file. Default: the name with `.crosswave`.
# state = "{name}.crosswave"

# The domain of new addresses; one of the target's domains.
new_address_domain = "{domain}"

# The tenant that people leave.
[source]
{source}
# The tenant that people join.
[target]
{target}
# Who is who: pairs of attributes, in order; the first pair that hits decides.
# A mapping script with `match_keys` can compute more.
{matching}
# Rights of groups (SYN-2) go to the target's group with the same alias (mailNickname) or name
# (displayName), or to the one that is named here; without either they wait, and the report lists them.
[groups]
by = []
# named = {{ "sales@contoso.example" = "contoso-sales@fabrikam.example" }}

# The options of waves that name no profile. Others: [profiles.vip.sync] and so on.
[profiles.default.prepare]
# Make users without a match as guests; send-guest-invite invites them later.
as_guests = false

[profiles.default.sync]
mailbox = true
# The archive goes through a preview endpoint: also turn on `archive` of both capabilities.
archive = true
onedrive = true
permissions = true
# Forward the target mailbox to the source mailbox until the cutover.
forwarding = true
# By SKU part number.
licenses = [{licenses}]
# Two letters, for users for whom the mapping gives none.
usage_location = "DE"
# A sync with more items that cannot be copied has failed.
bad_item_limit = 50
# Seconds that one unit of a copy works before it ends and the next begins, 5 to 600.
unit_seconds = 60

[profiles.default.cutover]
# off, continue (tell the user and go on), wait (until the user confirms, or gate_hours are over).
outlook_gate = "off"
gate_hours = 72
# Compare source and target before the final notification, and stop there if they differ.
verify_first = false
# Accounts that lose their rights on the mailbox at the end.
app_accounts = [{app_accounts}]

[profiles.default.mapping]
# A wave does not start when the mapping script would park more than this share of its people.
parked_percent = 10

{notifications}
{scripts}
{network}
[limits]
# Steps at the same time.
workers = 24
# Exchange cmdlets at the same time, per tenant.
exchange_concurrency = 8
"#,
    )
}

/// The section of the notifications.
fn notifications(sender: Option<&str>, domain: &str) -> String {
    let sender = match sender {
        Some(sender) => format!("sender = \"{sender}\""),
        None => format!("# sender = \"migration@{domain}\""),
    };
    format!(
        r#"[notifications]
# A mailbox in the target tenant. Without it nothing is sent.
{sender}
# Where a notification script's webhooks go, signed with a secret from a variable or a file.
# webhook = "https://hooks.{domain}/crosswave"
# webhook_secret_env = "CROSSWAVE_WEBHOOK_SECRET"
# quiet_zone = "Europe/Berlin"
# quiet_hours = [{{ from = "20:00", to = "07:00" }}]
"#
    )
}

/// The section of the scripts.
fn scripts(domain: &str) -> String {
    format!(
        r#"[scripts]
# The shipped mapping and notifications run where none is named. A file is a draft: it runs once
# `crosswave script publish` has checked, tested and published it.
# mapping = "mapping.rhai"
# notifications = "notifications.rhai"
# Data sets for `ctx.table("costcentre")`:
# tables = {{ costcentre = "costcentre.csv" }}
# What one call may use.
milliseconds = 250
memory_mib = 64
operations = 200000

[scripts.policy]
# Attributes that no script may set.
# protected = ["employeeId"]
# Whom notifications may address beyond the people themselves, and which links they may hold.
# recipient_domains = ["partner.example"]
# lists = {{ helpdesk = "helpdesk@{domain}" }}
# links = ["https://intranet.{domain}/move"]
"#
    )
}

fn tenant(values: &TenantTemplate) -> String {
    let TenantTemplate { tenant_id, client_id, initial_domain, domain, secret, simulator } = values;
    let label = initial_domain.split('.').next().unwrap_or(initial_domain);
    let endpoints = simulator.as_ref().map_or_else(String::new, |base| {
        format!(
            "endpoints = {{ login = \"{base}/login/\", graph = \"{base}/graph/\", \
             exchange = \"{base}/outlook/\", \
             sharepoint_admin = \"{base}/sharepoint/{label}-admin/\" }}\n"
        )
    });
    format!(
        r#"tenant_id = "{tenant_id}"
# The app registration that Crosswave signs in with.
client_id = "{client_id}"
# One of: client_secret_env (an environment variable), client_secret_file,
# certificate_file with private_key_file. A secret never stands in this file.
{secret}
initial_domain = "{initial_domain}"
domains = ["{domain}"]
capabilities = {{ archive = {archive}, hybrid = false }}
# How many licences the tenant has: SharePoint's budget grows with them, and so does the estimate.
# licences = 1000
{endpoints}"#,
        archive = simulator.is_some(),
    )
}

fn list(values: &[String]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
    quoted.join(", ")
}
