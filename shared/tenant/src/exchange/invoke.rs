//! Running a cmdlet.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::{Value, json};
use url::Url;

use super::{Exchange, Parameters};
use crate::{
    Lane, Operation, Resource, TenantError,
    endpoints::{join, same_service, target},
    error::Class,
    wire::{Call, Effect, Reply, Vendor},
};

/// The permission that the endpoint asks for; a directory role comes on top.
pub(super) const ROLES: &[&str] = &["Exchange.ManageAsApp"];
/// The system mailbox whose id is the same in every tenant. A constant anchor sends consecutive
/// calls to one directory server, so that a Set right after a New finds its object.
const SYSTEM_MAILBOX: &str = "SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}";
/// The largest page that the service gives.
const PAGE_SIZE: &str = "odata.maxpagesize=1000";
/// Most pages of one cmdlet: a million objects.
const PAGES_MAX: usize = 1_000;
const REPLY_LIMIT: usize = 64 * 1024 * 1024;
/// The service itself gives a cmdlet 15 minutes; nothing of ours may wait so long.
const TIMEOUT: Duration = Duration::from_mins(2);

/// Where a cmdlet is routed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Anchor {
    /// The tenant's system mailbox: right for everything in the directory.
    #[default]
    Tenant,
    /// A mailbox, by user principal name: for what is in the mailbox itself (folders, regional
    /// configuration).
    Mailbox(String),
}

/// What a cmdlet answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CmdletReply {
    /// The objects, all pages. Empty for most cmdlets that write.
    pub values: Vec<Value>,
    /// Warnings, for instance that nothing has been modified.
    pub warnings: Vec<String>,
}

impl CmdletReply {
    /// Exchange's sign that a Set changed nothing.
    pub fn nothing_modified(&self) -> bool {
        self.warnings.iter().any(|text| text.contains("have been modified") && text.contains("no "))
    }
}

impl Exchange {
    /// Runs a cmdlet and reads all pages of its answer. The verb decides whether it is a read.
    pub async fn invoke(
        &self,
        cmdlet: &'static str,
        parameters: Parameters,
        anchor: &Anchor,
    ) -> Result<CmdletReply, TenantError> {
        let body = body_of(cmdlet, &parameters);
        let tenant = self.tenant_guid(cmdlet).await?;
        let url = self.address(cmdlet, &tenant, "beta", "InvokeCommand")?;
        let mut call = self.call(cmdlet, url, anchor, &tenant)?;
        call.body = Bytes::from(body.to_string());
        self.pages(call).await
    }

    /// Posts a call to its address and then to every next link.
    pub(super) async fn pages(&self, mut call: Call) -> Result<CmdletReply, TenantError> {
        let mut whole = CmdletReply::default();
        let mut seen = BTreeSet::from([call.url.to_string()]);
        for _ in 0..PAGES_MAX {
            let reply = self.wire.whole(&call).await?;
            let page = parse(&call, &reply)?;
            whole.values.extend(page.values);
            whole.warnings.extend(page.warnings);
            let Some(link) = page.next else { return Ok(whole) };
            call.url = self.next(&call, &link, &mut seen)?;
        }
        Err(unexpected(&call, &format!("the answer has more than {PAGES_MAX} pages")))
    }

    /// A link to the next page, if it stays at Exchange and leads on.
    fn next(
        &self,
        call: &Call,
        link: &str,
        seen: &mut BTreeSet<String>,
    ) -> Result<Url, TenantError> {
        let url = self.next_page(call, link)?;
        if !seen.insert(url.to_string()) {
            return Err(unexpected(call, "the next link leads in a circle"));
        }
        Ok(url)
    }

    /// The address of a link, if it stays at Exchange: it will be sent the token.
    pub(super) fn next_page(&self, call: &Call, link: &str) -> Result<Url, TenantError> {
        let base = &self.wire.config.endpoints.exchange;
        let url = Url::parse(link).ok().filter(|url| same_service(base, url));
        url.ok_or_else(|| unexpected(call, "a next link leads away from Exchange"))
    }

