//! The host's choice among a script's candidates: the first that no other object of the target
//! holds, reserved for this person by a conditional write, the same again on a rerun.

use scripting::{Attributes, UserPatch, schema};

use crate::{StepContext, StepError};

/// Chooses a value for each unique attribute that the patch gives candidates for.
pub(super) async fn choose(
    cx: &StepContext<'_>,
    patch: &UserPatch,
    existing: &Attributes,
) -> Result<Attributes, StepError> {
    let mut chosen = Attributes::new();
    if let Some(linked) = &patch.linked {
        let mut refused = Vec::new();
        for option in &linked.options {
            let mut free = true;
            for (name, value) in option {
                if let Some(holder) = holder(cx, name.as_str(), value, existing).await? {
                    refused.push(format!("{value} by {holder}"));
                    free = false;
                    break;
                }
            }
            if free {
                for (name, value) in option {
                    chosen.set(name.as_str(), value.as_str());
                }
                return Ok(chosen);
            }
        }
        return Err(nothing_free("the linked values", &refused));
    }
    for spec in schema().iter().filter(|spec| spec.unique) {
        let preferences = patch.preferences(spec.name);
        if preferences.is_empty() {
            continue;
        }
        let mut refused = Vec::new();
        for value in &preferences {
            match holder(cx, spec.name, value, existing).await? {
                None => {
                    chosen.set(spec.name, value.as_str());
                    break;
                }
                Some(holder) => refused.push(format!("{value} by {holder}")),
            }
        }
        if chosen.get(spec.name).is_none() {
            return Err(nothing_free(spec.name, &refused));
        }
    }
    Ok(chosen)
}

fn nothing_free(what: &str, refused: &[String]) -> StepError {
    let shown: Vec<&str> = refused.iter().take(6).map(String::as_str).collect();
    StepError::park(
        "U101",
        format!(
            "all {} candidates for {what} are taken: {}{}",
            refused.len(),
            shown.join(", "),
            if refused.len() > shown.len() { ", …" } else { "" }
        ),
        "give the mapping more candidates, or free one of these values",
    )
}

/// Who else holds a value; `None` reserves it for this person.
async fn holder(
    cx: &StepContext<'_>,
    attribute: &str,
    value: &str,
    existing: &Attributes,
) -> Result<Option<String>, StepError> {
    let is_mine = existing.text(attribute).is_some_and(|now| now.eq_ignore_ascii_case(value));
    if is_mine {
        return Ok(None);
    }
    if !cx.holds_reservation(attribute, value).await?
        && let Some(other) = in_tenant(cx, attribute, value).await?
    {
        return Ok(Some(other));
    }
    let other = cx.reserve(attribute, value).await?;
    Ok(other.map(|user| format!("user {user} of this project (reserved)")))
}

/// The object of the target that holds a value, deleted ones included.
async fn in_tenant(
    cx: &StepContext<'_>,
    attribute: &str,
    value: &str,
) -> Result<Option<String>, StepError> {
    let target = cx.target();
    if value.contains('@') {
        if let Some(user) = target.user(value).await? {
            return Ok(Some(format!("user {}", user.user_principal_name)));
        }
        let holders = target.holders_of(&format!("smtp:{value}")).await?;
        return Ok(holders.first().map(|holder| {
            let deleted = if holder.is_soft_deleted { "deleted " } else { "" };
            format!("{deleted}{} {}", holder.recipient_type_details, holder.display_name)
        }));
    }
    if attribute == "mailNickname" {
        let found = target.recipient(value).await?;
        let found = found.filter(|recipient| recipient.alias.eq_ignore_ascii_case(value));
        return Ok(
            found.map(|other| format!("{} {}", other.recipient_type_details, other.display_name))
        );
    }
    Ok(None)
}
