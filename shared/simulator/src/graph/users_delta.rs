//! `/users/delta`: changes since a token. Tokens carry the options, live seven days, and may be
//! told to be gone.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Method, StatusCode, header::LOCATION};
use serde_json::{Value, json};

use super::{
    Backend, GraphError, GraphResult, Select, require, select,
    user_form::shown,
    users::{READ, tenant},
};
use crate::{call::Call, reply::Reply, world::World};

/// Users in one page of a delta.
const PAGE: usize = 200;
/// Life of a token in seconds.
const LIFE: i64 = 7 * 24 * 3_600;

/// What a token says: from which revision, up to which, made when, with which `$select`.
struct Token {
    from: u64,
    skip: usize,
    made: i64,
    select: Select,
}

pub(super) fn route(world: &mut World, call: &Call) -> Option<GraphResult> {
    (call.parts() == ["users", "delta"]).then(|| {
        if call.method == Method::GET { delta(world, call) } else { Err(GraphError::method()) }
    })
}

fn delta(world: &mut World, call: &Call) -> GraphResult {
    require(call, &READ, Backend::Directory)?;
    for option in ["$top", "$orderby", "$expand"] {
        if call.query(option).is_some() {
            let text = format!("{option} is not supported on delta of users.");
            return Err(GraphError::bad_request(&text));
        }
    }
    let base = format!("{}/users/delta", call.base.graph(call.version()));
    let tenant = tenant(world, call)?;
    let given = call.query("$deltatoken").or_else(|| call.query("$skiptoken"));
    let token = match given {
        Some("latest") => Token {
            from: tenant.revision,
            skip: 0,
            made: call.now.as_second(),
            select: select(call),
        },
        Some(text) if !text.is_empty() => read(text, call).ok_or_else(|| gone(&base))?,
        _ => Token { from: 0, skip: 0, made: call.now.as_second(), select: select(call) },
    };
    let mut changes: Vec<(u64, Value)> = tenant
        .users
        .all_seen(call.view, call.now)
        .filter(|user| user.revision > token.from)
        .map(|user| (user.revision, shown(user, &token.select)))
        .collect();
    // In a first round there is nothing that could have been removed.
    if token.from > 0 {
        changes.extend(tenant.tombstones.iter().filter(|(_, at)| **at > token.from).map(
            |(id, at)| (*at, json!({ "id": id.to_string(), "@removed": { "reason": "changed" } })),
        ));
    }
    changes.sort_by_key(|(revision, _)| *revision);
    let seen = changes.last().map_or(token.from, |(revision, _)| *revision);
    let count = changes.len();
    let value: Vec<Value> =
        changes.into_iter().map(|(_, value)| value).skip(token.skip).take(PAGE).collect();
    let end = token.skip.saturating_add(value.len());
    let mut body = json!({ "value": value });
    let (name, link) = if end < count {
        let next = Token { skip: end, ..token };
        ("@odata.nextLink", format!("{base}?$skiptoken={}", write(&next)))
    } else {
        let next = Token { from: seen, skip: 0, made: call.now.as_second(), select: token.select };
        ("@odata.deltaLink", format!("{base}?$deltatoken={}", write(&next)))
    };
    if let Some(map) = body.as_object_mut() {
        map.insert(name.to_owned(), json!(link));
    }
    Ok(Reply::ok(&body))
}

fn write(token: &Token) -> String {
    let text = json!([token.from, token.skip, token.made, token.select]).to_string();
    URL_SAFE_NO_PAD.encode(text)
}

fn read(text: &str, call: &Call) -> Option<Token> {
    let plain = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (from, skip, made, select): (u64, usize, i64, Select) =
        serde_json::from_slice(&plain).ok()?;
    let fresh = call.now.as_second().saturating_sub(made) < LIFE;
    fresh.then_some(Token { from, skip, made, select })
}

fn gone(base: &str) -> GraphError {
    GraphError::new(
        StatusCode::GONE,
        "SyncStateNotFound",
        "The sync state generation is not found.",
    )
    .with_header(LOCATION, &format!("{base}?$deltatoken="))
}
