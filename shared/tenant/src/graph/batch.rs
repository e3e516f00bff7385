//! `$batch`: up to twenty requests in one, each with its own fate.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{Graph, GraphCall, call};
use crate::{
    Lane, Operation, Reply, TenantError, codes,
    error::Class,
    wire::{Call, Effect, TRIES_MAX},
};

/// Most requests of one batch.
pub const BATCH_MAX: usize = 20;
const BATCH: Operation = Operation::new("batch", &[]);

/// Whether the requests of a batch wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchOrder {
    /// They do not; the service runs them side by side.
    Any,
    /// Each runs after the one before it succeeded; after a failure the rest is
    /// [`Class::DependencyFailed`].
    Sequence,
}

#[derive(Deserialize)]
struct BatchReply {
    responses: Vec<ItemReply>,
}

#[derive(Deserialize)]
struct ItemReply {
    id: String,
    status: u16,
    #[serde(default)]
    headers: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    body: Value,
}

/// The outcome of one request of a batch.
pub type BatchOutcome = Result<Reply, TenantError>;

impl Graph {
    /// Runs calls in batches of [`BATCH_MAX`]; the outcomes are in the order of the calls. An
    /// item that was refused for a moment only is sent again, twice at most.
    ///
    /// The calls must belong to one kind of [`Lane`], and to one version of Graph.
    pub async fn batch(
        &self,
        calls: Vec<GraphCall>,
        order: BatchOrder,
    ) -> Result<Vec<BatchOutcome>, TenantError> {
        let mut parts = Vec::with_capacity(calls.len());
        for call in calls {
            parts.push(call.into_call()?);
        }
        let mut outcomes = Vec::with_capacity(parts.len());
        for chunk in parts.chunks(BATCH_MAX) {
            outcomes.extend(self.batch_chunk(chunk, order).await?);
        }
        Ok(outcomes)
    }

    /// The same, in any order, where every reply is read as JSON of one kind.
    pub(super) async fn read_batch<T: DeserializeOwned>(
        &self,
        calls: Vec<GraphCall>,
    ) -> Result<Vec<Result<T, TenantError>>, TenantError> {
        let replies = self.batch(calls.clone(), BatchOrder::Any).await?;
        Ok(calls.into_iter().zip(replies).map(|(call, reply)| call.parse(&reply?)).collect())
    }

    async fn batch_chunk(
        &self,
        calls: &[Call],
        order: BatchOrder,
    ) -> Result<Vec<BatchOutcome>, TenantError> {
        let mut outcomes: BTreeMap<usize, BatchOutcome> = BTreeMap::new();
        let mut open: Vec<(usize, &Call)> = calls.iter().enumerate().collect();
        for round in 1..=TRIES_MAX {
            let replies = self.batch_once(&open, order).await?;
            let mut again = Vec::new();
            let mut pause = Duration::ZERO;
            for ((index, call), outcome) in open.iter().zip(replies) {
                let wait = match &outcome {
                    Err(error) if round < TRIES_MAX => self.wire.item_again(call, error),
                    _ => None,
                };
                let follows = matches!(&outcome, Err(error)
                    if error.class == Class::DependencyFailed && !again.is_empty());
                if let Some(wait) = wait.or_else(|| follows.then_some(Duration::ZERO)) {
                    pause = pause.max(wait);
                    again.push((*index, *call));
                }
                outcomes.insert(*index, outcome);
            }
            self.wire.limits.share_news().await;
            if again.is_empty() {
                break;
            }
            self.wire.clock.sleep(pause).await;
            open = again;
        }
        Ok(outcomes.into_values().collect())
    }

