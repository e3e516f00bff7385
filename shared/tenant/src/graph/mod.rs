//! Microsoft Graph, by hand and only what the migration uses.
//!
//! [`Graph::get`] and its siblings start a [`GraphCall`] on a path of segments; the typed
//! operations of this module's files are made of them. Property names are Graph's own.

mod call;

use std::sync::Arc;

use http::Method;
use url::Url;

pub use self::call::{GraphCall, Page};
use crate::{
    Lane, Operation,
    wire::{Effect, Wire},
};

/// Microsoft Graph of one tenant. Cheap to clone.
#[derive(Clone)]
pub struct Graph {
    wire: Arc<Wire>,
}

impl Graph {
    pub(crate) fn new(wire: Arc<Wire>) -> Self {
        Self { wire }
    }

    /// A read of `/v1.0/{path}`. Each element of the path is one segment and is escaped.
    pub fn get(&self, operation: Operation, path: &[&str]) -> GraphCall {
        self.call(operation, Method::GET, path, Effect::Read)
    }

    /// A POST to `/v1.0/{path}`, taken for a write; [`GraphCall::read_only`] says otherwise.
    pub fn post(&self, operation: Operation, path: &[&str]) -> GraphCall {
        self.call(operation, Method::POST, path, Effect::Write)
    }

    /// A PATCH of `/v1.0/{path}`.
    pub fn patch(&self, operation: Operation, path: &[&str]) -> GraphCall {
        self.call(operation, Method::PATCH, path, Effect::Write)
    }

    /// A PUT to `/v1.0/{path}`.
    pub fn put(&self, operation: Operation, path: &[&str]) -> GraphCall {
        self.call(operation, Method::PUT, path, Effect::Write)
    }

    /// A DELETE of `/v1.0/{path}`.
    pub fn delete(&self, operation: Operation, path: &[&str]) -> GraphCall {
        self.call(operation, Method::DELETE, path, Effect::Write)
    }

    /// A read of a link that Graph sent (`@odata.nextLink`, `@odata.deltaLink`), verbatim. A link
    /// that leaves Graph's address is refused: it would be sent the token.
    pub fn follow(&self, operation: Operation, link: &str) -> GraphCall {
        GraphCall::follow(Arc::clone(&self.wire), operation, link)
    }

    /// A call to a pre-authenticated address that Graph handed out (import, upload, download). It
    /// carries no token, and must not: some of them refuse one. PUT, POST and DELETE are taken for
    /// writes.
    pub fn opaque(&self, operation: Operation, method: Method, url: &str) -> GraphCall {
        GraphCall::opaque(Arc::clone(&self.wire), operation, method, url)
    }

    /// The full address of an object below `/v1.0`, as references in bodies (`@odata.id`) want it;
    /// `None` if a segment is empty or a dot.
    pub fn address(&self, path: &[&str]) -> Option<Url> {
        call::address(&self.wire.config.endpoints.graph, call::V1, path)
    }

    fn call(
        &self,
        operation: Operation,
        method: Method,
        path: &[&str],
        effect: Effect,
    ) -> GraphCall {
        let wire = Arc::clone(&self.wire);
        let call = GraphCall::new(wire, operation, method, path, effect);
        call.lane(Lane::Directory { units: 1 })
    }
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graph").field("tenant", &self.wire.config.tenant).finish_non_exhaustive()
    }
}
