//! The one place that sends.
//!
//! A call gets leave from the budgets, a token, an attempt, and at most two more attempts when it
//! certainly had no effect. Everything that fails becomes a [`TenantError`] here.

mod attempt;

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use ports::{BodyStream, BodyTail, Clock, HttpRequest, Random, Transport};
use url::Url;
use uuid::Uuid;

use self::attempt::Failure;
use crate::{
    Lane, Limits, Resource, TenantConfig, TenantError,
    client::uuid_of,
    codes::Fault,
    endpoints::target,
    error::Class,
    limits::{Ask, Permit, signed},
    token::{Token, Tokens},
};

/// Tries of one call, the first included.
pub(crate) const TRIES_MAX: u32 = 3;
/// The pause before the second try; it doubles, and half of it is random.
const BACK_OFF: Duration = Duration::from_millis(250);

/// What is being done, for messages and for naming a missing consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// A few words: `get user`, or the cmdlet's name.
    pub name: &'static str,
    /// The application permissions any one of which allows it, the least first; empty when a
    /// refusal is not about a permission.
    pub roles: &'static [&'static str],
}

impl Operation {
    /// An operation.
    pub const fn new(name: &'static str, roles: &'static [&'static str]) -> Self {
        Self { name, roles }
    }
}

/// Whether a request changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It can be repeated at will.
    Read,
    /// Once sent, a missing reply leaves the outcome unknown.
    Write,
}

/// Whose error bodies to expect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vendor {
    /// The identity platform: `AADSTS…`.
    Login,
    /// Graph, and the pre-authenticated addresses that it hands out.
    Graph,
    /// Exchange's admin endpoint.
    Exchange,
}

/// A request with all that governs it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub operation: Operation,
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// What follows the body, and about how many bytes it has. It can be sent once.
    pub tail: Option<(BodyTail, u64)>,
    pub effect: Effect,
    pub lane: Lane,
    /// How many requests it stands for: more than 1 for a batch.
    pub weight: u32,
    /// Whose token to send; `None` for pre-authenticated addresses, which refuse a token.
    pub bearer: Option<Resource>,
    pub vendor: Vendor,
    /// Most bytes of the reply's body when it is read whole.
    pub limit: usize,
    /// Until the head of the reply is there.
    pub timeout: Duration,
}

impl Call {
    /// About how many bytes are sent.
    fn upload_bytes(&self) -> usize {
        let tail = self.tail.as_ref().map_or(0, |(_, size)| *size);
        self.body.len().saturating_add(usize::try_from(tail).unwrap_or(usize::MAX))
    }
}

/// A reply, read whole.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status, 2xx or 3xx.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A reply whose body is still to be read. It holds the call's place in its lane until then.
pub struct Streamed {
    /// The status, 2xx or 3xx.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, chunk by chunk.
    pub body: BodyStream,
}

impl std::fmt::Debug for Streamed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streamed").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Everything that the calls of one tenant share.
pub(crate) struct Wire {
    pub config: TenantConfig,
    pub transport: Arc<dyn Transport>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub limits: Arc<Limits>,
    pub tokens: Tokens,
    /// Names this client's requests at the service (`connection-id`).
    pub session: Uuid,
    /// Requests sent so far.
    pub sent: AtomicU64,
}

impl Wire {
    /// Sends a call and reads its reply whole.
    pub(crate) async fn whole(&self, call: &Call) -> Result<Reply, TenantError> {
        let mut tries = Tries::default();
        loop {
            let failure = match self.attempt(call).await {
                Ok((response, permit)) => match self.read(call, response).await {
                    Ok(reply) => return Ok(reply),
                    Err(failure) => {
                        drop(permit);
                        failure
                    }
                },
                Err(failure) => failure,
            };
            tries.again(self, call, failure).await?;
        }
    }

    /// Sends a call and returns as soon as the reply's head says that it succeeded.
    pub(crate) async fn streamed(&self, call: &Call) -> Result<Streamed, TenantError> {
        let mut tries = Tries::default();
        loop {
            match self.attempt(call).await {
                Ok((response, permit)) => {
                    return Ok(Streamed {
                        status: response.status,
                        headers: response.headers,
                        body: attempt::holding(response.body, permit),
                    });
                }
                Err(failure) => tries.again(self, call, failure).await?,
            }
        }
    }

