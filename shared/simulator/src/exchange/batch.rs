//! `POST /adminapi/beta/{tenant}/$batch`.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use ports::HttpRequest;
use serde_json::{Value, json};
use url::Url;

use crate::{call::Call, directory::Side, reply::Reply, world::World};

/// Most parts of one batch; clients in the field send ten.
const MOST: usize = 20;

/// Runs each part on its own; the replies are correlated by `id` only.
pub(super) fn answer(world: &mut World, call: &Call) -> Reply {
    let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
    let Some(requests) = body.get("requests").and_then(Value::as_array) else {
        return Reply::text(StatusCode::BAD_REQUEST, "The batch has no requests.");
    };
    if requests.len() > MOST {
        return Reply::text(StatusCode::BAD_REQUEST, "The batch has too many requests.");
    }
    let mut responses: Vec<Value> =
        requests.iter().map(|request| part(world, call, request)).collect();
    if world.random.chance(0.5) {
        responses.reverse();
    }
    Reply::ok(&json!({ "responses": responses }))
}

fn part(world: &mut World, call: &Call, request: &Value) -> Value {
    let id = request.get("id").cloned().unwrap_or_default();
    let reply = match call_of(world, call, request) {
        Some(part) => super::one(world, &part),
        None => Reply::empty(StatusCode::BAD_REQUEST),
    };
    let mut response = json!({ "id": id, "status": reply.status.as_u16() });
    if let (Ok(body), Some(map)) =
        (serde_json::from_slice::<Value>(&reply.body), response.as_object_mut())
    {
        map.insert("body".to_owned(), body);
    }
    response
}

fn call_of(world: &mut World, outer: &Call, request: &Value) -> Option<Call> {
    let text = request.get("url")?.as_str()?;
    let url = Url::parse(text).or_else(|_relative| outer.url.join(text)).ok()?;
    let method = request.get("method").and_then(Value::as_str).unwrap_or("POST");
    let mut headers = HeaderMap::new();
    for (name, value) in request.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.insert(name, HeaderValue::from_str(value.as_str()?).ok()?);
    }
    let anchor = headers.get("x-anchormailbox").and_then(|value| value.to_str().ok());
    let view = world.choose_server(Side::Exchange, anchor);
    let inner = HttpRequest {
        method: Method::from_bytes(method.as_bytes()).ok()?,
        url,
        headers,
        body: request.get("body").map(Value::to_string).unwrap_or_default().into(),
        tail: None,
        timeout: std::time::Duration::ZERO,
    };
    let mut part = Call::parse(&inner, outer.now, view);
    part.caller.clone_from(&outer.caller);
    part.base.clone_from(&outer.base);
    let same = part.parts().first() == outer.parts().first();
    same.then_some(part)
}
