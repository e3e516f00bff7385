//! Writes a mapping's wishes over a user: only the difference.

use model::Change;
use scripting::{AT_CREATION, AttributeSpec, AttributeValue, Kind, Writer, find};
use serde_json::{Map, Value, json};
use tenant::{
    exchange::{Anchor, Parameters, Recipient},
    graph::GraphUser,
};

use super::{Mapped, attributes::typed, attributes_of, edit::describe, mapping::is_so};
use crate::{Effect, StepError, TenantSide, Write, change};

/// What an update did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateOutcome {
    /// The attributes that were written.
    pub written: Vec<String>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// Writes what differs between a user and what the mapping wants. Proxy addresses are not written
/// here: they belong to the steps that know what the recipient may hold.
pub async fn update_user(
    side: TenantSide<'_>,
    user: &GraphUser,
    recipient: Option<&Recipient>,
    mapped: &Mapped,
) -> Result<UpdateOutcome, StepError> {
    let mut outcome = UpdateOutcome { written: Vec::new(), warnings: mapped.warnings.clone() };
    let now = attributes_of(user, recipient);
    let mut graph = Map::new();
    let mut graph_changes = Vec::new();
    let mut in_exchange: Vec<(&AttributeSpec, Option<&AttributeValue>)> = Vec::new();
    for (name, wanted) in &mapped.values {
        let Some(spec) = find(name) else { continue };
        if name == "manager" || name == "proxyAddresses" || AT_CREATION.contains(&name.as_str()) {
            continue;
        }
        match spec.writer {
            Writer::Graph if !is_so(&now, name, wanted.as_ref()) => {
                let before = now.get(name).map_or(Value::Null, |value| json!(value));
                let after = graph_value(spec, wanted.as_ref());
                graph_changes.push(change(name, before, after.clone()));
                insert_at(&mut graph, spec.graph.unwrap_or(spec.name), after);
                outcome.written.push(name.clone());
            }
            Writer::Exchange => in_exchange.push((spec, wanted.as_ref())),
            Writer::Graph | Writer::Protected | Writer::ReadOnly => {}
        }
    }
    if !graph.is_empty() {
        if user.is_directory_synced() {
            return Err(on_premises(user, &graph_changes));
        }
        let write = Write {
            object: user.user_principal_name.clone(),
            changes: graph_changes,
            effect: Effect::UpdateUser { id: user.id.clone(), properties: graph },
        };
        side.write(write).await?;
    }
    set_manager(side, user, mapped, &mut outcome).await?;
    if let Some(recipient) = recipient {
        set_in_exchange(side, recipient, &in_exchange, &mut outcome).await?;
    }
    Ok(outcome)
}

async fn set_manager(
    side: TenantSide<'_>,
    user: &GraphUser,
    mapped: &Mapped,
    outcome: &mut UpdateOutcome,
) -> Result<(), StepError> {
    let Some(wanted) = mapped.text("manager") else { return Ok(()) };
    // A planned account has no manager yet, and the tenant does not know it.
    let planned = user.id.starts_with("00000000-0000-0000-0000-");
    let now =
        if planned { None } else { side.client().await?.graph().get_manager(&user.id).await? };
    if now.as_ref().is_some_and(|now| now.id == wanted) {
        return Ok(());
    }
    let write = Write {
        object: user.user_principal_name.clone(),
        changes: vec![change("manager", json!(now.map(|now| now.id)), json!(wanted))],
        effect: Effect::SetManager { user: user.id.clone(), manager: wanted.to_owned() },
    };
    side.write(write).await?;
    outcome.written.push("manager".to_owned());
    Ok(())
}

/// Attributes that only Exchange writes: read once by Get-User, written by the cmdlet that has the
/// parameter.
async fn set_in_exchange(
    side: TenantSide<'_>,
    recipient: &Recipient,
    wanted: &[(&AttributeSpec, Option<&AttributeValue>)],
    outcome: &mut UpdateOutcome,
) -> Result<(), StepError> {
    let any = wanted.iter().any(|(_, value)| value.is_some());
    if !any {
        return Ok(());
    }
    let identity = recipient.identity();
    let client = side.client().await?;
    let read = client
        .exchange()
        .invoke("Get-User", Parameters::identity(&identity), &Anchor::Tenant)
        .await;
    let now = match read {
        Ok(reply) => reply.values.into_iter().next().unwrap_or(Value::Null),
        Err(error) if error.is_not_found() => Value::Null,
        Err(error) => return Err(error.into()),
    };
    let mut parameters = Parameters::identity(&identity);
    let mut changes: Vec<Change> = Vec::new();
    for (spec, value) in wanted {
        let Some(parameter) = spec.exchange else { continue };
        if parameter.starts_with("ExtensionCustomAttribute") {
            outcome.warnings.push(format!("{}: not written (mailbox attribute)", spec.name));
            continue;
        }
        let before = now.get(parameter).and_then(|value| typed(spec, value));
        if before.as_ref() == *value {
            continue;
        }
        let after = value.map_or(Value::Null, |value| json!(value));
        changes.push(change(parameter, json!(before), after.clone()));
        parameters = parameters.set(parameter, after);
        outcome.written.push(spec.name.to_owned());
    }
    if changes.is_empty() {
        return Ok(());
    }
    let effect = Effect::cmdlet("Set-User", parameters);
    side.write(Write { object: describe(recipient), changes, effect }).await?;
    Ok(())
}

/// The form in which Graph takes a value.
fn graph_value(spec: &AttributeSpec, value: Option<&AttributeValue>) -> Value {
    match (spec.name, value) {
        ("businessPhones", None) => json!([]),
        ("businessPhones", Some(AttributeValue::Text(text))) => json!([text]),
        (_, Some(value)) => json!(value),
        (_, None) if spec.kind == Kind::Texts => json!([]),
        (_, None) => Value::Null,
    }
}

/// Puts a value at a path such as `onPremisesExtensionAttributes.extensionAttribute1`.
fn insert_at(whole: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once(['.', '/']) {
        None => {
            whole.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = whole.entry(first).or_insert_with(|| json!({}));
            if let Value::Object(inner) = inner {
                insert_at(inner, rest, value);
            }
        }
    }
}

fn on_premises(user: &GraphUser, changes: &[Change]) -> StepError {
    let wanted: Vec<String> =
        changes.iter().map(|change| format!("{} = {}", change.attribute, change.after)).collect();
    let ldap: Vec<&str> =
        changes.iter().filter_map(|change| find(&change.attribute)?.ldap).collect();
    StepError::park(
        "directory_synced",
        format!(
            "{} is mastered on premises, so the cloud refuses this change: {}",
            user.user_principal_name,
            wanted.join("; ")
        ),
        format!(
            "set {} on premises to these values, wait for the directory synchronisation, then \
             apply the action again",
            ldap.join(", ")
        ),
    )
}
