//! Faults by configuration: by chance from the seed, or aimed at the nth request of a kind.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::StatusCode;
use ports::{HttpRequest, HttpResponse, TransportError, TransportErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{config::Lag, reply::Reply, world::World};

/// What goes wrong, and how often. Probabilities are per request, from 0.0 to 1.0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Faults {
    /// 429 with `Retry-After`.
    pub throttled: f64,
    /// 429 without `Retry-After`.
    pub throttled_without_hint: f64,
    /// 500 with the service's error body.
    pub internal_error: f64,
    /// 503 without a body.
    pub unavailable: f64,
    /// The connection breaks and nothing happened.
    pub reset_before: f64,
    /// The connection breaks after the effect: the reply is lost.
    pub reset_after: f64,
    /// The reply's body ends in the middle.
    pub truncated: f64,
    /// `Retry-After` of injected 429s, in seconds.
    pub retry_after_seconds: u64,
    /// Time from request to reply.
    pub latency: Lag,
    /// Faults aimed at certain requests. The first rule that fits decides.
    pub rules: Vec<FaultRule>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            throttled: 0.0,
            throttled_without_hint: 0.0,
            internal_error: 0.0,
            unavailable: 0.0,
            reset_before: 0.0,
            reset_after: 0.0,
            truncated: 0.0,
            retry_after_seconds: 5,
            latency: Lag::NONE,
            rules: Vec::new(),
        }
    }
}

impl Faults {
    pub(crate) fn few() -> Self {
        Self {
            throttled: 0.005,
            throttled_without_hint: 0.001,
            internal_error: 0.001,
            unavailable: 0.002,
            reset_before: 0.001,
            reset_after: 0.001,
            truncated: 0.0005,
            latency: Lag::millis(20, 400),
            ..Self::default()
        }
    }

    pub(crate) fn many() -> Self {
        Self {
            throttled: 0.05,
            throttled_without_hint: 0.01,
            internal_error: 0.02,
            unavailable: 0.02,
            reset_before: 0.01,
            reset_after: 0.02,
            truncated: 0.01,
            latency: Lag::millis(50, 2_000),
            ..Self::default()
        }
    }
}

/// A fault aimed at certain requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FaultRule {
    /// Only paths that contain this text, in any case.
    #[serde(default)]
    pub path: Option<String>,
    /// Only this cmdlet, in any case.
    #[serde(default)]
    pub cmdlet: Option<String>,
    /// Only this method.
    #[serde(default)]
    pub method: Option<String>,
    /// From the nth fitting request on; 1 is the first.
    pub from: u32,
    /// So many requests; none for ever.
    #[serde(default)]
    pub times: Option<u32>,
    /// What happens.
    pub kind: FaultKind,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    deny_unknown_fields,
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum FaultKind {
    /// A status instead of the effect.
    Status {
        /// For instance 429, 500, 503.
        status: u16,
        /// Seconds of `Retry-After`; none for no header.
        retry_after: Option<u64>,
    },
    /// Exchange's plain text about too many concurrent requests, as a 200.
    PlainTextThrottle,
    /// The connection breaks and nothing happened.
    ResetBefore,
    /// The connection breaks after the effect.
    ResetAfter,
    /// The body ends in the middle, after the effect.
    Truncated,
    /// The reply comes late by so many milliseconds.
    Latency {
        /// Milliseconds.
        millis: u64,
    },
}

/// The fault of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    Instead { status: u16, retry_after: Option<u64> },
    PlainText,
    ResetBefore,
    ResetAfter,
    Truncated,
}

/// How often each rule has been hit, and whether faults are paused.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultState {
    pub(crate) paused: bool,
    hits: Vec<u32>,
}

impl FaultState {
    /// Counts the hits of all rules anew.
    pub(crate) fn forget_hits(&mut self) {
        self.hits.clear();
    }
}

/// Decides the fault and the latency of one request.
pub(crate) fn decide(
    world: &mut World,
    request: &HttpRequest,
    cmdlet: Option<&str>,
) -> (Fault, Duration) {
    let inspection = request.url.path().starts_with("/_sim/");
    if world.faults.paused || inspection {
        return (Fault::None, Duration::ZERO);
    }
    let latency = world.random.lag(world.config.faults.latency);
    world.faults.hits.resize(world.config.faults.rules.len(), 0);
    for (rule, hits) in world.config.faults.rules.iter().zip(world.faults.hits.iter_mut()) {
        if !rule.fits(request, cmdlet) {
            continue;
        }
        *hits = hits.saturating_add(1);
        let last = rule.times.map(|times| rule.from.saturating_add(times));
        if *hits < rule.from || last.is_some_and(|last| *hits >= last) {
            continue;
        }
        return match &rule.kind {
            FaultKind::Status { status, retry_after } => {
                (Fault::Instead { status: *status, retry_after: *retry_after }, latency)
            }
            FaultKind::PlainTextThrottle => (Fault::PlainText, latency),
            FaultKind::ResetBefore => (Fault::ResetBefore, latency),
            FaultKind::ResetAfter => (Fault::ResetAfter, latency),
            FaultKind::Truncated => (Fault::Truncated, latency),
            FaultKind::Latency { millis } => (Fault::None, Duration::from_millis(*millis)),
        };
    }
    (by_chance(world), latency)
}

