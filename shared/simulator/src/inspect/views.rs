//! What can be seen.

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use crate::{
    Arrival, FreeBusy, LoggedRequest, Message, Simulator,
    directory::{Proxy, Recipient, RecipientKind, Tenant},
    mail,
    world::World,
};

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantView {
    /// Its GUID.
    pub id: Uuid,
    /// Its display name.
    pub name: String,
    /// Its `...onmicrosoft.com` domain.
    pub initial_domain: String,
    /// The domain of its people.
    pub default_domain: String,
    /// How many user accounts there are.
    pub users: usize,
    /// How many recipients there are, by `RecipientTypeDetails`.
    pub recipients: BTreeMap<String, usize>,
}

/// An entry of an address list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AddressEntry {
    /// The recipient's guid.
    pub guid: Uuid,
    /// The display name.
    pub display_name: String,
    /// The primary SMTP address.
    pub address: String,
    /// `RecipientTypeDetails`.
    pub kind: String,
    /// Where mail for it goes, for mail users and contacts.
    pub external_address: Option<String>,
}

/// A recipient with what a checker wants to know of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecipientView {
    /// The recipient's guid.
    pub guid: Uuid,
    /// The Entra object behind it.
    pub directory_id: Uuid,
    /// `RecipientTypeDetails`.
    pub kind: String,
    /// The CN.
    pub name: String,
    /// The display name.
    pub display_name: String,
    /// The alias.
    pub alias: String,
    /// The sign-in name; empty for contacts and groups.
    pub user_principal_name: String,
    /// All proxy addresses with their prefixes.
    pub addresses: Vec<String>,
    /// `ExternalEmailAddress`, without its prefix.
    pub external_address: Option<String>,
    /// `LegacyExchangeDN`.
    pub legacy_exchange_dn: String,
    /// `HiddenFromAddressListsEnabled`.
    pub hidden: bool,
    /// Mastered on premises.
    pub synced: bool,
    /// The forwarding.
    pub forwarding: ForwardingView,
    /// `ExchangeGuid`.
    pub mailbox: Option<Uuid>,
    /// `ArchiveGuid`.
    pub archive: Option<Uuid>,
}

/// Where a mailbox forwards to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ForwardingView {
    /// The address that mail goes to, whichever of the two properties it comes from.
    pub target: Option<String>,
    /// Whether it comes from `ForwardingAddress`.
    pub by_recipient: bool,
    /// `DeliverToMailboxAndForward`.
    pub keeps_copy: bool,
}

/// How often what was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Requests by status; 0 for connections that broke before the effect.
    pub by_status: BTreeMap<u16, u64>,
    /// Exchange requests by cmdlet.
    pub by_cmdlet: BTreeMap<String, u64>,
    /// Requests by the tenant of their token.
    pub by_tenant: BTreeMap<String, u64>,
    /// Requests by method and the shape of their path: ids and names are `{}`.
    pub by_kind: BTreeMap<String, u64>,
    /// SharePoint resource units spent, items of batches and transfers included.
    pub drive_units: u64,
    /// Requests to Graph as throttling counts them: each item of a batch by itself, transfers where
    /// budgets are kept.
    pub charged: u64,
    /// Those of them that a budget refused.
    pub throttled: u64,
    /// Messages by where they ended: `mailbox`, `outside`, `ndr`, `loop`.
    pub mail: BTreeMap<String, u64>,
}

fn form(tenant: &Tenant, recipient: &Recipient) -> RecipientView {
    let forwarding = &recipient.forwarding;
    let chosen = forwarding.recipient.and_then(|guid| tenant.recipients.get(guid));
    let by_recipient = chosen.is_some();
    let target = match chosen {
        Some(found) => Some(found.external.clone().unwrap_or_else(|| found.primary().to_owned())),
        None => forwarding.smtp.clone(),
    };
    RecipientView {
        guid: recipient.guid,
        directory_id: recipient.directory_id,
        kind: recipient.kind.details().to_owned(),
        name: recipient.name.clone(),
        display_name: recipient.display_name.clone(),
        alias: recipient.alias.clone(),
        user_principal_name: recipient.upn.clone(),
        addresses: recipient.proxies.iter().map(Proxy::to_string).collect(),
        external_address: recipient.external.clone(),
        legacy_exchange_dn: recipient.legacy_dn.clone(),
        hidden: recipient.hidden,
        synced: recipient.synced,
        forwarding: ForwardingView { target, by_recipient, keeps_copy: forwarding.keep_copy },
        mailbox: recipient.mailbox,
        archive: recipient.archive,
    }
}

pub(super) fn tenants(world: &World) -> Vec<TenantView> {
    let view = |tenant: &Tenant| {
        let mut recipients: BTreeMap<String, usize> = BTreeMap::new();
        for recipient in tenant.recipients.all() {
            *recipients.entry(recipient.kind.details().to_owned()).or_default() += 1;
        }
        TenantView {
            id: tenant.id,
            name: tenant.name.clone(),
            initial_domain: tenant.initial_domain().to_owned(),
            default_domain: tenant.default_domain().to_owned(),
            users: tenant.users.all().count(),
            recipients,
        }
    };
    world.tenants.values().map(view).collect()
}

