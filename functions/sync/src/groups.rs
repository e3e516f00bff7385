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
    /// A group whose counterpart in the target is told by nobody, not there, or not certain: why, and what to
    /// do.
    Alone(String),
    /// A group, and its counterpart.
    Group(TargetPrincipal),
}

/// Looks an object of the source up, and its counterpart.
pub(crate) async fn meant(cx: &StepContext<'_>, object: &str) -> Result<Meant, ContentError> {
    let rules = &cx.project().groups;
    let (source, target) = (cx.source(), cx.target());
    let (source, target) =
        (source.client().await.map_err(refused)?, target.client().await.map_err(refused)?);
    let (source, target) = (source.graph(), target.graph());
    let group = match source.get_group(object).await {
        Ok(group) => group,
        Err(error) if error.is_not_found() => return Ok(Meant::NoGroup),
        // Whoever says nothing about groups need not let Crosswave read them.
        Err(_) if rules.is_empty() => return Ok(Meant::NoGroup),
        Err(error) => return Err(refused(StepError::from(error))),
    };
    let names = [Some(group.id.as_str()), group.mail.as_deref(), group.display_name.as_deref()];
    if let Some(name) = rules.named(names.into_iter().flatten()) {
        return Ok(one(called(&target, name).await?, &format!("is `{name}`, as [groups] says")));
    }
    for attribute in &rules.by {
        let Some(value) = value(&group, *attribute) else { continue };
        let attribute = graph_name(*attribute);
        let filter = format!("{attribute} eq {}", quoted(value));
        let alike = list(&target, &filter).await?;
        if alike.is_empty() {
            continue;
        }
        // Several of the source that share it may not all be this one of the target.
        let sharing = list(&source, &filter).await?.len();
        if sharing > 1 {
            let why = format!("{sharing} groups of the source have the {attribute} `{value}`");
            return Ok(Meant::Alone(format!("{why}; {NAME_IT}")));
        }
        return Ok(one(alike, &format!("has the {attribute} `{value}`")));
    }
    Ok(Meant::Alone(match (rules.is_empty(), rules.by.is_empty()) {
        (true, _) => {
            format!("it is a group, and the project file says nothing about groups; {NAME_IT}")
        }
        (_, true) => format!("[groups] does not name this group; {NAME_IT}"),
        _ => format!("the target has no such group; make it there, or {NAME_IT}"),
    }))
}

/// What to do about a group that nobody can tell.
const NAME_IT: &str =
    "name the target's group for it under [groups] of the project file (`named`), then sync again";

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

/// The only one of them, if it can hold rights; which of several is meant nobody guesses. `which` says how they
/// were found.
fn one(found: Vec<GraphGroup>, which: &str) -> Meant {
    let group = match <[GraphGroup; 1]>::try_from(found) {
        Ok([group]) => group,
        Err(none) if none.is_empty() => {
            let what = "make it there, or correct the project file, then sync again";
            return Meant::Alone(format!("no group of the target {which}; {what}"));
        }
        Err(several) => {
            let why = format!("{} groups of the target fit, each {which}", several.len());
            return Meant::Alone(format!("{why}; {NAME_IT}"));
        }
    };
    if !(group.security_enabled == Some(true) || group.is_unified()) {
        return Meant::Alone(format!(
            "the group of the target that {which} is a distribution list, which can hold no rights; make it \
             mail-enabled security, or {NAME_IT}"
        ));
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
