//! One Graph request, put together step by step.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use ports::{BodyStream, BodyTail};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use url::Url;

use super::mend;
use crate::{
    Lane, Operation, Reply, Resource, Streamed, TenantError,
    endpoints::{add_query, join, same_service, target},
    error::Class,
    wire::{Call, Effect, Vendor, Wire},
};

pub(super) const V1: &str = "v1.0";
pub(super) const BETA: &str = "beta";
/// Most bytes of a JSON reply. Twenty exported items are read with a higher limit of their own.
const JSON_LIMIT: usize = 16 * 1024 * 1024;
const TIMEOUT: Duration = Duration::from_mins(1);

/// One page of a collection or of a delta.
#[derive(Clone, Debug, Deserialize)]
pub struct Page<T> {
    /// The objects; may be empty although more follow.
    #[serde(default = "Vec::new")]
    pub value: Vec<T>,
    /// Where the next page is.
    #[serde(rename = "@odata.nextLink", default)]
    pub next_link: Option<String>,
    /// Where the next round of a delta starts; on its last page only.
    #[serde(rename = "@odata.deltaLink", default)]
    pub delta_link: Option<String>,
}

/// A Graph request in the making. The first fault in its parts is reported when it is sent.
#[derive(Clone)]
#[must_use = "a call does nothing until it is sent"]
pub struct GraphCall {
    wire: Arc<Wire>,
    call: Result<Call, TenantError>,
}

impl GraphCall {
    pub(super) fn new(
        wire: Arc<Wire>,
        operation: Operation,
        method: Method,
        path: &[&str],
        effect: Effect,
    ) -> Self {
        let url = address(&wire.config.endpoints.graph, V1, path).ok_or_else(|| {
            let text = format!("`{}` is no path: a part of it is empty or a dot", path.join("/"));
            TenantError::refused(operation.name, text)
        });
        let call = url.map(|url| Call {
            operation,
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            tail: None,
            effect,
            lane: Lane::Directory { units: 1 },
            weight: 1,
            bearer: Some(Resource::Graph),
            vendor: Vendor::Graph,
            limit: JSON_LIMIT,
            timeout: TIMEOUT,
        });
        Self { wire, call }
    }

    pub(super) fn follow(wire: Arc<Wire>, operation: Operation, link: &str) -> Self {
        let mut this = Self::new(wire, operation, Method::GET, &["link"], Effect::Read);
        let base = &this.wire.config.endpoints.graph;
        let url = Url::parse(link).ok().filter(|url| same_service(base, url));
        let url = url.ok_or_else(|| {
            TenantError::refused(operation.name, "a link in the reply leads away from Graph")
        });
        this.try_change(|call| {
            call.url = url?;
            Ok(())
        });
        this
    }

    pub(super) fn opaque(wire: Arc<Wire>, operation: Operation, method: Method, url: &str) -> Self {
        let effect =
            if matches!(method, Method::GET | Method::HEAD) { Effect::Read } else { Effect::Write };
        let mut this = Self::new(wire, operation, method, &["opaque"], effect);
        let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
        let url = url.ok_or_else(|| {
            TenantError::refused(operation.name, "the address that Graph handed out is no address")
        });
        this.try_change(|call| {
            call.url = url?;
            call.bearer = None;
            Ok(())
        });
        this
    }

    /// Uses `/beta` instead of `/v1.0`. For capabilities that the project file turns on.
    pub fn beta(mut self) -> Self {
        let base = self.wire.config.endpoints.graph.clone();
        self.try_change(|call| {
            let prefix = base.path().trim_end_matches('/').to_owned();
            let path = call.url.path().to_owned();
            if let Some(rest) = path.strip_prefix(&format!("{prefix}/{V1}/")) {
                call.url.set_path(&format!("{prefix}/{BETA}/{rest}"));
            }
            Ok(())
        });
        self
    }

