//! Judges one request or one reply.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value};
use url::Url;

use super::{
    document::Document,
    finding::{Finding, Side},
    schema::Schemas,
    template::{Template, best},
};

const GRAPH_HOST: &str = "graph.microsoft.com";
const LOGIN_HOST: &str = "login.microsoftonline.com";
const BATCH_PATHS: [&str; 2] = ["/v1.0/$batch", "/beta/$batch"];

/// Query options that a link made by Graph may carry whatever the operation: the client follows
/// links as they are.
const LINK_OPTIONS: [&str; 5] = ["$skiptoken", "$deltatoken", "$skip", "$top", "token"];
/// OData's own options, for operations whose description lists no option at all.
const SYSTEM_OPTIONS: [&str; 7] =
    ["$select", "$expand", "$filter", "$orderby", "$count", "$search", "$format"];
/// Options that work although no description lists them: (part of the path, option).
const UNLISTED_OPTIONS: [(&str, &str); 1] =
    // Import/export lists folders that Outlook hides only when asked (seen in practice).
    [("/admin/exchange/mailboxes/", "includeHiddenFolders")];

/// Knows Graph's operations and objects to what is none of them.
pub struct Judge {
    document: Document,
    templates: Vec<Template>,
    pub(super) schemas: Schemas,
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judge").field("paths", &self.templates.len()).finish_non_exhaustive()
    }
}

/// An operation of the description: where it is and what it says.
struct Operation<'a> {
    pointer: String,
    value: &'a Value,
}

impl Judge {
    /// A judge by this description; the text says what is wrong with it otherwise.
    pub fn new(document: Document) -> Result<Self, String> {
        let paths = document.0.get("paths").and_then(Value::as_object);
        let paths = paths.ok_or("the description has no paths")?;
        let templates = paths.keys().filter_map(|path| Template::parse(path)).collect();
        let schemas = Schemas::new(&document)?;
        Ok(Self { document, templates, schemas })
    }

    /// The judge by the description that [`Document::load_or_warn`] finds; `None` when it is missing
    /// and may be.
    pub fn load() -> Result<Option<Arc<Self>>, String> {
        match Document::load_or_warn() {
            Ok(Some(document)) => Self::new(document).map(|judge| Some(Arc::new(judge))),
            Ok(None) => Ok(None),
            Err(reason) => Err(reason.to_string()),
        }
    }

    /// Objections to a request; none for hosts other than Graph's and the token service's.
    /// The inner requests of a `$batch` are judged as well.
    pub fn check_request(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Vec<Finding> {
        if !judged(url) {
            return Vec::new();
        }
        let subject = format!("{method} {}", url.path());
        let mut findings = Vec::new();
        if url.host_str() == Some(GRAPH_HOST) && !headers.contains_key(header::AUTHORIZATION) {
            findings.push(Finding::request(&subject, "it has no Authorization header"));
        }
        match self.operation(method, url) {
            Ok(operation) => {
                let mut object = |message| findings.push(Finding::request(&subject, message));
                check_query(&operation, url, &mut object);
                self.check_request_body(&operation, headers, body, &mut object);
            }
            Err(message) => findings.push(Finding::request(&subject, message)),
        }
        if BATCH_PATHS.contains(&url.path()) {
            findings.extend(self.check_inner_requests(url, body));
        }
        findings
    }

    /// Objections to a reply; `method` and `url` are the request's.
    pub fn check_reply(
        &self,
        method: &Method,
        url: &Url,
        status: StatusCode,
        body: &[u8],
    ) -> Vec<Finding> {
        if !judged(url) {
            return Vec::new();
        }
        // Whoever asked for something unknown has been told so; any error is a fit answer.
        let Ok(operation) = self.operation(method, url) else { return Vec::new() };
        let subject = format!("{method} {} ({})", url.path(), status.as_u16());
        let messages = self.reply_messages(&operation, status, body);
        messages.into_iter().map(|message| Finding::reply(&subject, message)).collect()
    }

    /// Objections to the replies inside a batch's reply, each held against its own request.
    pub fn check_batch_replies(&self, batch: &Url, request: &[u8], reply: &[u8]) -> Vec<Finding> {
        let mut asked = BTreeMap::new();
        for inner in inner_requests(batch, request) {
            asked.insert(inner.id.clone(), inner);
        }
        let reply: Value = serde_json::from_slice(reply).unwrap_or_default();
        let responses = reply.get("responses").and_then(Value::as_array);
        let mut findings = Vec::new();
        for response in responses.into_iter().flatten() {
            let id = response.get("id").and_then(Value::as_str).unwrap_or_default();
            let Some(inner) = asked.remove(id) else {
                let message = format!("it answers `{id}`, which was not asked or answered before");
                findings.push(Finding::reply("batch", message));
                continue;
            };
            let status = response.get("status").and_then(Value::as_u64).unwrap_or_default();
            let status = u16::try_from(status).ok().and_then(|s| StatusCode::from_u16(s).ok());
            let body = response.get("body").filter(|body| !body.is_null());
            let body = body.map(ToString::to_string).unwrap_or_default();
            if let Some(status) = status {
                findings.extend(self.check_reply(
                    &inner.method,
                    &inner.url,
                    status,
                    body.as_bytes(),
                ));
            }
        }
        for id in asked.keys() {
            findings.push(Finding::reply("batch", format!("`{id}` was asked and has no answer")));
        }
        findings
    }

    fn check_inner_requests(&self, batch: &Url, body: &[u8]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for inner in inner_requests(batch, body) {
            let of = self.check_request(&inner.method, &inner.url, &inner.headers, &inner.body);
            findings.extend(of.into_iter().map(|mut finding| {
                finding.subject = format!("{} (batch item `{}`)", finding.subject, inner.id);
                finding
            }));
        }
        findings
    }

    fn operation(&self, method: &Method, url: &Url) -> Result<Operation<'_>, String> {
        let path = url.path();
        let template = best(&self.templates, path).or_else(|| {
            // Of beta the description has only what v1.0 lacks; the rest is as in v1.0.
            let rest = path.strip_prefix("/beta/")?;
            best(&self.templates, &format!("/v1.0/{rest}"))
        });
        let template = template.ok_or("Graph has no such path, as far as Crosswave uses Graph")?;
        let paths = self.document.0.get("paths").and_then(|paths| paths.get(&template.path));
        let name = method.as_str().to_ascii_lowercase();
        let value = paths.and_then(|path| path.get(&name));
        let value = value.ok_or_else(|| format!("`{}` has no {method}", template.path))?;
        let pointer = format!("/paths/{}/{name}", escape(&template.path));
        Ok(Operation { pointer, value })
    }

