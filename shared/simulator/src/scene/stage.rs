//! One tenant with Ada and Grace, each with a mailbox, an archive and a drive, for tests that speak
//! HTTP with the simulator.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use ports::{Clock, HttpRequest, Sleep};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::{
    Config, Simulator,
    directory::{ServicePlan, Sku},
    mailbox::Mailbox,
    random::Rng,
};

pub(crate) const GRAPH: &str = "https://graph.microsoft.com/v1.0";
pub(crate) const BETA: &str = "https://graph.microsoft.com/beta";
pub(crate) const ADA: &str = "ada@contoso.example";
pub(crate) const GRACE: &str = "grace@contoso.example";

/// A clock that stands still until it is told.
pub(crate) struct StillClock(Mutex<Timestamp>);

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, _duration: Duration) -> Sleep {
        Box::pin(std::future::ready(()))
    }
}

pub(crate) struct Stage {
    pub(crate) simulator: Simulator,
    pub(crate) tenant: Uuid,
    clock: Arc<StillClock>,
    client: (Uuid, String),
    token: String,
}

/// A reply, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
    /// `Null` where the body is no JSON.
    pub(crate) body: Value,
}

impl Answer {
    /// `error.code`.
    pub(crate) fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// `value` of a collection.
    pub(crate) fn value(&self) -> &[Value] {
        self.body["value"].as_array().map_or(&[], Vec::as_slice)
    }

    #[track_caller]
    pub(crate) fn text(&self, name: &str) -> String {
        let text = self.body[name].as_str();
        text.unwrap_or_else(|| panic!("no {name} in {self:?}")).to_owned()
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert!((200..300).contains(&self.status), "{self:?}");
        self
    }
}

impl Stage {
    pub(crate) fn new(config: Config) -> Self {
        let now = "2026-11-02T08:00:00Z".parse().unwrap();
        let clock = Arc::new(StillClock(Mutex::new(now)));
        let simulator = Simulator::new(config, Arc::clone(&clock) as Arc<dyn Clock>, 7);
        let made = simulator.add_tenant("Contoso", "contoso.onmicrosoft.com", "contoso.example");
        let tenant = made.tenant_id;
        let sku = Uuid::from_u128(5);
        let plan = |n, name: &str| ServicePlan { id: Uuid::from_u128(n), name: name.to_owned() };
        let plans = vec![plan(1, "EXCHANGE_S_ENTERPRISE"), plan(2, "SHAREPOINTENTERPRISE")];
        {
            let mut world = simulator.world();
            let part_number = "ENTERPRISEPACK".to_owned();
            let skus = &mut world.tenants.get_mut(&tenant).unwrap().skus;
            skus.clear();
            skus.push(Sku { id: sku, part_number, seats: 100, plans });
        }
        let client = (made.client_id, made.client_secret);
        let mut stage = Self { simulator, tenant, clock, client, token: String::new() };
        stage.token = stage.token_for("https://graph.microsoft.com");
        stage.hire("Ada", ADA, sku);
        stage.hire("Grace", GRACE, sku);
        stage
    }

    /// A stage on which every rule holds and nothing lags or fails.
    pub(crate) fn calm() -> Self {
        Self::new(Config::default())
    }

    pub(crate) fn token_for(&self, resource: &str) -> String {
        let (id, secret) = &self.client;
        let form = format!(
            "client_id={id}&client_secret={secret}&grant_type=client_credentials&scope={resource}/.default"
        );
        let url = format!("https://login.microsoftonline.com/{}/oauth2/v2.0/token", self.tenant);
        self.send(Method::POST, &url, &[], form.as_bytes()).ok().text("access_token")
    }

    /// Lets a person never have had a drive.
    pub(crate) fn forget_drive(&self, upn: &str) {
        let mut world = self.simulator.world();
        let tenant = world.tenants.get_mut(&self.tenant).unwrap();
        let id = tenant.user_by_name(upn).unwrap().id;
        tenant.drives.remove(&id);
    }

