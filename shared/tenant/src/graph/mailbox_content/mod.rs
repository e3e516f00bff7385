//! The content of mailboxes through Graph's import/export API
//! ("Overview of the mailbox import and export APIs in Microsoft Graph").
//!
//! A mailbox is named by its id (`MBX:…`) from [`Graph::exchange_settings`]; archives have ids of
//! their own, which only the beta version tells. Item data is opaque Base64 and is passed on as it
//! came, never looked into.

use std::{borrow::Cow, time::Duration};

use bytes::Bytes;
use http::Method;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

mod folders;
mod stream;
mod types;

pub use self::stream::ItemStream;

use self::stream::is_base64;
pub use self::types::{
    Disposal, ExchangeSettings, ExportedItem, ExtendedProperty, ImportMode, ImportSession,
    ImportedItem, ItemData, MailboxAddress, MailboxFolder, MailboxItem, Removed, Surface,
    Visibility,
};
use super::{BatchOrder, Graph, GraphCall, Page};
use crate::{
    Operation, SecretText, TenantError,
    codes::{self, Fault},
    error::Class,
};

/// The name of the operation that exports items: tells a failed export from a failed import.
pub const EXPORT: &str = "export mailbox items";
const ITEM_READ: &[&str] = &[
    "MailboxItem.Read.All",
    "MailboxItem.Export.All",
    "MailboxItem.ImportExport.All",
    "MailboxItem.ReadWrite.All",
];
const ITEM_EXPORT: &[&str] = &["MailboxItem.Export.All", "MailboxItem.ImportExport.All"];
const ITEM_IMPORT: &[&str] = &["MailboxItem.ImportExport.All"];
const ITEM_WRITE: &[&str] = &["MailboxItem.ReadWrite.All"];
const SETTINGS: &[&str] = &["User.Read.All", "User.ReadWrite.All"];

/// Most pages of one list: half a million folders or items.
const PAGES_MAX: usize = 5_000;
/// The largest page that lists are asked for.
const LIST_TOP: &str = "100";
/// Content moves slower than JSON.
const CONTENT_TIMEOUT: Duration = Duration::from_mins(5);
/// An item that streams through takes as long as both sides together.
const STREAM_TIMEOUT: Duration = Duration::from_mins(15);
/// What follows the data in an import.
const IMPORT_END: &[u8] = b"\"}";

impl Graph {
    /// Which mailboxes a user has. The version 1.0 tells the primary one only.
    pub async fn exchange_settings(&self, user: &str) -> Result<ExchangeSettings, TenantError> {
        let operation = Operation::new("get exchange settings", SETTINGS);
        self.get(operation, &["users", user, "settings", "exchange"]).read().await
    }

    /// The same through beta, with the archive. A preview of Microsoft's.
    pub async fn exchange_settings_beta(
        &self,
        user: &str,
    ) -> Result<ExchangeSettings, TenantError> {
        let operation = Operation::new("get exchange settings (beta)", SETTINGS);
        self.get(operation, &["users", user, "settings", "exchange"]).beta().read().await
    }

    /// One page of the changes of a folder's items: from the beginning, or from a link of the page
    /// or round before. [`Class::Gone`] means that the link is no longer known.
    pub async fn mailbox_items_delta(
        &self,
        mailbox: &MailboxAddress,
        folder_id: &str,
        link: Option<&str>,
        page_size: u32,
    ) -> Result<Page<MailboxItem>, TenantError> {
        self.delta_call(mailbox, folder_id, link, page_size).read().await
    }

    /// The first pages of the changes of several folders, in the same order, each from the beginning
    /// or from the link of its last round, twenty folders a request.
    pub async fn mailbox_items_deltas(
        &self,
        mailbox: &MailboxAddress,
        folders: &[(&str, Option<&str>)],
        page_size: u32,
    ) -> Result<Vec<Result<Page<MailboxItem>, TenantError>>, TenantError> {
        let one =
            |(id, link): &(&str, Option<&str>)| self.delta_call(mailbox, id, *link, page_size);
        let calls: Vec<GraphCall> = folders.iter().map(one).collect();
        let replies = self.batch(calls.clone(), BatchOrder::Any).await?;
        let page = |(call, reply): (GraphCall, _)| call.parse(&reply?);
        Ok(calls.into_iter().zip(replies).map(page).collect())
    }

    fn delta_call(
        &self,
        mailbox: &MailboxAddress,
        folder_id: &str,
        link: Option<&str>,
        page_size: u32,
    ) -> GraphCall {
        let operation = Operation::new("list changed mailbox items", ITEM_READ);
        let call = if let Some(link) = link {
            self.follow(operation, link)
        } else {
            let path = path_of_items(mailbox, folder_id);
            let call = self.get(operation, &[&path[..], &["delta"]].concat());
            call.query("$select", "id,changeKey,size,type,createdDateTime")
        };
        let size = format!("odata.maxpagesize={page_size}");
        call.at(mailbox).prefer(&size)
    }