    fn check_request_body(
        &self,
        operation: &Operation<'_>,
        headers: &HeaderMap,
        body: &[u8],
        object: &mut impl FnMut(String),
    ) {
        let Some(declared) = operation.value.get("requestBody") else {
            if !matches!(body, b"" | b"{}") {
                object("it has a body, and the operation takes none".to_owned());
            }
            return;
        };
        if body.is_empty() {
            if declared.get("required").and_then(Value::as_bool).unwrap_or(false)
                && !takes_bytes(declared)
            {
                object("it has no body, and the operation needs one".to_owned());
            }
            return;
        }
        let sent = media_type(headers);
        let Some(sent) = sent else {
            object("it has a body and no Content-Type".to_owned());
            return;
        };
        let content = declared.get("content").and_then(Value::as_object);
        let known = content.is_some_and(|content| content.contains_key(&sent));
        let pointer = format!("{}/requestBody/content/{}/schema", operation.pointer, escape(&sent));
        let value = match sent.as_str() {
            "application/json" if known => match serde_json::from_slice(body) {
                Ok(value) => value,
                Err(reason) => return object(format!("its body is no JSON: {reason}")),
            },
            "application/x-www-form-urlencoded" if known => form(body),
            _ if known || takes_bytes(declared) => return,
            _ => return object(format!("the operation takes no {sent}")),
        };
        for error in self.schemas.errors(Side::Request, &pointer, &value) {
            object(error);
        }
    }

    fn reply_messages(
        &self,
        operation: &Operation<'_>,
        status: StatusCode,
        body: &[u8],
    ) -> Vec<String> {
        let responses = operation.value.get("responses").and_then(Value::as_object);
        let exact = status.as_str().to_owned();
        let class = format!("{}XX", status.as_u16() / 100);
        let documented = responses.and_then(|all| {
            all.get(&exact).map(|r| (exact, r)).or_else(|| all.get(&class).map(|r| (class, r)))
        });
        let Some((key, response)) = documented else {
            // The token service documents its 4XX only; anything may be down.
            if status.is_server_error() {
                return Vec::new();
            }
            return vec![format!("the operation never answers {status}")];
        };
        // `$ref` of a response is a pointer into the same document.
        let (response, pointer) = match response.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let pointer = reference.trim_start_matches('#').to_owned();
                (self.document.0.pointer(&pointer).unwrap_or(response), pointer)
            }
            None => (response, format!("{}/responses/{key}", operation.pointer)),
        };
        let json = response.pointer("/content/application~1json/schema").is_some();
        if body.is_empty() {
            // Errors with an empty body do happen.
            let fault = json && status.is_success();
            return if fault { vec!["its body is empty".to_owned()] } else { Vec::new() };
        }
        if !json {
            let none = response.get("content").is_none() && status.is_success();
            let message = "it has a body, and the operation answers without".to_owned();
            return if none { vec![message] } else { Vec::new() };
        }
        match serde_json::from_slice(body) {
            Ok(value) => {
                let pointer = format!("{pointer}/content/application~1json/schema");
                self.schemas.errors(Side::Reply, &pointer, &value)
            }
            Err(reason) => vec![format!("its body is no JSON: {reason}")],
        }
    }
}

