//! `delta` of a drive or of a folder: by id, latest state, deletions without a name.

use http::{StatusCode, header::LOCATION};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    error,
    form::{self, Detail},
    store::{Change, Drive, ROOT},
};
use crate::{
    call::Call,
    content::{keep_selected, token},
    graph::{GraphError, GraphResult, select},
    reply::Reply,
    world::World,
};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Token {
    owner: Uuid,
    /// The folder at the top.
    top: u64,
    /// Seen up to here.
    since: u64,
    /// Where an enumeration from the start began: deletions before it are no news.
    first: Option<u64>,
    /// Whether the round goes on.
    more: bool,
    generation: u64,
    issued: Timestamp,
    size: usize,
    select: Option<Vec<String>>,
}

/// Answers one page.
pub(super) fn answer(world: &mut World, call: &Call, owner: Uuid, top: u64) -> GraphResult {
    let World { tenants, random, config, token_key, .. } = world;
    let rules = &config.content;
    let tenant = tenants.get(&call.tenant()).ok_or_else(error::not_found)?;
    let drive = tenant.drives.get(&owner).ok_or_else(error::not_found)?;
    let mut token = match call.query("token").filter(|text| !text.is_empty()) {
        None => begin(drive, call, top)?,
        Some("latest") => Token { since: drive.revision, first: None, ..begin(drive, call, top)? },
        Some(text) => match text.parse::<Timestamp>() {
            Ok(moment) => {
                let before = |(_, change): &(&u64, &Change)| change.at <= moment;
                let since = drive.changes.iter().take_while(before).last().map_or(0, |(n, _)| *n);
                Token { since, first: None, ..begin(drive, call, top)? }
            }
            Err(_) => resume(drive, call, top, text, token_key, rules.delta_token_seconds)?,
        },
    };
    let mut value = Vec::new();
    token.more = random.chance(rules.delta_empty_pages) && token.since < drive.revision;
    if !token.more {
        let mut seen = token.since;
        for (&revision, change) in drive.changes.range(token.since.saturating_add(1)..) {
            if value.len() >= token.size {
                token.more = true;
                break;
            }
            seen = revision;
            let Some(mut entry) = entry(drive, &token, revision, change, call) else { continue };
            keep_selected(&mut entry, token.select.as_deref());
            if random.chance(rules.delta_duplicates) {
                value.push(entry.clone());
            }
            value.push(entry);
        }
        token.since = if token.more { seen } else { drive.revision };
    }
    if !token.more {
        token.first = None;
        if random.chance(rules.delta_replays) {
            token.since = token.since.saturating_sub(1);
        }
    }
    token.issued = call.now;
    let name = if token.more { "@odata.nextLink" } else { "@odata.deltaLink" };
    let mut body = Map::new();
    let context = format!("{}/$metadata#Collection(driveItem)", call.base.graph(call.version()));
    body.insert("@odata.context".to_owned(), json!(context));
    body.insert(name.to_owned(), json!(link(call, Some(&token::seal(token_key, &token)))));
    body.insert("value".to_owned(), Value::Array(value));
    Ok(Reply::ok(&Value::Object(body)))
}

fn begin(drive: &Drive, call: &Call, top: u64) -> Result<Token, GraphError> {
    let size =
        call.preference("odata.maxpagesize").or_else(|| call.query("$top").map(str::to_owned));
    let size = size.map_or(Ok(200), |size| size.parse::<usize>());
    let size = size.map_err(|fault| error::invalid(&format!("$top is no number: {fault}")))?;
    Ok(Token {
        owner: drive.owner,
        top,
        since: 0,
        first: Some(drive.revision),
        more: false,
        generation: drive.generation,
        issued: call.now,
        size: size.clamp(1, 1_000),
        select: select(call),
    })
}

fn resume(
    drive: &Drive,
    call: &Call,
    top: u64,
    text: &str,
    key: &str,
    life: u32,
) -> Result<Token, GraphError> {
    let token: Option<Token> = token::open(key, text);
    let token = token.filter(|token| token.owner == drive.owner && token.top == top);
    let token = token.ok_or_else(|| error::invalid("The token is not valid for this drive."))?;
    let age = call.now.as_second().saturating_sub(token.issued.as_second());
    if token.generation != drive.generation || age > i64::from(life) {
        let text = "Resync required. Replace any local items with the server's version.";
        let code = "resyncChangesApplyDifferences";
        let error = GraphError::new(StatusCode::GONE, code, text);
        return Err(error.with_header(LOCATION, &link(call, None)));
    }
    Ok(token)
}

fn link(call: &Call, token: Option<&str>) -> String {
    let mut url = call.url.clone();
    url.set_query(None);
    url.query_pairs_mut().append_pair("token", token.unwrap_or_default());
    url.to_string()
}

fn entry(
    drive: &Drive,
    token: &Token,
    revision: u64,
    change: &Change,
    call: &Call,
) -> Option<Value> {
    if let Some(parent) = change.gone_from {
        let news = token.first.is_none_or(|first| revision > first);
        let here = token.top == ROOT || drive.is_under(parent, token.top);
        return (news && here).then(|| form::gone(drive, change.number, Some(parent)));
    }
    let entry = drive.entries.get(&change.number)?;
    drive
        .is_under(entry.number, token.top)
        .then(|| form::entry(drive, entry, Detail::Delta, None, call))
}