fn by_chance(world: &mut World) -> Fault {
    let faults = &world.config.faults;
    let hint = Some(faults.retry_after_seconds);
    let odds = [
        (faults.throttled, Fault::Instead { status: 429, retry_after: hint }),
        (faults.throttled_without_hint, Fault::Instead { status: 429, retry_after: None }),
        (faults.internal_error, Fault::Instead { status: 500, retry_after: None }),
        (faults.unavailable, Fault::Instead { status: 503, retry_after: None }),
        (faults.reset_before, Fault::ResetBefore),
        (faults.reset_after, Fault::ResetAfter),
        (faults.truncated, Fault::Truncated),
    ];
    for (probability, fault) in odds {
        if world.random.chance(probability) {
            return fault;
        }
    }
    Fault::None
}

impl FaultRule {
    /// A rule that hits every request, for ever.
    pub fn of(kind: FaultKind) -> Self {
        Self { path: None, cmdlet: None, method: None, from: 1, times: None, kind }
    }

    fn fits(&self, request: &HttpRequest, cmdlet: Option<&str>) -> bool {
        let path = request.url.path().to_lowercase();
        self.path.as_ref().is_none_or(|text| path.contains(&text.to_lowercase()))
            && self.method.as_ref().is_none_or(|m| request.method.as_str().eq_ignore_ascii_case(m))
            && self
                .cmdlet
                .as_ref()
                .is_none_or(|name| cmdlet.is_some_and(|cmdlet| cmdlet.eq_ignore_ascii_case(name)))
    }
}

/// The reply of a fault that takes the place of the effect.
pub(crate) fn reply_instead(fault: &Fault, request: &HttpRequest) -> Option<Reply> {
    match fault {
        Fault::Instead { status, retry_after } => {
            let signs_in = request.url.path().ends_with("/oauth2/v2.0/token");
            Some(instead(*status, *retry_after, signs_in))
        }
        Fault::PlainText => Some(plain_text_throttle()),
        _ => None,
    }
}

/// Exchange's plain text body when a tenant has too many requests in flight.
pub(crate) fn plain_text_throttle() -> Reply {
    Reply::text(
        StatusCode::OK,
        "You have reached the maximum number of concurrent requests per tenant. Please wait and try again",
    )
}

fn instead(status: u16, retry_after: Option<u64>, signs_in: bool) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let code = match status {
        StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
        StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailable",
        _ => "InternalServerError",
    };
    let reply = if status == StatusCode::SERVICE_UNAVAILABLE {
        Reply::empty(status)
    } else {
        let text = "The service could not process the request now.";
        // Entra's errors are OAuth's, not Graph's.
        let body = if signs_in {
            json!({ "error": "temporarily_unavailable", "error_description": text })
        } else {
            json!({ "error": { "code": code, "message": text, "innerError": {} } })
        };
        Reply::json(status, &body)
    };
    match retry_after {
        Some(seconds) => reply.retry_after(seconds),
        None => reply,
    }
}

/// Hands the reply over, unless the fault loses it.
pub(crate) fn deliver(reply: Reply, fault: &Fault) -> Result<HttpResponse, TransportError> {
    let Reply { status, headers, body, large } = reply;
    match (fault, large) {
        (Fault::ResetAfter, _) => Err(reset()),
        (Fault::Truncated, Some(large)) => {
            let stream = large.first_half().stream().chain(stream::iter([Err(reset())]));
            Ok(HttpResponse { status, headers, body: Box::pin(stream) })
        }
        (_, Some(large)) => Ok(HttpResponse { status, headers, body: large.stream() }),
        (Fault::Truncated, None) => {
            let half: Bytes = body.slice(..body.len() / 2);
            let stream = stream::iter([Ok(half), Err(reset())]);
            Ok(HttpResponse { status, headers, body: Box::pin(stream) })
        }
        (_, None) => Ok(HttpResponse::of(status, headers, body)),
    }
}

/// A broken connection.
pub(crate) fn reset() -> TransportError {
    TransportError {
        kind: TransportErrorKind::Broken,
        text: "the connection was reset by the peer".to_owned(),
    }
}
