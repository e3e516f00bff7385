//! Folders of a mailbox: listing, creating, renaming, moving, deleting.

use serde::Serialize;
use serde_json::json;

use super::{
    LIST_TOP, MailboxAddress, MailboxFolder, PAGES_MAX, Visibility, expanded, folder, one_folder,
    root, types::HIDDEN,
};
use crate::{
    Operation, TenantError,
    graph::{BatchOrder, Graph, GraphCall},
};

const FOLDER_READ: &[&str] = &["MailboxFolder.Read.All", "MailboxFolder.ReadWrite.All"];
const FOLDER_WRITE: &[&str] = &["MailboxFolder.ReadWrite.All"];

impl Graph {
    /// The folders directly below a folder, hidden ones too.
    pub async fn mailbox_folders(
        &self,
        mailbox: &MailboxAddress,
        parent: &str,
    ) -> Result<Vec<MailboxFolder>, TenantError> {
        self.folders_call(mailbox, parent).pages(PAGES_MAX).await
    }

    /// The folders directly below several folders, in the same order, twenty lists a request.
    pub async fn mailbox_folders_of(
        &self,
        mailbox: &MailboxAddress,
        parents: &[&str],
    ) -> Result<Vec<Result<Vec<MailboxFolder>, TenantError>>, TenantError> {
        let calls: Vec<GraphCall> =
            parents.iter().map(|parent| self.folders_call(mailbox, parent)).collect();
        let replies = self.batch(calls.clone(), BatchOrder::Any).await?;
        let mut lists = Vec::with_capacity(calls.len());
        for (call, reply) in calls.into_iter().zip(replies) {
            lists.push(match reply {
                Ok(first) => call.pages_from(&first, PAGES_MAX).await,
                Err(error) => Err(error),
            });
        }
        Ok(lists)
    }

    fn folders_call(&self, mailbox: &MailboxAddress, parent: &str) -> GraphCall {
        let operation = Operation::new("list mailbox folders", FOLDER_READ);
        let call = self.get(operation, &folder(mailbox, parent, "childFolders"));
        // Hidden folders hold what people miss too; the service gives them when it is asked.
        let call = call.at(mailbox).query("$top", LIST_TOP).query("includeHiddenFolders", "true");
        expanded(call, &[HIDDEN.1])
    }

    /// One folder, by id or well-known name.
    pub async fn mailbox_folder(
        &self,
        mailbox: &MailboxAddress,
        id: &str,
    ) -> Result<MailboxFolder, TenantError> {
        let operation = Operation::new("get mailbox folder", FOLDER_READ);
        self.get(operation, &one_folder(mailbox, id)).at(mailbox).read().await
    }

    /// Creates a folder below another one, or below the mailbox's root.
    pub async fn create_mailbox_folder(
        &self,
        mailbox: &MailboxAddress,
        parent: Option<&str>,
        name: &str,
        kind: &str,
        visibility: Visibility,
    ) -> Result<MailboxFolder, TenantError> {
        let operation = Operation::new("create mailbox folder", FOLDER_WRITE);
        let call = match parent {
            Some(parent) => self.post(operation, &folder(mailbox, parent, "childFolders")),
            None => self.post(operation, &root(mailbox, "folders")),
        };
        let mut body = json!({ "displayName": name, "type": kind });
        if visibility == Visibility::Hidden
            && let Some(members) = body.as_object_mut()
        {
            let hidden = json!([{ "id": HIDDEN.1, "value": "true" }]);
            members.insert("singleValueExtendedProperties".to_owned(), hidden);
        }
        call.at(mailbox).json(&body).read().await
    }

    /// Renames a folder, or moves it below another one.
    pub async fn update_mailbox_folder(
        &self,
        mailbox: &MailboxAddress,
        id: &str,
        name: Option<&str>,
        parent: Option<&str>,
    ) -> Result<(), TenantError> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Change<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            display_name: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            parent_folder_id: Option<&'a str>,
        }
        let operation = Operation::new("update mailbox folder", FOLDER_WRITE);
        let change = Change { display_name: name, parent_folder_id: parent };
        self.patch(operation, &one_folder(mailbox, id)).at(mailbox).json(&change).done().await
    }

    /// Deletes a folder with all that is in it.
    pub async fn delete_mailbox_folder(
        &self,
        mailbox: &MailboxAddress,
        id: &str,
    ) -> Result<(), TenantError> {
        let operation = Operation::new("delete mailbox folder", FOLDER_WRITE);
        self.delete(operation, &one_folder(mailbox, id)).at(mailbox).done().await
    }
}
