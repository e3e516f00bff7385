//! The token endpoint (client credentials) and the check of access tokens.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderName, Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    call::{Call, Caller},
    directory::{App, Tenant},
    graph::GraphError,
    reply::Reply,
    world::World,
};

/// The audience of Graph.
pub(crate) const GRAPH: &str = "https://graph.microsoft.com";
/// The audience of Exchange.
pub(crate) const EXCHANGE: &str = "https://outlook.office365.com";

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An AADSTS error.
struct Refusal {
    status: StatusCode,
    error: &'static str,
    code: u32,
    text: String,
}

fn refusal(status: StatusCode, error: &'static str, code: u32, text: impl Into<String>) -> Refusal {
    Refusal { status, error, code, text: text.into() }
}

fn bad(error: &'static str, code: u32, text: impl Into<String>) -> Refusal {
    refusal(StatusCode::BAD_REQUEST, error, code, text)
}

/// `POST /{tenant}/oauth2/v2.0/token`.
pub(crate) fn issue(world: &mut World, call: &Call) -> Reply {
    match token(world, call) {
        Ok(body) => Reply::ok(&body).with(HeaderName::from_static("cache-control"), "no-store"),
        Err(Refusal { status, error, code, text }) => {
            let (trace, correlation) = (world.random.guid(), world.random.guid());
            let time = call.now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
            let description = format!(
                "AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {time}"
            );
            let body = json!({
                "error": error,
                "error_description": description,
                "error_codes": [code],
                "timestamp": time,
                "trace_id": trace.to_string(),
                "correlation_id": correlation.to_string(),
            });
            Reply::json(status, &body)
        }
    }
}

fn token(world: &World, call: &Call) -> Result<Value, Refusal> {
    let parts = call.parts();
    let ([name, "oauth2", "v2.0", "token"], &Method::POST) = (parts.as_slice(), &call.method)
    else {
        return Err(bad(
            "invalid_request",
            900_144,
            "The endpoint only accepts POST requests to /{tenant}/oauth2/v2.0/token.",
        ));
    };
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&call.body)
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    let field = |name: &str| {
        form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).ok_or_else(|| {
            let text = format!("The request body must contain the following parameter: '{name}'.");
            bad("invalid_request", 900_144, text)
        })
    };
    let tenant = find_tenant(world, name).ok_or_else(|| {
        bad("invalid_request", 90_002, format!("Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."))
    })?;
    if field("grant_type")? != "client_credentials" {
        return Err(bad(
            "unsupported_grant_type",
            70_003,
            "The app requested an unsupported grant type.",
        ));
    }
    let client = field("client_id")?;
    let app =
        Uuid::parse_str(client).ok().and_then(|id| tenant.apps.get(&id)).ok_or_else(|| {
            bad(
                "unauthorized_client",
                700_016,
                format!(
                    "Application with identifier '{client}' was not found in the directory '{}'.",
                    tenant.name
                ),
            )
        })?;
    let resource = resource_of(field("scope")?)?;
    if let Ok(assertion) = field("client_assertion") {
        if field("client_assertion_type")? != ASSERTION_TYPE {
            return Err(bad(
                "invalid_request",
                50_027,
                "The client assertion type is not supported.",
            ));
        }
        if crate::assertion::is_an_outsiders(assertion) {
            crate::assertion::check_outsider(app, assertion, call)
                .map_err(|(code, text)| bad("invalid_request", code, text))?;
        } else {
            crate::assertion::check(app, tenant, assertion, name, call).map_err(|text| {
                refusal(StatusCode::UNAUTHORIZED, "invalid_client", 700_027, text)
            })?;
        }
    } else {
        let secret = field("client_secret").map_err(|_missing| {
            refusal(StatusCode::UNAUTHORIZED, "invalid_client", 7_000_218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
        })?;
        check_secret(app, client, secret)?;
    }
    let life = world.config.rules.token_seconds;
    let jwt = sign(world, tenant, app, &resource, call, life);
    Ok(
        json!({ "token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": jwt }),
    )
}

