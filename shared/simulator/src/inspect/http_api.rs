//! `/_sim/...`: the same as JSON, without a token. Only for `crosswave simulate` on one's own
//! machine.
//!
//! `GET /_sim/tenants`, `/_sim/gal/{tenant}`, `/_sim/recipient/{tenant}/{address}`,
//! `/_sim/trace/{message}`, `/_sim/free-busy/{tenant}/{address}`, `/_sim/counts`,
//! `/_sim/requests`; `POST /_sim/mail` with a message, `/_sim/faults/pause`,
//! `/_sim/faults/resume`.

use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use super::views;
use crate::{call::Call, mail, reply::Reply, token::find_tenant, world::World};

pub(crate) fn answer(world: &mut World, call: &Call) -> Reply {
    let parts = call.parts();
    match (&call.method, parts.as_slice()) {
        (&Method::GET, ["tenants"]) => shown(&views::tenants(world)),
        (&Method::GET, ["counts"]) => shown(&views::counts(world)),
        (&Method::GET, ["requests"]) => shown(&world.log.latest),
        (&Method::GET, ["gal", tenant]) => match find_tenant(world, tenant) {
            Some(tenant) => shown(&views::address_list(world, tenant.id)),
            None => missing(),
        },
        (&Method::GET, ["recipient", tenant, address]) => {
            let found = find_tenant(world, tenant)
                .and_then(|tenant| views::find(world, tenant.id, address));
            found.map_or_else(missing, |found| shown(&found))
        }
        (&Method::GET, ["trace", id]) => shown(&views::arrivals(world, id)),
        (&Method::GET, ["free-busy", tenant, address]) => match find_tenant(world, tenant) {
            Some(tenant) => shown(&mail::look_up(world, tenant.id, address)),
            None => missing(),
        },
        (&Method::POST, ["mail"]) => send(world, call),
        (&Method::POST, ["faults", what @ ("pause" | "resume")]) => {
            world.faults.paused = *what == "pause";
            Reply::no_content()
        }
        _ => missing(),
    }
}

fn shown(value: &impl Serialize) -> Reply {
    match serde_json::to_value(value) {
        Ok(value) => Reply::ok(&value),
        Err(fault) => Reply::text(StatusCode::INTERNAL_SERVER_ERROR, &fault.to_string()),
    }
}

fn missing() -> Reply {
    Reply::json(StatusCode::NOT_FOUND, &json!({ "error": "there is no such thing" }))
}

fn send(world: &mut World, call: &Call) -> Reply {
    let message: Result<mail::Message, _> = serde_json::from_slice(&call.body);
    let mut message = match message {
        Ok(message) => message,
        Err(fault) => {
            let body: Value = json!({ "error": format!("the body is no message: {fault}") });
            return Reply::json(StatusCode::BAD_REQUEST, &body);
        }
    };
    if message.id.is_empty() {
        message.id = world.random.guid().to_string();
    }
    mail::submit(world, &message, call.now);
    let arrivals = views::arrivals(world, &message.id);
    Reply::ok(&json!({ "id": message.id, "arrivals": arrivals }))
}
