//! The judge against the real description: what Graph takes and what it does not.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use ports::{HttpRequest, HttpResponse, Transport, TransportError};
use serde_json::{Value, json};
use url::Url;

use judge::{Judge, JudgedTransport, Side};

const GRAPH: &str = "https://graph.microsoft.com";

/// The judge; `None`, after a warning, where a missing description is allowed.
fn judge() -> Option<Arc<Judge>> {
    Judge::load().unwrap_or_else(|reason| panic!("{reason}"))
}

fn bearer() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer token"));
    headers
}

fn address(path: &str) -> Url {
    Url::parse(&format!("{GRAPH}{path}")).unwrap()
}

/// What the judge says of a request with a JSON body (`Null`: none).
fn request(judge: &Judge, method: &Method, path: &str, body: &Value) -> Vec<String> {
    let mut headers = bearer();
    let mut bytes = Vec::new();
    if !body.is_null() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        bytes = body.to_string().into_bytes();
    }
    let findings = judge.check_request(method, &address(path), &headers, &bytes);
    findings.iter().map(ToString::to_string).collect()
}

fn reply(judge: &Judge, method: &Method, path: &str, status: u16, body: &Value) -> Vec<String> {
    let bytes = if body.is_null() { String::new() } else { body.to_string() };
    let status = StatusCode::from_u16(status).unwrap();
    let findings = judge.check_reply(method, &address(path), status, bytes.as_bytes());
    findings.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn one(findings: &[String], words: &str) {
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].contains(words), "{findings:?} does not say `{words}`");
}

const ITEMS: &str = "/v1.0/admin/exchange/mailboxes/MBX:a@b/folders/inbox/items";

#[test]
fn what_graph_takes_passes() {
    let Some(judge) = judge() else { return };
    let clean = |method: Method, path: &str, body| {
        assert_eq!(request(&judge, &method, path, &body), [""; 0], "{path}");
    };
    clean(Method::GET, "/v1.0/users?$select=id,mail&$top=999", Value::Null);
    clean(Method::GET, "/v1.0/users/ada@contoso.com", Value::Null);
    clean(Method::PATCH, "/v1.0/users/1", json!({ "city": "Bonn", "mobilePhone": null }));
    clean(
        Method::GET,
        &format!("{ITEMS}?$expand=singleValueExtendedProperties($filter=id eq 'String 0x37')"),
        Value::Null,
    );
    clean(Method::GET, &format!("{ITEMS}/delta?$deltatoken=opaque"), Value::Null);
    clean(Method::DELETE, &format!("{ITEMS}/1?disposalType=softDelete"), Value::Null);
    clean(
        Method::PATCH,
        "/v1.0/drives/d/items/i",
        json!({ "name": "b", "parentReference": { "id": "p" } }),
    );
    clean(
        Method::GET,
        "/beta/admin/exchange/mailboxes/MBX:a@b/folders?includeHiddenFolders=true&$top=100",
        Value::Null,
    );
}

#[test]
fn an_unknown_path_or_method_is_found() {
    let Some(judge) = judge() else { return };
    one(&request(&judge, &Method::GET, "/v1.0/usres", &Value::Null), "no such path");
    one(&request(&judge, &Method::DELETE, "/v1.0/users", &Value::Null), "has no DELETE");
}

#[test]
fn a_misspelt_or_missing_query_option_is_found() {
    let Some(judge) = judge() else { return };
    let of = |method: Method, path: &str| request(&judge, &method, path, &Value::Null);
    one(&of(Method::GET, "/v1.0/users?$selct=id"), "`$selct`");
    one(&of(Method::DELETE, &format!("{ITEMS}/1")), "`disposalType` is missing");
    one(&of(Method::DELETE, &format!("{ITEMS}/1?disposalType=shred")), "cannot be `shred`");
}

