//! `RequestPersonalSites`, the one call of SharePoint's client object model that is needed: it asks
//! for the OneDrives of people who never had one.

use http::Method;
use serde_json::json;
use uuid::Uuid;

use super::error;
use crate::{
    call::{Call, Service},
    directory::{Tenant, User},
    graph::{GraphError, GraphResult},
    reply::Reply,
    token,
    world::{Event, World},
};

/// The static object that has the method.
const LOADER: &str = "{268004ae-ef6b-4e9b-8425-127220d84719}";
/// Most people of one call.
const MOST: usize = 200;

/// Answers `ProcessQuery` on the `-admin` host. XML in, JSON out.
pub(super) fn answer(world: &mut World, call: &Call) -> GraphResult {
    let Service::SharePoint(label) = &call.service else { return Err(error::not_found()) };
    let name = label.strip_suffix("-admin").ok_or_else(error::not_found)?;
    if call.method != Method::POST {
        return Err(GraphError::method());
    }
    let caller = token::check(world, call, &format!("https://{label}.sharepoint.com"))?;
    let tenant = world.tenants.get(&caller.tenant).ok_or_else(error::not_found)?;
    if tenant.initial_domain().split('.').next() != Some(name) {
        return Err(error::unauthorised("The token is for another tenant."));
    }
    if !caller.directory_roles.iter().any(|role| role == "SharePoint Administrator") {
        return Err(error::denied(
            "Access denied. You do not have permission to perform this action.",
        ));
    }
    let body = String::from_utf8_lossy(&call.body).into_owned();
    if !body.contains(LOADER) || !body.contains("RequestPersonalSites") {
        return Ok(failure("The method is not simulated."));
    }
    let people = strings(&body);
    if people.len() > MOST {
        return Ok(failure("At most 200 users can be requested at once."));
    }
    let licensed: Vec<Uuid> = people
        .iter()
        .filter_map(|upn| tenant.user_by_name(upn))
        .filter(|user| has_plan(tenant, user) && !tenant.drives.contains_key(&user.id))
        .map(|user| user.id)
        .collect();
    let lag = world.config.lags.drive_provisioning;
    for user in licensed {
        world.schedule(call.now, lag, Event::ProvisionDrive { tenant: caller.tenant, user });
    }
    Ok(Reply::ok(&json!([
        {
            "SchemaVersion": "15.0.0.0", "LibraryVersion": "16.0.0.0",
            "ErrorInfo": null, "TraceCorrelationId": Uuid::nil(),
        },
        4,
        {
            "_ObjectType_": "Microsoft.Online.SharePoint.TenantAdministration.SpoOperation",
            "HasTimedout": false, "IsComplete": true, "PollingInterval": 15_000,
        },
    ])))
}

fn failure(text: &str) -> Reply {
    Reply::ok(&json!([{
        "SchemaVersion": "15.0.0.0", "LibraryVersion": "16.0.0.0",
        "ErrorInfo": { "ErrorMessage": text, "ErrorCode": -1, "ErrorTypeName": "System.ArgumentException" },
    }]))
}

/// Whether one of the user's licences has OneDrive in it, not switched off.
fn has_plan(tenant: &Tenant, user: &User) -> bool {
    user.licences.iter().any(|licence| {
        let sku = tenant.skus.iter().find(|sku| sku.id == licence.sku);
        sku.is_some_and(|sku| {
            sku.plans.iter().any(|plan| {
                let name = plan.name.to_ascii_uppercase();
                (name.contains("SHAREPOINT") || name.contains("ONEDRIVE"))
                    && !licence.disabled_plans.contains(&plan.id)
            })
        })
    })
}

/// The values of all `Type="String"` objects of a request.
fn strings(xml: &str) -> Vec<String> {
    let after = xml.split("Type=\"String\">").skip(1);
    let text = after.filter_map(|rest| rest.split_once("</Object>").map(|(text, _)| text));
    let plain = |text: &str| {
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&apos;", "'").replace("&amp;", "&")
    };
    text.map(plain).collect()
}
