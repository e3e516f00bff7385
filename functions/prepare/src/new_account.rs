//! How a target account is made: as a mail user, or as a guest without an invitation (PRE-6).

use engine::{Effect, StepContext, StepError, Write, change, map_user};
use model::TargetIdentity;
use serde_json::Value;
use tenant::{
    exchange::{Parameters, ProxyAddress, Recipient},
    graph::NewInvitation,
};

/// Makes a mail user that routes to the source's initial domain (PRE-5). `None`: made, and its
/// reply did not say who it is.
pub(crate) async fn mail_user(cx: &StepContext<'_>) -> Result<Option<TargetIdentity>, StepError> {
    // A crash after the cmdlet, or a reset of the user, leaves an account that is ours: its name
    // carries the source's id. The mapping is not asked: it would find that account's names taken.
    let name = format!("crosswave-user-{}", cx.key().user);
    let name: String = name.chars().take(64).collect();
    if let Some(made) = cx.target().mail_user(&name).await? {
        return Ok(identity(&made, None));
    }
    let mapped = map_user(cx, scripting::Step::Prepare, None).await?;
    let wanted = |name: &str| {
        mapped.text(name).map(str::to_owned).ok_or_else(|| {
            StepError::park(
                "not_mapped",
                format!("the mapping gives no {name}, which a new account needs"),
                "set it in map_user",
            )
        })
    };
    let upn = wanted("userPrincipalName")?;
    let alias = wanted("mailNickname")?;
    let display_name = wanted("displayName")?;
    let external = source_route(cx)?;
    let mut parameters = Parameters::new()
        .set("Name", name)
        .set("Alias", alias.as_str())
        .set("DisplayName", display_name.as_str())
        .set("MicrosoftOnlineServicesID", upn.as_str())
        .set("ExternalEmailAddress", external.value())
        .set("Password", password(cx));
    let mut changes = vec![
        change("userPrincipalName", Value::Null, upn.as_str()),
        change("mailNickname", Value::Null, alias),
        change("displayName", Value::Null, display_name),
        change("ExternalEmailAddress", Value::Null, external.value()),
    ];
    for (parameter, attribute) in [("FirstName", "givenName"), ("LastName", "surname")] {
        if let Some(text) = mapped.text(attribute) {
            parameters = parameters.set(parameter, text);
            changes.push(change(attribute, Value::Null, text));
        }
    }
    let effect = Effect::cmdlet("New-MailUser", parameters);
    let made = cx.target().write(Write { object: upn.clone(), changes, effect }).await?;
    if made.is_null() {
        return Ok(None);
    }
    Ok(identity(&Recipient::from_value(&made), Some(upn)))
}

/// Makes a guest; Microsoft sends nothing. The mapping decides whether he is moved at all.
pub(crate) async fn guest(cx: &StepContext<'_>) -> Result<Option<TargetIdentity>, StepError> {
    map_user(cx, scripting::Step::Prepare, None).await?;
    let source = &cx.user().source;
    if source.mail.is_empty() {
        return Err(StepError::park(
            "no_address",
            format!("{} has no mail address to invite", source.user_principal_name),
            "give the account an address, or prepare it as a member",
        ));
    }
    let invitation = NewInvitation {
        invited_user_email_address: source.mail.clone(),
        invited_user_display_name: Some(source.display_name.clone()),
        invite_redirect_url: "https://myapplications.microsoft.com".to_owned(),
        send_invitation_message: false,
    };
    let write = Write {
        object: format!("guest {}", source.mail),
        changes: vec![change("mail", Value::Null, source.mail.as_str())],
        effect: Effect::Invite(invitation),
    };
    let made = cx.target().write(write).await?;
    let Some(id) = made.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    Ok(Some(TargetIdentity {
        object_id: id.to_owned(),
        user_principal_name: source.mail.clone(),
        created: true,
    }))
}

/// The source address that mail for the person is routed to: in the initial domain, so that it
/// stays when the vanity domain moves, and never equal to the contact's (PRE-5).
pub(crate) fn source_route(cx: &StepContext<'_>) -> Result<ProxyAddress, StepError> {
    let source = &cx.user().source;
    let address = source.initial_address.as_deref().ok_or_else(|| {
        StepError::park(
            "no_initial_address",
            format!(
                "{} has no address in {}, to which its mail must be routed",
                source.user_principal_name,
                cx.project().source.initial_domain
            ),
            "add such an address to the source mailbox, run discover, then apply it again",
        )
    })?;
    ProxyAddress::secondary(address).map_err(|error| {
        StepError::park("bad_address", error.to_string(), "correct the address in the source")
    })
}

fn identity(made: &Recipient, upn: Option<String>) -> Option<TargetIdentity> {
    let object_id = made.external_directory_object_id?.hyphenated().to_string();
    let user_principal_name = made.user_principal_name.clone().or(upn)?;
    Some(TargetIdentity { object_id, user_principal_name, created: true })
}

/// A password that nobody knows: people sign in after an administrator, or single sign-on, lets
/// them.
fn password(cx: &StepContext<'_>) -> String {
    let random = &cx.host().random;
    format!("Aa1!{:032x}{:016x}", random.next_u128(), random.next_u64())
}