    /// The request of a call, complete with token and ids.
    fn request(&self, call: &Call, token: Option<&Token>) -> Result<HttpRequest, TenantError> {
        let refused = |text: &str| TenantError::refused(call.operation.name, text);
        let mut headers = call.headers.clone();
        // Exchange labels some refusals gzip that are not gzip; and content is compressed already.
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let agent = HeaderValue::from_str(&self.config.user_agent)
            .map_err(|_not_ascii| refused("the user agent is not a legal header"))?;
        headers.insert(header::USER_AGENT, agent);
        let id = uuid_of(&*self.random).hyphenated().to_string();
        let id = HeaderValue::from_str(&id).map_err(|_never| refused("no request id"))?;
        headers.insert("client-request-id", id);
        if let Some(token) = token {
            let text = format!("Bearer {}", token.secret.expose());
            let mut value = HeaderValue::from_str(&text)
                .map_err(|_may_quote_it| refused("the access token is not a legal header"))?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        Ok(HttpRequest {
            method: call.method.clone(),
            url: call.url.clone(),
            headers,
            body: call.body.clone(),
            tail: call.tail.as_ref().map(|(tail, _)| tail.clone()),
            timeout: call.timeout,
        })
    }

    /// Builds the error for a refused item of a batch.
    pub(crate) async fn refused_item(
        &self,
        call: &Call,
        status: StatusCode,
        headers: &HeaderMap,
        fault: Fault,
    ) -> TenantError {
        let token = match &call.bearer {
            Some(resource) => self.token(resource).await.ok(),
            None => None,
        };
        self.refusal(call, status, headers, fault, token.as_deref())
    }

    /// How long a batch waits before it sends this refused item again; `None` for not at all.
    pub(crate) fn item_again(&self, call: &Call, error: &TenantError) -> Option<Duration> {
        match &error.class {
            Class::Throttled { retry_after } => {
                (*retry_after <= self.limits.settings().wait_max).then_some(*retry_after)
            }
            Class::Transient if call.effect == Effect::Read => Some(BACK_OFF * 2),
            _ => None,
        }
    }

    fn ask<'c>(&'c self, call: &'c Call) -> Ask<'c> {
        Ask {
            tenant: &self.config.tenant,
            lane: &call.lane,
            write: call.effect == Effect::Write,
            weight: call.weight,
            upload_bytes: call.upload_bytes(),
        }
    }

    async fn permit(&self, call: &Call) -> Result<Permit, TenantError> {
        let ask = self.ask(call);
        self.limits.admit(&ask, &*self.clock, &*self.random).await.map_err(|retry_after| {
            TenantError {
                class: Class::Throttled { retry_after },
                code: "budget".into(),
                status: None,
                message: "not sent: the tenant's budget for such requests is used up".into(),
                operation: call.operation.name,
                target: target(&call.url).into(),
                retry_after: Some(retry_after),
                request_id: None,
            }
        })
    }
}

/// The tries of one call.
#[derive(Default)]
struct Tries {
    made: u32,
    refreshed: bool,
}

impl Tries {
    /// Prepares the next try, or returns the failure if there is to be none.
    async fn again(
        &mut self,
        wire: &Wire,
        call: &Call,
        failure: Failure,
    ) -> Result<(), TenantError> {
        let Failure { error, token, sent } = failure;
        self.made += 1;
        // What was streamed is gone: whoever has more of it begins again.
        if !sent || call.tail.is_some() {
            return Err(error);
        }
        if error.class == Class::Unauthorized {
            let (Some(resource), Some(token)) = (&call.bearer, token) else { return Err(error) };
            if self.refreshed {
                return Err(error);
            }
            self.refreshed = true;
            wire.tokens.forget(resource, &token).await;
            return Ok(());
        }
        if self.made >= TRIES_MAX {
            return Err(error);
        }
        match &error.class {
            Class::Throttled { retry_after } => {
                let (Some(_), true) =
                    (error.status, *retry_after <= wire.limits.settings().wait_max)
                else {
                    return Err(error);
                };
                if error.retry_after.unwrap_or_default().is_zero() {
                    wire.clock.sleep(self.back_off(wire)).await;
                }
                // With a Retry-After the lane is fenced, and the next try waits there.
                Ok(())
            }
            Class::Transient => {
                wire.clock.sleep(self.back_off(wire)).await;
                Ok(())
            }
            _ => Err(error),
        }
    }

    fn back_off(&self, wire: &Wire) -> Duration {
        let full = BACK_OFF * 2_u32.pow(self.made.min(8));
        let half = full / 2;
        let spread = u64::try_from(half.as_millis()).unwrap_or(0);
        half + Duration::from_millis(wire.random.below(spread))
    }
}

/// Tells the budgets of a call that the service refused it, and for how long.
pub(crate) fn refused(wire: &Wire, call: &Call, retry_after: Duration) {
    let now = wire.clock.now();
    // A refusal takes nothing of what was paid for uploads.
    let ask = Ask { upload_bytes: 0, ..wire.ask(call) };
    wire.limits.refused(&ask, now + signed(retry_after), now);
}
