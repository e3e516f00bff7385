//! Upload sessions: fragments in order, committed as one file with its dates.

use http::{
    Method, StatusCode,
    header::{AUTHORIZATION, CONTENT_RANGE, IF_MATCH},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    address::Address,
    error,
    files::{self, Behaviour, Dates},
    form,
    store::Drive,
};
use crate::{
    call::Call,
    content::{ContentRules, Incoming, set},
    graph::{GraphError, GraphResult},
    reply::Reply,
    world::{World, later},
};

/// Every fragment but the last must be a multiple of this; the service notices at the end only.
const GRAIN: u64 = 320 * 1024;
/// Fragments are smaller than this.
const LARGEST_FRAGMENT: usize = 60 * 1024 * 1024;

/// A session.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    target: Address,
    behaviour: Behaviour,
    dates: Dates,
    incoming: Incoming,
    total: Option<u64>,
    /// A fragment was no multiple of the grain.
    uneven: bool,
    defer: bool,
    end: Timestamp,
}

/// POST `createUploadSession`.
pub(super) fn create(
    drive: &mut Drive,
    rules: &ContentRules,
    token: String,
    call: &Call,
    target: &Address,
) -> GraphResult {
    let body = call.json()?;
    let none = Value::Null;
    let item = body.get("item").unwrap_or(&none);
    let mut target = target.clone();
    if let (Address::Free { parent, .. }, Some(name)) =
        (&target, item.get("name").and_then(Value::as_str))
    {
        target = match drive.child(*parent, name) {
            Some(entry) => Address::There(entry.number),
            None => Address::Free { parent: *parent, name: name.to_owned() },
        };
    }
    let instead = match &target {
        Address::There(number) => {
            let entry = drive.entries.get(number).ok_or_else(error::not_found)?;
            files::check_match(drive, entry, call.header(IF_MATCH.as_str()))?;
            entry.size()
        }
        Address::Free { parent, name } => {
            drive.check_name(*parent, name)?;
            0
        }
    };
    if let Some(size) = item.get("fileSize").and_then(Value::as_u64) {
        drive.check_room(size, instead, rules.drive_quota_bytes)?;
    }
    let session = Session {
        target,
        behaviour: Behaviour::read(item.get("@microsoft.graph.conflictBehavior"), Behaviour::Fail)?,
        dates: Dates::read(item.get("fileSystemInfo"))?,
        incoming: Incoming::default(),
        total: None,
        uneven: false,
        defer: body.get("deferCommit").and_then(Value::as_bool).unwrap_or(false),
        end: life(call, rules),
    };
    let host = call.base.sharepoint(&drive.host);
    let url = format!(
        "{host}/personal/{}/_api/v2.0/drives/{}/uploadSession?guid={token}",
        drive.owner.simple(),
        drive.id
    );
    let mut reply = status(&session);
    set(&mut reply, "uploadUrl", url);
    set(
        &mut reply,
        "@odata.context",
        format!("{}/$metadata#microsoft.graph.uploadSession", call.base.graph(call.version())),
    );
    drive.sessions.insert(token, session);
    Ok(Reply::ok(&reply))
}

fn life(call: &Call, rules: &ContentRules) -> Timestamp {
    later(call.now, std::time::Duration::from_secs(u64::from(rules.upload_session_seconds)))
}

fn status(session: &Session) -> Value {
    let next = session.incoming.length();
    let ranges = match session.total {
        Some(total) if next >= total => json!([]),
        _ => json!([format!("{next}-")]),
    };
    json!({ "expirationDateTime": session.end.to_string(), "nextExpectedRanges": ranges })
}

/// Answers a request to an upload address.
pub(super) fn answer(world: &mut World, call: &Call, owner: &str) -> GraphResult {
    if world.config.content.download_refuses_token && call.headers.contains_key(AUTHORIZATION) {
        return Err(error::unauthorised("This address takes no Authorization header."));
    }
    let owner = Uuid::try_parse(owner).map_err(|_fault| error::not_found())?;
    let World { tenants, config, .. } = world;
    let rules = &config.content;
    let mut drives = tenants.values_mut().filter_map(|tenant| tenant.drives.get_mut(&owner));
    let drive = drives.next().ok_or_else(error::not_found)?;
    drive.sessions.retain(|_, session| session.end > call.now);
    let token = call.query("guid").unwrap_or_default().to_owned();
    let session = drive.sessions.get_mut(&token).ok_or_else(error::not_found)?;
    match call.method {
        Method::GET => Ok(Reply::ok(&status(session))),
        Method::DELETE => {
            drive.sessions.remove(&token);
            Ok(Reply::no_content())
        }
        Method::PUT => {
            session.end = life(call, rules);
            let whole = fragment(session, call)?;
            if whole && !session.defer {
                return commit(drive, rules, call, &token);
            }
            Ok(Reply::json(StatusCode::ACCEPTED, &status(session)))
        }
        Method::POST => commit(drive, rules, call, &token),
        _ => Err(GraphError::method()),
    }
}

/// Takes a fragment in; the answer says whether it was the last.
fn fragment(session: &mut Session, call: &Call) -> Result<bool, GraphError> {
    let range = call.header(CONTENT_RANGE.as_str()).and_then(parse_range);
    let (start, end, total) =
        range.ok_or_else(|| error::invalid("The Content-Range header is missing or malformed."))?;
    let length = u64::try_from(call.body.len()).unwrap_or(u64::MAX);
    if length == 0 || end.checked_sub(start) != Some(length - 1) || end >= total {
        return Err(error::invalid("The Content-Range does not fit the body."));
    }
    if call.body.len() >= LARGEST_FRAGMENT {
        let text = "The fragment is larger than 60 MiB.";
        return Err(GraphError::new(StatusCode::PAYLOAD_TOO_LARGE, "invalidRequest", text));
    }
    if session.total.is_some_and(|before| before != total) {
        return Err(error::invalid("The total size differs from the one given before."));
    }
    if start != session.incoming.length() {
        let text = "Optimistic concurrency failure during fragmented upload";
        return Err(error::range(text).with_inner("fragmentOverlap"));
    }
    session.total = Some(total);
    session.incoming.push(&call.body);
    let last = end + 1 == total;
    session.uneven = session.uneven || (!last && !length.is_multiple_of(GRAIN));
    Ok(last)
}

/// `bytes a-b/total`.
fn parse_range(text: &str) -> Option<(u64, u64, u64)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (start, end) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, end.trim().parse().ok()?, total.trim().parse().ok()?))
}

fn commit(drive: &mut Drive, rules: &ContentRules, call: &Call, token: &str) -> GraphResult {
    let session = drive.sessions.get(token).cloned().ok_or_else(error::not_found)?;
    if session.total != Some(session.incoming.length()) {
        return Err(error::invalid("The upload is not complete."));
    }
    if session.uneven {
        drive.sessions.remove(token);
        let text = "The fragments were not all multiples of 320 KiB; the upload is void.";
        return Err(error::invalid(text));
    }
    let (content, _) = session.incoming.finish();
    let put = files::Put { content, behaviour: session.behaviour, dates: session.dates };
    // A clash of names leaves the session as it is.
    let (number, created) = files::put(drive, rules, call.now, &session.target, put)?;
    drive.sessions.remove(token);
    let entry = drive.entries.get(&number).ok_or_else(error::not_found)?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Reply::json(status, &form::entry(drive, entry, form::Detail::Whole, None, call)))
}
