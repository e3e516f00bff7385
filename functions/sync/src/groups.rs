//! Groups that hold rights (SYN-2): which group of the target is meant by one of the source.

use content::{ContentError, TargetPrincipal};
use engine::{StepContext, StepError};
use model::GroupAttribute;
use tenant::{
    Graph,
    graph::{GraphGroup, quoted},
};

use crate::principals::refused;

/// What is known about an object of the source that is no user of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meant {
    /// No group: somebody outside the project.
    NoGroup,
    /// A group whose counterpart in the target is told by nobody, not there, or not certain.
    Alone,
    /// A group, and its counterpart.
    Group(TargetPrincipal),
}

/// Looks an object of the source up, and its counterpart.
pub(crate) async fn meant(cx: &StepContext<'_>, object: &str) -> Result<Meant, ContentError> {
    let rules = &cx.project().groups;
    if rules.is_empty() {
        return Ok(Meant::NoGroup);
    }
    let (source, target) = (cx.source(), cx.target());
    let (source, target) =
        (source.client().await.map_err(refused)?, target.client().await.map_err(refused)?);
    let (source, target) = (source.graph(), target.graph());
    let group = match source.get_group(object).await {
        Ok(group) => group,
        Err(error) if error.is_not_found() => return Ok(Meant::NoGroup),
        Err(error) => return Err(refused(StepError::from(error))),
    };
    let names = [Some(group.id.as_str()), group.mail.as_deref(), group.display_name.as_deref()];
    if let Some(name) = rules.named(names.into_iter().flatten()) {
        return Ok(one(called(&target, name).await?));
    }
    for attribute in &rules.by {
        let Some(value) = value(&group, *attribute) else { continue };
        let filter = format!("{} eq {}", graph_name(*attribute), quoted(value));
        let alike = list(&target, &filter).await?;
        if alike.is_empty() {
            continue;
        }
        // Several of the source that share it may not all be this one of the target.
        let ambiguous = list(&source, &filter).await?.len() > 1;
        return Ok(if ambiguous { Meant::Alone } else { one(alike) });
    }
    Ok(Meant::Alone)
}

/// The groups of the target of this object id or address.
async fn called(target: &Graph, name: &str) -> Result<Vec<GraphGroup>, ContentError> {
    if name.contains('@') {
        return list(target, &format!("mail eq {}", quoted(name))).await;
    }
    match target.get_group(name).await {
        Ok(group) => Ok(vec![group]),
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        Err(error) => Err(refused(StepError::from(error))),
    }
}

async fn list(graph: &Graph, filter: &str) -> Result<Vec<GraphGroup>, ContentError> {
    graph.list_groups(Some(filter)).await.map_err(|error| refused(StepError::from(error)))
}

/// The only one of them, if it can hold rights; which of several is meant nobody guesses.
fn one(found: Vec<GraphGroup>) -> Meant {
    let [group] = <[GraphGroup; 1]>::try_from(found).unwrap_or_default();
    if group.id.is_empty() || !(group.security_enabled == Some(true) || group.is_unified()) {
        return Meant::Alone;
    }
    let address = group.mail.unwrap_or_else(|| group.id.clone());
    Meant::Group(TargetPrincipal { object_id: group.id, address })
}

fn value(group: &GraphGroup, attribute: GroupAttribute) -> Option<&str> {
    let value = match attribute {
        GroupAttribute::DisplayName => &group.display_name,
        GroupAttribute::MailNickname => &group.mail_nickname,
    };
    value.as_deref().filter(|value| !value.is_empty())
}

fn graph_name(attribute: GroupAttribute) -> &'static str {
    match attribute {
        GroupAttribute::DisplayName => "displayName",
        GroupAttribute::MailNickname => "mailNickname",
    }
}
