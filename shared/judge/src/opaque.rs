//! The addresses that Graph hands out: upload, import and download. They carry their own right of
//! entry, are not Graph's paths, and must never see the bearer token.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use http::{HeaderMap, Method, StatusCode, header};
use serde_json::Value;
use url::Url;

use super::{
    finding::{Finding, Side},
    schema::Schemas,
};

const IMPORT_REQUEST: &str = "/components/schemas/x.importItemRequest";
const IMPORT_REPLY: &str = "/components/schemas/x.importItemResponse";
const UPLOAD_SESSION: &str = "/components/schemas/microsoft.graph.uploadSession";
const DRIVE_ITEM: &str = "/components/schemas/microsoft.graph.driveItem";

/// What an opaque address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Import,
    Upload,
    Download,
}

/// The opaque addresses that replies have handed out so far.
#[derive(Debug, Default)]
pub(super) struct Opaque {
    // Keyed without the query: a client may append a parameter, and the query may be a secret.
    known: Mutex<BTreeMap<String, Use>>,
}

impl Opaque {
    /// Remembers the addresses in a reply's body and headers.
    pub(super) fn learn(&self, headers: &HeaderMap, status: StatusCode, body: &Value) {
        let mut found = Vec::new();
        links(body, &mut found);
        if status == StatusCode::FOUND
            && let Some(location) = headers.get(header::LOCATION).and_then(|l| l.to_str().ok())
        {
            found.push((location.to_owned(), Use::Download));
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for (link, what) in found {
            if let Ok(url) = Url::parse(&link) {
                known.insert(key(&url), what);
            }
        }
    }

    fn what(&self, url: &Url) -> Option<Use> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key(url)).copied()
    }

    /// Objections to a request to an opaque address.
    pub(super) fn check_request(
        &self,
        schemas: &Schemas,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Vec<Finding> {
        let Some(what) = self.what(url) else { return Vec::new() };
        let subject = format!("{method} {}", url.path());
        let mut findings = Vec::new();
        if headers.contains_key(header::AUTHORIZATION) {
            let message = "an address that Graph hands out must not see an Authorization header";
            findings.push(Finding::request(&subject, message));
        }
        if what == Use::Import {
            let value = serde_json::from_slice(body).unwrap_or_default();
            let errors = schemas.errors(Side::Request, IMPORT_REQUEST, &value);
            findings.extend(errors.into_iter().map(|error| Finding::request(&subject, error)));
        }
        if what == Use::Upload && method == Method::PUT {
            for name in [header::CONTENT_RANGE] {
                if !headers.contains_key(&name) {
                    let message = format!("a fragment needs the header {name}");
                    findings.push(Finding::request(&subject, message));
                }
            }
        }
        findings
    }

    /// Objections to a reply from an opaque address.
    pub(super) fn check_reply(
        &self,
        schemas: &Schemas,
        method: &Method,
        url: &Url,
        status: StatusCode,
        body: &[u8],
    ) -> Vec<Finding> {
        let get = method == Method::GET;
        let schema = match (self.what(url), status) {
            (Some(Use::Import), StatusCode::OK) => IMPORT_REPLY,
            (Some(Use::Upload), StatusCode::ACCEPTED) => UPLOAD_SESSION,
            (Some(Use::Upload), StatusCode::OK) if get => UPLOAD_SESSION,
            (Some(Use::Upload), StatusCode::OK | StatusCode::CREATED) => DRIVE_ITEM,
            _ => return Vec::new(),
        };
        let subject = format!("{method} {} ({})", url.path(), status.as_u16());
        let value = serde_json::from_slice(body).unwrap_or_default();
        let errors = schemas.errors(Side::Reply, schema, &value);
        errors.into_iter().map(|error| Finding::reply(&subject, error)).collect()
    }

    /// Whether replies from this address are worth reading: a download's bytes are not.
    pub(super) fn is_content(&self, url: &Url) -> bool {
        self.what(url) == Some(Use::Download)
    }
}

fn key(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

fn links(value: &Value, found: &mut Vec<(String, Use)>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let what = match name.as_str() {
                    "importUrl" => Use::Import,
                    "uploadUrl" => Use::Upload,
                    "@microsoft.graph.downloadUrl" => Use::Download,
                    _ => {
                        links(member, found);
                        continue;
                    }
                };
                found.extend(member.as_str().map(|link| (link.to_owned(), what)));
            }
        }
        Value::Array(members) => members.iter().for_each(|member| links(member, found)),
        _ => {}
    }
}
