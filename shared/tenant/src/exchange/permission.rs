//! Rights on mailboxes: full access, send as.

use serde::{Deserialize, Serialize};

use super::{Anchor, Exchange, Parameters, record::Record};
use crate::{TenantError, error::already_is_fine};

/// A row of Get-MailboxPermission.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MailboxPermission {
    /// Whose right; as Exchange writes it.
    pub user: String,
    /// `FullAccess`, `ReadPermission`…
    pub access_rights: Vec<String>,
    /// It comes from above.
    pub is_inherited: bool,
    /// It forbids.
    pub deny: bool,
}

impl MailboxPermission {
    /// Whether it is a grant that somebody made to somebody, as opposed to the system's own rows
    /// and to orphans.
    pub fn is_copyable(&self) -> bool {
        let user = self.user.to_ascii_uppercase();
        !self.is_inherited
            && !self.deny
            && !user.starts_with("NT AUTHORITY\\")
            && !user.starts_with("S-1-5-")
    }
}

/// A row of Get-RecipientPermission.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecipientPermission {
    /// Whose right; as Exchange writes it, which may be an outdated display name.
    pub trustee: String,
    /// `SendAs`.
    pub access_rights: Vec<String>,
    /// `Allow` or `Deny`.
    pub access_control_type: String,
    /// It comes from above.
    pub is_inherited: bool,
}

impl RecipientPermission {
    /// Whether it is a grant that somebody made to somebody.
    pub fn is_copyable(&self) -> bool {
        let trustee = self.trustee.to_ascii_uppercase();
        !self.is_inherited
            && !self.access_control_type.eq_ignore_ascii_case("Deny")
            && !trustee.starts_with("NT AUTHORITY\\")
            && !trustee.starts_with("S-1-5-")
    }
}

/// Whether Outlook opens the mailbox by itself for one who has full access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoMapping {
    /// It does.
    On,
    /// It does not.
    Off,
}

impl Exchange {
    /// All rows of rights on a mailbox.
    pub async fn mailbox_permissions(
        &self,
        mailbox: &str,
    ) -> Result<Vec<MailboxPermission>, TenantError> {
        let parameters = Parameters::identity(mailbox);
        let values = self.read("Get-MailboxPermission", parameters, &Anchor::Tenant).await?;
        let row = |value| {
            let record = Record(value);
            MailboxPermission {
                user: record.words("User"),
                access_rights: rights(&record.texts("AccessRights")),
                is_inherited: record.flag("IsInherited"),
                deny: record.flag("Deny"),
            }
        };
        Ok(values.iter().map(row).collect())
    }

    /// Grants full access to a mailbox. One who has it is no error.
    pub async fn add_full_access(
        &self,
        mailbox: &str,
        user: &str,
        auto_mapping: AutoMapping,
    ) -> Result<(), TenantError> {
        let parameters = Parameters::identity(mailbox)
            .set("User", user)
            .set("AccessRights", vec!["FullAccess"])
            .set("InheritanceType", "All")
            .set("AutoMapping", auto_mapping == AutoMapping::On);
        let added = self.run("Add-MailboxPermission", parameters).await;
        already_is_fine(added)
    }

    /// Takes full access to a mailbox away. One who does not have it is no error.
    pub async fn remove_full_access(&self, mailbox: &str, user: &str) -> Result<(), TenantError> {
        let parameters = Parameters::identity(mailbox)
            .set("User", user)
            .set("AccessRights", vec!["FullAccess"])
            .confirmed();
        already_is_fine(self.run("Remove-MailboxPermission", parameters).await)
    }

    /// All rows of rights to send as a recipient.
    pub async fn recipient_permissions(
        &self,
        recipient: &str,
    ) -> Result<Vec<RecipientPermission>, TenantError> {
        let parameters = Parameters::identity(recipient);
        let values = self.read("Get-RecipientPermission", parameters, &Anchor::Tenant).await?;
        let row = |value| {
            let record = Record(value);
            RecipientPermission {
                trustee: record.words("Trustee"),
                access_rights: rights(&record.texts("AccessRights")),
                access_control_type: record.words("AccessControlType"),
                is_inherited: record.flag("IsInherited"),
            }
        };
        Ok(values.iter().map(row).collect())
    }

    /// Lets somebody send as a recipient. One who may is no error.
    pub async fn add_send_as(&self, recipient: &str, trustee: &str) -> Result<(), TenantError> {
        let parameters = Parameters::identity(recipient)
            .set("Trustee", trustee)
            .set("AccessRights", vec!["SendAs"])
            .confirmed();
        already_is_fine(self.run("Add-RecipientPermission", parameters).await)
    }

    /// No longer lets somebody send as a recipient. One who may not is no error.
    pub async fn remove_send_as(&self, recipient: &str, trustee: &str) -> Result<(), TenantError> {
        let parameters = Parameters::identity(recipient)
            .set("Trustee", trustee)
            .set("AccessRights", vec!["SendAs"])
            .confirmed();
        already_is_fine(self.run("Remove-RecipientPermission", parameters).await)
    }
}

/// Rights come as a list, or as one text with commas.
pub(super) fn rights(texts: &[String]) -> Vec<String> {
    let parts = texts.iter().flat_map(|text| text.split(','));
    parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}
