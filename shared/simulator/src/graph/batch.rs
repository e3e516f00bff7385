//! `POST /$batch`: up to twenty requests in one, each charged, throttled and answered on its own.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use ports::HttpRequest;
use serde_json::{Map, Value, json};

use super::{GraphError, GraphResult, one};
use crate::{call::Call, content::set, reply::Reply, throttle::Ticket, world::World};

/// Most requests of one batch.
const MOST: usize = 20;

/// One request out of a batch.
struct Item {
    id: String,
    call: Call,
    depends_on: Vec<String>,
}

/// Answers a batch. The replies come in any order.
pub(crate) fn answer(world: &mut World, call: &Call, ticket: &Ticket) -> GraphResult {
    if call.method != Method::POST {
        return Err(GraphError::method());
    }
    let body = call.json()?;
    let requests = body.get("requests").and_then(Value::as_array);
    let requests = requests.ok_or_else(|| malformed("The batch has no requests."))?;
    if requests.is_empty() || requests.len() > MOST {
        let text =
            format!("A batch holds 1 to {MOST} requests; this one holds {}.", requests.len());
        return Err(malformed(&text));
    }
    let mut seen = BTreeSet::new();
    let mut items = Vec::new();
    for request in requests {
        let item = parse(call, request)?;
        if !seen.insert(item.id.to_lowercase()) {
            return Err(malformed(&format!("The id '{}' occurs twice.", item.id)));
        }
        if item.depends_on.iter().any(|id| !seen.contains(&id.to_lowercase()) || *id == item.id) {
            return Err(malformed("A request depends on one that does not come before it."));
        }
        items.push(item);
    }
    // Graph itself keeps the requests of one batch within Outlook's limit of four in flight.
    let mut ticket = ticket.clone();
    ticket.in_flight = 1;
    let mut statuses = BTreeMap::new();
    let mut replies = Vec::new();
    for item in &items {
        let failed = |id: &String| {
            statuses.get(&id.to_lowercase()).is_none_or(|status: &StatusCode| !status.is_success())
        };
        let reply = if item.depends_on.iter().any(failed) {
            let text = "A request that this one depends on has failed.";
            GraphError::new(StatusCode::FAILED_DEPENDENCY, "FailedDependency", text).into()
        } else {
            answer_item(world, &item.call, &ticket)
        };
        statuses.insert(item.id.to_lowercase(), reply.status);
        replies.push(form(&item.id, &reply));
    }
    for at in (1..replies.len()).rev() {
        let other = world.random.index(at + 1);
        replies.swap(at, other);
    }
    Ok(Reply::ok(&json!({ "responses": replies })))
}

fn answer_item(world: &mut World, call: &Call, ticket: &Ticket) -> Reply {
    if world.random.chance(world.config.content.batch_items_throttled) {
        let text = "Too many requests.";
        let error = GraphError::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", text);
        return Reply::from(error).retry_after(2);
    }
    match world.budgets.spend_graph(&world.config.throttling, call, ticket) {
        Ok(headroom) => headroom.tell(one(world, call)),
        Err(reply) => reply,
    }
}

fn malformed(text: &str) -> GraphError {
    GraphError::new(StatusCode::BAD_REQUEST, "BadRequest", text)
}

fn parse(batch: &Call, request: &Value) -> Result<Item, GraphError> {
    let text = |name: &str| {
        let value = request.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        value.ok_or_else(|| malformed(&format!("A request of the batch has no {name}.")))
    };
    let id = text("id")?.to_owned();
    let method = Method::from_bytes(text("method")?.to_ascii_uppercase().as_bytes())
        .map_err(|fault| malformed(&format!("The request '{id}' has no method: {fault}.")))?;
    let relative = text("url")?;
    if relative.contains("://") || relative.trim_start_matches('/').starts_with("$batch") {
        return Err(malformed(&format!("The url of '{id}' is not relative, or a batch itself.")));
    }
    let base = batch.base.graph(batch.version());
    let url = format!("{base}/{}", relative.trim_start_matches('/'));
    let url = url.parse().map_err(|fault| malformed(&format!("The url of '{id}': {fault}.")))?;
    let headers = headers(request);
    let body = body(&id, request.get("body"), &headers)?;
    let timeout = std::time::Duration::ZERO;
    let request_inside = HttpRequest { method, url, headers, body, tail: None, timeout };
    let mut call = Call::parse(&request_inside, batch.now, batch.view);
    call.caller.clone_from(&batch.caller);
    let depends_on = request.get("dependsOn").and_then(Value::as_array);
    let depends_on = depends_on.into_iter().flatten().filter_map(Value::as_str);
    Ok(Item { id, call, depends_on: depends_on.map(str::to_owned).collect() })
}

/// The headers of an inner request; what is no header is left out.
fn headers(request: &Value) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let given = request.get("headers").and_then(Value::as_object);
    for (name, value) in given.into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = value.as_str().map(HeaderValue::from_str);
        if let (Ok(name), Some(Ok(value))) = (name, value) {
            headers.insert(name, value);
        }
    }
    headers
}

/// JSON as it is, anything else from base64.
fn body(id: &str, body: Option<&Value>, headers: &HeaderMap) -> Result<Bytes, GraphError> {
    let Some(body) = body.filter(|body| !body.is_null()) else { return Ok(Bytes::new()) };
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind =
        kind.ok_or_else(|| malformed(&format!("The body of '{id}' has no Content-Type.")))?;
    if kind.to_ascii_lowercase().contains("json") {
        return Ok(Bytes::from(body.to_string()));
    }
    let bytes = STANDARD.decode(body.as_str().unwrap_or_default());
    let bytes = bytes.map_err(|fault| malformed(&format!("The body of '{id}': {fault}.")))?;
    Ok(Bytes::from(bytes))
}

fn form(id: &str, reply: &Reply) -> Value {
    let mut headers = Map::new();
    for (name, value) in &reply.headers {
        // Written as Graph does: `Retry-After`.
        let words = name.as_str().split('-').map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(letters).collect::<String>()
        });
        let name = words.collect::<Vec<_>>().join("-");
        headers.insert(name, json!(value.to_str().unwrap_or_default()));
    }
    let mut form = json!({ "id": id, "status": reply.status.as_u16(), "headers": headers });
    if !reply.body.is_empty() {
        let body: Result<Value, _> = serde_json::from_slice(&reply.body);
        set(&mut form, "body", body.unwrap_or_else(|_binary| json!(STANDARD.encode(&reply.body))));
    }
    form
}
