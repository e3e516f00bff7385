//! Users of the directory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Graph, Page, nullable};
use crate::{Lane, Operation, TenantError, error::optional};

const READ: &[&str] = &[
    "User.ReadWrite.All",
    "User.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "User.ReadBasic.All",
];
const WRITE: &[&str] = &["User.ReadWrite.All", "Directory.ReadWrite.All"];

const GET_USER: Operation = Operation::new("get user", READ);
const LIST_USERS: Operation = Operation::new("list users", READ);
const CREATE_USER: Operation = Operation::new("create user", WRITE);
const UPDATE_USER: Operation = Operation::new("update user", WRITE);
const DELETE_USER: Operation = Operation::new("delete user", WRITE);
const RESTORE_USER: Operation =
    Operation::new("restore deleted user", &["User.DeleteRestore.All", "User.ReadWrite.All"]);
const GET_MANAGER: Operation = Operation::new("get manager", READ);
const SET_MANAGER: Operation = Operation::new("set manager", WRITE);

/// The properties that are asked for: Graph's default set lacks most of them.
pub(super) const SELECT: &str = "id,userPrincipalName,displayName,givenName,surname,mail,mailNickname,\
proxyAddresses,userType,accountEnabled,usageLocation,jobTitle,department,companyName,\
officeLocation,streetAddress,city,state,postalCode,country,businessPhones,mobilePhone,faxNumber,\
employeeId,employeeType,preferredLanguage,onPremisesSyncEnabled,onPremisesImmutableId,\
onPremisesExtensionAttributes,assignedLicenses,externalUserState,otherMails";
/// Users per page, the most that Graph gives.
const PAGE: &str = "999";
/// Most pages of a list: ten million users.
const PAGES_MAX: usize = 10_000;

/// A user, with the properties that a migration reads. Names are Graph's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GraphUser {
    /// The object id, a GUID.
    pub id: String,
    /// The sign-in name.
    #[serde(deserialize_with = "nullable")]
    pub user_principal_name: String,
    /// The name that people see.
    pub display_name: Option<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub surname: Option<String>,
    /// Primary mail address.
    pub mail: Option<String>,
    /// Exchange's alias.
    pub mail_nickname: Option<String>,
    /// All addresses, in Exchange's form; read-only here.
    #[serde(deserialize_with = "nullable")]
    pub proxy_addresses: Vec<String>,
    /// `Member` or `Guest`.
    pub user_type: Option<String>,
    /// Whether signing in is allowed.
    pub account_enabled: Option<bool>,
    /// Two letters (ISO 3166); needed before a licence.
    pub usage_location: Option<String>,
    /// Job title.
    pub job_title: Option<String>,
    /// Department.
    pub department: Option<String>,
    /// Company.
    pub company_name: Option<String>,
    /// Office.
    pub office_location: Option<String>,
    /// Street.
    pub street_address: Option<String>,
    /// City.
    pub city: Option<String>,
    /// State or province.
    pub state: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Country, free text.
    pub country: Option<String>,
    /// Business phones; Graph takes one.
    #[serde(deserialize_with = "nullable")]
    pub business_phones: Vec<String>,
    /// Mobile phone.
    pub mobile_phone: Option<String>,
    /// Fax.
    pub fax_number: Option<String>,
    /// Employee id.
    pub employee_id: Option<String>,
    /// Employee type.
    pub employee_type: Option<String>,
    /// Preferred language (ISO 639-1).
    pub preferred_language: Option<String>,
    /// `true` when the object is mastered on premises.
    pub on_premises_sync_enabled: Option<bool>,
    /// The anchor to the object on premises.
    pub on_premises_immutable_id: Option<String>,
    /// `extensionAttribute1` to `15`, Exchange's custom attributes.
    #[serde(deserialize_with = "nullable")]
    pub on_premises_extension_attributes: BTreeMap<String, Option<String>>,
    /// Licences that are assigned.
    #[serde(deserialize_with = "nullable")]
    pub assigned_licenses: Vec<AssignedLicense>,
    /// `PendingAcceptance` or `Accepted`, for guests.
    pub external_user_state: Option<String>,
    /// Other mail addresses, not Exchange's.
    #[serde(deserialize_with = "nullable")]
    pub other_mails: Vec<String>,
}

impl GraphUser {
    /// Whether the object is mastered on premises.
    pub fn is_directory_synced(&self) -> bool {
        self.on_premises_sync_enabled == Some(true)
    }

    /// Whether the user is a guest.
    pub fn is_guest(&self) -> bool {
        self.user_type.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("Guest"))
    }
}

/// A licence of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AssignedLicense {
    /// The product, a GUID.
    #[serde(deserialize_with = "nullable")]
    pub sku_id: String,
    /// Its services that are turned off, GUIDs.
    #[serde(deserialize_with = "nullable")]
    pub disabled_plans: Vec<String>,
}

/// Which users to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserQuery {
    /// An OData filter; [`quoted`] makes its literals.
    pub filter: Option<String>,
    /// The filter needs Graph's advanced queries (`ne`, `not`, `endsWith`): asks for them.
    pub advanced: bool,
}

