//! The bucket of files that start waves: a double of S3 as far as `GetObject` goes, and what S3 tells
//! of a file that was put. The files need no more than that; a whole double would be one more program.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri};
use infra::Node;
use ports::{Clock, Random};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use system::{OsRandom, SystemClock};

use crate::{
    double::REGION,
    serve::{Answer, text},
    stack::WAVE_FILES,
};

/// Files by key and version.
#[derive(Default)]
pub(crate) struct Bucket {
    files: Mutex<BTreeMap<(String, String), Bytes>>,
}

/// Whether a request is one to S3: it is signed for it.
pub(crate) fn is_asked(headers: &HeaderMap) -> bool {
    let text = headers.get("authorization").and_then(|value| value.to_str().ok());
    text.is_some_and(|text| text.contains("/s3/aws4_request"))
}

/// What a request asks for, as permissions name it: action, and `BUCKET/KEY`.
pub(crate) fn action(uri: &Uri) -> (String, Value) {
    let what = if version(uri).is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
    (what.to_owned(), json!({ "Object": decoded(uri.path().trim_start_matches('/')) }))
}

fn version(uri: &Uri) -> Option<String> {
    Some(decoded(uri.query()?.strip_prefix("versionId=")?))
}

/// A path without its percent signs.
fn decoded(path: &str) -> String {
    let form = path.replace('+', "%2B").replace('=', "%3D").replace('&', "%26");
    let mut pairs = url::form_urlencoded::parse(form.as_bytes());
    pairs.next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

fn tag(file: &[u8]) -> String {
    let digest = Sha256::digest(file);
    let half = digest.iter().take(16).fold(0_u128, |half, byte| half << 8 | u128::from(*byte));
    format!("{half:032x}")
}

impl Bucket {
    /// Puts a file, and gives the event that S3 makes of it.
    pub(crate) fn put(&self, key: &str, file: &str) -> Value {
        let version = format!("{:032x}", OsRandom.next_u128());
        let event = json!({
            "version": "0", "id": format!("{:032x}", OsRandom.next_u128()),
            "source": "aws.s3", "detail-type": "Object Created", "region": REGION,
            "time": SystemClock.now(),
            "detail": {
                "version": "0", "bucket": { "name": WAVE_FILES }, "reason": "PutObject",
                "object": {
                    "key": key, "size": file.len(), "etag": tag(file.as_bytes()),
                    "version-id": version, "sequencer": format!("{:018X}", OsRandom.next_u64()),
                },
            },
        });
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert((key.to_owned(), version), Bytes::copy_from_slice(file.as_bytes()));
        event
    }

    /// Answers `GetObject`.
    pub(crate) fn answer(&self, uri: &Uri, headers: &HeaderMap) -> Answer {
        let path = decoded(uri.path().trim_start_matches('/'));
        let Some((WAVE_FILES, key)) = path.split_once('/') else {
            return refused(StatusCode::NOT_FOUND, "NoSuchBucket", &path);
        };
        let place = (key.to_owned(), version(uri).unwrap_or_default());
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = files.get(&place) else {
            return refused(StatusCode::NOT_FOUND, "NoSuchVersion", key);
        };
        let wanted = headers.get("if-match").and_then(|value| value.to_str().ok());
        if wanted.is_some_and(|wanted| wanted.trim_matches('"') != tag(file)) {
            return refused(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", key);
        }
        text(StatusCode::OK, file.clone())
    }
}

/// A refusal as S3 has it.
pub(crate) fn refused(status: StatusCode, code: &str, message: &str) -> Answer {
    let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    text(status, body)
}

/// Whether the template's rule hands this event over.
pub(crate) fn rule_takes(event: &Value) -> bool {
    let template = infra::template();
    let pattern = ["Resources", "WaveFilesRule", "Properties", "EventPattern"]
        .iter()
        .try_fold(&template, |node, name| node.get(name));
    pattern.is_some_and(|pattern| takes(pattern, event))
}

/// A pattern's lists are of what may stand there: a text, or `suffix`.
fn takes(pattern: &Node, value: &Value) -> bool {
    match pattern {
        Node::Map(entries) => entries
            .iter()
            .all(|(name, inner)| value.get(name).is_some_and(|value| takes(inner, value))),
        Node::List(choices) => choices.iter().any(|choice| match choice.get("suffix") {
            Some(Node::Text(end)) => value.as_str().is_some_and(|text| text.ends_with(end)),
            _ => takes(choice, value),
        }),
        Node::Text(text) => value == text,
        Node::Call("!Ref", _) => value == WAVE_FILES,
        Node::Call(..) | Node::Number(_) | Node::Bool(_) => false,
    }
}