pub(super) fn address_list(world: &World, tenant: Uuid) -> Vec<AddressEntry> {
    let Some(tenant) = world.tenants.get(&tenant) else { return Vec::new() };
    tenant
        .recipients
        .all()
        .filter(|recipient| !recipient.hidden && recipient.kind != RecipientKind::GuestMailUser)
        .map(|recipient| AddressEntry {
            guid: recipient.guid,
            display_name: recipient.display_name.clone(),
            address: recipient.primary().to_owned(),
            kind: recipient.kind.details().to_owned(),
            external_address: recipient.external.clone(),
        })
        .collect()
}

pub(super) fn counts(world: &World) -> Counts {
    let mut mail: BTreeMap<String, u64> = BTreeMap::new();
    for (_, arrival) in world.mail.arrivals.values().flatten() {
        let name = match arrival {
            Arrival::Mailbox { .. } => "mailbox",
            Arrival::Outside { .. } => "outside",
            Arrival::Ndr { .. } => "ndr",
            Arrival::Loop { .. } => "loop",
        };
        *mail.entry(name.to_owned()).or_default() += 1;
    }
    Counts {
        by_status: world.log.by_status.clone(),
        by_cmdlet: world.log.by_cmdlet.clone(),
        by_tenant: world.log.by_tenant.clone(),
        by_kind: world.log.by_kind.clone(),
        drive_units: world.budgets.drive_units,
        charged: world.budgets.charged,
        throttled: world.budgets.throttled,
        mail,
    }
}

pub(super) fn arrivals(world: &World, id: &str) -> Vec<Arrival> {
    let found = world.mail.arrivals.get(id);
    found.into_iter().flatten().map(|(_, arrival)| arrival.clone()).collect()
}

pub(super) fn find(world: &World, tenant: Uuid, address: &str) -> Option<RecipientView> {
    let tenant = world.tenants.get(&tenant)?;
    let guid = match Uuid::parse_str(address) {
        Ok(guid) => guid,
        Err(_) => tenant.claims.holder(&Proxy::parse(address).key())?,
    };
    tenant.recipients.get(guid).map(|found| form(tenant, found))
}

impl Simulator {
    /// All tenants.
    pub fn tenants(&self) -> Vec<TenantView> {
        tenants(&self.world())
    }

    /// Who is visible in a tenant's global address list, in the order of their guids.
    pub fn address_list(&self, tenant: Uuid) -> Vec<AddressEntry> {
        address_list(&self.world(), tenant)
    }

    /// Every recipient of a tenant, hidden ones too.
    pub fn recipients(&self, tenant: Uuid) -> Vec<RecipientView> {
        let world = self.world();
        let Some(tenant) = world.tenants.get(&tenant) else { return Vec::new() };
        tenant.recipients.all().map(|recipient| form(tenant, recipient)).collect()
    }

    /// The recipient that holds an address (SMTP, or `X500:...`) or has a guid.
    pub fn recipient(&self, tenant: Uuid, address: &str) -> Option<RecipientView> {
        find(&self.world(), tenant, address)
    }

    /// Sends a message with an id of the simulator's choice and gives the id. `to` is an SMTP
    /// address, an `IMCEAEX-...` one, or an X500 name (looked up in the sender's tenant).
    pub fn send_mail(&self, from: &str, to: &str, subject: &str) -> String {
        let now = self.now();
        let mut world = self.world();
        let message = Message {
            id: world.random.guid().to_string(),
            from: from.to_owned(),
            to: to.to_owned(),
            subject: subject.to_owned(),
            body: String::new(),
            mime: None,
        };
        mail::submit(&mut world, &message, now);
        message.id
    }

    /// Sends a message as it is.
    pub fn deliver(&self, message: &Message) {
        let now = self.now();
        mail::submit(&mut self.world(), message, now);
    }

    /// Where the copies of a message ended, in the order in which they did.
    pub fn arrivals(&self, message: &str) -> Vec<Arrival> {
        arrivals(&self.world(), message)
    }

    /// The ids of all messages that were sent, `sendMail` through Graph included.
    pub fn messages(&self) -> Vec<String> {
        self.world().mail.arrivals.keys().cloned().collect()
    }

    /// The last request that sent a message as JSON.
    pub fn last_sent(&self) -> Option<serde_json::Value> {
        self.world().mail.last_sent.clone()
    }

    /// How many invitation mails went to an address.
    pub fn invitations(&self, address: &str) -> u32 {
        self.world().mail.invitations.get(&address.to_lowercase()).copied().unwrap_or(0)
    }

    /// Whether a message lies in the mailbox of an address, in any folder.
    pub fn mailbox_holds(&self, tenant: Uuid, address: &str, message: &str) -> bool {
        let world = self.world();
        let Some(tenant) = world.tenants.get(&tenant) else { return false };
        let holder = tenant.claims.holder(&Proxy::parse(address).key());
        let recipient = holder.and_then(|guid| tenant.recipients.get(guid));
        let mailbox = recipient.and_then(|found| found.mailbox);
        let store = mailbox.and_then(|guid| tenant.mailboxes.get(&guid));
        store.is_some_and(|store| store.holds_message(message))
    }

    /// Asks as a user of a tenant for the free/busy of an address.
    pub fn free_busy(&self, asking_tenant: Uuid, address: &str) -> FreeBusy {
        mail::look_up(&self.world(), asking_tenant, address)
    }

    /// How often what was asked.
    pub fn counts(&self) -> Counts {
        counts(&self.world())
    }

    /// The latest requests, oldest first; at most ten thousand.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.world().log.latest.iter().cloned().collect()
    }
}