impl UserQuery {
    /// The users that a filter lets through.
    pub fn filter(filter: impl Into<String>) -> Self {
        Self { filter: Some(filter.into()), advanced: false }
    }
}

/// A text as an OData literal, its quotes doubled.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Graph {
    /// A user by object id or user principal name; [`crate::Class::NotFound`] if there is none.
    pub async fn get_user(&self, user: &str) -> Result<GraphUser, TenantError> {
        self.get(GET_USER, &["users", user]).query("$select", SELECT).read().await
    }

    /// A user by object id or user principal name, or `None`.
    pub async fn find_user(&self, user: &str) -> Result<Option<GraphUser>, TenantError> {
        optional(self.get_user(user).await)
    }

    /// One page of users: the first, or the one that a next link of an earlier page names.
    pub async fn users_page(
        &self,
        query: &UserQuery,
        next_link: Option<&str>,
    ) -> Result<Page<GraphUser>, TenantError> {
        match next_link {
            Some(link) => self.follow(LIST_USERS, link).read().await,
            None => self.users_call(query).read().await,
        }
    }

    /// All users that the query lets through.
    pub async fn list_users(&self, query: &UserQuery) -> Result<Vec<GraphUser>, TenantError> {
        self.users_call(query).pages(PAGES_MAX).await
    }

    fn users_call(&self, query: &UserQuery) -> super::GraphCall {
        let mut call = self.get(LIST_USERS, &["users"]).query("$select", SELECT);
        call = call.query("$top", PAGE);
        if let Some(filter) = &query.filter {
            call = call.query("$filter", filter);
        }
        if query.advanced {
            let level = http::HeaderName::from_static("consistencylevel");
            call = call.query("$count", "true").header(level, "eventual");
        }
        call
    }

    /// Creates a user. The properties must hold at least accountEnabled, displayName,
    /// mailNickname, userPrincipalName and passwordProfile.
    pub async fn create_user(
        &self,
        properties: &Map<String, Value>,
    ) -> Result<GraphUser, TenantError> {
        self.post(CREATE_USER, &["users"]).json(properties).read().await
    }

    /// Changes properties of a user; `null` clears one.
    pub async fn update_user(
        &self,
        user: &str,
        properties: &Map<String, Value>,
    ) -> Result<(), TenantError> {
        self.patch(UPDATE_USER, &["users", user]).json(properties).done().await
    }

    /// Deletes a user; it can be restored for 30 days.
    pub async fn delete_user(&self, user: &str) -> Result<(), TenantError> {
        self.delete(DELETE_USER, &["users", user]).done().await
    }

    /// Brings back a deleted user, by object id.
    pub async fn restore_deleted_user(&self, id: &str) -> Result<(), TenantError> {
        let path = ["directory", "deletedItems", id, "restore"];
        self.post(RESTORE_USER, &path).done().await
    }

    /// The manager of a user, or `None`.
    pub async fn get_manager(&self, user: &str) -> Result<Option<GraphUser>, TenantError> {
        let call = self.get(GET_MANAGER, &["users", user, "manager"]).query("$select", SELECT);
        optional(call.read().await)
    }

    /// Makes another user the manager of a user.
    pub async fn set_manager(&self, user: &str, manager_id: &str) -> Result<(), TenantError> {
        let body = json!({ "@odata.id": self.reference(SET_MANAGER, &["users", manager_id])? });
        self.put(SET_MANAGER, &["users", user, "manager", "$ref"]).json(&body).done().await
    }

    /// Leaves a user without a manager. No manager to begin with is no error.
    pub async fn remove_manager(&self, user: &str) -> Result<(), TenantError> {
        let path = ["users", user, "manager", "$ref"];
        optional(self.delete(SET_MANAGER, &path).lane(Lane::Directory { units: 1 }).done().await)
            .map(|_absent| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_of_the_user_is_asked_for() {
        let Value::Object(object) = serde_json::to_value(GraphUser::default()).unwrap() else {
            panic!("a user is an object")
        };
        let mut fields: Vec<&str> = object.keys().map(String::as_str).collect();
        let mut asked: Vec<&str> = SELECT.split(',').collect();
        fields.sort_unstable();
        asked.sort_unstable();
        assert_eq!(fields, asked);
    }

    #[test]
    fn nulls_in_a_reply_are_absences() {
        let user: GraphUser = serde_json::from_value(json!({
            "id": "1", "userPrincipalName": "a@b.c", "mail": null, "proxyAddresses": null,
            "onPremisesExtensionAttributes": null, "assignedLicenses": [{"skuId": "s"}],
        }))
        .unwrap();
        assert_eq!(user.mail, None);
        assert!(user.proxy_addresses.is_empty());
        assert_eq!(user.assigned_licenses.len(), 1);
    }

    #[test]
    fn a_quote_in_a_filter_literal_is_doubled() {
        assert_eq!(quoted("o'neil"), "'o''neil'");
    }
}
