//! The user resource: which properties there are, which may be written, how long they may be.

use serde_json::{Map, Value, json};

use super::{GraphError, Select};
use crate::directory::User;

/// Properties of a user that are plain texts, with the most characters.
pub(super) const TEXTS: [(&str, usize); 18] = [
    ("givenName", 64),
    ("surname", 64),
    ("jobTitle", 128),
    ("department", 64),
    ("companyName", 64),
    ("officeLocation", 128),
    ("streetAddress", 1_024),
    ("city", 128),
    ("state", 128),
    ("postalCode", 40),
    ("country", 128),
    ("mobilePhone", 64),
    ("faxNumber", 64),
    ("preferredLanguage", 64),
    ("employeeId", 16),
    ("employeeType", 64),
    ("onPremisesImmutableId", 256),
    ("passwordPolicies", 256),
];

/// Other writable properties that are kept as they come.
pub(super) const OTHERS: [&str; 8] = [
    "businessPhones",
    "otherMails",
    "ageGroup",
    "consentProvidedForMinor",
    "employeeHireDate",
    "employeeOrgData",
    "preferredDataLocation",
    "showInAddressList",
];

/// Read-only in Graph.
pub(super) const READ_ONLY: [&str; 10] = [
    "proxyAddresses",
    "imAddresses",
    "assignedLicenses",
    "assignedPlans",
    "provisionedPlans",
    "createdDateTime",
    "onPremisesSyncEnabled",
    "onPremisesLastSyncDateTime",
    "licenseAssignmentStates",
    "manager",
];

/// What comes without `$select`.
const DEFAULT: [&str; 11] = [
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
];

/// The user with every property that the simulator has.
pub(super) fn whole(user: &User) -> Map<String, Value> {
    partial(user, |_name| true)
}

/// The user with the wanted ones of its properties.
pub(super) fn partial(user: &User, wanted: impl Fn(&str) -> bool) -> Map<String, Value> {
    let mut map = Map::new();
    let mut put = |name: &str, value: &dyn Fn() -> Value| {
        if wanted(name) {
            map.insert(name.to_owned(), value());
        }
    };
    for (name, _) in TEXTS {
        put(name, &|| user.attributes.get(name).cloned().unwrap_or_default());
    }
    for name in OTHERS {
        put(name, &|| user.attributes.get(name).cloned().unwrap_or_default());
    }
    for name in ["businessPhones", "otherMails"] {
        put(name, &|| user.attributes.get(name).cloned().unwrap_or_else(|| json!([])));
    }
    put("onPremisesExtensionAttributes", &|| extension_attributes(user));
    for (name, value) in &user.attributes {
        if name.starts_with("extension_") {
            put(name, &|| value.clone());
        }
    }
    put("id", &|| json!(user.id.to_string()));
    put("userPrincipalName", &|| json!(user.upn));
    put("displayName", &|| json!(user.display_name));
    put("mailNickname", &|| json!(user.mail_nickname));
    put("accountEnabled", &|| json!(user.enabled));
    put("userType", &|| json!(user.user_type));
    put("usageLocation", &|| json!(user.usage_location));
    put("mail", &|| json!(user.mail));
    put("proxyAddresses", &|| json!(user.proxies));
    put("createdDateTime", &|| json!(user.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()));
    put("onPremisesSyncEnabled", &|| if user.synced { json!(true) } else { Value::Null });
    put("externalUserState", &|| json!(user.external_state));
    put("assignedLicenses", &|| licences(user));
    map
}

fn extension_attributes(user: &User) -> Value {
    (1..=15)
        .map(|number| format!("extensionAttribute{number}"))
        .map(|name| {
            let value = user.attributes.get(&name).cloned().unwrap_or_default();
            (name, value)
        })
        .collect()
}

fn licences(user: &User) -> Value {
    user.licences
        .iter()
        .map(|held| {
            let disabled: Vec<String> =
                held.disabled_plans.iter().map(ToString::to_string).collect();
            json!({ "skuId": held.sku.to_string(), "disabledPlans": disabled })
        })
        .collect()
}

/// The user as a reply shows it.
pub(super) fn shown(user: &User, select: &Select) -> Value {
    Value::Object(partial(user, |name| match select {
        Some(names) => names.iter().any(|wanted| wanted.eq_ignore_ascii_case(name)) || name == "id",
        None => DEFAULT.contains(&name),
    }))
}

/// Refuses a `$select` of a property that users do not have.
pub(super) fn check_select(select: &Select, known: &Map<String, Value>) -> Result<(), GraphError> {
    let extra = ["deletedDateTime", "identities", "imAddresses", "licenseAssignmentStates"];
    let fits = |name: &String| {
        known.keys().any(|key| key.eq_ignore_ascii_case(name))
            || READ_ONLY.contains(&name.as_str())
            || extra.contains(&name.as_str())
            || name.starts_with("extension_")
    };
    match select.iter().flatten().find(|name| !fits(name)) {
        None => Ok(()),
        Some(name) => Err(GraphError::new(
            http::StatusCode::BAD_REQUEST,
            "BadRequest",
            &format!(
                "Parsing OData Select and Expand failed: Could not find a property named '{name}' on type 'microsoft.graph.user'."
            ),
        )),
    }
}
