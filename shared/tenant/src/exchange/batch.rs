//! `$batch`: up to ten cmdlets in one request, each with its own fate.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Anchor, CmdletReply, Exchange, Parameters,
    invoke::{body_of, is_read, page_of},
};
use crate::{
    TenantError, codes,
    error::Class,
    wire::{Call, Effect, TRIES_MAX},
};

/// Most cmdlets of one batch.
pub const CMDLET_BATCH_MAX: usize = 10;
const BATCH: &str = "Exchange batch";

/// A cmdlet of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct CmdletCall {
    /// Which.
    pub cmdlet: &'static str,
    /// With what.
    pub parameters: Parameters,
    /// Routed where.
    pub anchor: Anchor,
}

impl CmdletCall {
    /// A cmdlet on the directory.
    pub fn new(cmdlet: &'static str, parameters: Parameters) -> Self {
        Self { cmdlet, parameters, anchor: Anchor::Tenant }
    }
}

/// The outcome of one cmdlet of a batch.
pub type CmdletOutcome = Result<CmdletReply, TenantError>;

#[derive(Deserialize)]
struct BatchReply {
    responses: Vec<ItemReply>,
}

#[derive(Deserialize)]
struct ItemReply {
    /// A number at some servers, a text at others.
    id: Value,
    #[serde(default)]
    status: Value,
    #[serde(default)]
    headers: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    body: Value,
}

impl Exchange {
    /// Runs cmdlets in batches of [`CMDLET_BATCH_MAX`]; the outcomes are in the order of the
    /// calls. An item that was refused for a moment only is sent again, twice at most.
    pub async fn batch(&self, calls: &[CmdletCall]) -> Result<Vec<CmdletOutcome>, TenantError> {
        let mut outcomes = Vec::with_capacity(calls.len());
        for chunk in calls.chunks(CMDLET_BATCH_MAX) {
            outcomes.extend(self.batch_chunk(chunk).await?);
        }
        Ok(outcomes)
    }

    async fn batch_chunk(&self, calls: &[CmdletCall]) -> Result<Vec<CmdletOutcome>, TenantError> {
        let tenant = self.tenant_guid(BATCH).await?;
        let mut parts = Vec::with_capacity(calls.len());
        for call in calls {
            let url = self.address(call.cmdlet, &tenant, "beta", "InvokeCommand")?;
            let mut part = self.call(call.cmdlet, url, &call.anchor, &tenant)?;
            part.body = Bytes::from(body_of(call.cmdlet, &call.parameters).to_string());
            parts.push(part);
        }
        let mut outcomes: BTreeMap<usize, CmdletOutcome> = BTreeMap::new();
        let mut open: Vec<(usize, &Call)> = parts.iter().enumerate().collect();
        for round in 1..=TRIES_MAX {
            let replies = self.batch_once(&open, &tenant).await?;
            let mut again = Vec::new();
            let mut pause = Duration::ZERO;
            for ((index, call), outcome) in open.iter().zip(replies) {
                if let Err(error) = &outcome
                    && round < TRIES_MAX
                    && let Some(wait) = self.wire.item_again(call, error)
                {
                    pause = pause.max(wait);
                    again.push((*index, *call));
                }
                outcomes.insert(*index, outcome);
            }
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
        tenant: &str,
    ) -> Result<Vec<CmdletOutcome>, TenantError> {
        let mut requests = Vec::with_capacity(open.len());
        for (index, call) in open {
            requests.push(item(*index, call)?);
        }
        let url = self.address(BATCH, tenant, "beta", "$batch")?;
        let mut outer = self.call(BATCH, url, &Anchor::Tenant, tenant)?;
        let reads = open.iter().all(|(_, call)| is_read(call.operation.name));
        outer.effect = if reads { Effect::Read } else { Effect::Write };
        outer.headers.remove("x-cmdletname");
        outer.headers.insert("prefer", HeaderValue::from_static("odata.continue-on-error"));
        outer.body = Bytes::from(json!({ "requests": requests }).to_string());
        let reply = self.wire.whole(&outer).await?;
        let reply: BatchReply = serde_json::from_slice(&reply.body).map_err(|_not_json| {
            let class = if reads { Class::Unexpected } else { Class::UnknownOutcome };
            let error = TenantError::refused(BATCH, "the reply is no answer to a batch");
            TenantError { class, code: "reply".into(), ..error }
        })?;
        let mut replies: BTreeMap<String, ItemReply> =
            reply.responses.into_iter().map(|item| (text_of(&item.id), item)).collect();
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

    async fn batch_outcome(&self, call: &Call, item: ItemReply) -> CmdletOutcome {
        let status = text_of(&item.status).parse::<u16>().ok();
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        let has_error = item.body.get("error").is_some();
        let status = status.unwrap_or(if has_error {
            StatusCode::INTERNAL_SERVER_ERROR
        } else {
            StatusCode::OK
        });
        if !status.is_success() || has_error {
            let headers = header_map(item.headers.unwrap_or_default());
            let body = match &item.body {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                json => json.to_string(),
            };
            let fault = codes::exchange(status, &headers, body.as_bytes());
            return Err(self.wire.refused_item(call, status, &headers, fault).await);
        }
        let first = page_of(item.body);
        let mut reply = CmdletReply { values: first.values, warnings: first.warnings };
        if let Some(link) = first.next {
            // An answer of several pages goes on as that cmdlet's own call.
            let mut rest = call.clone();
            rest.url = self.next_page(call, &link)?;
            let rest = self.pages(rest).await?;
            reply.values.extend(rest.values);
            reply.warnings.extend(rest.warnings);
        }
        Ok(reply)
    }
}

fn item(index: usize, call: &Call) -> Result<Value, TenantError> {
    let refused = |text: &str| TenantError::refused(call.operation.name, text);
    let mut headers = Map::new();
    for (name, value) in &call.headers {
        let value = value.to_str().map_err(|_not_ascii| refused("a header is not ASCII"))?;
        headers.insert(name.as_str().to_owned(), json!(value));
    }
    let body: Value =
        serde_json::from_slice(&call.body).map_err(|_never| refused("the body is no JSON"))?;
    Ok(json!({
        "id": index.to_string(),
        "method": "POST",
        "url": call.url.as_str(),
        "headers": headers,
        "body": body,
    }))
}

fn header_map(headers: BTreeMap<String, Value>) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) =
            (HeaderName::try_from(name.as_str()), HeaderValue::try_from(text_of(&value)))
        {
            map.append(name, value);
        }
    }
    map
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The service answered the batch but not this item of it.
fn missing(call: &Call) -> TenantError {
    let class = match call.effect {
        Effect::Read => Class::Transient,
        Effect::Write => Class::UnknownOutcome,
    };
    TenantError {
        class,
        code: "reply".into(),
        ..TenantError::refused(call.operation.name, "the batch's reply lacks this item")
    }
}