    /// Sends one batch; the outcomes are in the order of the calls.
    async fn batch_once(
        &self,
        open: &[(usize, &Call)],
        order: BatchOrder,
    ) -> Result<Vec<BatchOutcome>, TenantError> {
        let mut requests = Vec::with_capacity(open.len());
        let beta = open.first().is_some_and(|(_, call)| self.is_beta(call));
        let version = if beta { call::BETA } else { call::V1 };
        for (place, (index, call)) in open.iter().enumerate() {
            let mut request = self.batch_item(*index, call, version)?;
            if order == BatchOrder::Sequence
                && let Some((before, _)) = place.checked_sub(1).and_then(|place| open.get(place))
            {
                request.insert("dependsOn".to_owned(), json!([before.to_string()]));
            }
            requests.push(Value::Object(request));
        }
        let writes = open.iter().any(|(_, call)| call.effect == Effect::Write);
        let outer = self.post(BATCH, &["$batch"]).json(&json!({ "requests": requests }));
        let outer = if writes { outer } else { outer.read_only() };
        let outer = if beta { outer.beta() } else { outer };
        let outer = outer.lane(lane_of(open)).weight(u32::try_from(open.len()).unwrap_or(1));
        let reply: BatchReply = outer.read().await?;
        let mut replies: BTreeMap<String, ItemReply> =
            reply.responses.into_iter().map(|item| (item.id.clone(), item)).collect();
        let mut outcomes = Vec::with_capacity(open.len());
        for (index, call) in open {
            let outcome = match replies.remove(&index.to_string()) {
                Some(item) => self.batch_outcome(call, item).await,
                None => Err(missing(call)),
            };
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// The path of a call below a version of Graph; `None` when it goes elsewhere.
    fn path_below<'c>(&self, version: &str, call: &'c Call) -> Option<&'c str> {
        let base = call::address(&self.wire.config.endpoints.graph, version, &["x"])?;
        call.url.path().strip_prefix(base.path().trim_end_matches("/x"))
    }

    fn is_beta(&self, call: &Call) -> bool {
        self.path_below(call::BETA, call).is_some()
    }

    fn batch_item(
        &self,
        index: usize,
        call: &Call,
        version: &str,
    ) -> Result<Map<String, Value>, TenantError> {
        let refused = |text: &str| TenantError::refused(call.operation.name, text);
        let path = self.path_below(version, call);
        let path = path.ok_or_else(|| refused("calls of one batch go to one version of Graph"))?;
        let query = call.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let mut item = Map::new();
        item.insert("id".to_owned(), json!(index.to_string()));
        item.insert("method".to_owned(), json!(call.method.as_str()));
        item.insert("url".to_owned(), json!(format!("{path}{query}")));
        let mut headers = Map::new();
        for (name, value) in &call.headers {
            let value = value.to_str().map_err(|_not_ascii| refused("a header is not ASCII"))?;
            headers.insert(name.as_str().to_owned(), json!(value));
        }
        if !headers.is_empty() {
            item.insert("headers".to_owned(), Value::Object(headers));
        }
        if !call.body.is_empty() {
            let body: Value = serde_json::from_slice(&call.body)
                .map_err(|_not_json| refused("only JSON bodies go into a batch"))?;
            item.insert("body".to_owned(), body);
        }
        Ok(item)
    }

    async fn batch_outcome(&self, call: &Call, item: ItemReply) -> BatchOutcome {
        let status = StatusCode::from_u16(item.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = header_map(item.headers.unwrap_or_default());
        let body = if item.body.is_null() { String::new() } else { item.body.to_string() };
        self.wire.heed(call, &headers);
        if status.is_success() || status.is_redirection() {
            return Ok(Reply { status, headers, body: Bytes::from(body) });
        }
        let fault = codes::graph(status, &headers, body.as_bytes());
        Err(self.wire.refused_item(call, status, &headers, fault).await)
    }
}

/// One lane for the batch: the first item's, with everybody's units.
fn lane_of(open: &[(usize, &Call)]) -> Lane {
    let units = || {
        let each = open.iter().map(|(_, call)| match call.lane {
            Lane::Directory { units } | Lane::Drive { units } => units,
            _ => 1,
        });
        each.fold(0, u32::saturating_add)
    };
    match open.first().map(|(_, call)| &call.lane) {
        Some(Lane::Drive { .. }) => Lane::Drive { units: units() },
        Some(Lane::Directory { .. }) | None => Lane::Directory { units: units() },
        Some(other) => other.clone(),
    }
}

fn header_map(headers: BTreeMap<String, Value>) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if let (Ok(name), Ok(value)) =
            (HeaderName::try_from(name.as_str()), HeaderValue::try_from(text))
        {
            map.append(name, value);
        }
    }
    map
}

/// The service answered the batch but not this item of it.
fn missing(call: &Call) -> TenantError {
    let class = if call.effect == Effect::Write { Class::UnknownOutcome } else { Class::Transient };
    TenantError {
        class,
        code: "reply".into(),
        ..TenantError::refused(call.operation.name, "the batch's reply lacks this item")
    }
}
