//! Content of files: downloads by range, upload sessions, small uploads.
//!
//! Download and upload addresses are pre-authenticated. They get no token: the service may answer
//! one with 401, and nobody else shall see it.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode, header};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{DriveItem, FileSystemInfo, Placement, READ, WRITE};
use crate::{
    Operation, Reply, SecretText, Streamed, TenantError,
    error::Class,
    graph::{BatchOrder, Graph, GraphCall},
};

/// Content moves slower than JSON.
const TIMEOUT: Duration = Duration::from_mins(5);
const DOWNLOAD_ADDRESS: Operation = Operation::new("get download address", READ);
const UPLOAD_SESSION: Operation = Operation::new("create upload session", WRITE);

/// Where an upload goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadTarget<'a> {
    /// To a new item; [`Class::AlreadyExists`] when something of that name is there.
    New(Placement<'a>),
    /// Over the content of this item.
    Over(&'a str),
}

/// A file to be uploaded.
#[derive(Clone, Debug, PartialEq)]
pub struct NewUpload<'a> {
    /// Where it goes.
    pub target: UploadTarget<'a>,
    /// Its bytes.
    pub size: u64,
    /// The dates that it keeps.
    pub dates: FileSystemInfo,
}

/// An upload session. Its address is a secret until the session ends.
#[derive(Clone, Debug)]
pub struct UploadSession {
    /// The address.
    pub url: SecretText,
    /// Until when it is good.
    pub expires: Option<Timestamp>,
}

