//! Client assertions: JWTs that an app signs with its certificate.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use crate::{
    call::Call,
    directory::{App, Tenant},
};

/// Checks an assertion: algorithm, thumbprint, audience, issuer, subject, times, and the
/// signature where the app's public key is known.
pub(crate) fn check(
    app: &App,
    tenant: &Tenant,
    assertion: &str,
    tenant_name: &str,
    call: &Call,
) -> Result<(), String> {
    let (head, claims) = parts(assertion).ok_or("The client assertion is no JWT.")?;
    let text = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    if !["PS256", "RS256"].contains(&text(&head, "alg").as_str()) {
        return Err("The client assertion's algorithm is not supported; use PS256.".to_owned());
    }
    let certificate = app.certificate.as_ref().ok_or("The app has no certificate.")?;
    if text(&head, "x5t#S256") != certificate.thumbprint {
        return Err(
            "The certificate with the given identifier (x5t#S256) is not registered on the application."
                .to_owned(),
        );
    }
    let endpoints = [tenant_name.to_owned(), tenant.id.to_string()];
    let audience = text(&claims, "aud");
    let fits = |name: &String| audience.ends_with(&format!("/{name}/oauth2/v2.0/token"));
    if !endpoints.iter().any(fits) {
        return Err(format!("The assertion's audience '{audience}' is not this token endpoint."));
    }
    let client = app.client_id.to_string();
    if text(&claims, "iss") != client || text(&claims, "sub") != client {
        return Err("The assertion's issuer and subject must both be the client id.".to_owned());
    }
    let now = call.now.as_second();
    let number = |name: &str| claims.get(name).and_then(Value::as_i64);
    if number("exp").is_none_or(|exp| exp <= now) {
        return Err("The assertion is not within its valid time range (exp).".to_owned());
    }
    if number("nbf").is_some_and(|nbf| nbf > now.saturating_add(300)) {
        return Err("The assertion is not within its valid time range (nbf).".to_owned());
    }
    match &certificate.public_key_pem {
        Some(pem) => check_signature(pem, assertion),
        None => Ok(()),
    }
}

/// The one audience of a federated identity credential.
const EXCHANGE: &str = "api://AzureADTokenExchange";

/// Whether an assertion names no certificate: then an outside issuer has signed it.
pub(crate) fn is_an_outsiders(assertion: &str) -> bool {
    parts(assertion).is_some_and(|(head, _)| head.get("x5t#S256").is_none())
}

/// Checks the token of an outside issuer ("workload identity federation"): its issuer, subject and
/// audience are registered, letter by letter; RS256 is the one algorithm. The code of AADSTS comes with
/// the words.
pub(crate) fn check_outsider(app: &App, token: &str, call: &Call) -> Result<(), (u32, String)> {
    let (head, claims) =
        parts(token).ok_or_else(|| (50_027, "The client assertion is no JWT.".to_owned()))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let (issuer, subject, audience) = (text("iss"), text("sub"), text("aud"));
    let trusted = app
        .trusts
        .iter()
        .find(|one| one.issuer == issuer && one.subject == subject && audience == EXCHANGE);
    let trusted = trusted.ok_or_else(|| {
        (
            70_021,
            format!(
                "No matching federated identity record found for presented assertion. Assertion Issuer: '{issuer}'. Assertion Subject: '{subject}'. Assertion Audience: '{audience}'."
            ),
        )
    })?;
    if head.get("alg").and_then(Value::as_str) != Some("RS256") {
        return Err((700_027, "The assertion is not signed with RS256.".to_owned()));
    }
    let exp = claims.get("exp").and_then(Value::as_i64);
    if exp.is_none_or(|exp| exp <= call.now.as_second()) {
        let text = "The assertion is not within its valid time range (exp).";
        return Err((700_024, text.to_owned()));
    }
    check_signature(&trusted.public_key_pem, token).map_err(|text| (700_027, text))
}

fn check_signature(pem: &str, assertion: &str) -> Result<(), String> {
    let key = DecodingKey::from_rsa_pem(pem.as_bytes())
        .map_err(|fault| format!("The registered public key cannot be read: {fault}."))?;
    let mut rules = Validation::new(Algorithm::PS256);
    rules.algorithms = vec![Algorithm::PS256, Algorithm::RS256];
    // The simulator's clock has judged the times; the library would ask the machine's.
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    jsonwebtoken::decode::<Value>(assertion, &key, &rules)
        .map(|_claims| ())
        .map_err(|fault| format!("Client assertion failed signature validation: {fault}."))
}

fn parts(assertion: &str) -> Option<(Value, Value)> {
    let mut parts = assertion.split('.');
    let mut next = || -> Option<Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts.next()?).ok()?).ok()
    };
    Some((next()?, next()?))
}
