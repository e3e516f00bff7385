//! Tokens: one per service, renewed before they expire, one request at a time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::{Class, Resource, SecretText, TenantError, limits::signed, sign_in, wire::Wire};

/// A token is renewed when it has this long to live, or a tenth of its life, whichever is less.
const RENEW_BEFORE: Duration = Duration::from_mins(5);

/// What a token says about itself. Read for messages and the pre-flight only; whether it is genuine
/// is for the service to check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Claims {
    /// The tenant's GUID.
    #[serde(default)]
    pub tid: Option<String>,
    /// The application permissions that were consented to.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The template ids of the directory roles of the application.
    #[serde(default)]
    pub wids: Vec<String>,
    /// Whether the token could be read at all.
    #[serde(skip)]
    is_known: bool,
}

impl Claims {
    /// Whether an application permission is in the token.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role)
    }

    /// Whether the token certainly holds none of these permissions.
    pub(crate) fn lacks_all(&self, roles: &[&str]) -> bool {
        self.is_known && !roles.iter().any(|role| self.has_role(role))
    }

    /// The claims of a JWT; none for a token of another form.
    fn of(token: &str) -> Self {
        let read = || -> Option<Self> {
            let payload = token.split('.').nth(1)?;
            let json = BASE64_URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
            let claims: Self = serde_json::from_slice(&json).ok()?;
            Some(Self { is_known: true, ..claims })
        };
        read().unwrap_or_default()
    }
}

/// A token in use.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub secret: SecretText,
    pub claims: Claims,
    renew_at: Timestamp,
    expires_at: Timestamp,
}

impl Token {
    /// A token that came just now and lives so long.
    pub(crate) fn new(secret: SecretText, lifetime: Duration, now: Timestamp) -> Self {
        let claims = Claims::of(secret.expose());
        let margin = RENEW_BEFORE.min(lifetime / 10);
        Self {
            secret,
            claims,
            renew_at: now + signed(lifetime.saturating_sub(margin)),
            expires_at: now + signed(lifetime),
        }
    }
}

/// A refusal of who we are is believed for so long, so that a wave with a wrong secret does not
/// sign in once per user.
const REFUSAL_HOLDS: Duration = Duration::from_secs(15);

/// What is known about one service.
#[derive(Debug, Default)]
struct Held {
    token: Option<Arc<Token>>,
    refused: Option<(TenantError, Timestamp)>,
}

type Slot = Arc<Mutex<Held>>;

/// The tokens of one client.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    slots: Mutex<BTreeMap<Resource, Slot>>,
}

impl Tokens {
    async fn slot(&self, resource: &Resource) -> Slot {
        let mut slots = self.slots.lock().await;
        Arc::clone(slots.entry(resource.clone()).or_default())
    }

    /// Forgets the tokens of all services.
    pub(crate) async fn forget_all(&self) {
        self.slots.lock().await.clear();
    }

    /// Forgets this token, unless another call has replaced it already.
    pub(crate) async fn forget(&self, resource: &Resource, refused: &Arc<Token>) {
        let slot = self.slot(resource).await;
        let mut held = slot.lock().await;
        if held.token.as_ref().is_some_and(|token| Arc::ptr_eq(token, refused)) {
            held.token = None;
        }
    }
}

impl Wire {
    /// The token for a service. Calls that come while one signs in wait for its token.
    pub(crate) async fn token(&self, resource: &Resource) -> Result<Arc<Token>, TenantError> {
        let slot = self.tokens.slot(resource).await;
        let mut held = slot.lock().await;
        let now = self.clock.now();
        if let Some(token) = held.token.as_ref()
            && now < token.renew_at
        {
            return Ok(Arc::clone(token));
        }
        if let Some((error, until)) = &held.refused
            && now < *until
        {
            return Err(error.clone());
        }
        match sign_in::sign_in(self, resource).await {
            Ok(token) => {
                let token = Arc::new(token);
                *held = Held { token: Some(Arc::clone(&token)), refused: None };
                Ok(token)
            }
            // The old token is still good: an identity platform that is down for a minute does
            // not stop the work.
            Err(error) => match &held.token {
                Some(token) if self.clock.now() < token.expires_at => Ok(Arc::clone(token)),
                _ => {
                    if matches!(error.class, Class::Unauthorized | Class::MissingConsent { .. }) {
                        let until = self.clock.now() + signed(REFUSAL_HOLDS);
                        held.refused = Some((error.clone(), until));
                    }
                    Err(error)
                }
            },
        }
    }
}
