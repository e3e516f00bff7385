//! Folders of a mailbox: what is in them, and who may open them.

use serde::{Deserialize, Serialize};

use serde_json::Value;

use super::{
    Anchor, CmdletCall, Exchange, Parameters, mailbox::anchor, permission::rights, record::Record,
};
use crate::{TenantError, error::already_is_fine};

const GET_PERMISSION: &str = "Get-MailboxFolderPermission";

/// A folder as Get-MailboxFolderStatistics lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FolderStatistics {
    /// Exchange's id of the folder, by which cmdlets address it in any language.
    pub folder_id: String,
    /// The path, with slashes: `/Inbox/Projects`. Localized.
    pub folder_path: String,
    /// The name. Localized.
    pub name: String,
    /// The kind, in English in every mailbox: `Inbox`, `Calendar`, `User Created`.
    pub folder_type: String,
    /// Items, those of subfolders excluded.
    pub items_in_folder: Option<u64>,
    /// Size in bytes, subfolders excluded.
    pub folder_size_bytes: Option<u64>,
}

impl FolderStatistics {
    pub(super) fn from_value(value: &Value) -> Self {
        let record = Record(value);
        Self {
            folder_id: record.words("FolderId"),
            folder_path: record.words("FolderPath"),
            name: record.words("Name"),
            folder_type: record.words("FolderType"),
            items_in_folder: record.number("ItemsInFolder"),
            folder_size_bytes: record.bytes("FolderSize"),
        }
    }
}

/// The call that lists a mailbox's folders.
pub(super) fn statistics_call(mailbox: &str) -> CmdletCall {
    CmdletCall {
        cmdlet: "Get-MailboxFolderStatistics",
        parameters: Parameters::identity(mailbox),
        anchor: anchor(mailbox),
    }
}

/// A row of Get-MailboxFolderPermission.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FolderPermission {
    /// Whose right: the *display name* of the principal, not its address; `Default`, `Anonymous`;
    /// or `NT:S-1-5-21-…` for a principal that is gone.
    pub user: String,
    /// A role (`Editor`) or single rights (`ReadItems`).
    pub access_rights: Vec<String>,
    /// `Delegate`, `CanViewPrivateItems`; on calendars.
    pub sharing_permission_flags: Vec<String>,
}

impl FolderPermission {
    /// The row of everybody, or of people outside; every folder has both.
    pub fn is_well_known(&self) -> bool {
        self.user.eq_ignore_ascii_case("Default") || self.user.eq_ignore_ascii_case("Anonymous")
    }

    /// The row of a principal that no longer exists.
    pub fn is_orphan(&self) -> bool {
        let user = self.user.to_ascii_uppercase();
        user.starts_with("NT:S-1-5-") || user.starts_with("S-1-5-")
    }
}

/// A right on a folder to be granted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderGrant {
    /// Whom: address or GUID of a mailbox, mail user or security group; or `Default`, `Anonymous`.
    pub user: String,
    /// A role or single rights.
    pub access_rights: Vec<String>,
    /// `Delegate`, `CanViewPrivateItems`; calendars, with `Editor` only.
    pub sharing_permission_flags: Vec<String>,
}

/// A folder as cmdlets address it: `mailbox:FolderId`, or `mailbox:\Path\Sub`.
pub fn folder_identity(mailbox: &str, folder: &str) -> String {
    format!("{mailbox}:{folder}")
}

impl Exchange {
    /// The folders of a mailbox with their counts and sizes.
    pub async fn folder_statistics(
        &self,
        mailbox: &str,
    ) -> Result<Vec<FolderStatistics>, TenantError> {
        let CmdletCall { cmdlet, parameters, anchor } = statistics_call(mailbox);
        let values = self.read(cmdlet, parameters, &anchor).await?;
        Ok(values.iter().map(FolderStatistics::from_value).collect())
    }

    /// Who may open a folder; the folder as [`folder_identity`] names it.
    pub async fn folder_permissions(
        &self,
        mailbox: &str,
        folder: &str,
    ) -> Result<Vec<FolderPermission>, TenantError> {
        let parameters = Parameters::identity(&folder_identity(mailbox, folder));
        let values = self.read(GET_PERMISSION, parameters, &anchor(mailbox)).await?;
        Ok(permissions(&values))
    }

