//! `content` and the pre-authenticated address behind it.

use http::{
    HeaderName, StatusCode,
    header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    error,
    store::{Drive, Entry, File, Kind},
};
use crate::{
    call::Call,
    content::{Slice, token},
    graph::{GraphError, GraphResult},
    reply::Reply,
    world::{World, later},
};

/// Replies up to this size are made at once.
const IN_MEMORY: u64 = 4 * 1024 * 1024;

/// What a download address stands for.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Ticket {
    tenant: Uuid,
    owner: Uuid,
    entry: u64,
    end: Timestamp,
}

/// The address of a file's content, good for a while.
pub(super) fn link(drive: &Drive, entry: &Entry, call: &Call, key: &str, seconds: u32) -> String {
    let end = later(call.now, std::time::Duration::from_secs(u64::from(seconds)));
    let ticket = Ticket { tenant: drive.tenant, owner: drive.owner, entry: entry.number, end };
    let host = call.base.sharepoint(&drive.host);
    let seal = token::seal(key, &ticket);
    let unique = drive.item_id(entry.number);
    format!(
        "{host}/personal/{}/_layouts/15/download.aspx?UniqueId={unique}&tempauth={seal}",
        drive.owner.simple()
    )
}

/// GET `content`: a redirect.
pub(super) fn redirect(world: &World, drive: &Drive, call: &Call, entry: &Entry) -> GraphResult {
    let Kind::File(_) = &entry.kind else {
        return Err(error::invalid("You cannot get content for a folder or a package."));
    };
    let etag = format!("\"c:{{{}}},{}\"", drive.item_id(entry.number), entry.revision);
    if call.header(IF_NONE_MATCH.as_str()) == Some(etag.as_str()) {
        return Ok(Reply::empty(StatusCode::NOT_MODIFIED));
    }
    let seconds = world.config.content.download_url_seconds;
    let link = link(drive, entry, call, &world.token_key, seconds);
    Ok(Reply::redirect(StatusCode::FOUND, &link).with(ETAG, &etag))
}

/// Answers a request to a download address.
pub(super) fn answer(world: &World, call: &Call) -> GraphResult {
    let strict = world.config.content.download_refuses_token;
    if strict && call.headers.contains_key(AUTHORIZATION) {
        return Err(error::unauthorised("This address takes no Authorization header."));
    }
    let ticket: Option<Ticket> =
        call.query("tempauth").and_then(|seal| token::open(&world.token_key, seal));
    let ticket = ticket.filter(|ticket| ticket.end > call.now);
    let ticket = ticket.ok_or_else(|| error::unauthorised("The link has expired."))?;
    let tenant = world.tenants.get(&ticket.tenant).ok_or_else(error::not_found)?;
    let drive = tenant.drives.get(&ticket.owner).ok_or_else(error::not_found)?;
    let entry = drive.entries.get(&ticket.entry).ok_or_else(error::not_found)?;
    let Kind::File(file) = &entry.kind else { return Err(error::not_found()) };
    if file.malware {
        let text = "Malware has been detected in the requested file.";
        let error = GraphError::new(StatusCode::FORBIDDEN, "malwareDetected", text);
        return Err(error.with_header(HeaderName::from_static("x-virus-infected"), "true"));
    }
    serve(file, call)
}

fn serve(file: &File, call: &Call) -> GraphResult {
    let length = file.content.length();
    let kind = |reply: Reply| reply.with(CONTENT_TYPE, "application/octet-stream");
    let Some(range) = call.header("range") else {
        return Ok(fill(kind(Reply::empty(StatusCode::OK)), file, 0, length));
    };
    let (start, end) = parse_range(range, length).ok_or_else(|| {
        let error = error::range("The requested range is outside the file.");
        error.with_header(CONTENT_RANGE, &format!("bytes */{length}"))
    })?;
    let reply = kind(Reply::empty(StatusCode::PARTIAL_CONTENT))
        .with(CONTENT_RANGE, &format!("bytes {start}-{end}/{length}"));
    Ok(fill(reply, file, start, end + 1))
}

/// Puts bytes `start..end` into a reply; what is large is made while it is sent.
fn fill(mut reply: Reply, file: &File, start: u64, end: u64) -> Reply {
    let length = end.saturating_sub(start);
    if length <= IN_MEMORY {
        reply.body = file.content.read(start, length).into();
        return reply;
    }
    reply.large = Some(Box::new(Slice::new(&file.content, start, end)));
    reply.with(CONTENT_LENGTH, &length.to_string())
}

/// `bytes=a-b`, `bytes=a-` or `bytes=-n` as first and last byte.
fn parse_range(text: &str, length: u64) -> Option<(u64, u64)> {
    let (start, end) = text.trim().strip_prefix("bytes=")?.split_once('-')?;
    let last = length.checked_sub(1)?;
    let (start, end) = match (start.trim(), end.trim()) {
        ("", tail) => (length.saturating_sub(tail.parse().ok()?), last),
        (start, "") => (start.parse().ok()?, last),
        (start, end) => (start.parse().ok()?, end.parse::<u64>().ok()?.min(last)),
    };
    (start <= end && start <= last).then_some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_http_means_them() {
        assert_eq!(parse_range("bytes=0-9", 100), Some((0, 9)));
        assert_eq!(parse_range("bytes=90-", 100), Some((90, 99)));
        assert_eq!(parse_range("bytes=90-500", 100), Some((90, 99)));
        assert_eq!(parse_range("bytes=-5", 100), Some((95, 99)));
        assert_eq!(parse_range("bytes=100-", 100), None);
        assert_eq!(parse_range("bytes=0-", 0), None);
    }
}
