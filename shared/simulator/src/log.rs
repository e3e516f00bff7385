//! What was asked and how it was answered.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use ports::HttpRequest;
use serde::Serialize;
use uuid::Uuid;

use crate::{exchange, reply::Reply};

/// How many of the latest requests are kept one by one.
const KEPT: usize = 10_000;

/// One request in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoggedRequest {
    /// When.
    pub at: Timestamp,
    /// The method.
    pub method: String,
    /// The path, without its query.
    pub path: String,
    /// The cmdlet, for Exchange.
    pub cmdlet: Option<String>,
    /// The status; 0 when the connection broke before the effect.
    pub status: u16,
    /// Bytes of the request's body.
    pub request_bytes: usize,
    /// Bytes of the reply's body.
    pub reply_bytes: usize,
}

/// Counters and the latest requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestLog {
    pub(crate) by_status: BTreeMap<u16, u64>,
    pub(crate) by_cmdlet: BTreeMap<String, u64>,
    pub(crate) by_tenant: BTreeMap<String, u64>,
    pub(crate) by_kind: BTreeMap<String, u64>,
    pub(crate) latest: VecDeque<LoggedRequest>,
    /// Whose token the request in hand carries.
    pub(crate) caller: Option<Uuid>,
}

impl RequestLog {
    pub(crate) fn answered(&mut self, request: &HttpRequest, reply: &Reply, now: Timestamp) {
        let large = reply.large.as_ref().map_or(0, |large| large.length());
        let bytes = usize::try_from(large).unwrap_or(usize::MAX).saturating_add(reply.body.len());
        self.note(request, reply.status.as_u16(), bytes, now);
    }

    pub(crate) fn lost(&mut self, request: &HttpRequest, now: Timestamp) {
        self.note(request, 0, 0, now);
    }

    fn note(&mut self, request: &HttpRequest, status: u16, reply_bytes: usize, at: Timestamp) {
        let cmdlet = exchange::cmdlet_of(request);
        *self.by_status.entry(status).or_default() += 1;
        if let Some(tenant) = self.caller.take() {
            *self.by_tenant.entry(tenant.to_string()).or_default() += 1;
        }
        if let Some(cmdlet) = &cmdlet {
            *self.by_cmdlet.entry(cmdlet.clone()).or_default() += 1;
        }
        let kind = format!("{} {}", request.method, shape(request.url.path()));
        *self.by_kind.entry(kind).or_default() += 1;
        if self.latest.len() >= KEPT {
            self.latest.pop_front();
        }
        self.latest.push_back(LoggedRequest {
            at,
            method: request.method.to_string(),
            path: request.url.path().to_owned(),
            cmdlet,
            status,
            request_bytes: request.body.len(),
            reply_bytes,
        });
    }
}

/// A path with its ids and names left out.
fn shape(path: &str) -> String {
    const COLLECTIONS: [&str; 9] = [
        "users",
        "drives",
        "items",
        "mailboxes",
        "folders",
        "childFolders",
        "messages",
        "personal",
        "groups",
    ];
    let mut shape = String::new();
    let mut before = "";
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let named = before.ends_with(':') || COLLECTIONS.contains(&before);
        let fixed = ["delta", "$batch", "root"].contains(&part);
        let id = part.len() >= 32 || named && !fixed;
        let colon = if part.ends_with(':') { ":" } else { "" };
        shape.push('/');
        if id {
            shape.push_str("{}");
            shape.push_str(colon);
        } else {
            shape.push_str(part);
        }
        // After `{id}:/{name}:` comes an action again.
        before = if id && before.ends_with(':') { "" } else { part };
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_keeps_what_is_done_and_leaves_out_to_what() {
        let id = "01AAAAAAAAAAAAAAAA0000000000000002";
        for (path, expected) in [
            ("/graph/v1.0/users/ada@contoso.example/drive", "/graph/v1.0/users/{}/drive"),
            ("/v1.0/drives/b!x/root/delta", "/v1.0/drives/{}/root/delta"),
            (&format!("/v1.0/drives/b!x/items/{id}/content"), "/v1.0/drives/{}/items/{}/content"),
            (
                &format!("/v1.0/drives/b!x/items/{id}:/a.txt:/createUploadSession"),
                "/v1.0/drives/{}/items/{}:/{}:/createUploadSession",
            ),
            ("/v1.0/$batch", "/v1.0/$batch"),
        ] {
            assert_eq!(shape(path), expected);
        }
    }
}
