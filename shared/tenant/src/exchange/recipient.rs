//! Recipients: whatever has an address. Finding them, and what they say of themselves.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Anchor, Exchange, Parameters, ProxyAddress, record::Record};
use crate::{TenantError, error::optional};

/// What kind of recipient an object is (`RecipientTypeDetails`).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[expect(missing_docs, reason = "the names are Exchange's own")]
pub enum RecipientTypeDetails {
    UserMailbox,
    SharedMailbox,
    RoomMailbox,
    EquipmentMailbox,
    LinkedMailbox,
    SchedulingMailbox,
    DiscoveryMailbox,
    TeamMailbox,
    GroupMailbox,
    RemoteUserMailbox,
    MailUser,
    GuestMailUser,
    MailContact,
    MailUniversalDistributionGroup,
    MailUniversalSecurityGroup,
    DynamicDistributionGroup,
    User,
    DisabledUser,
    /// One that is not in this list, or none.
    Other(Box<str>),
    /// Not told.
    #[default]
    Unknown,
}

/// The kinds that have a name of their own.
const KINDS: &[(RecipientTypeDetails, &str)] = &[
    (RecipientTypeDetails::UserMailbox, "UserMailbox"),
    (RecipientTypeDetails::SharedMailbox, "SharedMailbox"),
    (RecipientTypeDetails::RoomMailbox, "RoomMailbox"),
    (RecipientTypeDetails::EquipmentMailbox, "EquipmentMailbox"),
    (RecipientTypeDetails::LinkedMailbox, "LinkedMailbox"),
    (RecipientTypeDetails::SchedulingMailbox, "SchedulingMailbox"),
    (RecipientTypeDetails::DiscoveryMailbox, "DiscoveryMailbox"),
    (RecipientTypeDetails::TeamMailbox, "TeamMailbox"),
    (RecipientTypeDetails::GroupMailbox, "GroupMailbox"),
    (RecipientTypeDetails::RemoteUserMailbox, "RemoteUserMailbox"),
    (RecipientTypeDetails::MailUser, "MailUser"),
    (RecipientTypeDetails::GuestMailUser, "GuestMailUser"),
    (RecipientTypeDetails::MailContact, "MailContact"),
    (RecipientTypeDetails::MailUniversalDistributionGroup, "MailUniversalDistributionGroup"),
    (RecipientTypeDetails::MailUniversalSecurityGroup, "MailUniversalSecurityGroup"),
    (RecipientTypeDetails::DynamicDistributionGroup, "DynamicDistributionGroup"),
    (RecipientTypeDetails::User, "User"),
    (RecipientTypeDetails::DisabledUser, "DisabledUser"),
];

impl RecipientTypeDetails {
    /// Whether it has a mailbox in this tenant.
    pub fn is_mailbox(&self) -> bool {
        matches!(
            self,
            Self::UserMailbox
                | Self::SharedMailbox
                | Self::RoomMailbox
                | Self::EquipmentMailbox
                | Self::LinkedMailbox
                | Self::SchedulingMailbox
                | Self::DiscoveryMailbox
                | Self::TeamMailbox
                | Self::GroupMailbox
        )
    }

    /// Whether it is an account with an address and no mailbox.
    pub fn is_mail_user(&self) -> bool {
        matches!(self, Self::MailUser | Self::GuestMailUser)
    }

    /// Whether rights on folders and mailboxes can be granted to it.
    pub fn is_security_principal(&self) -> bool {
        self.is_mailbox() || self.is_mail_user() || *self == Self::MailUniversalSecurityGroup
    }
}

impl From<String> for RecipientTypeDetails {
    fn from(text: String) -> Self {
        if text.is_empty() {
            return Self::Unknown;
        }
        let known = KINDS.iter().find(|(_, name)| name.eq_ignore_ascii_case(&text));
        known.map_or_else(|| Self::Other(text.into()), |(kind, _)| kind.clone())
    }
}

impl From<RecipientTypeDetails> for String {
    fn from(kind: RecipientTypeDetails) -> Self {
        kind.to_string()
    }
}

impl fmt::Display for RecipientTypeDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = KINDS.iter().find(|(kind, _)| kind == self);
        match (self, known) {
            (_, Some((_, name))) => f.write_str(name),
            (Self::Other(name), None) => f.write_str(name),
            _ => Ok(()),
        }
    }
}

