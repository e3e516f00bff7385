//! Folders and items as Graph writes them.

use serde_json::{Map, Value, json};

use super::{
    ids,
    item::{Folder, Item},
    store::Mailbox,
};

/// `mailboxFolder`.
pub(super) fn folder(mailbox: &Mailbox, folder: &Folder) -> Value {
    let children = mailbox.children(Some(folder.number)).filter(|child| !child.hidden).count();
    let parent = folder.parent.map(|parent| ids::folder(mailbox.guid, parent));
    json!({
        "id": ids::folder(mailbox.guid, folder.number),
        "displayName": folder.name,
        "parentFolderId": parent,
        "childFolderCount": children,
        "totalItemCount": folder.items,
        "type": folder.class,
        "wellKnownName": folder.well_known,
    })
}

/// An extended property of a folder.
pub(super) fn folder_property(folder: &Folder, id: &str) -> Option<String> {
    match id {
        "String 0x3001" => Some(folder.name.clone()),
        "String 0x3613" => Some(folder.class.clone()),
        "Boolean 0x10f4" => Some(folder.hidden.to_string()),
        _ => folder.properties.get(id).cloned(),
    }
}

/// `mailboxItem`; `immutable` asks for the id that survives moves.
pub(super) fn item(mailbox: &Mailbox, item: &Item, immutable: bool) -> Value {
    json!({
        "id": item_id(mailbox, item, immutable),
        "changeKey": ids::change_key(item.revision),
        "categories": item.data.categories,
        "createdDateTime": item.data.created.to_string(),
        "lastModifiedDateTime": item.data.modified.to_string(),
        "type": item.data.class,
        "size": item.size(),
    })
}

/// The id of an item in the wanted form.
pub(super) fn item_id(mailbox: &Mailbox, item: &Item, immutable: bool) -> String {
    if immutable {
        ids::immutable(mailbox.guid, item.number)
    } else {
        ids::item(mailbox.guid, item.number, item.moves)
    }
}

/// A property of an item that a filter may name.
pub(super) fn item_property(item: &Item, form: &Value, name: &str) -> Option<Value> {
    if name.eq_ignore_ascii_case("receivedDateTime") {
        return Some(json!(item.data.received.to_string()));
    }
    let members: &Map<String, Value> = form.as_object()?;
    members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
}
