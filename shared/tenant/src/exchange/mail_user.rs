//! Mail users: accounts with an address and no mailbox. In a cloud-only tenant New-MailUser is the
//! only way to make one, and it makes the Entra account, too.

use std::fmt;

use super::{Anchor, Exchange, Parameters, ProxyAddress, Recipient, mailbox::address_changes};
use crate::{SecretText, TenantError};

/// A mail user to make.
#[derive(Clone, PartialEq, Eq)]
pub struct NewMailUser {
    /// The common name, unique in the tenant, at most 64 characters.
    pub name: String,
    /// The sign-in name to be.
    pub microsoft_online_services_id: String,
    /// Where its mail is routed to. It becomes the primary address until the addresses are set.
    pub external_email_address: String,
    /// The first password.
    pub password: SecretText,
    /// The alias.
    pub alias: Option<String>,
    /// The name that people see.
    pub display_name: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
}

impl fmt::Debug for NewMailUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewMailUser")
            .field("name", &self.name)
            .field("microsoft_online_services_id", &self.microsoft_online_services_id)
            .field("external_email_address", &self.external_email_address)
            .finish_non_exhaustive()
    }
}

impl Exchange {
    /// A mail user by GUID, address or sign-in name, or `None`.
    pub async fn get_mail_user(&self, identity: &str) -> Result<Option<Recipient>, TenantError> {
        self.recipient("Get-MailUser", Parameters::identity(identity)).await
    }

    /// Makes a mail user and its account. [`crate::Class::Conflict`] if the sign-in name or an
    /// address is taken.
    pub async fn new_mail_user(&self, user: &NewMailUser) -> Result<Recipient, TenantError> {
        let parameters = Parameters::new()
            .set("Name", user.name.as_str())
            .set("MicrosoftOnlineServicesID", user.microsoft_online_services_id.as_str())
            .set("ExternalEmailAddress", user.external_email_address.as_str())
            .set("Password", user.password.expose())
            .set_some("Alias", user.alias.as_deref())
            .set_some("DisplayName", user.display_name.as_deref())
            .set_some("FirstName", user.first_name.as_deref())
            .set_some("LastName", user.last_name.as_deref());
        let created = self.create("New-MailUser", parameters).await;
        // The service, or something in between, might quote the request.
        created.map_err(|mut error| {
            error.message = user.password.redact(&error.message).into();
            error
        })
    }

    /// Sets any parameters of a mail user.
    pub async fn set_mail_user(
        &self,
        identity: &str,
        parameters: Parameters,
    ) -> Result<(), TenantError> {
        self.run("Set-MailUser", parameters.set("Identity", identity)).await
    }

    /// Hides a mail user from the address lists, or shows it.
    pub async fn set_mail_user_hidden(
        &self,
        identity: &str,
        hidden: bool,
    ) -> Result<(), TenantError> {
        let parameters = Parameters::new().set("HiddenFromAddressListsEnabled", hidden);
        self.set_mail_user(identity, parameters).await
    }

    /// Replaces all addresses of a mail user; exactly one of them must be primary.
    pub async fn replace_mail_user_addresses(
        &self,
        identity: &str,
        addresses: &[ProxyAddress],
    ) -> Result<(), TenantError> {
        let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        self.set_mail_user(identity, Parameters::new().set("EmailAddresses", texts)).await
    }

    /// Adds addresses to a mail user and takes others away, in one call.
    pub async fn change_mail_user_addresses(
        &self,
        identity: &str,
        add: &[ProxyAddress],
        remove: &[ProxyAddress],
    ) -> Result<(), TenantError> {
        self.set_mail_user(identity, address_changes(add, remove)).await
    }

    /// Runs a New cmdlet and reads the object that it made.
    pub(super) async fn create(
        &self,
        cmdlet: &'static str,
        parameters: Parameters,
    ) -> Result<Recipient, TenantError> {
        let reply = self.invoke(cmdlet, parameters, &Anchor::Tenant).await?;
        let created = reply.values.first().map(Recipient::from_value);
        created.ok_or_else(|| TenantError {
            class: crate::Class::UnknownOutcome,
            code: "reply".into(),
            ..TenantError::refused(cmdlet, "the reply does not hold the new object")
        })
    }
}
