//! Get-MailboxStatistics and Get-MailboxFolderStatistics.

use super::{Cmdlet, cmdlet, mailboxes::found};
use crate::{
    call::Call,
    exchange::{Failure, Outcome, Output, Parameters, Record},
    world::World,
};

pub(super) const CMDLETS: &[Cmdlet] = &[
    cmdlet(
        "Get-MailboxStatistics",
        &["Identity", "Archive", "IncludeSoftDeletedRecipients"],
        mailbox,
    ),
    cmdlet(
        "Get-MailboxFolderStatistics",
        &[
            "Identity",
            "Archive",
            "FolderScope",
            "IncludeOldestAndNewestItems",
            "IncludeSoftDeletedRecipients",
        ],
        folders,
    ),
];

fn mailbox(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let recipient = found(world, call, parameters)?;
    if call.now < recipient.open {
        return Ok(Output::warning(format!(
            "The user hasn't logged on to mailbox '{}', so there is no data to return. After the user logs on, this warning will no longer appear.",
            recipient.name
        )));
    }
    let archive = parameters.flag("Archive")? == Some(true);
    let id = if archive { recipient.archive } else { recipient.mailbox };
    let tenant = world.tenant_of(call)?;
    let Some((id, store)) = id.and_then(|id| Some((id, tenant.mailboxes.get(&id)?))) else {
        return Err(Failure::not_found(&recipient.name, call.view));
    };
    let folders = store.folders();
    let (items, bytes) = folders.iter().fold((0_u64, 0_u64), |(items, bytes), folder| {
        (items.saturating_add(folder.items), bytes.saturating_add(folder.bytes))
    });
    let record = Record::new()
        .text("Identity", id.to_string())
        .text("DisplayName", recipient.display_name.clone())
        .guid("MailboxGuid", id)
        .number("ItemCount", items)
        .size("TotalItemSize", bytes)
        .number("DeletedItemCount", 0)
        .size("TotalDeletedItemSize", 0)
        .text("MailboxTypeDetail", recipient.kind.details())
        .flag("IsArchiveMailbox", archive)
        .flag("IsValid", true);
    Ok(Output::of(vec![record]))
}

fn folders(world: &mut World, call: &Call, parameters: &Parameters) -> Outcome {
    let recipient = found(world, call, parameters)?;
    if call.now < recipient.open {
        return Err(Failure::not_open(&recipient.name));
    }
    let archive = parameters.flag("Archive")? == Some(true);
    let id = if archive { recipient.archive } else { recipient.mailbox };
    let tenant = world.tenant_of(call)?;
    let store = id.and_then(|id| tenant.mailboxes.get(&id));
    let store = store.ok_or_else(|| Failure::not_found(&recipient.name, call.view))?;
    let scope = parameters.text("FolderScope")?.value();
    let records = store
        .folders()
        .into_iter()
        .filter(|folder| {
            scope.as_deref().is_none_or(|scope| {
                scope.eq_ignore_ascii_case("All") || folder.folder_type.eq_ignore_ascii_case(scope)
            })
        })
        .map(|folder| {
            let name = folder.path.rsplit('/').next().unwrap_or_default().to_owned();
            let path = folder.path.replace('/', "\\");
            Record::new()
                .text("Identity", format!("{}{path}", recipient.alias))
                .text("Name", name)
                .text("FolderPath", folder.path)
                .text("FolderId", folder.id)
                .text("FolderType", folder.folder_type)
                .number("ItemsInFolder", folder.items)
                .number("ItemsInFolderAndSubfolders", folder.items)
                .size("FolderSize", folder.bytes)
                .size("FolderAndSubfolderSize", folder.bytes)
                .flag("IsValid", true)
        });
    Ok(Output::of(records.collect()))
}