/// A recipient as Get-Recipient, Get-Mailbox, Get-MailUser or Get-MailContact describe it. Each of
/// them leaves out what it does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recipient {
    /// The object's GUID: the identity to use.
    pub guid: Option<Uuid>,
    /// The Entra object's id.
    pub external_directory_object_id: Option<Uuid>,
    /// What it is.
    pub recipient_type_details: RecipientTypeDetails,
    /// What it was before, for one that had a mailbox once.
    pub previous_recipient_type_details: Option<RecipientTypeDetails>,
    /// The common name, unique in the tenant, at most 64 characters.
    pub name: String,
    /// The alias.
    pub alias: String,
    /// The name that people see.
    pub display_name: String,
    /// The directory's path of the object.
    pub distinguished_name: Option<String>,
    /// The sign-in name.
    pub user_principal_name: Option<String>,
    /// The primary mail address.
    pub primary_smtp_address: Option<String>,
    /// All addresses.
    pub email_addresses: Vec<ProxyAddress>,
    /// Where mail is routed to, for mail users and contacts.
    pub external_email_address: Option<ProxyAddress>,
    /// Exchange's inner address of the object.
    pub legacy_exchange_dn: Option<String>,
    /// Not shown in address lists.
    pub hidden_from_address_lists_enabled: bool,
    /// Custom attributes 1 to 15 that have a value.
    pub custom_attributes: BTreeMap<u8, String>,
    /// Mastered on premises.
    pub is_dir_synced: bool,
    /// Its Exchange attributes were handed to the cloud all the same.
    pub is_exchange_cloud_managed: bool,
    /// Forwards to this recipient of the tenant; wins over the next.
    pub forwarding_address: Option<String>,
    /// Forwards to this address.
    pub forwarding_smtp_address: Option<ProxyAddress>,
    /// Forwards, and keeps a copy.
    pub deliver_to_mailbox_and_forward: bool,
    /// The mailbox's GUID; none if there is no mailbox.
    pub exchange_guid: Option<Uuid>,
    /// The archive's GUID; none if there is no archive.
    pub archive_guid: Option<Uuid>,
    /// The archive's status: `Active`, `None`.
    pub archive_status: Option<String>,
    /// Nothing may be deleted.
    pub litigation_hold_enabled: bool,
    /// Holds placed by policies.
    pub in_place_holds: Vec<String>,
    /// A retention hold delays deletion.
    pub retention_hold_enabled: bool,
    /// A delay hold after another hold ended.
    pub delay_hold_applied: bool,
    /// Who may send on behalf; names or paths, as Exchange returns them.
    pub grant_send_on_behalf_to: Vec<String>,
    /// Deleted, and still holding its addresses.
    pub is_soft_deleted: bool,
}

impl Recipient {
    /// Reads one object of a cmdlet's answer. Addresses that are none are left out.
    pub fn from_value(value: &Value) -> Self {
        let record = Record(value);
        let addresses = record.texts("EmailAddresses");
        let attribute = |number: u8| {
            record.text(&format!("CustomAttribute{number}")).map(|text| (number, text))
        };
        Self {
            guid: record.guid("Guid").or_else(|| record.guid("ExchangeObjectId")),
            external_directory_object_id: record.guid("ExternalDirectoryObjectId"),
            recipient_type_details: record.words("RecipientTypeDetails").into(),
            previous_recipient_type_details: record
                .text("PreviousRecipientTypeDetails")
                .filter(|kind| kind != "None")
                .map(Into::into),
            name: record.words("Name"),
            alias: record.words("Alias"),
            display_name: record.words("DisplayName"),
            distinguished_name: record.text("DistinguishedName"),
            user_principal_name: record.text("UserPrincipalName"),
            primary_smtp_address: record.text("PrimarySmtpAddress"),
            email_addresses: addresses
                .iter()
                .filter_map(|text| ProxyAddress::parse(text).ok())
                .collect(),
            external_email_address: record
                .text("ExternalEmailAddress")
                .and_then(|text| mail_address(&text)),
            legacy_exchange_dn: record.text("LegacyExchangeDN"),
            hidden_from_address_lists_enabled: record.flag("HiddenFromAddressListsEnabled"),
            custom_attributes: (1..=15).filter_map(attribute).collect(),
            is_dir_synced: record.flag("IsDirSynced"),
            is_exchange_cloud_managed: record.flag("IsExchangeCloudManaged"),
            forwarding_address: record.text("ForwardingAddress"),
            forwarding_smtp_address: record
                .text("ForwardingSmtpAddress")
                .and_then(|text| mail_address(&text)),
            deliver_to_mailbox_and_forward: record.flag("DeliverToMailboxAndForward"),
            exchange_guid: record.guid("ExchangeGuid"),
            archive_guid: record.guid("ArchiveGuid"),
            archive_status: record.text("ArchiveStatus"),
            litigation_hold_enabled: record.flag("LitigationHoldEnabled"),
            in_place_holds: record.texts("InPlaceHolds"),
            retention_hold_enabled: record.flag("RetentionHoldEnabled"),
            delay_hold_applied: record.flag("DelayHoldApplied"),
            grant_send_on_behalf_to: record.texts("GrantSendOnBehalfTo"),
            is_soft_deleted: record.flag("IsSoftDeletedByRemove")
                || record.flag("IsSoftDeletedByDisable")
                || record.text("WhenSoftDeleted").is_some(),
        }
    }