/// The state of an upload.
#[derive(Clone, Debug)]
pub enum Uploaded {
    /// These ranges are still expected.
    More(Vec<String>),
    /// The file is complete.
    Done(Box<DriveItem>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionState {
    #[serde(default)]
    upload_url: Option<String>,
    #[serde(default)]
    expiration_date_time: Option<Timestamp>,
    #[serde(default)]
    next_expected_ranges: Option<Vec<String>>,
}

impl Graph {
    /// The address of a file's content, good for some minutes.
    pub async fn download_url(&self, drive: &str, id: &str) -> Result<SecretText, TenantError> {
        address(&self.download_call(drive, id).send().await?)
    }

    /// The same for several files, in the same order, twenty a request.
    pub async fn download_urls(
        &self,
        drive: &str,
        ids: &[&str],
    ) -> Result<Vec<Result<SecretText, TenantError>>, TenantError> {
        let calls = ids.iter().map(|id| self.download_call(drive, id)).collect();
        let replies = self.batch(calls, BatchOrder::Any).await?;
        Ok(replies.into_iter().map(|reply| address(&reply?)).collect())
    }

    fn download_call(&self, drive: &str, id: &str) -> GraphCall {
        self.get(DOWNLOAD_ADDRESS, &["drives", drive, "items", id, "content"]).drive(1)
    }

    /// The bytes `start..end` of a file. The service may ignore the range and answer with the whole
    /// file: status 200 instead of 206.
    pub async fn download_range(
        &self,
        url: &SecretText,
        start: u64,
        end: u64,
    ) -> Result<Streamed, TenantError> {
        let operation = Operation::new("download", &[]);
        let range = format!("bytes={start}-{}", end.saturating_sub(1));
        let call = self.opaque(operation, Method::GET, url.expose()).drive(1);
        call.header(header::RANGE, &range).timeout(TIMEOUT).stream().await
    }

    /// Uploads a whole small file in one request. It gets the present moment as its dates; an empty
    /// file cannot be uploaded in any other way.
    pub async fn upload_small(
        &self,
        drive: &str,
        target: UploadTarget<'_>,
        content: Bytes,
    ) -> Result<DriveItem, TenantError> {
        let operation = Operation::new("upload file", WRITE);
        let call = match target {
            UploadTarget::New(at) => {
                let (parent, name) = addressed(at);
                let path = ["drives", drive, "items", &parent, &name, "content"];
                self.put(operation, &path).query("@microsoft.graph.conflictBehavior", "fail")
            }
            UploadTarget::Over(id) => {
                self.put(operation, &["drives", drive, "items", id, "content"])
            }
        };
        let call = call.drive(2).timeout(TIMEOUT);
        call.bytes("application/octet-stream", content).read().await
    }

    /// Opens an upload session for a file of `size` bytes that keeps its dates.
    pub async fn create_upload_session(
        &self,
        drive: &str,
        target: UploadTarget<'_>,
        size: u64,
        dates: &FileSystemInfo,
    ) -> Result<UploadSession, TenantError> {
        let upload = NewUpload { target, size, dates: dates.clone() };
        session(&self.session_call(drive, &upload).send().await?)
    }

    /// The same for several files, in the same order, twenty a request.
    pub async fn create_upload_sessions(
        &self,
        drive: &str,
        uploads: &[NewUpload<'_>],
    ) -> Result<Vec<Result<UploadSession, TenantError>>, TenantError> {
        let calls = uploads.iter().map(|upload| self.session_call(drive, upload)).collect();
        let replies = self.batch(calls, BatchOrder::Any).await?;
        Ok(replies.into_iter().map(|reply| session(&reply?)).collect())
    }

    fn session_call(&self, drive: &str, upload: &NewUpload<'_>) -> GraphCall {
        let operation = UPLOAD_SESSION;
        let (call, behaviour) = match upload.target {
            UploadTarget::New(at) => {
                let (parent, name) = addressed(at);
                let path = ["drives", drive, "items", &parent, &name, "createUploadSession"];
                (self.post(operation, &path), "fail")
            }
            UploadTarget::Over(id) => {
                let path = ["drives", drive, "items", id, "createUploadSession"];
                (self.post(operation, &path), "replace")
            }
        };
        let body = json!({
            "item": {
                "@microsoft.graph.conflictBehavior": behaviour,
                "fileSize": upload.size,
                "fileSystemInfo": upload.dates,
            },
            "deferCommit": false,
        });
        // A session that nobody uses expires without a trace.
        call.drive(2).json(&body).read_only()
    }

    /// Uploads a fragment. `range` is its `Content-Range`. [`Class::RangeNotSatisfiable`]: the
    /// session has it already; [`Class::NotFound`]: the session is gone;
    /// [`Class::AlreadyExists`], at the last one: something of that name has come up meanwhile.
    pub async fn upload_fragment(
        &self,
        session: &SecretText,
        range: &str,
        fragment: Bytes,
    ) -> Result<Uploaded, TenantError> {
        let operation = Operation::new("upload fragment", &[]);
        let call = self.opaque(operation, Method::PUT, session.expose()).drive(2);
        let call = call.header(header::CONTENT_RANGE, range).timeout(TIMEOUT);
        let reply = call.bytes("application/octet-stream", fragment).send().await?;
        if reply.status == StatusCode::ACCEPTED {
            let state = session_state(operation, &reply)?;
            return Ok(Uploaded::More(state.next_expected_ranges.unwrap_or_default()));
        }
        match serde_json::from_slice(&reply.body) {
            Ok(item) => Ok(Uploaded::Done(Box::new(item))),
            Err(_not_an_item) => Err(unexpected(operation, &reply, "no item")),
        }
    }

    /// Which ranges a session still expects.
    pub async fn upload_state(&self, session: &SecretText) -> Result<Vec<String>, TenantError> {
        let operation = Operation::new("get upload session", &[]);
        let call = self.opaque(operation, Method::GET, session.expose()).drive(1);
        let reply = call.send().await?;
        Ok(session_state(operation, &reply)?.next_expected_ranges.unwrap_or_default())
    }

    /// Gives an upload session up.
    pub async fn cancel_upload(&self, session: &SecretText) -> Result<(), TenantError> {
        let operation = Operation::new("cancel upload session", &[]);
        self.opaque(operation, Method::DELETE, session.expose()).drive(1).done().await
    }
}

/// The address that a redirect names.
fn address(reply: &Reply) -> Result<SecretText, TenantError> {
    let location = reply.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
    location.map(SecretText::new).ok_or_else(|| unexpected(DOWNLOAD_ADDRESS, reply, "no Location"))
}

fn session(reply: &Reply) -> Result<UploadSession, TenantError> {
    let state = session_state(UPLOAD_SESSION, reply)?;
    let url = state.upload_url.ok_or_else(|| unexpected(UPLOAD_SESSION, reply, "no uploadUrl"))?;
    Ok(UploadSession { url: SecretText::new(url), expires: state.expiration_date_time })
}

/// The segments of a place: `{parent}:` and `{name}:`.
fn addressed(at: Placement<'_>) -> (String, String) {
    (format!("{}:", at.parent), format!("{}:", at.name))
}

fn session_state(operation: Operation, reply: &Reply) -> Result<SessionState, TenantError> {
    serde_json::from_slice(&reply.body)
        .map_err(|_not_a_session| unexpected(operation, reply, "no upload session"))
}

fn unexpected(operation: Operation, reply: &Reply, what: &str) -> TenantError {
    TenantError {
        class: Class::Unexpected,
        code: "reply".into(),
        status: Some(reply.status.as_u16()),
        ..TenantError::refused(operation.name, format!("the reply holds {what}"))
    }
}
