//! SYN-I4: usage location first, then licences for Exchange Online, archive and OneDrive.
//!
//! An Exchange licence turns the mail user into a mailbox after a while, and scrubs addresses of
//! domains that are not verified. The step waits for the mailbox, and sees to it that it is hidden
//! until cutover as the mail user was.

use std::{collections::BTreeSet, time::Duration};

use catalogue::Step;
use engine::{
    Effect, Failure, Outcome, Receipt, RecipientEdit, StepContext, StepError, StepResult, Wake,
    Write, change, map_user,
};
use prepare::TargetRecipient;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tenant::{
    Class,
    exchange::{Parameters, ProxyAddress, Recipient},
    graph::{AssignedLicense, GraphUser, SubscribedSku},
};

use crate::update_user::no_target;

/// The licences and the mailbox that they made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Licensed {
    licenses: Vec<String>,
    usage_location: Option<String>,
    mailbox: String,
}

impl Receipt for Licensed {
    const STEP: Step = Step::AssignLicenses;
}

pub(crate) async fn run(cx: &StepContext<'_>) -> StepResult {
    let identity = cx.target_identity().ok_or_else(no_target)?;
    let Some(user) = cx.target().user(&identity.object_id).await? else {
        return Outcome::wait("the target user to appear in the directory");
    };
    let recipient = cx.target().recipient(&user.id).await?;
    let skus = cx.target().client().await?.graph().subscribed_skus().await?;
    let wanted = wanted(cx, &skus, recipient.as_ref())?;
    let missing: Vec<&SubscribedSku> = wanted
        .iter()
        .copied()
        .filter(|sku| user.assigned_licenses.iter().all(|held| held.sku_id != sku.sku_id))
        .collect();
    let usage_location = match user.usage_location.clone() {
        Some(location) => Some(location),
        None if missing.is_empty() => None,
        None => Some(set_usage_location(cx, &user, recipient.as_ref()).await?),
    };
    if !missing.is_empty() {
        assign(cx, &user, &missing).await?;
    }
    let Some(mailbox) = cx.target().recipient(&user.id).await? else {
        return Outcome::wait("Exchange to know the licensed user");
    };
    if !mailbox.recipient_type_details.is_mailbox() {
        return Outcome::wait("the licence to turn the mail user into a mailbox");
    }
    let Some(mailbox) = cx.target().mailbox(&mailbox.identity()).await? else {
        return Outcome::wait("the new mailbox to open");
    };
    if cx.profile().sync.mailbox && !cx.is_plan() && !answers(cx, &user).await? {
        return Outcome::wait("the new mailbox to answer in Graph");
    }
    settle_mailbox(cx, &mailbox).await?;
    let mut warnings = Vec::new();
    if cx.profile().sync.onedrive && cx.user().source.mailbox.drive {
        match drive(cx, &user).await? {
            TargetDrive::There => {}
            TargetDrive::Coming if cx.is_plan() => {}
            TargetDrive::Coming => {
                let why = "the OneDrive to be provisioned".to_owned();
                return Ok(Outcome::Wait(Wake::After { delay: DRIVE_POLL, why }));
            }
            TargetDrive::Refused(why) => warnings.push(why),
        }
    }
    let receipt = Licensed {
        licenses: wanted.iter().map(|sku| sku.sku_part_number.clone()).collect(),
        usage_location,
        mailbox: mailbox.identity(),
    };
    Outcome::done_with(&receipt, warnings)
}

