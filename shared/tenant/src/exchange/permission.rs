//! Rights on mailboxes: full access, send as.

use serde::{Deserialize, Serialize};

use serde_json::Value;

use super::{
    Anchor, CmdletCall, Exchange, FolderStatistics, Parameters, Recipient, folder::statistics_call,
    record::Record,
};
use crate::{
    TenantError,
    error::{already_is_fine, optional},
};

const GET_MAILBOX_PERMISSION: &str = "Get-MailboxPermission";
const GET_RECIPIENT_PERMISSION: &str = "Get-RecipientPermission";

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
    fn from_value(value: &Value) -> Self {
        let record = Record(value);
        Self {
            user: record.words("User"),
            access_rights: rights(&record.texts("AccessRights")),
            is_inherited: record.flag("IsInherited"),
            deny: record.flag("Deny"),
        }
    }

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
    fn from_value(value: &Value) -> Self {
        let record = Record(value);
        Self {
            trustee: record.words("Trustee"),
            access_rights: rights(&record.texts("AccessRights")),
            access_control_type: record.words("AccessControlType"),
            is_inherited: record.flag("IsInherited"),
        }
    }

    /// Whether it is a grant that somebody made to somebody.
    pub fn is_copyable(&self) -> bool {
        let trustee = self.trustee.to_ascii_uppercase();
        !self.is_inherited
            && !self.access_control_type.eq_ignore_ascii_case("Deny")
            && !trustee.starts_with("NT AUTHORITY\\")
            && !trustee.starts_with("S-1-5-")
    }
}

/// A mailbox with all rights on it as a whole, and the folders on which there may be more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailboxRights {
    /// The mailbox; it names those who may send on its behalf.
    pub mailbox: Recipient,
    /// The rows of Get-MailboxPermission.
    pub permissions: Vec<MailboxPermission>,
    /// The rows of Get-RecipientPermission.
    pub recipient_permissions: Vec<RecipientPermission>,
    /// Its folders.
    pub folders: Vec<FolderStatistics>,
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
    /// Everything about the rights on a mailbox but for those on its folders, in one request; `None`
    /// when Exchange does not know it.
    pub async fn mailbox_rights(
        &self,
        mailbox: &str,
    ) -> Result<Option<MailboxRights>, TenantError> {
        let get = |cmdlet| CmdletCall::new(cmdlet, Parameters::identity(mailbox));
        let calls = [
            get("Get-Mailbox"),
            get(GET_MAILBOX_PERMISSION),
            get(GET_RECIPIENT_PERMISSION),
            statistics_call(mailbox),
        ];
        let mut outcomes = self.batch(&calls).await?.into_iter();
        let mut next = || outcomes.next().map_or(Ok(Vec::new()), |reply| Ok(reply?.values));
        let Some(found) = optional(next())? else { return Ok(None) };
        let Some(found) = found.first().map(Recipient::from_value) else { return Ok(None) };
        Ok(Some(MailboxRights {
            mailbox: found,
            permissions: next()?.iter().map(MailboxPermission::from_value).collect(),
            recipient_permissions: next()?.iter().map(RecipientPermission::from_value).collect(),
            folders: next()?.iter().map(FolderStatistics::from_value).collect(),
        }))
    }

    /// All rows of rights on a mailbox.
    pub async fn mailbox_permissions(
        &self,
        mailbox: &str,
    ) -> Result<Vec<MailboxPermission>, TenantError> {
        let parameters = Parameters::identity(mailbox);
        let values = self.read(GET_MAILBOX_PERMISSION, parameters, &Anchor::Tenant).await?;
        Ok(values.iter().map(MailboxPermission::from_value).collect())
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
        let values = self.read(GET_RECIPIENT_PERMISSION, parameters, &Anchor::Tenant).await?;
        Ok(values.iter().map(RecipientPermission::from_value).collect())
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