    /// One page of a folder's items, with the extended properties asked for (`Binary 0x300B`).
    pub async fn mailbox_items(
        &self,
        mailbox: &MailboxAddress,
        folder_id: &str,
        link: Option<&str>,
        properties: &[&str],
    ) -> Result<Page<MailboxItem>, TenantError> {
        self.items_page((mailbox, folder_id), None, link, properties).await
    }

    /// One page of a folder's items that were made at `since` or later, with the extended properties
    /// asked for: from the beginning, or from the link of the page before.
    pub async fn mailbox_items_since(
        &self,
        mailbox: &MailboxAddress,
        folder_id: &str,
        since: Timestamp,
        link: Option<&str>,
        properties: &[&str],
    ) -> Result<Page<MailboxItem>, TenantError> {
        self.items_page((mailbox, folder_id), Some(since), link, properties).await
    }

    async fn items_page(
        &self,
        (mailbox, folder_id): (&MailboxAddress, &str),
        since: Option<Timestamp>,
        link: Option<&str>,
        properties: &[&str],
    ) -> Result<Page<MailboxItem>, TenantError> {
        let operation = Operation::new("list mailbox items", ITEM_READ);
        let call = if let Some(link) = link {
            self.follow(operation, link)
        } else {
            let path = path_of_items(mailbox, folder_id);
            let call = self.get(operation, &path).query("$top", LIST_TOP);
            let call = match since {
                Some(since) => call.query("$filter", &format!("createdDateTime ge {since:.0}")),
                None => call,
            };
            expanded(call, properties)
        };
        call.at(mailbox).read().await
    }

    /// One item, with the extended properties asked for.
    pub async fn mailbox_item(
        &self,
        mailbox: &MailboxAddress,
        folder_id: &str,
        id: &str,
        properties: &[&str],
    ) -> Result<MailboxItem, TenantError> {
        expanded(self.item_call(mailbox, folder_id, id), properties).read().await
    }

    /// Items of a folder, twenty a request, without extended properties; in the order of the ids.
    pub async fn mailbox_items_by_id(
        &self,
        mailbox: &MailboxAddress,
        folder_id: &str,
        ids: &[&str],
    ) -> Result<Vec<Result<MailboxItem, TenantError>>, TenantError> {
        let calls = ids.iter().map(|id| self.item_call(mailbox, folder_id, id)).collect();
        self.read_batch(calls).await
    }

    fn item_call(&self, mailbox: &MailboxAddress, folder_id: &str, id: &str) -> GraphCall {
        let operation = Operation::new("get mailbox item", ITEM_READ);
        let path = path_of_items(mailbox, folder_id);
        self.get(operation, &[&path[..], &[id]].concat()).at(mailbox)
    }

    /// Deletes an item.
    pub async fn delete_mailbox_item(
        &self,
        mailbox: &MailboxAddress,
        folder_id: &str,
        id: &str,
        disposal: Disposal,
    ) -> Result<(), TenantError> {
        self.delete_call(mailbox, folder_id, id, disposal).done().await
    }

    /// Deletes items of a folder, twenty a request; the outcomes are in the order of the ids.
    pub async fn delete_mailbox_items(
        &self,
        mailbox: &MailboxAddress,
        folder_id: &str,
        ids: &[&str],
        disposal: Disposal,
    ) -> Result<Vec<Result<(), TenantError>>, TenantError> {
        let call = |id: &&str| self.delete_call(mailbox, folder_id, id, disposal);
        let replies = self.batch(ids.iter().map(call).collect(), BatchOrder::Any).await?;
        Ok(replies.into_iter().map(|reply| reply.map(|_empty| ())).collect())
    }

    fn delete_call(
        &self,
        mailbox: &MailboxAddress,
        folder_id: &str,
        id: &str,
        disposal: Disposal,
    ) -> GraphCall {
        let operation = Operation::new("delete mailbox item", ITEM_WRITE);
        let path = path_of_items(mailbox, folder_id);
        let kind = match disposal {
            Disposal::Soft => "softDelete",
            Disposal::Hard => "hardDelete",
        };
        let call = self.delete(operation, &[&path[..], &[id]].concat());
        call.at(mailbox).query("disposalType", kind)
    }