    fn hire(&self, name: &str, upn: &str, sku: Uuid) {
        let user = json!({
            "accountEnabled": true, "displayName": name, "mailNickname": name.to_lowercase(),
            "userPrincipalName": upn, "usageLocation": "DE",
            "passwordProfile": { "password": "not-a-secret-1", "forceChangePasswordNextSignIn": true },
        });
        let id = self.post("/users", &user).ok().text("id");
        let licence = json!({ "addLicenses": [{ "skuId": sku }], "removeLicenses": [] });
        self.post(&format!("/users/{id}/assignLicense"), &licence).ok();
        self.simulator.provision_drive(self.tenant, upn).unwrap();
        let now = self.simulator.now();
        let mut world = self.simulator.world();
        let tenant = world.tenants.get_mut(&self.tenant).unwrap();
        let recipient = tenant.recipient_of(id.parse().unwrap()).unwrap().guid;
        let archive = Uuid::from_u128(recipient.as_u128() ^ 1);
        tenant.recipients.amend(recipient, |owner| owner.archive = Some(archive));
        tenant.mailboxes.insert(archive, Mailbox::new(archive, &mut Rng::new(1), now));
    }

    pub(crate) fn pass(&self, seconds: i64) {
        let mut now = self.clock.0.lock().unwrap();
        *now = now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
    }

    /// Sends as it is; no token is added.
    pub(crate) fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let headers = headers.iter().map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        });
        let request = HttpRequest {
            method,
            url: Url::parse(url).unwrap_or_else(|fault| panic!("{url}: {fault}")),
            headers: headers.collect(),
            body: body.to_vec().into(),
            tail: None,
            timeout: Duration::from_secs(1),
        };
        let reply = self.simulator.handle(&request).unwrap();
        let (status, headers): (StatusCode, HeaderMap) = (reply.status, reply.headers.clone());
        let bytes = reply.read(1 << 30).now_or_never().unwrap().unwrap().to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Answer { status: status.as_u16(), headers, bytes, body }
    }

    /// Sends with the token; `path` is a whole address or what follows `/v1.0`.
    pub(crate) fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let url =
            if path.starts_with("https:") { path.to_owned() } else { format!("{GRAPH}{path}") };
        let bearer = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers);
        self.send(method, &url, &all, body)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &[], b"")
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::POST, path, body)
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Answer {
        self.json(Method::PATCH, path, body)
    }

    fn json(&self, method: Method, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.call(method, path, &[("content-type", "application/json")], body.as_bytes())
    }

    /// `/admin/exchange/mailboxes/{id}` of a person.
    pub(crate) fn mailbox(&self, upn: &str) -> String {
        let id = self.get(&format!("/users/{upn}/settings/exchange")).ok().text("primaryMailboxId");
        format!("/admin/exchange/mailboxes/{id}")
    }

    /// The same of the archive, a whole address under beta.
    pub(crate) fn archive(&self, upn: &str) -> String {
        let settings = self.get(&format!("{BETA}/users/{upn}/settings/exchange")).ok();
        let id = settings.text("inPlaceArchiveMailboxId");
        format!("{BETA}/admin/exchange/mailboxes/{id}")
    }

    /// `/drives/{id}` of a person.
    pub(crate) fn drive(&self, upn: &str) -> String {
        format!("/drives/{}", self.get(&format!("/users/{upn}/drive")).ok().text("id"))
    }

    /// All entries of a collection or of a delta round, page after page, and the delta link.
    pub(crate) fn all(&self, path: &str) -> (Vec<Value>, String) {
        let mut page = self.get(path).ok();
        let mut all = page.value().to_vec();
        for _ in 0..10_000 {
            let Some(next) = page.body["@odata.nextLink"].as_str().map(str::to_owned) else {
                break;
            };
            page = self.get(&next).ok();
            all.extend_from_slice(page.value());
        }
        (all, page.body["@odata.deltaLink"].as_str().unwrap_or_default().to_owned())
    }
}
