//! Settings inside the mailbox: regional, automatic replies, calendar processing.

use super::{Cmdlet, cmdlet, mailboxes::found};
use crate::{
    call::Call,
    directory::Recipient,
    exchange::{Failure, Given, Outcome, Output, Parameters, Record, change},
    world::World,
};

pub(super) const CMDLETS: &[Cmdlet] = &[
    cmdlet(
        "Get-MailboxRegionalConfiguration",
        &["Identity", "VerifyDefaultFolderNameLanguage"],
        get,
    ),
    cmdlet(
        "Set-MailboxRegionalConfiguration",
        &[
            "Identity",
            "Language",
            "TimeZone",
            "DateFormat",
            "TimeFormat",
            "LocalizeDefaultFolderName",
        ],
        set,
    ),
    cmdlet("Get-MailboxAutoReplyConfiguration", &["Identity"], get_reply),
    cmdlet(
        "Set-MailboxAutoReplyConfiguration",
        &[
            "Identity",
            "AutoReplyState",
            "InternalMessage",
            "ExternalMessage",
            "ExternalAudience",
            "StartTime",
            "EndTime",
        ],
        set_reply,
    ),
    cmdlet("Get-CalendarProcessing", &["Identity"], calendar),
];

fn open(world: &World, call: &Call, parameters: &Parameters) -> Result<Recipient, Failure> {
    let mailbox = found(world, call, parameters)?;
    if call.now < mailbox.open { Err(Failure::not_open(&mailbox.name)) } else { Ok(mailbox) }
}

fn assign(property: &mut Option<String>, given: Given<String>) {
    match given {
        Given::Absent => {}
        Given::Clear => *property = None,
        Given::Value(text) => *property = Some(text),
    }
}

fn get(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let mailbox = open(world, call, parameters)?;
    let regional = &mailbox.regional;
    let record = Record::new()
        .text("Identity", mailbox.name.clone())
        .maybe("Language", regional.language.clone())
        .maybe("TimeZone", regional.time_zone.clone())
        .maybe("DateFormat", regional.date_format.clone())
        .maybe("TimeFormat", regional.time_format.clone())
        .value("DefaultFolderNameMatchingUserLanguage", serde_json::Value::Bool(true))
        .flag("IsValid", true);
    Ok(Output::of(vec![record]))
}

fn set(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let before = open(world, call, parameters)?;
    let mut after = before.clone();
    assign(&mut after.regional.language, parameters.text("Language")?);
    assign(&mut after.regional.time_zone, parameters.text("TimeZone")?);
    assign(&mut after.regional.date_format, parameters.text("DateFormat")?);
    assign(&mut after.regional.time_format, parameters.text("TimeFormat")?);
    let localise = parameters.flag("LocalizeDefaultFolderName")? == Some(true);
    if let (true, Some(language), Some(id)) =
        (localise, after.regional.language.clone(), after.mailbox)
        && let Some(store) = world.tenant_mut(call)?.mailboxes.get_mut(&id)
    {
        store.localise(&language);
    }
    change::write(world, call, &before, after)
}

fn get_reply(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let mailbox = open(world, call, parameters)?;
    let reply = &mailbox.auto_reply;
    let record = Record::new()
        .text("Identity", mailbox.name.clone())
        .text("MailboxOwnerId", mailbox.name.clone())
        .text("AutoReplyState", reply.state.clone().unwrap_or_else(|| "Disabled".to_owned()))
        .maybe("InternalMessage", reply.internal.clone())
        .maybe("ExternalMessage", reply.external.clone())
        .text("ExternalAudience", reply.audience.clone().unwrap_or_else(|| "All".to_owned()))
        .maybe("StartTime", reply.start.clone())
        .maybe("EndTime", reply.end.clone())
        .flag("IsValid", true);
    Ok(Output::of(vec![record]))
}

fn set_reply(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let before = open(world, call, parameters)?;
    let mut after = before.clone();
    assign(&mut after.auto_reply.state, parameters.text("AutoReplyState")?);
    assign(&mut after.auto_reply.internal, parameters.text("InternalMessage")?);
    assign(&mut after.auto_reply.external, parameters.text("ExternalMessage")?);
    assign(&mut after.auto_reply.audience, parameters.text("ExternalAudience")?);
    assign(&mut after.auto_reply.start, parameters.text("StartTime")?);
    assign(&mut after.auto_reply.end, parameters.text("EndTime")?);
    change::write(world, call, &before, after)
}

fn calendar(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let mailbox = open(world, call, parameters)?;
    let record = Record::new()
        .text("Identity", mailbox.name)
        .text("AutomateProcessing", "AutoUpdate")
        .flag("AllowConflicts", false)
        .list("ResourceDelegates", Vec::<String>::new())
        .list("BookInPolicy", Vec::<String>::new())
        .flag("AllBookInPolicy", true)
        .flag("ForwardRequestsToDelegates", true)
        .flag("IsValid", true);
    Ok(Output::of(vec![record]))
}
