//! Mailboxes: reading them, hiding, forwarding, addresses, archive, settings.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Anchor, Exchange, Parameters, ProxyAddress, Recipient, record::Record};
use crate::{
    TenantError,
    error::{already_is_fine, optional},
};

/// Where a mailbox forwards to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForwardTo {
    /// Any address (`ForwardingSmtpAddress`).
    Address(String),
    /// A recipient of the tenant, by GUID (`ForwardingAddress`). It wins over an address.
    Recipient(String),
}

/// What happens to mail that is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copies {
    /// It stays in the mailbox, too ("store and forward").
    Keep,
    /// It is forwarded only.
    Drop,
}

/// Language and region of a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RegionalConfiguration {
    /// `de-DE`.
    pub language: Option<String>,
    /// A Windows name, `W. Europe Standard Time`.
    pub time_zone: Option<String>,
    /// The date format.
    pub date_format: Option<String>,
    /// The time format.
    pub time_format: Option<String>,
    /// Whether the default folders have names in the mailbox's language.
    pub default_folder_name_matching_user_language: bool,
}

/// Automatic replies of a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AutoReplyConfiguration {
    /// `Disabled`, `Enabled`, `Scheduled`.
    pub auto_reply_state: String,
    /// The reply to people of the tenant, HTML.
    pub internal_message: Option<String>,
    /// The reply to others, HTML.
    pub external_message: Option<String>,
    /// `None`, `Known`, `All`.
    pub external_audience: Option<String>,
    /// When scheduled replies start, as Exchange writes it.
    pub start_time: Option<String>,
    /// When they end.
    pub end_time: Option<String>,
}

/// How much is in a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MailboxStatistics {
    /// Items, those in the recoverable items excluded.
    pub item_count: Option<u64>,
    /// Their size in bytes.
    pub total_item_size_bytes: Option<u64>,
    /// When somebody last signed in.
    pub last_logon_time: Option<String>,
}

impl Exchange {
    /// A mailbox by GUID, address or sign-in name, or `None`.
    pub async fn get_mailbox(&self, identity: &str) -> Result<Option<Recipient>, TenantError> {
        self.recipient("Get-Mailbox", Parameters::identity(identity)).await
    }

    /// All mailboxes that a filter lets through; all without one.
    pub async fn list_mailboxes(
        &self,
        filter: Option<&str>,
    ) -> Result<Vec<Recipient>, TenantError> {
        self.recipients("Get-Mailbox", Parameters::new().set_some("Filter", filter)).await
    }

    /// A mailbox that was deleted and can still be reconnected, or `None`.
    pub async fn get_soft_deleted_mailbox(
        &self,
        identity: &str,
    ) -> Result<Option<Recipient>, TenantError> {
        let parameters = Parameters::identity(identity).switch("SoftDeletedMailbox");
        self.recipient("Get-Mailbox", parameters).await
    }

    /// Sets any parameters of a mailbox.
    pub async fn set_mailbox(
        &self,
        identity: &str,
        parameters: Parameters,
    ) -> Result<(), TenantError> {
        self.run("Set-Mailbox", parameters.set("Identity", identity)).await
    }

    /// Hides a mailbox from the address lists, or shows it.
    pub async fn set_mailbox_hidden(
        &self,
        identity: &str,
        hidden: bool,
    ) -> Result<(), TenantError> {
        let parameters = Parameters::new().set("HiddenFromAddressListsEnabled", hidden);
        self.set_mailbox(identity, parameters).await
    }

    /// Lets a mailbox forward. Only one of the two ways is set, the other is cleared, since the
    /// recipient would win over the address.
    pub async fn set_forwarding(
        &self,
        identity: &str,
        to: &ForwardTo,
        copies: Copies,
    ) -> Result<(), TenantError> {
        let parameters = match to {
            ForwardTo::Address(address) => Parameters::new()
                .clear("ForwardingAddress")
                .set("ForwardingSmtpAddress", format!("smtp:{address}")),
            ForwardTo::Recipient(recipient) => Parameters::new()
                .set("ForwardingAddress", recipient.as_str())
                .clear("ForwardingSmtpAddress"),
        };
        let keep = copies == Copies::Keep;
        self.set_mailbox(identity, parameters.set("DeliverToMailboxAndForward", keep)).await
    }

    /// Ends all forwarding of a mailbox, in one call.
    pub async fn clear_forwarding(&self, identity: &str) -> Result<(), TenantError> {
        let parameters = Parameters::new()
            .clear("ForwardingAddress")
            .clear("ForwardingSmtpAddress")
            .set("DeliverToMailboxAndForward", false);
        self.set_mailbox(identity, parameters).await
    }

    /// Adds addresses to a mailbox and takes others away, in one call.
    pub async fn change_mailbox_addresses(
        &self,
        identity: &str,
        add: &[ProxyAddress],
        remove: &[ProxyAddress],
    ) -> Result<(), TenantError> {
        self.set_mailbox(identity, address_changes(add, remove)).await
    }

