//! PRE-S1: create the target user, or update the one that exists, with the attributes that the
//! mapping script returns.
//!
//! Match runs first (PRE-3). In a cloud-only tenant an account with an address and no mailbox is
//! born only through Exchange's New-MailUser, which makes the Entra account too; Graph then takes
//! the attributes, once the account has appeared there.

use catalogue::Step;
use engine::{
    Match, Outcome, Receipt, StepContext, StepError, StepResult, find_match, map_user, update_user,
};
use model::TargetIdentity;
use serde::{Deserialize, Serialize};
use tenant::graph::GraphUser;

use crate::new_account;

/// The target account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetAccount {
    /// Entra object id.
    pub object_id: String,
    /// User principal name.
    pub user_principal_name: String,
    /// Whether Crosswave made it.
    pub created: bool,
    /// Whether the directory gives it mail addresses: then it is a recipient, also where Exchange does not
    /// show it yet. One that an interrupted run made is found as a match, and not told apart otherwise.
    #[serde(default)]
    pub has_addresses: bool,
    /// The proxy addresses that the mapping wants, in Exchange's form.
    pub proxy_addresses: Vec<String>,
    /// The attributes that were written.
    pub written: Vec<String>,
}

impl TargetAccount {
    /// Whether Exchange has it as a recipient, or will.
    pub(crate) fn is_recipient(&self) -> bool {
        self.created || self.has_addresses
    }
}

impl Receipt for TargetAccount {
    const STEP: Step = Step::CreateOrUpdateUser;
}

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let known = match cx.target_identity() {
        Some(known) => Some(known),
        None => matched(cx).await?,
    };
    let Some(identity) = known else { return create(cx).await };
    let Some(user) = cx.target().user(&identity.object_id).await? else {
        if identity.created {
            return Outcome::wait("the new account to appear in the directory");
        }
        return Err(StepError::park(
            "target_missing",
            format!("the matched target user {} is gone", identity.user_principal_name),
            "reset the user to no_match, match again, then prepare",
        ));
    };
    let recipient = cx.target().recipient(&user.id).await?;
    let mapped = map_user(cx, scripting::Step::Prepare, Some((&user, recipient.as_ref()))).await?;
    let outcome = update_user(cx.target(), &user, recipient.as_ref(), &mapped).await?;
    let receipt = TargetAccount {
        has_addresses: !user.proxy_addresses.is_empty(),
        object_id: user.id,
        user_principal_name: user.user_principal_name,
        created: identity.created,
        proxy_addresses: mapped.texts("proxyAddresses").to_vec(),
        written: outcome.written,
    };
    Outcome::done_with(&receipt, outcome.warnings)
}

/// The existing account of this person, claimed so that no other source user gets it (MAT-2).
async fn matched(cx: &StepContext<'_>) -> Result<Option<TargetIdentity>, StepError> {
    let Match::One(user) = find_match(cx).await? else { return Ok(None) };
    claim(cx, &user).await?;
    let identity = TargetIdentity {
        object_id: user.id.clone(),
        user_principal_name: user.user_principal_name.clone(),
        created: false,
    };
    cx.set_target(identity.clone());
    Ok(Some(identity))
}

async fn claim(cx: &StepContext<'_>, user: &GraphUser) -> Result<(), StepError> {
    match cx.reserve("target", &user.id).await? {
        None => Ok(()),
        Some(other) => Err(StepError::park(
            "target_taken",
            format!("{} is matched with source user {other} already", user.user_principal_name),
            "correct the match of one of the two in the users file (import)",
        )),
    }
}

/// Makes the account, and remembers it before anything else is asked of it.
async fn create(cx: &StepContext<'_>) -> StepResult {
    let identity = if cx.profile().prepare.as_guests {
        new_account::guest(cx).await?
    } else {
        new_account::mail_user(cx).await?
    };
    let Some(identity) = identity else {
        return Outcome::wait("the new account to appear");
    };
    if let Some(other) = cx.reserve("target", &identity.object_id).await? {
        return Err(StepError::park(
            "target_taken",
            format!("{} belongs to source user {other}", identity.user_principal_name),
            "give this user another name in the mapping",
        ));
    }
    cx.set_target(identity);
    // The account exists; its attributes follow once it can be read.
    Ok(Outcome::Wait(engine::Wake::More))
}
