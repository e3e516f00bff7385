//! The Exchange admin API.

use http::StatusCode;
use ports::HttpRequest;

use crate::{call::Call, reply::Reply, throttle::Ticket, world::World};

/// The cmdlet that a request names, if it is one to Exchange.
pub(crate) fn cmdlet_of(request: &HttpRequest) -> Option<String> {
    if !request.url.path().contains("/adminapi/") {
        return None;
    }
    let body: serde_json::Value = serde_json::from_slice(&request.body).ok()?;
    body.get("CmdletInput")?.get("CmdletName")?.as_str().map(str::to_owned)
}

pub(crate) fn answer(_world: &mut World, _call: Call, _ticket: &Ticket) -> Reply {
    Reply::empty(StatusCode::NOT_FOUND)
}
