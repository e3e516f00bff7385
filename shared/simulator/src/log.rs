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
