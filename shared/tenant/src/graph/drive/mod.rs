//! OneDrive: drives, their items, transfers and permissions.
//!
//! A drive is named by its id from [`super::Graph::user_drive`]; everything else goes by item id, because
//! paths change under our feet.

mod items;
mod permissions;
mod transfer;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    items::{ItemChange, Placement},
    permissions::{DrivePermission, Identity, IdentitySet, Recipient},
    transfer::{NewUpload, UploadSession, UploadTarget, Uploaded},
};

pub(super) const READ: &[&str] = &["Files.Read.All", "Files.ReadWrite.All", "Sites.ReadWrite.All"];
pub(super) const WRITE: &[&str] = &["Files.ReadWrite.All", "Sites.ReadWrite.All"];

/// A drive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drive {
    /// The id.
    pub id: String,
    /// `business` for OneDrive.
    #[serde(default)]
    pub drive_type: Option<String>,
    /// Its room.
    #[serde(default)]
    pub quota: Option<Quota>,
    /// The address of its library.
    #[serde(default)]
    pub web_url: Option<String>,
}

impl Drive {
    /// The decoded path of its library from the host on, for instance `personal/ada_contoso_com/Documents`:
    /// SharePoint counts it as part of every path in it. Empty where the service does not tell.
    pub fn library_path(&self) -> String {
        let address = self.web_url.as_deref().and_then(|text| url::Url::parse(text).ok());
        let path = address.map(|address| address.path().to_owned()).unwrap_or_default();
        // Behind a proxy the host may be followed by more; a person's site is always below `personal`.
        let own = path.find("/personal/").and_then(|at| path.get(at..)).unwrap_or(&path);
        let decoded = percent_encoding::percent_decode_str(own.trim_matches('/'));
        decoded.decode_utf8_lossy().into_owned()
    }
}

/// The room of a drive, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Quota {
    /// In all.
    #[serde(default)]
    pub total: Option<u64>,
    /// Taken.
    #[serde(default)]
    pub used: Option<u64>,
    /// Free.
    #[serde(default)]
    pub remaining: Option<u64>,
}

/// An item of a drive (`driveItem`), with the facets that say what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DriveItem {
    /// The id.
    pub id: String,
    /// The name; absent for deleted items.
    #[serde(default)]
    pub name: Option<String>,
    /// Bytes; of a folder, of all that is in it.
    #[serde(default)]
    pub size: Option<u64>,
    /// The version of item and content.
    #[serde(default)]
    pub e_tag: Option<String>,
    /// The folder above.
    #[serde(default)]
    pub parent_reference: Option<ParentReference>,
    /// Dates as the person's computer keeps them.
    #[serde(default)]
    pub file_system_info: Option<FileSystemInfo>,
    /// It is a file.
    #[serde(default)]
    pub file: Option<FileFacet>,
    /// It is a folder.
    #[serde(default)]
    pub folder: Option<FolderFacet>,
    /// It is a package (a OneNote notebook): neither file nor folder.
    #[serde(default)]
    pub package: Option<PackageFacet>,
    /// It is a shortcut to an item of another drive.
    #[serde(default)]
    pub remote_item: Option<serde_json::Value>,
    /// It was found infected.
    #[serde(default)]
    pub malware: Option<serde_json::Value>,
    /// In a delta: it is gone.
    #[serde(default)]
    pub deleted: Option<serde_json::Value>,
    /// It is the drive's root.
    #[serde(default)]
    pub root: Option<serde_json::Value>,
    /// It is shared with somebody.
    #[serde(default)]
    pub shared: Option<serde_json::Value>,
    /// Where its content is, for some minutes, without a token. A secret: not to be logged.
    #[serde(default, rename = "@microsoft.graph.downloadUrl")]
    pub download_url: Option<Hidden>,
}

/// An address that is a secret. `Debug` hides it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Hidden(pub String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hidden")
    }
}

/// Where an item lies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParentReference {
    /// The drive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drive_id: Option<String>,
    /// The folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Dates of an item, kept over a copy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileSystemInfo {
    /// Made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_date_time: Option<Timestamp>,
    /// Changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified_date_time: Option<Timestamp>,
}

/// What makes an item a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileFacet {
    /// Its type.
    #[serde(default)]
    pub mime_type: Option<String>,
    /// Its hashes; may be missing for a while after an upload.
    #[serde(default)]
    pub hashes: Option<Hashes>,
}

/// Hashes of a file's content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hashes {
    /// Base64 of 20 bytes; what OneDrive for Business gives.
    #[serde(default)]
    pub quick_xor_hash: Option<String>,
}

/// What makes an item a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FolderFacet {
    /// How many items are directly in it.
    #[serde(default)]
    pub child_count: Option<u64>,
}

/// What makes an item a package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct PackageFacet {
    /// `oneNote`.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
}

impl DriveItem {
    /// The hash of its content, if the service has it.
    pub fn quick_xor_hash(&self) -> Option<&str> {
        self.file.as_ref()?.hashes.as_ref()?.quick_xor_hash.as_deref()
    }

    /// The folder above.
    pub fn parent(&self) -> Option<&str> {
        self.parent_reference.as_ref()?.id.as_deref()
    }
}