    /// A POST to the admin endpoint, complete but for its body.
    pub(super) fn call(
        &self,
        cmdlet: &'static str,
        url: Url,
        anchor: &Anchor,
        tenant: &str,
    ) -> Result<Call, TenantError> {
        let mut headers = HeaderMap::new();
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        headers.insert("prefer", HeaderValue::from_static(PAGE_SIZE));
        let mut put = |name: &'static str, text: &str| {
            let value = HeaderValue::from_str(text).map_err(|_not_ascii| {
                TenantError::refused(cmdlet, format!("`{text}` cannot be the header {name}"))
            })?;
            headers.insert(HeaderName::from_static(name), value);
            Ok::<_, TenantError>(())
        };
        put("x-anchormailbox", &anchor_text(anchor, tenant))?;
        put("connection-id", &self.wire.session.hyphenated().to_string())?;
        put("x-cmdletname", cmdlet)?;
        let effect = if is_read(cmdlet) { Effect::Read } else { Effect::Write };
        Ok(Call {
            operation: Operation::new(cmdlet, ROLES),
            method: Method::POST,
            url,
            headers,
            body: Bytes::new(),
            tail: None,
            effect,
            lane: Lane::Exchange,
            weight: 1,
            bearer: Some(Resource::Exchange),
            vendor: Vendor::Exchange,
            limit: REPLY_LIMIT,
            timeout: TIMEOUT,
        })
    }

    /// An address of the admin endpoint.
    pub(super) fn address(
        &self,
        cmdlet: &'static str,
        tenant: &str,
        version: &str,
        name: &str,
    ) -> Result<Url, TenantError> {
        let base = &self.wire.config.endpoints.exchange;
        join(base, ["adminapi", version, tenant, name])
            .ok_or_else(|| TenantError::refused(cmdlet, "the Exchange endpoint has no path"))
    }

    /// The tenant's GUID, which the address wants: from the token, else as configured.
    pub(super) async fn tenant_guid(&self, cmdlet: &'static str) -> Result<String, TenantError> {
        let token = Box::pin(self.wire.token(&Resource::Exchange)).await?;
        let configured = || self.wire.config.tenant.guid().map(|id| id.hyphenated().to_string());
        token.claims.tid.clone().or_else(configured).ok_or_else(|| {
            TenantError::refused(
                cmdlet,
                "the token does not name its tenant; configure the tenant's GUID",
            )
        })
    }
}

/// Whether a cmdlet only reads, by its verb.
pub(super) fn is_read(cmdlet: &str) -> bool {
    cmdlet.starts_with("Get-") || cmdlet.starts_with("Test-")
}

pub(super) fn body_of(cmdlet: &str, parameters: &Parameters) -> Value {
    json!({ "CmdletInput": { "CmdletName": cmdlet, "Parameters": parameters.as_json() } })
}

fn anchor_text(anchor: &Anchor, tenant: &str) -> String {
    match anchor {
        Anchor::Tenant => format!("APP:{SYSTEM_MAILBOX}@{tenant}"),
        Anchor::Mailbox(upn) => format!("UPN:{upn}"),
    }
}

/// One page of an answer.
pub(super) struct CmdletPage {
    pub values: Vec<Value>,
    pub warnings: Vec<String>,
    pub next: Option<String>,
}

pub(super) fn parse(call: &Call, reply: &Reply) -> Result<CmdletPage, TenantError> {
    let mut page = if reply.body.iter().all(u8::is_ascii_whitespace) {
        // 204, or 200 with nothing: a write that succeeded.
        CmdletPage { values: vec![], warnings: vec![], next: None }
    } else {
        let json: Value = serde_json::from_slice(&reply.body)
            .map_err(|_not_json| unexpected(call, "the reply is no JSON"))?;
        page_of(json)
    };
    if page.warnings.is_empty()
        && let Some(text) = reply.headers.get("x-warnings").and_then(|value| value.to_str().ok())
    {
        page.warnings.push(text.to_owned());
    }
    Ok(page)
}

/// Takes an answer apart. A single object without `value` counts as one value.
pub(super) fn page_of(mut json: Value) -> CmdletPage {
    let mut take = |name: &str| json.get_mut(name).map(Value::take);
    let values = match take("value") {
        Some(Value::Array(values)) => values,
        Some(Value::Null) | None => vec![],
        Some(single) => vec![single],
    };
    let warnings = match take("@adminapi.warnings") {
        Some(Value::Array(texts)) => {
            texts.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => vec![],
    };
    let next = take("@odata.nextLink").and_then(|link| link.as_str().map(str::to_owned));
    CmdletPage { values, warnings, next }
}

fn unexpected(call: &Call, text: &str) -> TenantError {
    // The write behind an unreadable reply may have happened.
    let class =
        if call.effect == Effect::Write { Class::UnknownOutcome } else { Class::Unexpected };
    TenantError {
        class,
        code: "reply".into(),
        target: target(&call.url).into(),
        ..TenantError::refused(call.operation.name, text)
    }
}