fn check_secret(app: &App, client: &str, secret: &str) -> Result<(), Refusal> {
    let refused = |code, text| Err(refusal(StatusCode::UNAUTHORIZED, "invalid_client", code, text));
    if app.expired_secrets.iter().any(|expired| expired == secret) {
        return refused(
            7_000_222,
            format!(
                "The provided client secret keys for app '{client}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds."
            ),
        );
    }
    if app.secret.as_deref() != Some(secret) {
        return refused(
            7_000_215,
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client}'."
            ),
        );
    }
    Ok(())
}

/// A tenant by its GUID or one of its domains.
pub(crate) fn find_tenant<'a>(world: &'a World, name: &str) -> Option<&'a Tenant> {
    match Uuid::parse_str(name) {
        Ok(id) => world.tenants.get(&id),
        Err(_) => world.tenants.values().find(|tenant| tenant.accepts(name)),
    }
}

fn resource_of(scope: &str) -> Result<String, Refusal> {
    let mut scopes = scope.split_ascii_whitespace();
    let (Some(only), None) = (scopes.next(), scopes.next()) else {
        return Err(bad(
            "invalid_scope",
            70_011,
            "The provided value for the input parameter 'scope' is not valid. Exactly one resource may be asked for.",
        ));
    };
    let resource = only.strip_suffix("/.default").ok_or_else(|| {
        bad("invalid_scope", 1_002_012, format!("The provided value for scope {only} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier."))
    })?;
    let known = resource == GRAPH || resource == EXCHANGE || resource.ends_with(".sharepoint.com");
    if known {
        Ok(resource.to_owned())
    } else {
        Err(bad(
            "invalid_resource",
            500_011,
            format!("The resource principal named {resource} was not found in the tenant."),
        ))
    }
}

fn sign(
    world: &World,
    tenant: &Tenant,
    app: &App,
    resource: &str,
    call: &Call,
    life: u32,
) -> String {
    let seconds = call.now.as_second();
    let mut claims = json!({
        "aud": resource,
        "iss": format!("https://sts.windows.net/{}/", tenant.id),
        "iat": seconds,
        "nbf": seconds,
        "exp": seconds.saturating_add(i64::from(life)),
        "appid": app.client_id.to_string(),
        "app_displayname": app.name,
        "idtyp": "app",
        "tid": tenant.id.to_string(),
        "ver": "1.0",
        "wids": app.directory_roles,
    });
    // An app without consent gets a token without the claim; the resource refuses it later.
    if let (Some(roles), Some(map)) =
        (app.roles.get(resource).filter(|roles| !roles.is_empty()), claims.as_object_mut())
    {
        map.insert("roles".to_owned(), json!(roles));
    }
    let head = URL_SAFE_NO_PAD.encode(json!({ "typ": "JWT", "alg": "none" }).to_string());
    let body = URL_SAFE_NO_PAD.encode(claims.to_string());
    let seal = seal(world, &head, &body);
    format!("{head}.{body}.{seal}")
}

fn seal(world: &World, head: &str, body: &str) -> String {
    let digest = Sha256::digest(format!("{}.{head}.{body}", world.token_key));
    URL_SAFE_NO_PAD.encode(digest)
}

/// Checks the bearer token of a request for a resource.
pub(crate) fn check(world: &World, call: &Call, resource: &str) -> Result<Caller, GraphError> {
    let refuse =
        |text: &str| GraphError::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", text);
    let token = call
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
        .ok_or_else(|| refuse("Access token is empty."))?;
    let claims = claims(world, token)
        .ok_or_else(|| refuse("Access token validation failure. Invalid signature."))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let list = |name: &str| -> Vec<String> {
        let values = claims.get(name).and_then(Value::as_array);
        values.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    if claims.get("exp").and_then(Value::as_i64).is_none_or(|exp| call.now.as_second() >= exp) {
        return Err(refuse("Lifetime validation failed, the token is expired."));
    }
    if text("aud") != resource {
        return Err(refuse("Access token validation failure. Invalid audience."));
    }
    let (Ok(tenant), Ok(app)) = (Uuid::parse_str(text("tid")), Uuid::parse_str(text("appid")))
    else {
        return Err(refuse("Access token validation failure."));
    };
    Ok(Caller {
        tenant,
        app,
        roles: list("roles"),
        audience: text("aud").to_owned(),
        directory_roles: list("wids"),
    })
}

fn claims(world: &World, token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (head, body, given) = (parts.next()?, parts.next()?, parts.next()?);
    if seal(world, head, body) != given {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()
}
