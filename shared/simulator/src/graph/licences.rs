//! `/subscribedSkus`, `/users/{id}/licenseDetails`, `/users/{id}/assignLicense`.

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Backend, GraphError, GraphResult, require,
    user_form::shown,
    users::{current, find, tenant, tenant_mut},
};
use crate::{
    call::Call,
    directory::{AssignedLicence, Sku, Tenant, User},
    reply::Reply,
    world::{Event, World},
};

pub(super) fn route(world: &mut World, call: &Call) -> Option<GraphResult> {
    Some(match call.parts().as_slice() {
        ["subscribedSkus"] if call.method == Method::GET => skus(world, call),
        ["users", id, "licenseDetails"] if call.method == Method::GET => details(world, call, id),
        ["users", id, "assignLicense"] if call.method == Method::POST => assign(world, call, id),
        _ => return None,
    })
}

fn plans(sku: &Sku) -> Vec<Value> {
    sku.plans
        .iter()
        .map(|plan| {
            json!({
                "servicePlanId": plan.id.to_string(),
                "servicePlanName": plan.name,
                "provisioningStatus": "Success",
                "appliesTo": "User",
            })
        })
        .collect()
}

/// How many seats of a product are taken.
pub(crate) fn consumed(tenant: &Tenant, sku: Uuid) -> usize {
    tenant.users.all().filter(|user| user.licences.iter().any(|held| held.sku == sku)).count()
}

fn skus(world: &mut World, call: &Call) -> GraphResult {
    require(
        call,
        &[
            "LicenseAssignment.Read.All",
            "LicenseAssignment.ReadWrite.All",
            "Organization.Read.All",
            "Directory.Read.All",
            "Directory.ReadWrite.All",
        ],
        Backend::Directory,
    )?;
    let tenant = tenant(world, call)?;
    let value: Vec<Value> = tenant
        .skus
        .iter()
        .map(|sku| {
            json!({
                "id": format!("{}_{}", tenant.id, sku.id),
                "skuId": sku.id.to_string(),
                "skuPartNumber": sku.part_number,
                "appliesTo": "User",
                "capabilityStatus": "Enabled",
                "consumedUnits": consumed(tenant, sku.id),
                "prepaidUnits": { "enabled": sku.seats, "suspended": 0, "warning": 0, "lockedOut": 0 },
                "servicePlans": plans(sku),
            })
        })
        .collect();
    Ok(Reply::ok(&json!({ "value": value })))
}

fn details(world: &mut World, call: &Call, id: &str) -> GraphResult {
    require(
        call,
        &[
            "LicenseAssignment.Read.All",
            "LicenseAssignment.ReadWrite.All",
            "User.Read.All",
            "User.ReadWrite.All",
            "Directory.Read.All",
        ],
        Backend::Directory,
    )?;
    let tenant = tenant(world, call)?;
    let user = find(tenant, call, id)?;
    let value: Vec<Value> = user
        .licences
        .iter()
        .filter_map(|held| tenant.skus.iter().find(|sku| sku.id == held.sku))
        .map(|sku| {
            json!({
                "id": sku.id.simple().to_string(),
                "skuId": sku.id.to_string(),
                "skuPartNumber": sku.part_number,
                "servicePlans": plans(sku),
            })
        })
        .collect();
    Ok(Reply::ok(&json!({ "value": value })))
}

fn assign(world: &mut World, call: &Call, id: &str) -> GraphResult {
    require(
        call,
        &["LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"],
        Backend::Directory,
    )?;
    let body = call.json()?;
    let list = |name: &str| {
        body.get(name).and_then(Value::as_array).ok_or_else(|| {
            GraphError::bad_request(&format!(
                "The parameter '{name}' is required and must be a collection."
            ))
        })
    };
    let (add, remove) = (list("addLicenses")?, list("removeLicenses")?);
    let tenant = tenant(world, call)?;
    let mut user = current(tenant, call, id)?;
    for value in remove {
        let sku = guid(value)?;
        let count = user.licences.len();
        user.licences.retain(|held| held.sku != sku);
        if user.licences.len() == count {
            return Err(GraphError::bad_request("User does not have a corresponding license."));
        }
    }
    for value in add {
        give(tenant, &mut user, value)?;
    }
    let stamp = world.stamp(call.view, call.now);
    let (tenant_id, user_id) = (call.tenant(), user.id);
    tenant_mut(world, call)?.put_user(user.clone(), stamp);
    let lags = world.config.lags.clone();
    let event = Event::ProvisionMailbox { tenant: tenant_id, user: user_id };
    world.schedule(call.now, lags.mailbox_provisioning, event);
    if world.config.rules.licence_provisions_drive {
        let event = Event::ProvisionDrive { tenant: tenant_id, user: user_id };
        world.schedule(call.now, lags.drive_provisioning, event);
    }
    Ok(Reply::ok(&shown(&user, &None)))
}

fn guid(value: &Value) -> Result<Uuid, GraphError> {
    let text = value.as_str().unwrap_or_default();
    Uuid::parse_str(text)
        .map_err(|fault| GraphError::bad_request(&format!("Invalid GUID '{text}': {fault}.")))
}

fn give(tenant: &Tenant, user: &mut User, value: &Value) -> Result<(), GraphError> {
    if user.usage_location.is_none() {
        return Err(GraphError::bad_request(
            "License assignment cannot be done for user with invalid usage location.",
        ));
    }
    let id = guid(value.get("skuId").unwrap_or(&Value::Null))?;
    let sku = tenant.skus.iter().find(|sku| sku.id == id).ok_or_else(|| {
        GraphError::bad_request(&format!(
            "License {id} does not correspond to a valid company License."
        ))
    })?;
    let disabled = value.get("disabledPlans").and_then(Value::as_array);
    let disabled_plans = disabled.into_iter().flatten().map(guid).collect::<Result<Vec<_>, _>>()?;
    if let Some(plan) =
        disabled_plans.iter().find(|id| !sku.plans.iter().any(|plan| plan.id == **id))
    {
        let text = format!("Service plan {plan} is not part of license {id}.");
        return Err(GraphError::bad_request(&text));
    }
    let held = user.licences.iter().any(|held| held.sku == id);
    let seats = usize::try_from(sku.seats).unwrap_or(usize::MAX);
    if !held && consumed(tenant, id) >= seats {
        let text = format!("Subscription with SKU {id} does not have any available licenses.");
        return Err(GraphError::bad_request(&text));
    }
    user.licences.retain(|held| held.sku != id);
    user.licences.push(AssignedLicence { sku: id, disabled_plans });
    Ok(())
}