    /// The best identity for further cmdlets: the GUID, else the name.
    pub fn identity(&self) -> String {
        self.guid.map_or_else(|| self.name.clone(), |guid| guid.hyphenated().to_string())
    }

    /// Whether the cloud refuses writes of mail attributes, since they are mastered on premises.
    pub fn is_mastered_on_premises(&self) -> bool {
        self.is_dir_synced && !self.is_exchange_cloud_managed
    }

    /// Whether it holds an address, primary or not.
    pub fn has_address(&self, address: &ProxyAddress) -> bool {
        self.email_addresses.iter().any(|held| held.is_same_address(address))
    }

    /// Whether mail is forwarded, in either way.
    pub fn is_forwarding(&self) -> bool {
        self.forwarding_address.is_some() || self.forwarding_smtp_address.is_some()
    }

    /// Whether a hold keeps the mailbox from being changed freely.
    pub fn is_on_hold(&self) -> bool {
        self.litigation_hold_enabled || self.delay_hold_applied || !self.in_place_holds.is_empty()
    }
}

/// An address with or without its prefix.
fn mail_address(text: &str) -> Option<ProxyAddress> {
    if text.contains(':') {
        return ProxyAddress::parse(text).ok();
    }
    ProxyAddress::secondary(text).ok()
}

/// A text as a literal of a recipient filter, its quotes doubled.
pub fn filter_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Exchange {
    /// The objects of a Get cmdlet, as recipients.
    pub(super) async fn recipients(
        &self,
        cmdlet: &'static str,
        parameters: Parameters,
    ) -> Result<Vec<Recipient>, TenantError> {
        let reply = self.invoke(cmdlet, parameters, &Anchor::Tenant).await?;
        Ok(reply.values.iter().map(Recipient::from_value).collect())
    }

    /// The one object of a Get cmdlet with an identity, or `None`.
    pub(super) async fn recipient(
        &self,
        cmdlet: &'static str,
        parameters: Parameters,
    ) -> Result<Option<Recipient>, TenantError> {
        let found = optional(self.recipients(cmdlet, parameters).await)?;
        Ok(found.and_then(|all| all.into_iter().next()))
    }

    /// A recipient by GUID, address, alias or name, or `None`.
    pub async fn get_recipient(&self, identity: &str) -> Result<Option<Recipient>, TenantError> {
        self.recipient("Get-Recipient", Parameters::identity(identity)).await
    }

    /// All recipients that a filter lets through; all without one.
    pub async fn list_recipients(
        &self,
        filter: Option<&str>,
    ) -> Result<Vec<Recipient>, TenantError> {
        let parameters = Parameters::new().set_some("Filter", filter);
        self.recipients("Get-Recipient", parameters).await
    }

    /// Who holds an address, soft-deleted recipients included: they hold theirs too.
    pub async fn recipients_with_address(
        &self,
        address: &ProxyAddress,
    ) -> Result<Vec<Recipient>, TenantError> {
        let filter = format!("EmailAddresses -eq {}", filter_literal(&address.to_string()));
        let parameters =
            Parameters::new().set("Filter", filter).switch("IncludeSoftDeletedRecipients");
        self.recipients("Get-Recipient", parameters).await
    }

    /// A directory user with what Exchange remembers of a former mailbox, or `None`.
    pub async fn get_exchange_user(
        &self,
        identity: &str,
    ) -> Result<Option<Recipient>, TenantError> {
        self.recipient("Get-User", Parameters::identity(identity)).await
    }
}
