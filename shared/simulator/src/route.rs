//! From a request to the service that answers it.

use http::{HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use ports::HttpRequest;
use serde_json::Value;

use crate::{
    call::{Call, Service},
    directory::Side,
    exchange, graph, inspect, mailbox,
    reply::Reply,
    throttle::Ticket,
    token,
    world::World,
};

/// Largest request body in bytes: an import of a large item, base64.
const MOST_BODY: usize = 220 * 1024 * 1024;

/// Answers one request.
pub(crate) fn respond(
    world: &mut World,
    request: &HttpRequest,
    now: Timestamp,
    ticket: &Ticket,
) -> Reply {
    if request.body.len() > MOST_BODY {
        return Reply::empty(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let anchor = request.headers.get("x-anchormailbox").and_then(|value| value.to_str().ok());
    let exchange = request.url.path().contains("/adminapi/");
    let side = if exchange { Side::Exchange } else { Side::Graph };
    let view = world.choose_server(side, anchor);
    let mut call = Call::parse(request, now, view);
    let mut reply = match call.service.clone() {
        Service::Login => token::issue(world, &call),
        Service::Graph(_) => match token::check(world, &call, token::GRAPH) {
            Ok(caller) => {
                world.log.caller = Some(caller.tenant);
                call.caller = Some(caller);
                graph::answer(world, &call, ticket)
            }
            Err(error) => error.into(),
        },
        Service::ExchangeAdmin(_) => exchange::answer(world, call.clone(), ticket),
        Service::OutlookApi => mailbox::import::answer(world, &call, ticket),
        Service::SharePoint(_) => {
            world.budgets.note_transfer(&call);
            crate::drive::sharepoint(world, &call)
        }
        Service::Inspect => inspect::answer(world, &call),
        Service::Unknown => Reply::text(StatusCode::NOT_FOUND, "No simulated service lives here."),
    };
    common_headers(world, &call, &mut reply);
    reply
}

fn common_headers(world: &mut World, call: &Call, reply: &mut Reply) {
    let id = world.random.guid().to_string();
    let echo = call.header("client-request-id").unwrap_or(&id).to_owned();
    let date = call.now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if matches!(call.service, Service::Graph(_)) && reply.status.is_client_error() {
        sign_error(call, reply, &id, &echo);
    }
    for (name, value) in [("request-id", id), ("client-request-id", echo), ("date", date)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            reply.headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// Graph's `innerError` repeats the ids of the request.
fn sign_error(call: &Call, reply: &mut Reply, id: &str, echo: &str) {
    let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) else { return };
    let Some(inner) = body.pointer_mut("/error/innerError").and_then(Value::as_object_mut) else {
        return;
    };
    let date = call.now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    for (name, text) in [("date", date.as_str()), ("request-id", id), ("client-request-id", echo)] {
        inner.insert(name.to_owned(), Value::String(text.to_owned()));
    }
    reply.body = body.to_string().into();
}