    /// Adds a query option, escaped.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.try_change(|call| {
            add_query(&mut call.url, name, value);
            Ok(())
        });
        self
    }

    /// Adds a header; several values of one name are kept.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.try_change(|call| {
            let value = HeaderValue::from_str(value).map_err(|_may_quote_it| {
                let text = format!("the value of the header {name} is not legal");
                TenantError::refused(call.operation.name, text)
            })?;
            call.headers.append(name, value);
            Ok(())
        });
        self
    }

    /// Adds a preference (`Prefer: …`).
    pub fn prefer(self, preference: &str) -> Self {
        self.header(HeaderName::from_static("prefer"), preference)
    }

    /// Draws on another budget than one directory unit.
    pub fn lane(mut self, lane: Lane) -> Self {
        self.try_change(|call| {
            call.lane = lane;
            Ok(())
        });
        self
    }

    /// Draws on the budget of one mailbox.
    pub fn mailbox(self, mailbox: &str) -> Self {
        self.lane(Lane::Mailbox { mailbox: mailbox.into() })
    }

    /// Draws on the budget of SharePoint and OneDrive.
    pub fn drive(self, units: u32) -> Self {
        self.lane(Lane::Drive { units })
    }

    /// Says that the call changes nothing although its method does not say so (`exportItems`), so
    /// that it may be repeated when its reply is lost.
    pub fn read_only(mut self) -> Self {
        self.try_change(|call| {
            call.effect = Effect::Read;
            Ok(())
        });
        self
    }

    /// A JSON body.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.try_change(|call| {
            let text = serde_json::to_vec(body).map_err(|error| {
                TenantError::refused(call.operation.name, format!("no JSON body: {error}"))
            })?;
            call.body = Bytes::from(text);
            let json = HeaderValue::from_static("application/json");
            call.headers.insert(header::CONTENT_TYPE, json);
            Ok(())
        });
        self
    }

    /// A body of bytes.
    pub fn bytes(mut self, content_type: &'static str, body: Bytes) -> Self {
        self.try_change(|call| {
            call.body = body;
            call.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
            Ok(())
        });
        self
    }

    /// What follows the body, about `size` bytes, made while it is sent. Such a call has one try.
    pub(super) fn tail(mut self, stream: BodyStream, size: u64) -> Self {
        self.try_change(|call| {
            call.tail = Some((BodyTail::new(stream), size));
            Ok(())
        });
        self
    }

    /// Allows so many bytes of reply (16 MiB unless told).
    pub fn limit(mut self, bytes: usize) -> Self {
        self.try_change(|call| {
            call.limit = bytes;
            Ok(())
        });
        self
    }

    /// Waits so long for the head of the reply (60 s unless told).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.try_change(|call| {
            call.timeout = timeout;
            Ok(())
        });
        self
    }

    /// Sends, and reads the reply whole. 2xx and 3xx are replies, everything else is an error.
    pub async fn send(self) -> Result<Reply, TenantError> {
        self.wire.whole(&self.call?).await
    }

    /// Sends, and leaves the body to be read; it has no limit but the reader's.
    pub async fn stream(self) -> Result<Streamed, TenantError> {
        self.wire.streamed(&self.call?).await
    }

    /// Sends, and expects no content worth reading.
    pub async fn done(self) -> Result<(), TenantError> {
        self.send().await.map(|_reply| ())
    }

    /// Sends, and reads the reply as JSON.
    pub async fn read<T: DeserializeOwned>(self) -> Result<T, TenantError> {
        let call = self.call?;
        let reply = self.wire.whole(&call).await?;
        parse(&call, &reply)
    }

    /// Reads a collection page after page, at most `pages_max` of them; a longer one is an error,
    /// so that a link that leads in a circle ends.
    pub async fn pages<T: DeserializeOwned>(self, pages_max: usize) -> Result<Vec<T>, TenantError> {
        let graph = super::Graph::new(Arc::clone(&self.wire));
        let first = self.call?;
        let page = parse(&first, &self.wire.whole(&first).await?)?;
        rest(&graph, &first, page, pages_max).await
    }

    /// The pages behind a collection's first, which came in a batch.
    pub(super) async fn pages_from<T: DeserializeOwned>(
        self,
        first: &Reply,
        pages_max: usize,
    ) -> Result<Vec<T>, TenantError> {
        let graph = super::Graph::new(Arc::clone(&self.wire));
        let call = self.call?;
        let page = parse(&call, first)?;
        rest(&graph, &call, page, pages_max).await
    }

    /// Reads a reply of a batch as JSON.
    pub(super) fn parse<T: DeserializeOwned>(self, reply: &Reply) -> Result<T, TenantError> {
        parse(&self.call?, reply)
    }

    pub(super) fn into_call(self) -> Result<Call, TenantError> {
        self.call
    }

    pub(super) fn weight(mut self, requests: u32) -> Self {
        self.try_change(|call| {
            call.weight = requests;
            Ok(())
        });
        self
    }

    fn try_change(&mut self, change: impl FnOnce(&mut Call) -> Result<(), TenantError>) {
        if let Ok(call) = &mut self.call
            && let Err(error) = change(call)
        {
            self.call = Err(error);
        }
    }
}

impl std::fmt::Debug for GraphCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let target = self.call.as_ref().map(|call| target(&call.url)).unwrap_or_default();
        f.debug_struct("GraphCall").field("target", &target).finish_non_exhaustive()
    }
}

/// The one place that makes a Graph address.
pub(super) fn address(base: &Url, version: &str, path: &[&str]) -> Option<Url> {
    join(base, std::iter::once(version).chain(path.iter().copied()))
}

/// A collection from its first page on.
async fn rest<T: DeserializeOwned>(
    graph: &super::Graph,
    first: &Call,
    mut page: Page<T>,
    pages_max: usize,
) -> Result<Vec<T>, TenantError> {
    let mut all = Vec::new();
    for _ in 0..pages_max {
        all.append(&mut page.value);
        let Some(link) = page.next_link.take() else { return Ok(all) };
        let mut next = graph.follow(first.operation, &link);
        next.try_change(|call| {
            call.lane = first.lane.clone();
            call.headers = first.headers.clone();
            Ok(())
        });
        page = next.read().await?;
    }
    let text = format!("the collection has more than {pages_max} pages");
    Err(unexpected(first, 200, text))
}

fn parse<T: DeserializeOwned>(call: &Call, reply: &Reply) -> Result<T, TenantError> {
    let read = match serde_json::from_slice(&reply.body) {
        Err(error) => match mend::lone_surrogates(&reply.body) {
            Some(mended) => serde_json::from_slice(&mended),
            None => Err(error),
        },
        read => read,
    };
    read.map_err(|error| {
        // serde's message names types and positions; of values it quotes scalars of wrong type.
        let text = format!("the reply is not what Graph promises: {error}");
        unexpected(call, reply.status.as_u16(), text)
    })
}

fn unexpected(call: &Call, status: u16, text: String) -> TenantError {
    // The write behind an unreadable reply has happened.
    let class =
        if call.effect == Effect::Write { Class::UnknownOutcome } else { Class::Unexpected };
    TenantError {
        class,
        code: "reply".into(),
        status: Some(status),
        target: target(&call.url).into(),
        ..TenantError::refused(call.operation.name, text)
    }
}
