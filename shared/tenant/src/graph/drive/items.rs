//! Drives and their items: finding, listing, creating, moving, deleting.

use serde::Serialize;
use serde_json::json;

use super::{Drive, DriveItem, FileSystemInfo, ParentReference, READ, WRITE};
use crate::{
    Operation, TenantError,
    graph::{Graph, GraphCall, Page},
};

/// A place for an item: its folder and its name there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement<'a> {
    /// The folder's id.
    pub parent: &'a str,
    /// The name in it.
    pub name: &'a str,
}

/// What to change of an item; `None` leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemChange {
    /// A new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A new folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_reference: Option<ParentReference>,
    /// New dates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_system_info: Option<FileSystemInfo>,
}

impl Graph {
    /// A user's OneDrive. [`crate::Class::NoDrive`] or `NotFound` when it was never provisioned.
    pub async fn user_drive(&self, user: &str) -> Result<Drive, TenantError> {
        let operation = Operation::new("get drive", READ);
        self.get(operation, &["users", user, "drive"]).drive(1).read().await
    }

    /// The root folder of a drive.
    pub async fn drive_root(&self, drive: &str) -> Result<DriveItem, TenantError> {
        let operation = Operation::new("get drive root", READ);
        self.get(operation, &["drives", drive, "root"]).drive(1).read().await
    }

    /// One page of the changes of a drive: from the beginning, or from a link of the page or round
    /// before. [`crate::Class::Gone`] means that the link is no longer known.
    pub async fn drive_delta(
        &self,
        drive: &str,
        link: Option<&str>,
        page_size: u32,
    ) -> Result<Page<DriveItem>, TenantError> {
        let operation = Operation::new("list changed drive items", READ);
        if let Some(link) = link {
            return self.follow(operation, link).drive(1).read().await;
        }
        let call = self.get(operation, &["drives", drive, "root", "delta"]).drive(2);
        call.query("$top", &page_size.to_string()).read().await
    }

    /// One page of what lies in a folder: the first, or that of a page's next link.
    pub async fn drive_children(
        &self,
        drive: &str,
        folder: &str,
        link: Option<&str>,
        page_size: u32,
    ) -> Result<Page<DriveItem>, TenantError> {
        let operation = Operation::new("list drive folder", READ);
        if let Some(link) = link {
            return self.follow(operation, link).drive(2).read().await;
        }
        let call = self.get(operation, &["drives", drive, "items", folder, "children"]).drive(2);
        call.query("$top", &page_size.to_string()).read().await
    }

    /// One item.
    pub async fn drive_item(&self, drive: &str, id: &str) -> Result<DriveItem, TenantError> {
        self.item_call_of_drive(drive, id).read().await
    }

    /// Several items, twenty a request, in the order of the ids.
    pub async fn drive_items(
        &self,
        drive: &str,
        ids: &[&str],
    ) -> Result<Vec<Result<DriveItem, TenantError>>, TenantError> {
        let calls = ids.iter().map(|id| self.item_call_of_drive(drive, id)).collect();
        self.read_batch(calls).await
    }

    fn item_call_of_drive(&self, drive: &str, id: &str) -> GraphCall {
        let operation = Operation::new("get drive item", READ);
        self.get(operation, &["drives", drive, "items", id]).drive(1)
    }

    /// The item at a place.
    pub async fn drive_item_at(
        &self,
        drive: &str,
        at: Placement<'_>,
    ) -> Result<DriveItem, TenantError> {
        let operation = Operation::new("get drive item by name", READ);
        let parent = format!("{}:", at.parent);
        self.get(operation, &["drives", drive, "items", &parent, at.name]).drive(1).read().await
    }

    /// Creates a folder. [`crate::Class::AlreadyExists`] when something of that name is there.
    pub async fn create_drive_folder(
        &self,
        drive: &str,
        at: Placement<'_>,
    ) -> Result<DriveItem, TenantError> {
        self.folder_call(drive, at).read().await
    }

    /// The same for several folders, in the same order, twenty a request.
    pub async fn create_drive_folders(
        &self,
        drive: &str,
        places: &[Placement<'_>],
    ) -> Result<Vec<Result<DriveItem, TenantError>>, TenantError> {
        self.read_batch(places.iter().map(|at| self.folder_call(drive, *at)).collect()).await
    }

    fn folder_call(&self, drive: &str, at: Placement<'_>) -> GraphCall {
        let operation = Operation::new("create drive folder", WRITE);
        let body = json!({
            "name": at.name, "folder": {}, "@microsoft.graph.conflictBehavior": "fail",
        });
        let path = ["drives", drive, "items", at.parent, "children"];
        self.post(operation, &path).drive(2).json(&body)
    }

    /// Renames, moves or dates an item.
    pub async fn update_drive_item(
        &self,
        drive: &str,
        id: &str,
        change: &ItemChange,
    ) -> Result<DriveItem, TenantError> {
        let operation = Operation::new("update drive item", WRITE);
        let call = self.patch(operation, &["drives", drive, "items", id]);
        call.drive(2).json(change).read().await
    }

    /// Deletes an item, into the recycle bin.
    pub async fn delete_drive_item(&self, drive: &str, id: &str) -> Result<(), TenantError> {
        let operation = Operation::new("delete drive item", WRITE);
        self.delete(operation, &["drives", drive, "items", id]).drive(2).done().await
    }
}