#[test]
fn a_body_with_an_unknown_read_only_or_missing_property_is_found() {
    let Some(judge) = judge() else { return };
    let patch = |body| request(&judge, &Method::PATCH, "/v1.0/users/1", &body);
    one(&patch(json!({ "ctiy": "Bonn" })), "ctiy");
    one(&patch(json!({ "proxyAddresses": ["smtp:a@b.c"] })), "at /proxyAddresses: is read-only");
    let export = "/v1.0/admin/exchange/mailboxes/MBX:a@b/exportItems";
    let ids: Vec<_> = (0..21).map(|n| n.to_string()).collect();
    one(&request(&judge, &Method::POST, export, &json!({ "itemIds": ids })), "at /itemIds");
    one(&request(&judge, &Method::POST, export, &json!({})), "itemIds");
    one(&request(&judge, &Method::POST, export, &Value::Null), "needs one");
}

#[test]
fn a_request_without_a_token_is_found() {
    let Some(judge) = judge() else { return };
    let url = address("/v1.0/organization");
    let findings = judge.check_request(&Method::GET, &url, &HeaderMap::new(), &[]);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].side, Side::Request);
    assert!(findings[0].message.contains("Authorization"));
}

#[test]
fn the_token_request_is_judged_as_a_form() {
    let Some(judge) = judge() else { return };
    let url = Url::parse("https://login.microsoftonline.com/t/oauth2/v2.0/token").unwrap();
    let mut headers = HeaderMap::new();
    let form = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(header::CONTENT_TYPE, form);
    let of = |body: &str| judge.check_request(&Method::POST, &url, &headers, body.as_bytes());
    let scope = "scope=https%3A%2F%2Fgraph.microsoft.com%2F.default";
    let whole = format!("client_id=c&{scope}&grant_type=client_credentials&client_secret=s");
    assert_eq!(of(&whole), []);
    assert_eq!(of(&whole.replace("client_credentials", "password")).len(), 1);
}

#[test]
fn a_reply_is_judged_by_its_status() {
    let Some(judge) = judge() else { return };
    let user = json!({ "id": "1", "displayName": "Ada" });
    assert_eq!(reply(&judge, &Method::GET, "/v1.0/users/1", 200, &user), [""; 0]);
    one(&reply(&judge, &Method::GET, "/v1.0/users/1", 200, &json!({ "name": "Ada" })), "name");
    one(&reply(&judge, &Method::GET, "/v1.0/users/1", 201, &user), "never answers 201");
    one(&reply(&judge, &Method::PATCH, "/v1.0/users/1", 204, &user), "answers without");
    one(&reply(&judge, &Method::GET, "/v1.0/users/1", 200, &Value::Null), "empty");
    let error = json!({ "error": { "code": "Request_ResourceNotFound", "message": "gone" } });
    assert_eq!(reply(&judge, &Method::GET, "/v1.0/users/1", 404, &error), [""; 0]);
    assert_eq!(reply(&judge, &Method::GET, "/v1.0/users/1", 503, &Value::Null), [""; 0]);
    one(&reply(&judge, &Method::GET, "/v1.0/users/1", 404, &json!({ "code": "x" })), "error");
}

#[test]
fn a_page_of_a_delta_has_exactly_one_link() {
    let Some(judge) = judge() else { return };
    let path = format!("{ITEMS}/delta");
    let page = json!({ "value": [], "@odata.deltaLink": format!("{GRAPH}{path}?$deltatoken=x") });
    assert_eq!(reply(&judge, &Method::GET, &path, 200, &page), [""; 0]);
    one(&reply(&judge, &Method::GET, &path, 200, &json!({ "value": [] })), "exactly one");
}

