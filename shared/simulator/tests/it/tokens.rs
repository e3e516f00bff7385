//! The token endpoint and what an access token is good for.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use serde_json::{Value, json};

use crate::bench::{Answer, Bench, OK, request, token_form};

const GRAPH: &str = "https://graph.microsoft.com";

fn ask(bench: &Bench, tenant: &str, form: &str) -> Answer {
    let url = format!("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token");
    bench.send(&request(Method::POST, &url, &[], form.to_owned()))
}

fn claims(token: &str) -> Value {
    let body = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).expect("base64url")).expect("JSON")
}

#[test]
fn a_good_secret_gives_a_token_with_tenant_and_roles() {
    let bench = Bench::calm();
    let answer = ask(&bench, "contoso.onmicrosoft.com", &token_form(&bench.source, GRAPH));
    assert_eq!(answer.status, OK);
    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(answer.body["expires_in"], 3_599);
    let claims = claims(answer.body["access_token"].as_str().expect("a token"));
    assert_eq!(claims["tid"], bench.source.tenant_id.to_string());
    assert_eq!(claims["aud"], GRAPH);
    assert!(claims["roles"].as_array().expect("roles").contains(&json!("User.ReadWrite.All")));
}

#[test]
fn a_wrong_secret_an_unknown_tenant_and_an_unknown_app_have_their_codes() {
    let bench = Bench::calm();
    let tenant = bench.source.tenant_id.to_string();
    let good = token_form(&bench.source, GRAPH);
    for (tenant, form, status, error, code) in [
        (
            tenant.as_str(),
            good.replace("client_secret=", "client_secret=x"),
            401,
            "invalid_client",
            7_000_215,
        ),
        ("nowhere.example", good.clone(), 400, "invalid_request", 90_002),
        (
            tenant.as_str(),
            good.replace(&bench.source.client_id.to_string(), &bench.target.client_id.to_string()),
            400,
            "unauthorized_client",
            700_016,
        ),
        (tenant.as_str(), good.replace("%2F.default", ""), 400, "invalid_scope", 1_002_012),
        (
            tenant.as_str(),
            good.replace("client_credentials", "password"),
            400,
            "unsupported_grant_type",
            70_003,
        ),
        (tenant.as_str(), good.replace("grant_type", "grant"), 400, "invalid_request", 900_144),
    ] {
        let answer = ask(&bench, tenant, &form);
        assert_eq!((answer.status, &answer.body["error"]), (status, &json!(error)));
        assert_eq!(answer.body["error_codes"], json!([code]));
        let text = answer.body["error_description"].as_str().expect("a description");
        assert!(text.starts_with(&format!("AADSTS{code}:")), "{text}");
    }
}

#[test]
fn an_expired_secret_is_told_from_a_wrong_one() {
    let bench = Bench::calm();
    let (tenant, client) = (bench.source.tenant_id, bench.source.client_id);
    let good = token_form(&bench.source, GRAPH);
    let old = good.replace("client_secret=", "client_secret=old-");
    bench
        .simulator
        .add_expired_secret((tenant, client), &format!("old-{}", bench.source.client_secret));
    let answer = ask(&bench, &tenant.to_string(), &old);
    assert_eq!((answer.status, &answer.body["error"]), (401, &json!("invalid_client")));
    assert_eq!(answer.body["error_codes"], json!([7_000_222]));
    assert_eq!(ask(&bench, &tenant.to_string(), &good).status, OK, "the other one is still good");
}

#[test]
fn a_missing_consent_gives_a_token_without_the_role_and_a_403_in_the_backends_words() {
    let bench = Bench::calm();
    bench.simulator.withdraw_consent(bench.source.tenant_id, bench.source.client_id, "Mail.Send");
    let token = bench.token(&bench.source, GRAPH);
    assert!(!claims(&token)["roles"].as_array().expect("roles").contains(&json!("Mail.Send")));
    let path = "/v1.0/users/notifications@contoso.example/sendMail";
    let denied = bench.graph(&bench.source, Method::POST, path, Some(json!({ "message": {} })));
    assert_eq!((denied.status, denied.code()), (403, "ErrorAccessDenied"));
    for role in ["User.Read.All", "User.ReadWrite.All", "Directory.Read.All"] {
        bench.simulator.withdraw_consent(bench.source.tenant_id, bench.source.client_id, role);
    }
    let denied = bench.get(&bench.source, "/v1.0/users");
    assert_eq!((denied.status, denied.code()), (403, "Authorization_RequestDenied"));
}

