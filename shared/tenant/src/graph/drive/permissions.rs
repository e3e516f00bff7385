//! Permissions of drive items.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{READ, WRITE};
use crate::{Operation, TenantError, graph::Graph};

/// A permission of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DrivePermission {
    /// The id.
    #[serde(default)]
    pub id: Option<String>,
    /// `read`, `write`, `owner`.
    #[serde(default)]
    pub roles: Option<Vec<String>>,
    /// To whom.
    #[serde(default)]
    pub granted_to_v2: Option<IdentitySet>,
    /// To whom, when a link was shared with people.
    #[serde(default)]
    pub granted_to_identities_v2: Option<Vec<IdentitySet>>,
    /// It is a link.
    #[serde(default)]
    pub link: Option<serde_json::Value>,
    /// It comes from a folder above.
    #[serde(default)]
    pub inherited_from: Option<serde_json::Value>,
}

/// Whom a permission names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdentitySet {
    /// A person.
    #[serde(default)]
    pub user: Option<Identity>,
    /// A group.
    #[serde(default)]
    pub group: Option<Identity>,
    /// An application.
    #[serde(default)]
    pub application: Option<Identity>,
    /// A person or group of the site itself.
    #[serde(default)]
    pub site_user: Option<Identity>,
}

/// A person, group or application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The Entra object id.
    #[serde(default)]
    pub id: Option<String>,
    /// The name.
    #[serde(default)]
    pub display_name: Option<String>,
    /// The address.
    #[serde(default)]
    pub email: Option<String>,
}

/// Who is invited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recipient {
    /// By Entra object id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_id: Option<String>,
    /// By address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// Most pages of permissions of one item.
const PAGES_MAX: usize = 100;

impl Graph {
    /// The permissions of an item, those from above included. Costs five units.
    pub async fn drive_permissions(
        &self,
        drive: &str,
        id: &str,
    ) -> Result<Vec<DrivePermission>, TenantError> {
        let operation = Operation::new("list drive permissions", READ);
        let path = ["drives", drive, "items", id, "permissions"];
        self.get(operation, &path).drive(5).pages(PAGES_MAX).await
    }

    /// Grants roles on an item without mailing anybody. Granting again changes nothing.
    pub async fn invite_quietly(
        &self,
        drive: &str,
        id: &str,
        recipient: &Recipient,
        roles: &[&str],
    ) -> Result<(), TenantError> {
        let operation = Operation::new("grant drive permission", WRITE);
        let body = json!({
            "recipients": [recipient], "roles": roles, "requireSignIn": true,
            "sendInvitation": false, "retainInheritedPermissions": true,
        });
        let path = ["drives", drive, "items", id, "invite"];
        self.post(operation, &path).drive(5).json(&body).done().await
    }
}
