//! The identity platform: `AADSTS…` numbers.

use http::StatusCode;
use serde::Deserialize;

use super::{Fault, by_status, throttled};
use crate::error::Class;

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
    #[serde(default)]
    error_codes: Vec<u64>,
}

/// A number, its class, and words for a person.
type Row = (u64, fn() -> Class, &'static str);

/// What each number means and what to do about it. Decided by `error_codes`, never by text.
const CODES: &[Row] = &[
    (7_000_215, unauthorized, "the client secret is wrong; use the secret's value, not its id"),
    (7_000_222, unauthorized, "the client secret has expired; create a new one and store it"),
    (7_000_218, unauthorized, "the credential is missing from the request"),
    (90_002, unauthorized, "there is no such tenant; check the tenant id"),
    (900_023, unauthorized, "there is no such tenant; check the tenant id"),
    (900_021, unauthorized, "the tenant id is not valid; check the tenant id"),
    (
        700_016,
        consent,
        "the application is not known in this tenant; check the client id, or let an administrator of the tenant give admin consent",
    ),
    (7_000_112, unauthorized, "the application is disabled in this tenant"),
    (
        65_001,
        consent,
        "nobody has consented to the application in this tenant; an administrator must give admin consent",
    ),
    (
        500_011,
        consent,
        "the service has no principal in this tenant; check its licences and give admin consent",
    ),
    (650_052, consent, "the tenant has no subscription for the service"),
    (70_011, invalid, "the scope is not valid for this cloud"),
    // The certificate is not registered on the application, or the key is not its key.
    (
        700_027,
        unauthorized,
        "the certificate is not registered on the application; upload its public part",
    ),
    (700_030, unauthorized, "the certificate is not valid; check its dates and its issuer"),
    (1_000_502, unauthorized, "the certificate has expired; register a new one"),
    // Our clock and the service's differ by more than the assertion's ten minutes.
    (700_024, unauthorized, "the assertion is outside its time; check this machine's clock"),
    (700_211, unauthorized, "no federated credential of the application names this issuer"),
    (700_212, unauthorized, "no federated credential of the application names this audience"),
    (700_213, unauthorized, "no federated credential of the application names this subject"),
    // A federated credential is not known everywhere for some minutes after it was added.
    (70_021, transient, "no federated credential matches yet; a new one takes minutes to be known"),
    (53_003, forbidden, "a conditional access policy of the tenant blocks the application"),
    (53_000, forbidden, "a conditional access policy of the tenant blocks the application"),
    (50_196, throttle, "the application signs in too often"),
    (90_055, throttle, "the tenant's sign-ins are throttled"),
    (90_033, transient, "the identity platform is out of order for a moment"),
    (90_024, transient, "the identity platform is out of order for a moment"),
];

fn unauthorized() -> Class {
    Class::Unauthorized
}
fn consent() -> Class {
    Class::MissingConsent { role: "admin consent for the application".into() }
}
fn invalid() -> Class {
    Class::Invalid
}
fn forbidden() -> Class {
    Class::Forbidden
}
fn transient() -> Class {
    Class::Transient
}
fn throttle() -> Class {
    throttled()
}

/// Reads an error of the token endpoint.
pub(crate) fn login(status: StatusCode, body: &[u8]) -> Fault {
    let Ok(body) = serde_json::from_slice::<Body>(body) else {
        return Fault::new(
            by_status(status),
            "reply",
            "the reply is no error of the identity platform",
        );
    };
    let known =
        body.error_codes.iter().find_map(|code| CODES.iter().find(|(listed, ..)| listed == code));
    let code = match body.error_codes.first() {
        Some(code) => format!("AADSTS{code}"),
        None => body.error.clone(),
    };
    if let Some((_, class, advice)) = known {
        return Fault::new(class(), code, *advice);
    }
    // The first line of the description; trace ids and time follow.
    let line = body.error_description.lines().next().unwrap_or_default();
    let class = match body.error.as_str() {
        "temporarily_unavailable" => Class::Transient,
        "invalid_client" | "unauthorized_client" => Class::Unauthorized,
        _ if status.as_u16() == 400 => Class::Unauthorized,
        _ => by_status(status),
    };
    Fault::new(class, code, if line.is_empty() { body.error.as_str() } else { line })
}
