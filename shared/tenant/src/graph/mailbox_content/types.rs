//! What the import/export API tells and takes.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{SecretText, TenantError};

/// Which mailboxes a user has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExchangeSettings {
    /// The primary mailbox's id; absent without a mailbox.
    #[serde(default)]
    pub primary_mailbox_id: Option<String>,
    /// The archive mailbox's id; only the beta version tells.
    #[serde(default)]
    pub in_place_archive_mailbox_id: Option<String>,
}

/// Which version of Graph reaches a mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    /// Version 1.0: primary and shared mailboxes.
    #[default]
    V1,
    /// Beta, a preview of Microsoft's: archives too.
    Beta,
}

/// A mailbox as calls name it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxAddress {
    /// The id: `MBX:…`.
    pub id: String,
    /// Where it answers.
    #[serde(default)]
    pub surface: Surface,
}

/// A folder of a mailbox (`mailboxFolder`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MailboxFolder {
    /// The id.
    pub id: String,
    /// The name, in the mailbox's language.
    #[serde(default)]
    pub display_name: Option<String>,
    /// The folder above.
    #[serde(default)]
    pub parent_folder_id: Option<String>,
    /// How many folders are directly below.
    #[serde(default)]
    pub child_folder_count: Option<u32>,
    /// How many items lie in it, not counting those of folders below.
    #[serde(default)]
    pub total_item_count: Option<u32>,
    /// The container class: `IPF.Note`, `IPF.Appointment`.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// `inbox` and the like; absent for folders that a person made.
    #[serde(default)]
    pub well_known_name: Option<String>,
    /// In auto-expanding archives: where the mailbox that holds this folder is.
    #[serde(default)]
    pub parent_mailbox_url: Option<String>,
    /// Extended properties that were asked for.
    #[serde(default)]
    pub single_value_extended_properties: Vec<ExtendedProperty>,
}

/// PidTagAttributeHidden.
pub(super) const HIDDEN: (u32, &str) = (0x10F4, "Boolean 0x10F4");

/// Whether people see a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// They do.
    Shown,
    /// Outlook keeps it for itself.
    Hidden,
}

impl MailboxFolder {
    /// Whether people see it. What the service does not say is shown.
    pub fn visibility(&self) -> Visibility {
        let hidden = property(&self.single_value_extended_properties, HIDDEN.0);
        let hidden = hidden.is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if hidden { Visibility::Hidden } else { Visibility::Shown }
    }

    /// The id of the auxiliary mailbox that holds the folder, if it is not the one it is listed in.
    pub fn mailbox_id(&self) -> Option<String> {
        let url = url::Url::parse(self.parent_mailbox_url.as_deref()?).ok()?;
        let mut parts = url.path_segments()?;
        parts.find(|part| part.eq_ignore_ascii_case("mailboxes"))?;
        let id = parts.next()?.replace("%40", "@").replace("%3A", ":").replace("%3a", ":");
        (!id.is_empty()).then_some(id)
    }
}

/// An item of a mailbox (`mailboxItem`), or the news that it is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MailboxItem {
    /// The id.
    pub id: String,
    /// The version of its content.
    #[serde(default)]
    pub change_key: Option<String>,
    /// Bytes.
    #[serde(default)]
    pub size: Option<u64>,
    /// The message class: `IPM.Note`, `IPM.Appointment`.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// When it was made, as the service writes it; a copy keeps it.
    #[serde(default)]
    pub created_date_time: Option<String>,
    /// Extended properties that were asked for.
    #[serde(default)]
    pub single_value_extended_properties: Vec<ExtendedProperty>,
    /// In a delta: the item has left the folder.
    #[serde(default, rename = "@removed")]
    pub removed: Option<Removed>,
}

impl MailboxItem {
    /// An extended property by its tag, for instance `0x300B`. The service writes ids back in its
    /// own form (`Binary 0x300b`, without leading zeros), so only the number counts.
    pub fn property(&self, tag: u32) -> Option<&str> {
        property(&self.single_value_extended_properties, tag)
    }
}

fn property(all: &[ExtendedProperty], tag: u32) -> Option<&str> {
    let number = |id: &str| {
        let hex = id.rsplit(' ').next()?;
        u32::from_str_radix(hex.strip_prefix("0x").or_else(|| hex.strip_prefix("0X"))?, 16).ok()
    };
    all.iter().find(|property| number(&property.id) == Some(tag))?.value.as_deref()
}

/// An extended property of an item or a folder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ExtendedProperty {
    /// `Type 0xTag`.
    pub id: String,
    /// The value; binary ones in Base64.
    #[serde(default)]
    pub value: Option<String>,
}

/// Why an object is no longer in a delta's set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Removed {
    /// `changed` (it can be restored) or `deleted`.
    #[serde(default)]
    pub reason: Option<String>,
}

/// One item of an export.
#[derive(Clone, Debug)]
pub struct ExportedItem {
    /// The item.
    pub id: String,
    /// Its change key and data, or why it was not exported.
    pub outcome: Result<ItemData, TenantError>,
}

/// The data of an exported item.
#[derive(Clone)]
pub struct ItemData {
    /// The version that was exported.
    pub change_key: String,
    /// Base64, as it came.
    pub data: Bytes,
}

impl std::fmt::Debug for ItemData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ItemData").field("bytes", &self.data.len()).finish_non_exhaustive()
    }
}

/// An import session: a pre-authenticated address for one mailbox, good for many items and folders
/// until it expires.
#[derive(Clone, Debug)]
pub struct ImportSession {
    pub(super) mailbox: String,
    pub(super) url: SecretText,
    /// Until when.
    pub expires: Option<Timestamp>,
}

impl ImportSession {
    /// A session that was kept somewhere since it was opened.
    pub fn resume(mailbox: &str, url: SecretText, expires: Option<Timestamp>) -> Self {
        Self { mailbox: mailbox.to_owned(), url, expires }
    }

    /// The address. Whoever has it may import: never to be logged.
    pub fn url(&self) -> &SecretText {
        &self.url
    }

    /// The id of the mailbox that it is for.
    pub fn mailbox(&self) -> &str {
        &self.mailbox
    }
}

/// How an item is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportMode<'a> {
    /// As a new item, each time.
    Create,
    /// Over an existing one.
    Update {
        /// The item in the target.
        item: &'a str,
        /// Its version, or the service refuses with [`crate::Class::Changed`].
        change_key: &'a str,
    },
}

/// What an import made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportedItem {
    /// The item in the target.
    pub item_id: String,
    /// Its version.
    pub change_key: String,
}

/// How an item is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposal {
    /// Into the recoverable items.
    Soft,
    /// For good; refused for items on hold.
    Hard,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn extended_properties_are_found_by_number() {
        let item: MailboxItem = serde_json::from_value(json!({
            "id": "a", "singleValueExtendedProperties": [{ "id": "Binary 0x300b", "value": "x" }]
        }))
        .unwrap();
        assert_eq!(item.property(0x300B), Some("x"));
        assert_eq!(item.property(0x1035), None);
    }
}
