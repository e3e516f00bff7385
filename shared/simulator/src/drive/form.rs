//! Drives and their entries as Graph writes them.

use serde_json::{Value, json};

use super::{
    names,
    store::{Drive, Entry, Kind, ROOT},
};
use crate::{
    call::Call,
    content::{ContentRules, set},
    directory::User,
};

/// How much of an entry a reply shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// One item or a list: with the path, and a link to the content.
    Whole,
    /// A delta: no path, no cTag.
    Delta,
}

/// `drive`.
pub(super) fn drive(drive: &Drive, owner: &User, rules: &ContentRules, call: &Call) -> Value {
    let total = rules.drive_quota_bytes;
    let remaining = total.saturating_sub(drive.used);
    let state = if total > 0 && remaining == 0 { "exceeded" } else { "normal" };
    json!({
        "@odata.context": format!("{}/$metadata#drives/$entity", call.base.graph(call.version())),
        "id": drive.id,
        "driveType": "business",
        "name": "OneDrive",
        "createdDateTime": drive.created.to_string(),
        "webUrl": format!("{}/{}", call.base.sharepoint(&drive.host), drive.site()),
        "owner": { "user": {
            "id": owner.id, "displayName": owner.display_name, "email": owner.mail,
        } },
        "quota": {
            "total": total, "used": drive.used, "remaining": remaining,
            "deleted": drive.binned, "state": state,
        },
    })
}

/// `driveItem`; `link` is where the content can be had without a token.
pub(super) fn entry(
    drive: &Drive,
    entry: &Entry,
    detail: Detail,
    link: Option<String>,
    call: &Call,
) -> Value {
    let guid = drive.item_id(entry.number);
    let host = call.base.sharepoint(&drive.host);
    let path = drive.path(entry.number);
    let mut form = json!({
        "id": guid,
        "name": entry.name,
        "eTag": format!("\"{{{guid}}},{}\"", entry.revision),
        "createdDateTime": entry.created.to_string(),
        "lastModifiedDateTime": entry.fs_modified.to_string(),
        "webUrl": format!("{host}/{}/{}", drive.site(), path.replace(' ', "%20")),
        "size": total_size(drive, entry),
        "parentReference": parent(drive, entry, detail),
        "fileSystemInfo": {
            "createdDateTime": entry.fs_created.to_string(),
            "lastModifiedDateTime": entry.fs_modified.to_string(),
        },
    });
    if detail == Detail::Whole {
        set(&mut form, "cTag", format!("\"c:{{{guid}}},{}\"", entry.revision));
    }
    match &entry.kind {
        Kind::Folder => {
            let count = drive.children(entry.number).count();
            set(&mut form, "folder", json!({ "childCount": count }));
        }
        Kind::File(file) => {
            set(
                &mut form,
                "file",
                json!({
                    "mimeType": names::media_type(&entry.name),
                    "hashes": { "quickXorHash": file.hash },
                }),
            );
            if file.malware {
                set(&mut form, "malware", json!({ "description": "Win32/Simulated" }));
            } else if let Some(link) = link {
                set(&mut form, "@microsoft.graph.downloadUrl", link);
            }
        }
        Kind::Notebook => set(&mut form, "package", json!({ "type": "oneNote" })),
        Kind::Shortcut { drive, item } => {
            set(
                &mut form,
                "remoteItem",
                json!({
                    "id": item, "folder": {}, "parentReference": { "driveId": drive },
                }),
            );
        }
    }
    if entry.number == ROOT {
        set(&mut form, "root", json!({}));
    }
    if !entry.grants.is_empty() {
        set(&mut form, "shared", json!({ "scope": "users" }));
    }
    form
}

/// The size of a file, or of everything in a folder.
fn total_size(drive: &Drive, entry: &Entry) -> u64 {
    if entry.number == ROOT {
        return drive.used;
    }
    let below = drive.children(entry.number);
    below.fold(entry.size(), |sum, child| sum.saturating_add(total_size(drive, child)))
}

fn parent(drive: &Drive, entry: &Entry, detail: Detail) -> Value {
    let mut reference = json!({ "driveId": drive.id, "driveType": "business" });
    if let Some(parent) = entry.parent {
        set(&mut reference, "id", drive.item_id(parent));
        if detail == Detail::Whole {
            let path = drive.path(parent);
            let path = if path.is_empty() { path } else { format!("/{path}") };
            set(&mut reference, "path", format!("/drives/{}/root:{path}", drive.id));
        }
    }
    reference
}

/// An entry that is gone, in a delta: no name.
pub(super) fn gone(drive: &Drive, number: u64, parent: Option<u64>) -> Value {
    let mut reference = json!({ "driveId": drive.id, "driveType": "business" });
    if let Some(parent) = parent {
        set(&mut reference, "id", drive.item_id(parent));
    }
    json!({
        "id": drive.item_id(number),
        "deleted": { "state": "deleted" },
        "parentReference": reference,
    })
}