    /// The rights on several folders of a mailbox, in the same order, ten folders a request.
    pub async fn folder_permissions_of(
        &self,
        mailbox: &str,
        folders: &[&str],
    ) -> Result<Vec<Result<Vec<FolderPermission>, TenantError>>, TenantError> {
        let call = |folder: &&str| CmdletCall {
            cmdlet: GET_PERMISSION,
            parameters: Parameters::identity(&folder_identity(mailbox, folder)),
            anchor: anchor(mailbox),
        };
        let calls: Vec<CmdletCall> = folders.iter().map(call).collect();
        let replies = self.batch(&calls).await?;
        Ok(replies.into_iter().map(|reply| reply.map(|reply| permissions(&reply.values))).collect())
    }

    /// Grants a right on a folder. If there is one for that principal already
    /// ([`crate::Class::AlreadyExists`]), [`Exchange::set_folder_permission`] changes it.
    pub async fn add_folder_permission(
        &self,
        mailbox: &str,
        folder: &str,
        grant: &FolderGrant,
    ) -> Result<(), TenantError> {
        self.write_folder_permission("Add-MailboxFolderPermission", mailbox, folder, grant).await
    }

    /// Changes the right of a principal on a folder.
    pub async fn set_folder_permission(
        &self,
        mailbox: &str,
        folder: &str,
        grant: &FolderGrant,
    ) -> Result<(), TenantError> {
        self.write_folder_permission("Set-MailboxFolderPermission", mailbox, folder, grant).await
    }

    /// Grants a right, whether there is one already or not. The reply of a read names principals
    /// by display name, so that only the attempt tells for sure.
    pub async fn put_folder_permission(
        &self,
        mailbox: &str,
        folder: &str,
        grant: &FolderGrant,
    ) -> Result<(), TenantError> {
        match self.add_folder_permission(mailbox, folder, grant).await {
            Err(error) if error.is_already_exists() => {
                self.set_folder_permission(mailbox, folder, grant).await
            }
            other => other,
        }
    }

    /// Takes the right of a principal on a folder away. One who has none is no error.
    pub async fn remove_folder_permission(
        &self,
        mailbox: &str,
        folder: &str,
        user: &str,
    ) -> Result<(), TenantError> {
        let identity = folder_identity(mailbox, folder);
        let parameters = Parameters::identity(&identity).set("User", user).confirmed();
        let anchor = anchor(mailbox);
        let removed = self.invoke("Remove-MailboxFolderPermission", parameters, &anchor).await;
        already_is_fine(removed.map(|_reply| ()))
    }

    async fn write_folder_permission(
        &self,
        cmdlet: &'static str,
        mailbox: &str,
        folder: &str,
        grant: &FolderGrant,
    ) -> Result<(), TenantError> {
        // SendNotificationToUser is never sent: it mails invitations.
        let flags = (!grant.sharing_permission_flags.is_empty())
            .then(|| grant.sharing_permission_flags.join(","));
        let parameters = Parameters::identity(&folder_identity(mailbox, folder))
            .set("User", grant.user.as_str())
            .set("AccessRights", grant.access_rights.clone())
            .set_some("SharingPermissionFlags", flags);
        let anchor: Anchor = anchor(mailbox);
        self.invoke(cmdlet, parameters, &anchor).await.map(|_reply| ())
    }
}

fn permissions(values: &[Value]) -> Vec<FolderPermission> {
    let row = |value| {
        let record = Record(value);
        FolderPermission {
            user: user_of(record),
            access_rights: rights(&record.texts("AccessRights")),
            sharing_permission_flags: rights(&record.texts("SharingPermissionFlags"))
                .into_iter()
                .filter(|flag| flag != "None")
                .collect(),
        }
    };
    values.iter().map(row).collect()
}

/// The principal, as text or as an object with a display name.
fn user_of(record: Record<'_>) -> String {
    record.text("User").unwrap_or_else(|| {
        let nested = record.0.get("User").map(Record);
        nested.map(|user| user.words("DisplayName")).unwrap_or_default()
    })
}
