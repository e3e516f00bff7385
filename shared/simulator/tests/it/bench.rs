//! A small client: sends through `handle` and shows what came back.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use conformance::reference::VirtualClock;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use ports::HttpRequest;
use serde_json::{Value, json};
use simulator::{Config, Credentials, Population, Profile, Rehearsal, Simulator};
use url::Url;

/// A reply, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
    pub(crate) body: Value,
}

impl Answer {
    /// `details[0].message` of an Exchange error, in its three parts.
    pub(crate) fn failure(&self) -> (String, String, String) {
        let message = self.body.pointer("/error/details/0/message").and_then(Value::as_str);
        let mut parts = message.unwrap_or_default().splitn(3, '|').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        (next(), next(), next())
    }

    /// The last part of the exception's type.
    pub(crate) fn exception(&self) -> String {
        self.failure().1.rsplit('.').next().unwrap_or_default().to_owned()
    }

    /// The first of `value`.
    pub(crate) fn first(&self) -> &Value {
        &self.body["value"][0]
    }

    pub(crate) fn code(&self) -> &str {
        self.body.pointer("/error/code").and_then(Value::as_str).unwrap_or_default()
    }
}

/// Two tenants and a clock.
pub(crate) struct Bench {
    pub(crate) simulator: Simulator,
    pub(crate) clock: VirtualClock,
    pub(crate) source: Credentials,
    pub(crate) target: Credentials,
}

impl Bench {
    /// A calm pair with a few people and no content.
    pub(crate) fn calm() -> Self {
        Self::with(8, Config::default())
    }

    pub(crate) fn with(people: usize, config: Config) -> Self {
        let population = Population { content: false, ..Population::of(people, Profile::Calm) };
        let clock = VirtualClock::new();
        let Rehearsal { simulator, source, target, .. } =
            Simulator::rehearsal_with(&population, 7, Arc::new(clock.clone()), config);
        Self { simulator, clock, source, target }
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn send(&self, request: &HttpRequest) -> Answer {
        let reply = self.simulator.handle(request).expect("a reply");
        let (status, headers) = (reply.status.as_u16(), reply.headers.clone());
        let mut body = reply.body;
        let mut bytes = Vec::new();
        while let Some(chunk) = now(body.next()) {
            bytes.extend_from_slice(&chunk.expect("a whole body"));
        }
        let value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, headers, bytes: bytes.into(), body: value }
    }

    pub(crate) fn token(&self, who: &Credentials, resource: &str) -> String {
        let form = token_form(who, resource);
        let url = format!("https://login.microsoftonline.com/{}/oauth2/v2.0/token", who.tenant_id);
        let answer = self.send(&request(Method::POST, &url, &[], form));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["access_token"].as_str().expect("a token").to_owned()
    }

    /// One Graph request, `path` from the version on.
    pub(crate) fn graph(
        &self,
        who: &Credentials,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let token = self.token(who, "https://graph.microsoft.com");
        let url = format!("https://graph.microsoft.com{path}");
        let headers = [
            ("authorization", format!("Bearer {token}")),
            ("content-type", "application/json".to_owned()),
        ];
        self.send(&request(method, &url, &headers, body.map(|b| b.to_string()).unwrap_or_default()))
    }

    pub(crate) fn get(&self, who: &Credentials, path: &str) -> Answer {
        self.graph(who, Method::GET, path, None)
    }

    /// One cmdlet with an anchor header.
    pub(crate) fn run(&self, who: &Credentials, cmdlet: &str, parameters: Value) -> Answer {
        self.invoke(who, cmdlet, parameters, &[("x-anchormailbox", anchor(who))])
    }

    pub(crate) fn invoke(
        &self,
        who: &Credentials,
        cmdlet: &str,
        parameters: Value,
        headers: &[(&str, String)],
    ) -> Answer {
        let token = self.token(who, "https://outlook.office365.com");
        let url =
            format!("https://outlook.office365.com/adminapi/beta/{}/InvokeCommand", who.tenant_id);
        let mut all = vec![("authorization", format!("Bearer {token}"))];
        all.extend(headers.iter().map(|(name, value)| (*name, value.clone())));
        let body = json!({ "CmdletInput": { "CmdletName": cmdlet, "Parameters": parameters } });
        self.send(&request(Method::POST, &url, &all, body.to_string()))
    }

    /// The same, which must succeed.
    pub(crate) fn done(&self, who: &Credentials, cmdlet: &str, parameters: Value) -> Answer {
        let answer = self.run(who, cmdlet, parameters);
        assert!(answer.status < 300, "{cmdlet}: {} {}", answer.status, answer.body);
        answer
    }

    /// A mail user of the target, as Prepare makes it, with its own addresses.
    pub(crate) fn mail_user(&self, alias: &str) -> Answer {
        let made = self.done(
            &self.target,
            "New-MailUser",
            json!({
                "Name": alias,
                "MicrosoftOnlineServicesID": format!("{alias}@fabrikam.example"),
                "Password": "correct horse battery staple",
                "ExternalEmailAddress": format!("{alias}@contoso.onmicrosoft.com"),
            }),
        );
        self.done(
            &self.target,
            "Set-MailUser",
            json!({
                "Identity": made.first()["Guid"],
                "EmailAddresses": [
                    format!("SMTP:{alias}@fabrikam.example"),
                    format!("smtp:{alias}@fabrikam.onmicrosoft.com"),
                ],
            }),
        );
        made
    }
}

pub(crate) fn anchor(who: &Credentials) -> String {
    format!("APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{}", who.tenant_id)
}

pub(crate) fn token_form(who: &Credentials, resource: &str) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", &who.client_id.to_string())
        .append_pair("client_secret", &who.client_secret)
        .append_pair("grant_type", "client_credentials")
        .append_pair("scope", &format!("{resource}/.default"))
        .finish()
}

pub(crate) fn request(
    method: Method,
    url: &str,
    headers: &[(&str, String)],
    body: impl Into<Bytes>,
) -> HttpRequest {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        map.insert(name, HeaderValue::from_str(value).expect("a header value"));
    }
    HttpRequest {
        method,
        url: Url::parse(url).expect("an address"),
        headers: map,
        body: body.into(),
        tail: None,
        timeout: Duration::from_mins(1),
    }
}

/// The result of a future that is ready at once.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(future).expect("nothing to wait for")
}

/// 200.
pub(crate) const OK: u16 = StatusCode::OK.as_u16();
