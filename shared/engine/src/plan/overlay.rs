//! The world as it would be: what earlier steps of a plan would have written, laid over what is
//! really there.
//!
//! Objects are kept as Exchange shows them; parameters of a Set- cmdlet are named like the
//! properties that they set.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use catalogue::Side;
use model::WriteRecord;
use serde_json::{Map, Value, json};
use tenant::{exchange::Parameters, graph::GraphUser};

use crate::Effect;

type ObjectKey = (Side, String);

/// What a plan would have changed so far.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    writes: Vec<WriteRecord>,
    /// New recipients, by side.
    made: Vec<(Side, Map<String, Value>)>,
    /// Properties over existing recipients, by side and identity in lower case.
    patches: BTreeMap<ObjectKey, Map<String, Value>>,
    /// Properties over existing directory users.
    users: BTreeMap<ObjectKey, Map<String, Value>>,
    removed: BTreeSet<ObjectKey>,
}

impl Overlay {
    /// Records a write and lays it over the world.
    pub(crate) fn perform(&self, side: Side, record: WriteRecord, effect: &Effect) -> Value {
        let mut inside = self.locked();
        inside.writes.push(record);
        match effect {
            Effect::Cmdlet { name, parameters, .. } => inside.cmdlet(side, name, parameters),
            Effect::UpdateUser { id, properties } => {
                inside.users.entry((side, lower(id))).or_default().extend(properties.clone());
                Value::Null
            }
            Effect::AssignLicenses { user, .. } => {
                let becomes =
                    json!({ "RecipientTypeDetails": "UserMailbox", "ExternalEmailAddress": null });
                inside.patch(side, user, &becomes);
                Value::Null
            }
            Effect::Invite(invitation) => json!({
                "id": format!("(new guest {})", invitation.invited_user_email_address)
            }),
            Effect::SetManager { .. }
            | Effect::RequestPersonalSite { .. }
            | Effect::RemoveGroupMember { .. }
            | Effect::RemoveGroupOwner { .. }
            | Effect::RemoveTeamMember { .. } => Value::Null,
        }
    }

    /// The writes since the last call.
    pub(crate) fn take_writes(&self) -> Vec<WriteRecord> {
        std::mem::take(&mut self.locked().writes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        let inside = self.locked();
        inside.made.is_empty() && inside.patches.is_empty() && inside.removed.is_empty()
    }

    /// A recipient that the plan makes.
    pub(crate) fn made(&self, side: Side, identity: &str) -> Option<Value> {
        let inside = self.locked();
        inside.find(side, identity).map(|object| Value::Object(object.clone()))
    }

    /// Recipients that the plan makes and that hold an address.
    pub(crate) fn made_with(&self, side: Side, address: &str) -> Vec<Value> {
        let bare = lower(address.split_once(':').map_or(address, |(_, bare)| bare));
        let inside = self.locked();
        let ours = inside.made.iter().filter(|(of, _)| *of == side);
        ours.filter(|(_, object)| addresses(object).any(|held| held == bare))
            .map(|(_, object)| Value::Object(object.clone()))
            .collect()
    }

    /// A real recipient as it would look by now; `None` when the plan removes it.
    pub(crate) fn seen(&self, side: Side, mut value: Value) -> Option<Value> {
        if self.is_removed(side, &value) {
            return None;
        }
        let inside = self.locked();
        let keys: Vec<ObjectKey> = identities(&value).map(|id| (side, id)).collect();
        for key in keys {
            if let (Some(patch), Some(object)) = (inside.patches.get(&key), value.as_object_mut()) {
                apply(object, patch);
            }
        }
        Some(value)
    }

    pub(crate) fn is_removed(&self, side: Side, value: &Value) -> bool {
        let inside = self.locked();
        identities(value).any(|id| inside.removed.contains(&(side, id)))
    }

    /// The directory user behind a recipient that the plan makes.
    pub(crate) fn made_user(&self, side: Side, id: &str) -> Option<GraphUser> {
        let inside = self.locked();
        let object = inside.find(side, id)?;
        let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
        let user = GraphUser {
            id: text("ExternalDirectoryObjectId")?,
            user_principal_name: text("UserPrincipalName").unwrap_or_default(),
            display_name: text("DisplayName"),
            given_name: text("FirstName"),
            surname: text("LastName"),
            mail_nickname: text("Alias"),
            account_enabled: Some(true),
            ..GraphUser::default()
        };
        Some(inside.with_user_patch(side, user))
    }

    /// A real directory user as it would look by now.
    pub(crate) fn patched_user(&self, side: Side, user: GraphUser) -> GraphUser {
        self.locked().with_user_patch(side, user)
    }

    fn locked(&self) -> MutexGuard<'_, Inside> {
        // A plan is thrown away after a panic; its parts are whole values.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn cmdlet(&mut self, side: Side, name: &str, parameters: &Parameters) -> Value {
        let given = parameters.as_json();
        let identity = given.get("Identity").and_then(Value::as_str).unwrap_or_default().to_owned();
        match name.split_once('-') {
            Some(("New", noun @ ("MailUser" | "MailContact"))) => self.make(side, noun, given),
            Some(("Remove", "MailContact")) => {
                self.made.retain(|(of, object)| *of != side || !is(object, &identity));
                self.removed.insert((side, lower(&identity)));
                Value::Null
            }
            Some(("Set", _)) => {
                let made =
                    self.made.iter_mut().find(|(of, object)| *of == side && is(object, &identity));
                match made {
                    Some((_, object)) => apply(object, given),
                    None => self.patch(side, &identity, &Value::Object(given.clone())),
                }
                Value::Null
            }
            _ => Value::Null,
        }
    }

