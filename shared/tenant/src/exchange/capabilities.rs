//! Which cmdlets the application may run in this tenant.

use std::collections::BTreeSet;

use http::{HeaderName, HeaderValue, Method};

use super::{Anchor, Exchange, invoke};
use crate::{TenantError, wire::Effect};

/// The version of the PowerShell module that is asked for; the service wants one.
const MODULE_VERSION: &str = "3.9.2";
const PROBE: &str = "EXOModuleFile";

/// The cmdlets that the application's roles contain. Names compare without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    cmdlets: BTreeSet<String>,
}

impl Capabilities {
    /// Whether a cmdlet may be run.
    pub fn has(&self, cmdlet: &str) -> bool {
        self.cmdlets.contains(&cmdlet.to_ascii_lowercase())
    }

    /// Those of the required cmdlets that may not be run, in the given order.
    pub fn missing<'a>(&self, required: &[&'a str]) -> Vec<&'a str> {
        required.iter().copied().filter(|cmdlet| !self.has(cmdlet)).collect()
    }
}

impl Exchange {
    /// Asks once which cmdlets the application may run, so that the pre-flight can name the role
    /// that is missing before anything is written.
    pub async fn capabilities(&self) -> Result<Capabilities, TenantError> {
        let tenant = self.tenant_guid(PROBE).await?;
        let mut url = self.address(PROBE, &tenant, "v1.0", "EXOModuleFile")?;
        url.set_query(Some(&format!("Version={MODULE_VERSION}")));
        let mut call = self.call(PROBE, url, &Anchor::Tenant, &tenant)?;
        call.method = Method::GET;
        call.effect = Effect::Read;
        call.headers.insert(HeaderName::from_static("commandname"), HeaderValue::from_static("*"));
        call.headers.remove("x-cmdletname");
        let reply = self.wire.whole(&call).await?;
        let page = invoke::parse(&call, &reply)?;
        let lists = page.values.iter().filter_map(|value| value.get("exportedCmdlets")?.as_str());
        let names = lists.flat_map(|list| list.split(','));
        let cmdlets = names.map(|name| name.trim().to_ascii_lowercase());
        Ok(Capabilities { cmdlets: cmdlets.filter(|name| !name.is_empty()).collect() })
    }
}