#[test]
fn requests_and_replies_inside_a_batch_are_judged() {
    let Some(judge) = judge() else { return };
    let batch = address("/v1.0/$batch");
    let of = |requests: Value| {
        request(&judge, &Method::POST, "/v1.0/$batch", &json!({ "requests": requests }))
    };
    let good = json!([{ "id": "1", "method": "GET", "url": "/users/1" }]);
    assert_eq!(of(good.clone()), [""; 0]);
    one(&of(json!([{ "id": "1", "method": "GET", "url": "/usres/1" }])), "batch item `1`");

    let asked = json!({ "requests": good }).to_string();
    let answers = |responses: Value| {
        let body = json!({ "responses": responses }).to_string();
        judge.check_batch_replies(&batch, asked.as_bytes(), body.as_bytes())
    };
    assert_eq!(answers(json!([{ "id": "1", "status": 200, "body": { "id": "1" } }])), []);
    assert_eq!(answers(json!([{ "id": "1", "status": 200, "body": { "nope": 1 } }])).len(), 1);
    assert_eq!(answers(json!([])).len(), 1);
}

#[test]
fn other_hosts_pass() {
    let Some(judge) = judge() else { return };
    let url = Url::parse("https://outlook.office365.com/adminapi/beta/x/InvokeCommand").unwrap();
    assert_eq!(judge.check_request(&Method::POST, &url, &HeaderMap::new(), b"?"), []);
    assert_eq!(judge.check_reply(&Method::POST, &url, StatusCode::OK, b"?"), []);
}

/// Answers everything with one reply.
struct Always(StatusCode, Value);

#[async_trait]
impl Transport for Always {
    async fn send(&self, _request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(HttpResponse::of(self.0, headers, self.1.to_string()))
    }
}

async fn send(
    transport: &impl Transport,
    method: Method,
    url: &Url,
    headers: HeaderMap,
    body: &'static [u8],
) -> Bytes {
    let url = url.clone();
    let timeout = Duration::from_secs(1);
    let body = Bytes::from_static(body);
    let request = HttpRequest { method, url, headers, body, tail: None, timeout };
    transport.send(request).await.unwrap().read(1_000_000).await.unwrap()
}

#[tokio::test]
async fn the_judged_transport_passes_everything_on_and_keeps_what_is_wrong() {
    let Some(judge) = judge() else { return };
    let answer = json!({ "id": "1", "tpyo": true });
    let inner = Arc::new(Always(StatusCode::OK, answer.clone()));
    let transport = JudgedTransport::new(inner, judge);
    let url = address("/v1.0/users/1");
    for _ in 0..2 {
        let body = send(&transport, Method::GET, &url, bearer(), b"").await;
        assert_eq!(body, answer.to_string());
    }
    let findings = transport.findings();
    assert_eq!(findings.len(), 1, "the same twice is one finding: {findings:?}");
    assert!(findings[0].to_string().contains("tpyo"));
}

#[tokio::test]
async fn an_address_that_was_handed_out_must_not_see_the_token() {
    let Some(judge) = judge() else { return };
    let import = "https://outlook.office365.com/api/gv1.0/Mailboxes('MBX')/importItem?authtoken=s";
    let session = json!({ "importUrl": import, "expirationDateTime": "2026-11-22T10:00:00Z" });
    let inner = Arc::new(Always(StatusCode::OK, session));
    let transport = JudgedTransport::new(inner, judge);
    let url = address("/v1.0/admin/exchange/mailboxes/MBX:a@b/createImportSession");
    send(&transport, Method::POST, &url, bearer(), b"").await;
    transport.assert_clean();

    let mut json = HeaderMap::new();
    json.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let import = Url::parse(import).unwrap();
    // The reply is no import's: a finding of its own.
    let body = br#"{"FolderId":"f","Mode":"create","Data":"AAAA"}"#;
    send(&transport, Method::POST, &import, json.clone(), body).await;
    let replies = transport.findings();
    assert!(!replies.is_empty() && replies.iter().all(|f| f.side == Side::Reply), "{replies:?}");

    let body = br#"{"FolderId":"f","Mode":"create","Data":"AAAA","ItemId":"i"}"#;
    send(&transport, Method::POST, &import, bearer(), body).await;
    let requests = transport.findings().into_iter().filter(|f| f.side == Side::Request);
    let text = requests.map(|finding| finding.to_string()).collect::<Vec<_>>().join("\n");
    assert!(text.contains("Authorization") && text.contains("ItemId"), "{text}");
}