#[test]
fn a_token_ends_with_its_time_and_fits_its_resource_only() {
    let bench = Bench::calm();
    let token = bench.token(&bench.source, GRAPH);
    let with = |token: &str, url: &str| {
        bench.send(&request(Method::GET, url, &[("authorization", format!("Bearer {token}"))], ""))
    };
    let users = "https://graph.microsoft.com/v1.0/organization";
    assert_eq!(with(&token, users).status, OK);
    let other = bench.token(&bench.source, "https://outlook.office365.com");
    assert_eq!(with(&other, users).code(), "InvalidAuthenticationToken");
    assert_eq!(with(&format!("{token}x"), users).status, 401, "a changed seal");
    bench.pass(3_600);
    let late = with(&token, users);
    assert_eq!((late.status, late.code()), (401, "InvalidAuthenticationToken"));
}

fn assertion(head: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(head), part(claims), URL_SAFE_NO_PAD.encode("signature"))
}

/// Entra takes the token of an outside issuer only if issuer, subject and audience are registered.
#[test]
fn an_outside_identity_is_taken_only_as_it_is_registered() {
    let bench = Bench::calm();
    let who = &bench.source;
    let (issuer, subject) = ("https://x.tokens.sts.global.api.aws", "arn:aws:iam::1:role/r");
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048);
    let key = key.unwrap();
    let signer = jsonwebtoken::EncodingKey::from_rsa_pem(key.serialize_pem().as_bytes()).unwrap();
    let ask_with = |claims: &Value, signer: &jsonwebtoken::EncodingKey| {
        let head = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256);
        let token = jsonwebtoken::encode(&head, claims, signer).unwrap();
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &who.client_id.to_string())
            .append_pair("grant_type", "client_credentials")
            .append_pair("scope", "https://graph.microsoft.com/.default")
            .append_pair("client_assertion_type", kind)
            .append_pair("client_assertion", &token)
            .finish();
        ask(&bench, &who.tenant_id.to_string(), &form)
    };
    let now = bench.simulator.now().as_second();
    let good = json!({
        "iss": issuer, "sub": subject, "aud": "api://AzureADTokenExchange", "exp": now + 300,
    });
    assert_eq!(ask_with(&good, &signer).status, 400, "nobody is trusted yet");
    let app = (who.tenant_id, who.client_id);
    bench.simulator.trust_outsider(app, (issuer, subject), &key.public_key_pem());
    assert_eq!(ask_with(&good, &signer).status, OK);
    for (name, value) in [
        ("iss", json!("https://y.tokens.sts.global.api.aws")),
        ("sub", json!("arn:aws:iam::1:role/R")),
        ("aud", json!("api://else")),
        ("exp", json!(now)),
    ] {
        let mut claims = good.clone();
        claims[name] = value;
        assert_eq!(ask_with(&claims, &signer).status, 400, "{name}");
    }
    let other = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048);
    let other = other.unwrap().serialize_pem();
    let other = jsonwebtoken::EncodingKey::from_rsa_pem(other.as_bytes()).unwrap();
    assert_eq!(ask_with(&good, &other).status, 400, "signed by somebody else");
}

#[test]
fn a_client_assertion_is_checked_claim_by_claim() {
    let bench = Bench::calm();
    let who = &bench.source;
    bench.simulator.register_certificate(who.tenant_id, who.client_id, "thumb", None);
    let now = bench.simulator.now().as_second();
    let head = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": "thumb" });
    let good = json!({
        "aud": format!("https://login.microsoftonline.com/{}/oauth2/v2.0/token", who.tenant_id),
        "iss": who.client_id.to_string(), "sub": who.client_id.to_string(),
        "jti": "1", "nbf": now, "iat": now, "exp": now + 300,
    });
    let ask_with = |head: &Value, claims: &Value| {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &who.client_id.to_string())
            .append_pair("grant_type", "client_credentials")
            .append_pair("scope", "https://graph.microsoft.com/.default")
            .append_pair(
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            )
            .append_pair("client_assertion", &assertion(head, claims))
            .finish();
        ask(&bench, &who.tenant_id.to_string(), &form)
    };
    assert_eq!(ask_with(&head, &good).status, OK);
    for (name, value) in [
        ("aud", json!("https://elsewhere")),
        ("iss", json!("x")),
        ("sub", json!("x")),
        ("exp", json!(now)),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        let answer = ask_with(&head, &bad);
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (401, &json!("invalid_client")),
            "{name}"
        );
    }
    let other = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": "other" });
    assert_eq!(ask_with(&other, &good).status, 401);
}