/// Whether Graph knows the mailbox too: it learns of it some time after Exchange, and the copy goes
/// through Graph.
async fn answers(cx: &StepContext<'_>, user: &GraphUser) -> Result<bool, StepError> {
    match cx.target().client().await?.graph().exchange_settings(&user.id).await {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.class, Class::NoMailbox | Class::NotFound) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What is known of the target's OneDrive.
enum TargetDrive {
    There,
    Coming,
    /// It cannot be asked for by this application; an administrator provisions it.
    Refused(String),
}

/// Looking for drives that are not there gets the whole address throttled, so it is done sparingly.
const DRIVE_POLL: Duration = Duration::from_mins(1);

/// The target's OneDrive; asked for once when it is missing. No licence makes one by itself.
async fn drive(cx: &StepContext<'_>, user: &GraphUser) -> Result<TargetDrive, StepError> {
    let client = cx.target().client().await?;
    match client.graph().user_drive(&user.id).await {
        Ok(_) => return Ok(TargetDrive::There),
        Err(error) if matches!(error.class, Class::NoDrive | Class::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    let upn = user.user_principal_name.clone();
    if cx.remembered::<String>("drive_requested")?.as_ref() == Some(&upn) {
        return Ok(TargetDrive::Coming);
    }
    if !client.sharepoint().is_configured() {
        return Ok(TargetDrive::Refused(format!(
            "the OneDrive of {upn} does not exist and no SharePoint administration address is \
             configured to ask for it"
        )));
    }
    let write = Write {
        object: upn.clone(),
        changes: vec![change("OneDrive", Value::Null, "requested")],
        effect: Effect::RequestPersonalSite { user_principal_name: upn.clone() },
    };
    match cx.target().write(write).await {
        Ok(_) => {
            cx.remember("drive_requested", &upn).await?;
            Ok(TargetDrive::Coming)
        }
        Err(error) if error.failure == Failure::Park => Ok(TargetDrive::Refused(format!(
            "the OneDrive of {upn} does not exist and could not be asked for: {}",
            error.message
        ))),
        Err(error) => Err(error),
    }
}

/// The profile's licences; without any, those of the source user that the target has too. A target
/// that is a mailbox already needs none.
fn wanted<'s>(
    cx: &StepContext<'_>,
    skus: &'s [SubscribedSku],
    recipient: Option<&Recipient>,
) -> Result<Vec<&'s SubscribedSku>, StepError> {
    let profile = cx.profile().sync.licenses;
    let named =
        if profile.is_empty() { cx.user().source.licenses.clone() } else { profile.clone() };
    let mut wanted = Vec::new();
    let mut unknown = BTreeSet::new();
    for name in &named {
        match skus.iter().find(|sku| sku.sku_part_number.eq_ignore_ascii_case(name)) {
            Some(sku) => wanted.push(sku),
            None => {
                unknown.insert(name.as_str());
            }
        }
    }
    let available =
        || skus.iter().map(|sku| sku.sku_part_number.as_str()).collect::<Vec<_>>().join(", ");
    if !profile.is_empty() && !unknown.is_empty() {
        let unknown: Vec<&str> = unknown.into_iter().collect();
        return Err(StepError::park(
            "unknown_license",
            format!("the target tenant has no licence {}", unknown.join(", ")),
            format!("use one of {} in the profile's licenses", available()),
        ));
    }
    let is_mailbox =
        recipient.is_some_and(|recipient| recipient.recipient_type_details.is_mailbox());
    if wanted.is_empty() && !is_mailbox {
        return Err(StepError::park(
            "no_license",
            format!(
                "no licence is named, and the target has none of the source user's ({})",
                named.join(", ")
            ),
            format!("name licences in the profile: one of {}", available()),
        ));
    }
    Ok(wanted)
}

async fn set_usage_location(
    cx: &StepContext<'_>,
    user: &GraphUser,
    recipient: Option<&Recipient>,
) -> Result<String, StepError> {
    let mapped = map_user(cx, scripting::Step::Sync, Some((user, recipient))).await?;
    let location = mapped
        .text("usageLocation")
        .map(str::to_owned)
        .or_else(|| cx.profile().sync.usage_location)
        .ok_or_else(|| {
            StepError::park(
                "no_usage_location",
                format!("{} has no usage location", user.user_principal_name),
                "set target.usageLocation in the mapping, or usage_location in the profile",
            )
        })?;
    let properties = Map::from_iter([("usageLocation".to_owned(), json!(location))]);
    let write = Write {
        object: user.user_principal_name.clone(),
        changes: vec![change("usageLocation", Value::Null, location.as_str())],
        effect: Effect::UpdateUser { id: user.id.clone(), properties },
    };
    cx.target().write(write).await?;
    Ok(location)
}

async fn assign(
    cx: &StepContext<'_>,
    user: &GraphUser,
    missing: &[&SubscribedSku],
) -> Result<(), StepError> {
    if let Some(empty) = missing.iter().find(|sku| sku.free_seats() == 0) {
        return Err(StepError::park(
            "license_pool_empty",
            format!("no seat of {} is free in the target", empty.sku_part_number),
            "buy or free seats of this licence, then sync again",
        ));
    }
    let add: Vec<AssignedLicense> = missing
        .iter()
        .map(|sku| AssignedLicense { sku_id: sku.sku_id.clone(), disabled_plans: Vec::new() })
        .collect();
    let names: Vec<String> = missing.iter().map(|sku| sku.sku_part_number.clone()).collect();
    let write = Write {
        object: user.user_principal_name.clone(),
        changes: vec![change("licenses", Value::Null, names)],
        effect: Effect::AssignLicenses { user: user.id.clone(), add },
    };
    cx.target().write(write).await?;
    Ok(())
}

/// Hidden until cutover, with the addresses that the mail user had, and an archive where the source
/// has one.
async fn settle_mailbox(cx: &StepContext<'_>, mailbox: &Recipient) -> Result<(), StepError> {
    let mut edit = RecipientEdit::of(mailbox);
    if let Some(prepared) = cx.receipt::<TargetRecipient>()?.filter(|it| !it.already_a_mailbox) {
        edit = edit.hidden(true);
        let addresses: Vec<ProxyAddress> =
            prepared.addresses.iter().filter_map(|text| ProxyAddress::parse(text).ok()).collect();
        edit = edit.add_addresses(&addresses);
    }
    edit.apply(cx.target()).await?;
    let wants_archive = cx.profile().sync.archive && cx.user().source.mailbox.archive;
    if wants_archive && mailbox.archive_guid.is_none() {
        let write = Write {
            object: mailbox.display_name.clone(),
            changes: vec![change("Archive", false, true)],
            effect: Effect::cmdlet(
                "Enable-Mailbox",
                Parameters::identity(&mailbox.identity()).switch("Archive"),
            ),
        };
        cx.target().write_tolerant(write, tenant::TenantError::is_already_exists).await?;
    }
    Ok(())
}
