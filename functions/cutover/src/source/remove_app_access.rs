//! CUT-S8: the migration accounts lose their rights on the user's mailbox, groups and teams.
//!
//! The accounts are named in the profile. A right that is not there counts as removed.

use catalogue::Step;
use engine::{Effect, Outcome, Receipt, StepContext, StepError, StepResult, Write, change};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenant::{
    TenantError,
    exchange::Parameters,
    graph::{DirectoryObject, GraphUser},
};

use crate::mailbox::source_mailbox;

/// The rights that were removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccessRemoved {
    removed: Vec<String>,
    /// Groups whose last owner the account is: the service lets nobody remove that one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    last_owner_of: Vec<String>,
}

impl Receipt for AccessRemoved {
    const STEP: Step = Step::RemoveAppAccess;
}

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let accounts = cx.profile().cutover.app_accounts;
    if accounts.is_empty() {
        return Outcome::not_applicable("the profile names no migration accounts");
    }
    let mailbox = source_mailbox(cx).await?;
    let mut gone = AccessRemoved { removed: Vec::new(), last_owner_of: Vec::new() };
    for account in &accounts {
        let Some(user) = cx.source().user(account).await? else { continue };
        remove_mailbox_rights(cx, &mailbox.identity(), account, &mut gone.removed).await?;
        remove_memberships(cx, &user, &mut gone).await?;
    }
    let warn = |group: &String| {
        format!(
            "a migration account is the last owner of {group}: name another one, then remove it"
        )
    };
    let warnings = gone.last_owner_of.iter().map(warn).collect();
    Outcome::done_with(&gone, warnings)
}

async fn remove_mailbox_rights(
    cx: &StepContext<'_>,
    mailbox: &str,
    account: &str,
    removed: &mut Vec<String>,
) -> Result<(), StepError> {
    let full_access = Parameters::identity(mailbox)
        .set("User", account)
        .set("AccessRights", vec!["FullAccess".to_owned()])
        .confirmed();
    let send_as = Parameters::identity(mailbox)
        .set("Trustee", account)
        .set("AccessRights", vec!["SendAs".to_owned()])
        .confirmed();
    for (name, right, parameters) in [
        ("Remove-MailboxPermission", "FullAccess", full_access),
        ("Remove-RecipientPermission", "SendAs", send_as),
    ] {
        if !holds(cx, mailbox, account, right).await? {
            continue;
        }
        let write = Write {
            object: format!("{right} of {account} on {mailbox}"),
            changes: vec![change(right, account, Value::Null)],
            effect: Effect::cmdlet(name, parameters),
        };
        cx.source().write_tolerant(write, TenantError::is_not_found).await?;
        removed.push(format!("{right}: {account}"));
    }
    Ok(())
}

async fn holds(
    cx: &StepContext<'_>,
    mailbox: &str,
    account: &str,
    right: &str,
) -> Result<bool, StepError> {
    let exchange = cx.source().client().await?.exchange();
    let is_account = |name: &str| name.eq_ignore_ascii_case(account);
    if right == "FullAccess" {
        let grants = exchange.mailbox_permissions(mailbox).await?;
        return Ok(grants.iter().any(|grant| is_account(&grant.user)));
    }
    let grants = exchange.recipient_permissions(mailbox).await?;
    Ok(grants.iter().any(|grant| is_account(&grant.trustee)))
}

/// Groups of the person in which a migration account is too: it was put there for the migration.
async fn remove_memberships(
    cx: &StepContext<'_>,
    account: &GraphUser,
    gone: &mut AccessRemoved,
) -> Result<(), StepError> {
    let graph = cx.source().client().await?.graph();
    let person = graph.member_of(&cx.user().source.object_id).await?;
    let mine = graph.member_of(&account.id).await?;
    for object in mine {
        let DirectoryObject::Group(group) = object else { continue };
        if !person.iter().any(|other| other.id() == group.id) {
            continue;
        }
        let name = group.display_name.clone().unwrap_or_else(|| group.id.clone());
        let write = if group.is_exchange_mastered() {
            let parameters = Parameters::identity(&group.id)
                .set("Member", account.user_principal_name.as_str())
                .switch("BypassSecurityGroupManagerCheck")
                .confirmed();
            Effect::cmdlet("Remove-DistributionGroupMember", parameters)
        } else if group.is_team() {
            let members = graph.team_members(&group.id).await?;
            let membership =
                members.into_iter().find(|member| member.user_id.as_ref() == Some(&account.id));
            let Some(membership) = membership else { continue };
            Effect::RemoveTeamMember { team: group.id.clone(), membership: membership.id }
        } else {
            remove_ownership(cx, &group.id, &name, account, gone).await?;
            Effect::RemoveGroupMember { group: group.id.clone(), object: account.id.clone() }
        };
        remove(cx, account, &name, "member", write).await?;
        gone.removed.push(format!("{name}: {}", account.user_principal_name));
    }
    Ok(())
}

/// An owner keeps his rights when he is no member any more. In a team ownership is a role of the
/// membership and goes with it.
async fn remove_ownership(
    cx: &StepContext<'_>,
    group: &str,
    name: &str,
    account: &GraphUser,
    gone: &mut AccessRemoved,
) -> Result<(), StepError> {
    let owners = cx.source().client().await?.graph().group_owners(group).await?;
    if !owners.iter().any(|owner| owner.id() == account.id) {
        return Ok(());
    }
    if owners.len() == 1 {
        gone.last_owner_of.push(name.to_owned());
        return Ok(());
    }
    let effect = Effect::RemoveGroupOwner { group: group.to_owned(), object: account.id.clone() };
    remove(cx, account, name, "owner", effect).await
}

async fn remove(
    cx: &StepContext<'_>,
    account: &GraphUser,
    name: &str,
    role: &str,
    effect: Effect,
) -> Result<(), StepError> {
    let account = account.user_principal_name.as_str();
    let write = Write {
        object: format!("{account} in {name}"),
        changes: vec![change(role, account, Value::Null)],
        effect,
    };
    cx.source().write_tolerant(write, TenantError::is_not_found).await
}