/// Whether the judge has a say about this address.
pub(super) fn judged(url: &Url) -> bool {
    match url.host_str() {
        Some(GRAPH_HOST) => true,
        Some(LOGIN_HOST) => url.path().ends_with("/oauth2/v2.0/token"),
        _ => false,
    }
}

/// Whether this address is Graph's `$batch`.
pub(super) fn is_batch(url: &Url) -> bool {
    url.host_str() == Some(GRAPH_HOST) && BATCH_PATHS.contains(&url.path())
}

fn check_query(operation: &Operation<'_>, url: &Url, object: &mut impl FnMut(String)) {
    let parameters = operation.value.get("parameters").and_then(Value::as_array);
    let mut listed = BTreeMap::new();
    for parameter in parameters.into_iter().flatten() {
        if parameter.get("in").and_then(Value::as_str) == Some("query")
            && let Some(name) = parameter.get("name").and_then(Value::as_str)
        {
            let required = parameter.get("required").and_then(Value::as_bool).unwrap_or(false);
            listed.insert(name, (required, parameter.pointer("/schema/enum")));
        }
    }
    let mut linked = false;
    for (name, value) in url.query_pairs() {
        let name = name.as_ref();
        linked = linked || name.ends_with("token");
        if let Some((_, allowed)) = listed.remove(name) {
            let allowed = allowed.and_then(Value::as_array);
            if allowed.is_some_and(|all| !all.iter().any(|one| one.as_str() == Some(&value))) {
                object(format!("the option `{name}` cannot be `{value}`"));
            }
            continue;
        }
        let known = LINK_OPTIONS.contains(&name)
            // `@microsoft.graph.conflictBehavior` and its like are annotations.
            || name.contains('@')
            || (parameters.is_none_or(|p| p.iter().all(|p| p.get("in") != Some(&"query".into())))
                && SYSTEM_OPTIONS.contains(&name))
            || UNLISTED_OPTIONS.iter().any(|(path, option)| {
                *option == name && url.path().contains(path)
            });
        if !known {
            object(format!("the operation has no query option `{name}`, or it is given twice"));
        }
    }
    for (name, (required, _)) in listed {
        // A link of a delta query has its options inside the token.
        if required && !linked {
            object(format!("the query option `{name}` is missing"));
        }
    }
}

struct Inner {
    id: String,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
}

/// The requests inside a batch; what is malformed is the schema's to say, and is left out here.
fn inner_requests(batch: &Url, body: &[u8]) -> Vec<Inner> {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let requests = body.get("requests").and_then(Value::as_array);
    requests.into_iter().flatten().filter_map(|request| inner_request(batch, request)).collect()
}

fn inner_request(batch: &Url, request: &Value) -> Option<Inner> {
    let text = |name| request.get(name).and_then(Value::as_str);
    let method = Method::from_bytes(text("method")?.as_bytes()).ok()?;
    let version = batch.path().strip_suffix("/$batch")?;
    let relative = text("url")?.trim_start_matches('/');
    let url = Url::parse(&format!("https://{GRAPH_HOST}{version}/{relative}")).ok()?;
    let mut headers = HeaderMap::new();
    // The batch's own token counts for each item.
    headers.insert(header::AUTHORIZATION, HeaderValue::from_static("of the batch"));
    let given = request.get("headers").and_then(Value::as_object);
    for (name, value) in given.into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.insert(name, HeaderValue::from_str(value.as_str()?).ok()?);
    }
    let body = request.get("body").map(ToString::to_string).unwrap_or_default();
    Some(Inner { id: text("id")?.to_owned(), method, url, headers, body: Bytes::from(body) })
}

/// Whether the operation's body is a file's content, whatever its media type.
fn takes_bytes(declared: &Value) -> bool {
    declared.pointer("/content/application~1octet-stream").is_some()
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let name = text.split(';').next().unwrap_or_default();
    Some(name.trim().to_ascii_lowercase())
}

fn form(body: &[u8]) -> Value {
    let pairs = url::form_urlencoded::parse(body);
    let object: Map<_, _> = pairs.map(|(k, v)| (k.into_owned(), v.into_owned().into())).collect();
    Value::Object(object)
}

/// A path or media type as a step of a JSON pointer.
fn escape(text: &str) -> String {
    text.replace('~', "~0").replace('/', "~1")
}
