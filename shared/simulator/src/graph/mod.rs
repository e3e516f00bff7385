//! Microsoft Graph: one file per resource.

mod batch;
mod domains;
mod error;
mod filter;
mod groups;
mod invitations;
mod licences;
mod paging;
mod permissions;
mod send_mail;
mod teams;
mod user_form;
mod user_write;
pub(crate) mod users;
mod users_delta;

pub(crate) use batch::answer as batch;
pub(crate) use error::{Backend, GraphError};
pub(crate) use filter::filter;
pub(crate) use paging::{Select, page, select};
pub(crate) use permissions::require;

/// Whether a property of the user resource is a plain text.
pub(crate) fn is_plain_user_text(name: &str) -> bool {
    user_form::TEXTS.iter().any(|(known, _)| *known == name)
}

use http::StatusCode;

use crate::{call::Call, drive, mailbox, reply::Reply, throttle::Ticket, world::World};

/// What a handler gives back.
pub(crate) type GraphResult = Result<Reply, GraphError>;

/// Answers a Graph request whose token is good: a batch, or one resource.
pub(crate) fn answer(world: &mut World, call: &Call, ticket: &Ticket) -> Reply {
    if call.parts() == ["$batch"] {
        return batch(world, call, ticket).unwrap_or_else(Reply::from);
    }
    match world.budgets.spend_graph(&world.config.throttling, call, ticket) {
        Ok(headroom) => headroom.tell(one(world, call)),
        Err(reply) => reply,
    }
}

/// Answers one request, alone or out of a batch.
pub(crate) fn one(world: &mut World, call: &Call) -> Reply {
    let offered = [
        users::route,
        users_delta::route,
        licences::route,
        groups::route,
        teams::route,
        domains::route,
        invitations::route,
        send_mail::route,
        mailbox::route,
        drive::route,
    ];
    for route in offered {
        if let Some(result) = route(world, call) {
            return result.unwrap_or_else(Reply::from);
        }
    }
    let text = format!("Resource not found for the segment '{}'.", call.path.join("/"));
    GraphError::new(StatusCode::BAD_REQUEST, "BadRequest", &text).into()
}
