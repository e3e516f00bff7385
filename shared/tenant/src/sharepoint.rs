//! SharePoint's administration host: asking for the OneDrives of people who never opened theirs.
//!
//! No Graph call provisions a OneDrive. `RequestPersonalSites` of the client object model does,
//! asynchronously. Whether an application may call it differs: it needs the directory role
//! SharePoint Administrator, a certificate, and, by some reports, SharePoint's own
//! `User.ReadWrite.All`; other reports see it refused in all cases. A refusal is
//! [`Class::Forbidden`], and then an administrator provisions the OneDrives.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::Value;

use crate::{
    Class, Lane, Operation, Resource, TenantError,
    endpoints::{join, target},
    wire::{Call, Effect, Vendor, Wire},
};

/// Most people of one request.
pub const PERSONAL_SITES_MAX: usize = 200;

const REQUEST: Operation = Operation::new("request OneDrives", &[]);
/// The static object of the client object model that has the method.
const PROFILE_LOADER: &str = "{268004ae-ef6b-4e9b-8425-127220d84719}";
const REPLY_LIMIT: usize = 1024 * 1024;

/// SharePoint administration of one tenant. Cheap to clone.
#[derive(Clone)]
pub struct SharePoint {
    wire: Arc<Wire>,
}

impl SharePoint {
    pub(crate) fn new(wire: Arc<Wire>) -> Self {
        Self { wire }
    }

    /// Whether the tenant's administration host is configured.
    pub fn is_configured(&self) -> bool {
        self.wire.config.endpoints.sharepoint_admin.is_some()
    }

    /// Asks for the OneDrives of licensed people, by user principal name. It takes minutes to
    /// hours until they are there. Asking again for the same people is harmless.
    pub async fn request_personal_sites(
        &self,
        user_principal_names: &[String],
    ) -> Result<(), TenantError> {
        for people in user_principal_names.chunks(PERSONAL_SITES_MAX) {
            self.request_chunk(people).await?;
        }
        Ok(())
    }

    async fn request_chunk(&self, people: &[String]) -> Result<(), TenantError> {
        let refused = |text: &str| TenantError::refused(REQUEST.name, text);
        let base = self.wire.config.endpoints.sharepoint_admin.as_ref();
        let base =
            base.ok_or_else(|| refused("no SharePoint administration host is configured"))?;
        let url = join(base, ["_vti_bin", "client.svc", "ProcessQuery"])
            .ok_or_else(|| refused("the SharePoint endpoint has no path"))?;
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        let call = Call {
            operation: REQUEST,
            method: Method::POST,
            url,
            headers,
            body: Bytes::from(query(people)),
            tail: None,
            // It can be repeated at will, as a read can.
            effect: Effect::Read,
            lane: Lane::Drive { units: 2 },
            weight: 1,
            bearer: Some(Resource::SharePointAdmin),
            vendor: Vendor::Graph,
            limit: REPLY_LIMIT,
            timeout: Duration::from_mins(1),
        };
        let reply = self.wire.whole(&call).await?;
        let fault = match serde_json::from_slice::<Value>(&reply.body) {
            Ok(Value::Array(parts)) => judge(&parts),
            _ => Some((Class::Unexpected, "reply".to_owned(), "no answer to a query".to_owned())),
        };
        match fault {
            None => Ok(()),
            Some((class, code, message)) => Err(TenantError {
                class,
                code: code.into(),
                status: Some(reply.status.as_u16()),
                target: target(&call.url).into(),
                ..TenantError::refused(REQUEST.name, message)
            }),
        }
    }
}

impl fmt::Debug for SharePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenant = &self.wire.config.tenant;
        f.debug_struct("SharePoint").field("tenant", tenant).finish_non_exhaustive()
    }
}

/// The query in the client object model's XML ("SharePoint Client Query Protocol", MS-CSOM).
fn query(people: &[String]) -> String {
    let mut names = String::new();
    for name in people {
        names.push_str("<Object Type=\"String\">");
        names.push_str(&escape(name));
        names.push_str("</Object>");
    }
    format!(
        "<Request xmlns=\"http://schemas.microsoft.com/sharepoint/clientquery/2009\" \
         SchemaVersion=\"15.0.0.0\" LibraryVersion=\"16.0.0.0\" ApplicationName=\"Crosswave\">\
         <Actions><ObjectPath Id=\"2\" ObjectPathId=\"1\"/><ObjectPath Id=\"4\" ObjectPathId=\"3\"/>\
         <Query Id=\"5\" ObjectPathId=\"3\"><Query SelectAllProperties=\"true\"><Properties/></Query>\
         </Query></Actions>\
         <ObjectPaths><Constructor Id=\"1\" TypeId=\"{PROFILE_LOADER}\"/>\
         <Method Id=\"3\" ParentId=\"1\" Name=\"RequestPersonalSites\"><Parameters>\
         <Parameter Type=\"Array\">{names}</Parameter></Parameters></Method></ObjectPaths></Request>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What is wrong with an answer: an error in its head, or no completed operation in it.
fn judge(parts: &[Value]) -> Option<(Class, String, String)> {
    let info = parts.first().and_then(|head| head.get("ErrorInfo")).filter(|info| !info.is_null());
    if let Some(info) = info {
        let text = |name| info.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let kind = text("ErrorTypeName");
        let denied = kind.contains("UnauthorizedAccess");
        let class = if denied { Class::Forbidden } else { Class::Invalid };
        return Some((class, kind, text("ErrorMessage")));
    }
    let complete = parts.iter().any(|part| part.get("IsComplete") == Some(&Value::Bool(true)));
    let text = || "the operation was not completed".to_owned();
    (!complete).then(|| (Class::Transient, "IsComplete".to_owned(), text()))
}