    fn make(&mut self, side: Side, noun: &str, given: &Map<String, Value>) -> Value {
        // Ids that no tenant gives.
        let id = format!("00000000-0000-0000-0000-{:012}", self.made.len() + 1);
        let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
        let external = text("ExternalEmailAddress");
        let external = external.split_once(':').map_or(external, |(_, bare)| bare);
        let object = json!({
            "Guid": id, "ExternalDirectoryObjectId": id, "Identity": id,
            "RecipientTypeDetails": noun,
            "Name": text("Name"), "Alias": text("Alias"), "DisplayName": text("DisplayName"),
            "FirstName": given.get("FirstName"), "LastName": given.get("LastName"),
            "UserPrincipalName": text("MicrosoftOnlineServicesID"),
            "ExternalEmailAddress": format!("SMTP:{external}"),
            "EmailAddresses": [format!("SMTP:{external}")],
            "LegacyExchangeDN": format!("(of {id})"),
            "HiddenFromAddressListsEnabled": false,
        });
        if let Value::Object(object) = &object {
            self.made.push((side, object.clone()));
        }
        object
    }

    fn patch(&mut self, side: Side, identity: &str, properties: &Value) {
        let Value::Object(properties) = properties else { return };
        let made = self.made.iter_mut().find(|(of, object)| *of == side && is(object, identity));
        match made {
            Some((_, object)) => apply(object, properties),
            None => {
                let patch = self.patches.entry((side, lower(identity))).or_default();
                // Two hash tables over one property: the plan's reader sees the later one.
                patch.extend(properties.clone());
            }
        }
    }

    fn find(&self, side: Side, identity: &str) -> Option<&Map<String, Value>> {
        let mut ours = self.made.iter().filter(|(of, _)| *of == side);
        ours.find(|(_, object)| is(object, identity)).map(|(_, object)| object)
    }

    fn with_user_patch(&self, side: Side, user: GraphUser) -> GraphUser {
        let Some(patch) = self.users.get(&(side, lower(&user.id))) else { return user };
        let Ok(Value::Object(mut whole)) = serde_json::to_value(&user) else { return user };
        whole.extend(patch.clone());
        serde_json::from_value(Value::Object(whole)).unwrap_or(user)
    }
}

/// Whether an identity names an object.
fn is(object: &Map<String, Value>, identity: &str) -> bool {
    let wanted = lower(identity);
    let named =
        ["Guid", "ExternalDirectoryObjectId", "Identity", "Alias", "Name", "UserPrincipalName"];
    let by_name = named
        .iter()
        .filter_map(|name| object.get(*name)?.as_str())
        .any(|text| lower(text) == wanted);
    by_name || addresses(object).any(|held| held == wanted)
}

fn addresses(object: &Map<String, Value>) -> impl Iterator<Item = String> {
    let list = object.get("EmailAddresses").and_then(Value::as_array);
    let list = list.into_iter().flatten().filter_map(Value::as_str);
    list.map(|text| lower(text.split_once(':').map_or(text, |(_, bare)| bare)))
        .collect::<Vec<_>>()
        .into_iter()
}

fn identities(value: &Value) -> impl Iterator<Item = String> {
    let named = ["Guid", "ExternalDirectoryObjectId", "Identity", "PrimarySmtpAddress"];
    named
        .into_iter()
        .filter_map(|name| value.get(name)?.as_str().map(lower))
        .collect::<Vec<_>>()
        .into_iter()
}

/// Lays parameters over an object; a hash table adds to and removes from a list.
fn apply(object: &mut Map<String, Value>, properties: &Map<String, Value>) {
    for (name, value) in properties {
        if matches!(name.as_str(), "Identity" | "Confirm" | "Password") {
            continue;
        }
        let table = value.as_object().filter(|table| table.contains_key("@odata.type"));
        let Some(table) = table else {
            object.insert(name.clone(), value.clone());
            continue;
        };
        let listed =
            |key: &str| table.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut list = object.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let removed = listed("Remove");
        list.retain(|held| !removed.contains(held));
        list.extend(listed("Add"));
        object.insert(name.clone(), Value::Array(list));
    }
}

fn lower(text: &str) -> String {
    text.to_lowercase()
}
