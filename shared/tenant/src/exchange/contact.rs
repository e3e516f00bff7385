//! Mail contacts. Graph can only read them.

use super::{Exchange, Parameters, Recipient};
use crate::{TenantError, error::optional};

/// A mail contact to make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewMailContact {
    /// The common name, unique in the tenant, at most 64 characters.
    pub name: String,
    /// Where its mail is routed to; also its primary address.
    pub external_email_address: String,
    /// The alias.
    pub alias: Option<String>,
    /// The name that people see.
    pub display_name: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
}

impl Exchange {
    /// A mail contact by GUID, address or name, or `None`.
    pub async fn get_mail_contact(&self, identity: &str) -> Result<Option<Recipient>, TenantError> {
        self.recipient("Get-MailContact", Parameters::identity(identity)).await
    }

    /// All mail contacts that a filter lets through; all without one.
    pub async fn list_mail_contacts(
        &self,
        filter: Option<&str>,
    ) -> Result<Vec<Recipient>, TenantError> {
        let parameters = Parameters::new().set_some("Filter", filter);
        self.recipients("Get-MailContact", parameters).await
    }

    /// Makes a mail contact. [`crate::Class::Conflict`] if the address is taken.
    pub async fn new_mail_contact(
        &self,
        contact: &NewMailContact,
    ) -> Result<Recipient, TenantError> {
        let parameters = Parameters::new()
            .set("Name", contact.name.as_str())
            .set("ExternalEmailAddress", contact.external_email_address.as_str())
            .set_some("Alias", contact.alias.as_deref())
            .set_some("DisplayName", contact.display_name.as_deref())
            .set_some("FirstName", contact.first_name.as_deref())
            .set_some("LastName", contact.last_name.as_deref());
        self.create("New-MailContact", parameters).await
    }

    /// Sets mail parameters of a contact: addresses, custom attributes, visibility.
    pub async fn set_mail_contact(
        &self,
        identity: &str,
        parameters: Parameters,
    ) -> Result<(), TenantError> {
        self.run("Set-MailContact", parameters.set("Identity", identity)).await
    }

    /// Hides a contact from the address lists, or shows it.
    pub async fn set_mail_contact_hidden(
        &self,
        identity: &str,
        hidden: bool,
    ) -> Result<(), TenantError> {
        let parameters = Parameters::new().set("HiddenFromAddressListsEnabled", hidden);
        self.set_mail_contact(identity, parameters).await
    }

    /// Sets directory parameters of a contact: company, title, phones, address.
    pub async fn set_contact(
        &self,
        identity: &str,
        parameters: Parameters,
    ) -> Result<(), TenantError> {
        self.run("Set-Contact", parameters.set("Identity", identity)).await
    }

    /// Deletes a contact; its LegacyExchangeDN is gone with it. An absent one is no error.
    pub async fn remove_mail_contact(&self, identity: &str) -> Result<(), TenantError> {
        let parameters = Parameters::identity(identity).confirmed();
        optional(self.run("Remove-MailContact", parameters).await).map(|_absent| ())
    }
}
