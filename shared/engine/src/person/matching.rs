//! PRE-3: before an account is made, the target is searched for one.

use scripting::{AttributeValue, Step as ScriptStep, find};
use tenant::graph::{GraphUser, UserQuery, quoted};

use super::mapping::{answered, input, mapping_of};
use crate::{StepContext, StepError};

/// What the search found.
#[derive(Clone, Debug)]
pub enum Match {
    /// This one user.
    One(Box<GraphUser>),
    /// Nobody.
    None,
}

/// Searches the target by the project's pairs of attributes, else by the script's keys; the first
/// that hits decides. More than one hit parks the user: nothing is guessed (MAT-2).
pub async fn find_match(cx: &StepContext<'_>) -> Result<Match, StepError> {
    for (attribute, value) in keys(cx).await? {
        let Some(filter) = filter(&attribute, &value) else { continue };
        let client = cx.target().client().await?;
        let found = client.graph().list_users(&UserQuery::filter(filter)).await?;
        match found.as_slice() {
            [] => {}
            [one] => return Ok(Match::One(Box::new(one.clone()))),
            several => {
                let names: Vec<&str> =
                    several.iter().map(|user| user.user_principal_name.as_str()).collect();
                return Err(StepError::park(
                    "ambiguous_match",
                    format!("{attribute} = {value} matches {}", names.join(", ")),
                    "set the match in the users file (import), or make the attribute unique",
                ));
            }
        }
    }
    Ok(Match::None)
}

async fn keys(cx: &StepContext<'_>) -> Result<Vec<(String, String)>, StepError> {
    let (input, run) = input(cx, ScriptStep::Match, None).await?;
    let mut keys = Vec::new();
    for (source, target) in &cx.project().match_by {
        let values = input.source.get(source).map(AttributeValue::as_texts).unwrap_or_default();
        keys.extend(values.iter().map(|value| (target.clone(), value.clone())));
    }
    if cx.project().match_by.is_empty() {
        let found = answered(cx, mapping_of(cx).await?.match_keys(&input, &run)).await?;
        keys.extend(found.into_iter().map(|key| (key.attribute.to_string(), key.value)));
    }
    Ok(keys)
}

/// A filter of Graph's for an attribute's value; `None` for what Graph cannot search.
fn filter(attribute: &str, value: &str) -> Option<String> {
    let bare = value.split_once(':').map_or(value, |(_, bare)| bare);
    if attribute == "proxyAddresses" {
        return Some(format!("proxyAddresses/any(p:p eq {})", quoted(&format!("smtp:{bare}"))));
    }
    let path = find(attribute)?.graph?.replace('.', "/");
    Some(format!("{path} eq {}", quoted(value)))
}