    /// Lets others send on behalf of a mailbox. Principals by GUID or address.
    pub async fn change_send_on_behalf(
        &self,
        identity: &str,
        add: &[String],
        remove: &[String],
    ) -> Result<(), TenantError> {
        let parameters = Parameters::new().add_remove("GrantSendOnBehalfTo", add, remove);
        self.set_mailbox(identity, parameters).await
    }

    /// Gives a mailbox an archive. One that has an archive is no error.
    pub async fn enable_archive(&self, identity: &str) -> Result<(), TenantError> {
        let parameters = Parameters::identity(identity).switch("Archive");
        already_is_fine(self.run("Enable-Mailbox", parameters).await)
    }

    /// How much is in a mailbox, or its archive. An answer proves that the mailbox is open; `None`
    /// means not yet, or never.
    pub async fn mailbox_statistics(
        &self,
        identity: &str,
        archive: bool,
    ) -> Result<Option<MailboxStatistics>, TenantError> {
        let mut parameters = Parameters::identity(identity);
        if archive {
            parameters = parameters.switch("Archive");
        }
        let values = self.read("Get-MailboxStatistics", parameters, &Anchor::Tenant).await;
        Ok(optional(values)?.and_then(|all| all.first().map(statistics)))
    }

    /// Language and region of a mailbox.
    pub async fn regional_configuration(
        &self,
        mailbox: &str,
    ) -> Result<RegionalConfiguration, TenantError> {
        let cmdlet = "Get-MailboxRegionalConfiguration";
        let values = self.read(cmdlet, Parameters::identity(mailbox), &anchor(mailbox)).await?;
        let value = values.first().unwrap_or(&Value::Null);
        let record = Record(value);
        Ok(RegionalConfiguration {
            language: record.text("Language"),
            time_zone: record.text("TimeZone"),
            date_format: record.text("DateFormat"),
            time_format: record.text("TimeFormat"),
            default_folder_name_matching_user_language: record
                .flag("DefaultFolderNameMatchingUserLanguage"),
        })
    }

    /// Sets language and region, and names the default folders in that language if asked. Before
    /// the first copy, so that the default folders of both sides match.
    pub async fn set_regional_configuration(
        &self,
        mailbox: &str,
        configuration: &RegionalConfiguration,
        localize_default_folder_name: bool,
    ) -> Result<(), TenantError> {
        let parameters = Parameters::identity(mailbox)
            .set_some("Language", configuration.language.as_deref())
            .set_some("TimeZone", configuration.time_zone.as_deref())
            .set_some("DateFormat", configuration.date_format.as_deref())
            .set_some("TimeFormat", configuration.time_format.as_deref())
            .set("LocalizeDefaultFolderName", localize_default_folder_name);
        self.invoke("Set-MailboxRegionalConfiguration", parameters, &anchor(mailbox))
            .await
            .map(|_reply| ())
    }

    /// Automatic replies of a mailbox.
    pub async fn auto_reply_configuration(
        &self,
        mailbox: &str,
    ) -> Result<AutoReplyConfiguration, TenantError> {
        let cmdlet = "Get-MailboxAutoReplyConfiguration";
        let values = self.read(cmdlet, Parameters::identity(mailbox), &anchor(mailbox)).await?;
        let record = Record(values.first().unwrap_or(&Value::Null));
        Ok(AutoReplyConfiguration {
            auto_reply_state: record.words("AutoReplyState"),
            internal_message: record.text("InternalMessage"),
            external_message: record.text("ExternalMessage"),
            external_audience: record.text("ExternalAudience"),
            start_time: record.text("StartTime"),
            end_time: record.text("EndTime"),
        })
    }

    /// Sets automatic replies of a mailbox.
    pub async fn set_auto_reply_configuration(
        &self,
        mailbox: &str,
        configuration: &AutoReplyConfiguration,
    ) -> Result<(), TenantError> {
        let parameters = Parameters::identity(mailbox)
            .set("AutoReplyState", configuration.auto_reply_state.as_str())
            .set_some("InternalMessage", configuration.internal_message.as_deref())
            .set_some("ExternalMessage", configuration.external_message.as_deref())
            .set_some("ExternalAudience", configuration.external_audience.as_deref())
            .set_some("StartTime", configuration.start_time.as_deref())
            .set_some("EndTime", configuration.end_time.as_deref());
        self.invoke("Set-MailboxAutoReplyConfiguration", parameters, &anchor(mailbox))
            .await
            .map(|_reply| ())
    }
}

/// What is in the mailbox itself is asked at the mailbox, if it is named by an address.
pub(super) fn anchor(mailbox: &str) -> Anchor {
    if mailbox.contains('@') { Anchor::Mailbox(mailbox.to_owned()) } else { Anchor::Tenant }
}

pub(super) fn address_changes(add: &[ProxyAddress], remove: &[ProxyAddress]) -> Parameters {
    let texts = |all: &[ProxyAddress]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    Parameters::new().add_remove("EmailAddresses", &texts(add), &texts(remove))
}

fn statistics(value: &Value) -> MailboxStatistics {
    let record = Record(value);
    MailboxStatistics {
        item_count: record.number("ItemCount"),
        total_item_size_bytes: record.bytes("TotalItemSize"),
        last_logon_time: record.text("LastLogonTime"),
    }
}