    /// Exports 1 to 20 items; a refused item does not refuse the others. `bytes_max` bounds the
    /// reply.
    pub async fn export_mailbox_items(
        &self,
        mailbox: &MailboxAddress,
        ids: &[&str],
        bytes_max: usize,
    ) -> Result<Vec<ExportedItem>, TenantError> {
        let operation = Operation::new(EXPORT, ITEM_EXPORT);
        let path = root(mailbox, "exportItems");
        let call = self.post(operation, &path).read_only().at(mailbox);
        let call = call.json(&json!({ "itemIds": ids })).limit(bytes_max).timeout(CONTENT_TIMEOUT);
        let reply = call.send().await?;
        exported(&reply.body).map_err(|error| TenantError {
            class: Class::Unexpected,
            code: "reply".into(),
            status: Some(reply.status.as_u16()),
            ..TenantError::refused(operation.name, format!("the reply is no export: {error}"))
        })
    }

    /// Begins the export of one item that is too large to be held in memory.
    /// [`Graph::import_streamed_item`] passes it on.
    pub async fn export_mailbox_item(
        &self,
        mailbox: &MailboxAddress,
        id: &str,
    ) -> Result<ItemStream, TenantError> {
        let operation = Operation::new(EXPORT, ITEM_EXPORT);
        let call = self.post(operation, &root(mailbox, "exportItems")).read_only().at(mailbox);
        let call = call.json(&json!({ "itemIds": [id] })).timeout(CONTENT_TIMEOUT);
        ItemStream::open(call.stream().await?).await
    }

    /// Opens an import session of a mailbox.
    pub async fn create_import_session(
        &self,
        mailbox: &MailboxAddress,
    ) -> Result<ImportSession, TenantError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Session {
            import_url: String,
            #[serde(default)]
            expiration_date_time: Option<Timestamp>,
        }
        let operation = Operation::new("create import session", ITEM_IMPORT);
        let path = root(mailbox, "createImportSession");
        // Opening one session more than needed changes nothing.
        let call = self.post(operation, &path).read_only().at(mailbox);
        let session: Session = call.read().await?;
        Ok(ImportSession {
            mailbox: mailbox.id.clone(),
            url: SecretText::new(session.import_url),
            expires: session.expiration_date_time,
        })
    }

    /// Imports one item into a folder. Importing as new is not idempotent: after
    /// [`Class::UnknownOutcome`] look into the folder first.
    pub async fn import_mailbox_item(
        &self,
        session: &ImportSession,
        folder_id: &str,
        mode: ImportMode<'_>,
        data: &Bytes,
    ) -> Result<ImportedItem, TenantError> {
        let operation = Operation::new("import mailbox item", &[]);
        if data.is_empty() || !data.iter().copied().all(is_base64) {
            return Err(TenantError::refused(operation.name, "the item's data are no Base64"));
        }
        let body = import_body(folder_id, mode, data);
        let call = self.opaque(operation, Method::POST, session.url.expose());
        let call = call.mailbox(&session.mailbox).timeout(CONTENT_TIMEOUT);
        call.bytes("application/json", body).read().await
    }

    /// Imports an item while it is being exported; `size` is about what it has, for the budgets.
    /// Returns what was made and the version of the item that it was made of. It is sent once: after
    /// any failure the export has to begin again. [`Class::UnknownOutcome`] as with
    /// [`Graph::import_mailbox_item`]; when the export failed nothing was imported.
    pub async fn import_streamed_item(
        &self,
        session: &ImportSession,
        folder_id: &str,
        mode: ImportMode<'_>,
        item: ItemStream,
        size: u64,
    ) -> Result<(ImportedItem, String), TenantError> {
        let operation = Operation::new("import mailbox item", &[]);
        let (tail, end) = item.into_tail(IMPORT_END);
        let call = self.opaque(operation, Method::POST, session.url.expose());
        let call = call.mailbox(&session.mailbox).timeout(STREAM_TIMEOUT);
        let call = call.bytes("application/json", Bytes::from(import_head(folder_id, mode)));
        let imported = call.tail(tail, size.saturating_mul(4) / 3).read().await;
        match (imported, end.outcome()) {
            (Ok(imported), Some(Ok(change_key))) => Ok((imported, change_key)),
            (Err(_broken), Some(Err(of_export))) => Err(of_export),
            (Err(error), _) => Err(error),
            (Ok(_), _) => {
                let text = "the import ended before the item did";
                let refused = TenantError::refused(operation.name, text);
                Err(TenantError { class: Class::UnknownOutcome, code: "reply".into(), ..refused })
            }
        }
    }
}

impl GraphCall {
    /// Draws on the mailbox's budget and goes where it answers.
    fn at(self, mailbox: &MailboxAddress) -> Self {
        let call = self.mailbox(&mailbox.id);
        match mailbox.surface {
            Surface::V1 => call,
            Surface::Beta => call.beta(),
        }
    }
}

fn root<'a>(mailbox: &'a MailboxAddress, last: &'a str) -> [&'a str; 5] {
    ["admin", "exchange", "mailboxes", &mailbox.id, last]
}

fn one_folder<'a>(mailbox: &'a MailboxAddress, id: &'a str) -> [&'a str; 6] {
    ["admin", "exchange", "mailboxes", &mailbox.id, "folders", id]
}

