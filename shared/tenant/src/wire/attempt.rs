//! One attempt: request out, head in, body in; and what a failure of each means.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderMap, StatusCode, header};
use ports::{BodyStream, HttpResponse, TransportError, TransportErrorKind};

use super::{Call, Effect, Reply, Vendor, Wire, refused};
use crate::{
    Lane, TenantError,
    codes::{self, Fault},
    endpoints::target,
    error::Class,
    limits::{Ask, Headroom, Permit},
    token::Token,
};

/// Most bytes of an error body that are read.
const ERROR_LIMIT: usize = 64 * 1024;
/// Most characters of a vendor's message that are kept.
const MESSAGE_MAX: usize = 600;
/// The pause when a service throttles without saying for how long.
const THROTTLE_DEFAULT: Duration = Duration::from_secs(2);
/// The longest Retry-After that is believed.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// A failed attempt, with the token that was sent.
pub(super) struct Failure {
    pub error: TenantError,
    pub token: Option<Arc<Token>>,
    /// Whether the attempt got as far as the transport. What fails before (signing in, which has
    /// its own tries; a budget) is not tried again here.
    pub sent: bool,
}

impl Failure {
    fn before_sending(error: TenantError) -> Self {
        Self { error, token: None, sent: false }
    }

    fn of_transport(call: &Call, error: &TransportError) -> Self {
        Self { error: transport_error(call, error), token: None, sent: true }
    }
}

impl Wire {
    /// Sends once. `Ok` means a 2xx or 3xx head.
    pub(super) async fn attempt(&self, call: &Call) -> Result<(HttpResponse, Permit), Failure> {
        let token = match &call.bearer {
            Some(resource) => {
                let token = Box::pin(self.token(resource)).await;
                Some(token.map_err(Failure::before_sending)?)
            }
            None => None,
        };
        let permit = self.permit(call).await.map_err(Failure::before_sending)?;
        let request = self.request(call, token.as_deref()).map_err(Failure::before_sending)?;
        self.sent.fetch_add(1, Ordering::Relaxed);
        let response = match self.transport.send(request).await {
            Ok(response) => response,
            Err(error) => return Err(Failure::of_transport(call, &error)),
        };
        let status = response.status;
        self.heed(call, &response.headers);
        if status.is_success() || status.is_redirection() {
            permit.taken();
            return Ok((response, permit));
        }
        let headers = response.headers.clone();
        let body = match response.read(ERROR_LIMIT).await {
            Ok(body) => body,
            Err(error) if error.kind != TransportErrorKind::TooLarge && is_told_by_body(status) => {
                let error = TenantError {
                    class: Class::Transient,
                    status: Some(status.as_u16()),
                    ..transport_error(call, &error)
                };
                return Err(Failure { error, token, sent: true });
            }
            Err(_status_says_enough) => Bytes::new(),
        };
        let fault = match call.vendor {
            Vendor::Login => codes::login(status, &body),
            Vendor::Graph => codes::graph(status, &headers, &body),
            Vendor::Exchange => codes::exchange(status, &headers, &body),
        };
        let error = self.refusal(call, status, &headers, fault, token.as_deref());
        self.limits.share_news().await;
        Err(Failure { error, token, sent: true })
    }

    /// Tells the budget of a call what a reply says is left of it.
    pub(crate) fn heed(&self, call: &Call, headers: &HeaderMap) {
        if let Some(headroom) = headroom(call, headers) {
            let ask = Ask { upload_bytes: 0, ..self.ask(call) };
            self.limits.told(&ask, headroom, self.clock.now());
        }
    }

    /// Reads the body of a successful reply, which at Exchange may still turn out a refusal.
    pub(super) async fn read(&self, call: &Call, response: HttpResponse) -> Result<Reply, Failure> {
        let (status, headers) = (response.status, response.headers.clone());
        let body =
            response.read(call.limit).await.map_err(|error| Failure::of_transport(call, &error))?;
        if call.vendor == Vendor::Exchange
            && let Some(fault) = codes::exchange_disguised(&body)
        {
            let error = self.refusal(call, status, &headers, fault, None);
            return Err(Failure { error, token: None, sent: true });
        }
        Ok(Reply { status, headers, body })
    }

    /// The error for a reply that refuses.
    pub(super) fn refusal(
        &self,
        call: &Call,
        status: StatusCode,
        headers: &HeaderMap,
        fault: Fault,
        token: Option<&Token>,
    ) -> TenantError {
        let asked = retry_after(headers);
        let class = settle(call, status, fault.class, asked, token);
        if let Class::Throttled { .. } = &class
            && let Some(asked) = asked
        {
            refused(self, call, asked);
        }
        let message = match token {
            Some(token) => token.secret.redact(&fault.message),
            None => fault.message,
        };
        TenantError {
            class,
            code: fault.code.into(),
            status: Some(status.as_u16()),
            message: shorten(&message).into(),
            operation: call.operation.name,
            target: target(&call.url).into(),
            retry_after: asked,
            request_id: request_id(headers),
        }
    }
}

