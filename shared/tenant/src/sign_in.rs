//! Signing in: the client credentials grant of the Microsoft identity platform.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use serde::Deserialize;
use url::{Url, form_urlencoded::Serializer};

use crate::{
    AssertionError, Certificate, Credential, KeptCredential, Lane, Resource, SecretText,
    TenantError,
    client::uuid_of,
    endpoints::join,
    error::Class,
    token::Token,
    wire::{Call, Effect, Operation, Vendor, Wire},
};

const SIGN_IN: Operation = Operation::new("sign in", &[]);
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// A token response has a few kilobytes.
const RESPONSE_LIMIT: usize = 256 * 1024;

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

/// The form of the request. A function of its own, since the serializer must not live across an
/// await.
fn form_of(client: &str, scope: &str, proof: &Proof) -> String {
    let mut form = Serializer::new(String::new());
    form.append_pair("client_id", client);
    form.append_pair("scope", scope);
    form.append_pair("grant_type", "client_credentials");
    match proof {
        Proof::Secret(secret) => {
            form.append_pair("client_secret", secret.expose());
        }
        Proof::Assertion(assertion) => {
            form.append_pair("client_assertion_type", ASSERTION_TYPE);
            form.append_pair("client_assertion", assertion.expose());
        }
    }
    form.finish()
}

/// Asks for a new token.
pub(crate) async fn sign_in(wire: &Wire, resource: &Resource) -> Result<Token, TenantError> {
    let config = &wire.config;
    let segments = [config.tenant.as_str(), "oauth2", "v2.0", "token"];
    let url = join(&config.endpoints.login, segments)
        .ok_or_else(|| TenantError::refused(SIGN_IN.name, "the login endpoint has no path"))?;
    let scope = config.endpoints.scope(resource).ok_or_else(|| {
        TenantError::refused(SIGN_IN.name, "no SharePoint administration host is configured")
    })?;
    let proof = proof(wire, url.as_str()).await?;
    match ask(wire, url.clone(), &scope, &proof).await {
        Err(error) if error.class == Class::Unauthorized => {
            // A credential that is kept outside may have been rotated since it was read.
            let Some(proof) = renewed_proof(wire, url.as_str()).await? else { return Err(error) };
            ask(wire, url, &scope, &proof).await
        }
        outcome => outcome,
    }
}

/// Asks for a token with one proof.
async fn ask(wire: &Wire, url: Url, scope: &str, proof: &Proof) -> Result<Token, TenantError> {
    let form = form_of(&wire.config.client.to_string(), scope, proof);
    let mut headers = HeaderMap::new();
    let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(header::CONTENT_TYPE, form_type);
    let call = Call {
        operation: SIGN_IN,
        method: Method::POST,
        url,
        headers,
        body: Bytes::from(form),
        tail: None,
        // Asking for a token changes nothing: a lost reply is asked for again.
        effect: Effect::Read,
        lane: Lane::Login,
        weight: 1,
        bearer: None,
        vendor: Vendor::Login,
        limit: RESPONSE_LIMIT,
        timeout: Duration::from_secs(30),
    };
    let reply = wire.whole(&call).await.map_err(|error| proof.redact(error))?;
    let response: TokenResponse =
        serde_json::from_slice(&reply.body).map_err(|_may_quote_the_token| TenantError {
            class: Class::Unexpected,
            code: "reply".into(),
            status: Some(reply.status.as_u16()),
            ..TenantError::refused(SIGN_IN.name, "the reply holds no access_token")
        })?;
    let lifetime = Duration::from_secs(response.expires_in.unwrap_or(3_599));
    Ok(Token::new(SecretText::from(response.access_token), lifetime, wire.clock.now()))
}

enum Proof {
    Secret(SecretText),
    Assertion(SecretText),
}

impl Proof {
    /// Takes the secret out of what the identity platform, or something in between, quoted.
    fn redact(&self, mut error: TenantError) -> TenantError {
        let (Self::Secret(secret) | Self::Assertion(secret)) = self;
        error.message = secret.redact(&error.message).into();
        error
    }
}

async fn proof(wire: &Wire, token_url: &str) -> Result<Proof, TenantError> {
    match &wire.config.credential {
        Credential::Secret(secret) => Ok(Proof::Secret(secret.clone())),
        Credential::Certificate(certificate) => signed(wire, token_url, certificate),
        Credential::Federated(source) => {
            source.assertion().await.map(Proof::Assertion).map_err(|error| no_proof(&error))
        }
        Credential::Kept(source) => {
            let kept = source.credential().await.map_err(|error| no_proof(&error))?;
            kept_proof(wire, token_url, &kept)
        }
    }
}

/// Another proof than the one that was refused, if there is one.
async fn renewed_proof(wire: &Wire, token_url: &str) -> Result<Option<Proof>, TenantError> {
    let Credential::Kept(source) = &wire.config.credential else { return Ok(None) };
    let renewed = source.renewed().await.map_err(|error| no_proof(&error))?;
    renewed.map(|kept| kept_proof(wire, token_url, &kept)).transpose()
}

fn kept_proof(wire: &Wire, token_url: &str, kept: &KeptCredential) -> Result<Proof, TenantError> {
    match kept {
        KeptCredential::Secret(secret) => Ok(Proof::Secret(secret.clone())),
        KeptCredential::Certificate(certificate) => signed(wire, token_url, certificate),
    }
}

fn signed(wire: &Wire, token_url: &str, certificate: &Certificate) -> Result<Proof, TenantError> {
    let (now, id) = (wire.clock.now(), uuid_of(&*wire.random));
    let assertion = certificate.assertion(wire.config.client, token_url, now, id);
    assertion.map(Proof::Assertion).map_err(|error| no_proof(&error))
}

fn no_proof(error: &AssertionError) -> TenantError {
    TenantError {
        class: match error {
            AssertionError::Source(_) => Class::Transient,
            AssertionError::Key | AssertionError::Certificate | AssertionError::Refused(_) => {
                Class::Unauthorized
            }
        },
        code: "credential".into(),
        ..TenantError::refused(SIGN_IN.name, error.to_string())
    }
}