fn folder<'a>(mailbox: &'a MailboxAddress, id: &'a str, last: &'a str) -> [&'a str; 7] {
    ["admin", "exchange", "mailboxes", &mailbox.id, "folders", id, last]
}

fn path_of_items<'a>(mailbox: &'a MailboxAddress, folder_id: &'a str) -> [&'a str; 7] {
    folder(mailbox, folder_id, "items")
}

fn expanded(call: GraphCall, properties: &[&str]) -> GraphCall {
    if properties.is_empty() {
        return call;
    }
    let wanted: Vec<String> = properties.iter().map(|id| format!("id eq '{id}'")).collect();
    let filter = wanted.join(" or ");
    call.query("$expand", &format!("singleValueExtendedProperties($filter={filter})"))
}

/// Reads an export. The data stay where they are in the reply: an item may be large.
fn exported(body: &Bytes) -> Result<Vec<ExportedItem>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Whole<'a> {
        #[serde(borrow)]
        value: Vec<Item<'a>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Item<'a> {
        item_id: String,
        #[serde(default)]
        change_key: Option<String>,
        #[serde(default, borrow)]
        data: Option<Cow<'a, str>>,
        #[serde(default)]
        error: Option<serde_json::Value>,
    }
    let whole: Whole<'_> = serde_json::from_slice(body)?;
    let item = |item: Item<'_>| {
        let outcome = match (item.data, item.change_key, item.error) {
            (Some(data), Some(change_key), None) => {
                let data = match data {
                    Cow::Borrowed(text) => body.slice_ref(text.as_bytes()),
                    Cow::Owned(text) => Bytes::from(text),
                };
                Ok(ItemData { change_key, data })
            }
            (_, _, error) => Err(refused_item(error.as_ref())),
        };
        ExportedItem { id: item.item_id, outcome }
    };
    Ok(whole.value.into_iter().map(item).collect())
}

/// The error of one item inside a successful export.
fn refused_item(error: Option<&serde_json::Value>) -> TenantError {
    let body = json!({ "error": error }).to_string();
    // There is no status for one item; 422 lets the code decide and falls back to "invalid".
    let status = http::StatusCode::UNPROCESSABLE_ENTITY;
    let fault = codes::graph(status, &http::HeaderMap::new(), body.as_bytes());
    let Fault { class, code, message } = fault;
    TenantError { class, code: code.into(), ..TenantError::refused(EXPORT, message) }
}

/// The body of an import. Put together by hand so that the data are copied once only.
fn import_body(folder_id: &str, mode: ImportMode<'_>, data: &Bytes) -> Bytes {
    let head = import_head(folder_id, mode);
    let mut body = Vec::with_capacity(head.len() + data.len() + IMPORT_END.len());
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(data);
    body.extend_from_slice(IMPORT_END);
    Bytes::from(body)
}

/// What comes before the data in an import.
fn import_head(folder_id: &str, mode: ImportMode<'_>) -> String {
    let (name, rest) = match mode {
        ImportMode::Create => ("create", String::new()),
        ImportMode::Update { item, change_key } => {
            let (item, change_key) = (json!(item), json!(change_key));
            ("update", format!(",\"ItemId\":{item},\"ChangeKey\":{change_key}"))
        }
    };
    let folder_id = json!(folder_id);
    format!("{{\"FolderId\":{folder_id},\"Mode\":\"{name}\"{rest},\"Data\":\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_gives_data_and_refusals_item_by_item() {
        let body = Bytes::from_static(
            br#"{"value":[{"itemId":"a","changeKey":"k","data":"QUJD"},
                {"itemId":"b","error":{"code":"ErrorCorruptData","message":"damaged"}},
                {"itemId":"c","error":null}]}"#,
        );
        let items = exported(&body).unwrap();
        let data = items[0].outcome.as_ref().unwrap();
        assert_eq!((data.change_key.as_str(), data.data.as_ref()), ("k", &b"QUJD"[..]));
        let refused = items[1].outcome.as_ref().unwrap_err();
        assert_eq!(refused.class, Class::Unreadable);
        assert_eq!(&*refused.code, "ErrorCorruptData");
        assert!(items[2].outcome.is_err());
    }

    #[test]
    fn an_import_body_is_json_whatever_the_ids_hold() {
        let data = Bytes::from_static(b"QUJD");
        let mode = ImportMode::Update { item: "i\"1", change_key: "k\\" };
        let body = import_body("f\"", mode, &data);
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let expected = json!({ "FolderId": "f\"", "Mode": "update", "ItemId": "i\"1",
            "ChangeKey": "k\\", "Data": "QUJD" });
        assert_eq!(body, expected);
        assert!(!b"QUJD\",\"x\":\"".iter().copied().all(is_base64));
    }
}