/// Whether only the body of a refusal says what was refused. When such a body breaks off, nothing was
/// done, and the same call will be told why.
fn is_told_by_body(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 402..=407 | 409 | 411 | 413..=415 | 417..=422)
}

/// Completes a class with what only the call knows: the Retry-After, the permission that is
/// missing, and whether something was written.
fn settle(
    call: &Call,
    status: StatusCode,
    class: Class,
    asked: Option<Duration>,
    token: Option<&Token>,
) -> Class {
    match class {
        Class::Throttled { .. } => {
            Class::Throttled { retry_after: asked.unwrap_or(THROTTLE_DEFAULT) }
        }
        // 503 with a Retry-After is a throttle in other clothes (SharePoint says so).
        Class::Transient if status == StatusCode::SERVICE_UNAVAILABLE && asked.is_some() => {
            Class::Throttled { retry_after: asked.unwrap_or(THROTTLE_DEFAULT) }
        }
        // Any other failure inside the service may have come after the write.
        Class::Transient if call.effect == Effect::Write => Class::UnknownOutcome,
        Class::Forbidden => missing_role(call, token).unwrap_or(Class::Forbidden),
        // Exchange answers a token without any role with 401; a fresh one would not have it.
        Class::Unauthorized => missing_role(call, token).unwrap_or(Class::Unauthorized),
        other => other,
    }
}

/// A refusal is for want of consent if the token holds none of the permissions that allow it.
fn missing_role(call: &Call, token: Option<&Token>) -> Option<Class> {
    let roles = call.operation.roles;
    let role = roles.first()?;
    let lacks = token?.claims.lacks_all(roles);
    lacks.then(|| Class::MissingConsent { role: (*role).into() })
}

fn transport_error(call: &Call, error: &TransportError) -> TenantError {
    let class = match (error.kind, call.effect) {
        (TransportErrorKind::Connect, _) => Class::Transient,
        (TransportErrorKind::TooLarge, Effect::Read) => Class::Unexpected,
        (TransportErrorKind::Timeout | TransportErrorKind::Broken, Effect::Read) => {
            Class::Transient
        }
        (_, Effect::Write) => Class::UnknownOutcome,
    };
    TenantError {
        class,
        code: "transport".into(),
        status: None,
        message: shorten(&error.text).into(),
        operation: call.operation.name,
        target: target(&call.url).into(),
        retry_after: None,
        request_id: None,
    }
}

/// What SharePoint says of its budget before it refuses, from 80 % of a minute's units on.
fn headroom(call: &Call, headers: &HeaderMap) -> Option<Headroom> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    // Counts of units and seconds: small, whole, never negative.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to u32")]
    let whole = |value: f64| value.clamp(0.0, f64::from(u32::MAX)) as u32;
    match call.lane {
        Lane::Drive { .. } => {
            let reset = number("ratelimit-reset")?;
            Some(Headroom {
                limit: number("ratelimit-limit").map(whole).filter(|limit| *limit > 0),
                left: whole(number("ratelimit-remaining")?),
                reset: Duration::from_secs(u64::from(whole(reset))).min(RETRY_AFTER_MAX),
            })
        }
        _ => None,
    }
}

/// The seconds of `Retry-After`, bounded. The services send seconds, never a date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    // Exchange has been seen to send fractions.
    let whole = text.split('.').next().unwrap_or(text);
    let seconds: u64 = whole.parse().ok()?;
    let rounded = if whole.len() < text.len() { seconds.saturating_add(1) } else { seconds };
    Some(Duration::from_secs(rounded).min(RETRY_AFTER_MAX))
}

fn request_id(headers: &HeaderMap) -> Option<Box<str>> {
    let names = ["request-id", "x-ms-request-id", "sprequestguid"];
    let value = names.iter().find_map(|name| headers.get(*name))?;
    value.to_str().ok().map(|text| shorten(text).into())
}

/// One line of bounded length.
fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= MESSAGE_MAX {
        return line;
    }
    let mut short: String = line.chars().take(MESSAGE_MAX).collect();
    short.push('…');
    short
}

/// A body that holds the call's place until it is read or dropped.
pub(super) fn holding(body: BodyStream, permit: Permit) -> BodyStream {
    Box::pin(body.map(move |chunk| {
        let _held = &permit;
        chunk
    }))
}
