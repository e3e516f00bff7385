//! SYN-4: what a verification says of both tenants is so.

use catalogue::Step;
use content::{Difference, VerifiedPlace, VerifyReport, Workload};
use engine::load_journal;
use jiff::Timestamp;
use model::{JournalEvent, User};
use simulator::{FolderView, MailboxView, Part};

use super::content::{Ledger, items};
use crate::world::{Person, World};

/// Compares the verification that was asked for at rest with what both tenants hold; `copied` is when the
/// last round of the copy began.
pub(crate) async fn verified(world: &World, person: &Person, user: &User, copied: Timestamp) {
    let broken = |text: String| world.stage.violated("SYN-4", format!("{}: {text}", user.id));
    let journal = load_journal(&*world.quiet, &person.key).await.unwrap_or_default();
    let receipt = journal.into_iter().rev().find_map(|entry| match entry.event {
        JournalEvent::Done { receipt, .. } if entry.step == Some(Step::VerifyContent) => {
            Some(receipt)
        }
        _ => None,
    });
    let report = receipt.and_then(|receipt| receipt.get("report").cloned());
    let report = report.and_then(|report| serde_json::from_value::<VerifyReport>(report).ok());
    let Some(report) = report else { return broken("no verification is kept".to_owned()) };
    let (source, target) = (world.source.tenant_id, world.target.tenant_id);
    let Some(identity) = &user.target else { return };
    let ledger = world.ledger(&person.key.user);
    let mut later = 0;
    for (workload, part) in [(Workload::Mailbox, Part::Primary), (Workload::Archive, Part::Archive)]
    {
        let here = world.simulator.mailbox_view(source, &person.upn, part);
        let there = world.simulator.mailbox_view(target, &identity.user_principal_name, part);
        let (Ok(here), Ok(there)) = (here, there) else { continue };
        let items = here.folders.values().flat_map(|folder| &folder.items);
        later += items.filter(|item| item.received >= copied).count();
        for place in report.places.iter().filter(|place| place.workload == workload) {
            if let Some(text) = of_folder(&report, place, &ledger, &here, &there) {
                broken(text);
            }
        }
    }
    let quiet = ledger.is_empty() && world.letters_to(&person.key.user).is_empty();
    let wrong: Vec<&Difference> =
        report.differences.iter().filter(|it| !it.reason.is_reported()).collect();
    // Our own mail may come after the copy: a message that was held up by a crash is sent in the end.
    if quiet && wrong.len() > later {
        broken(format!("nobody touched anything, and these differ: {wrong:?}"));
    }
}

/// What the report says of a folder that is not so.
fn of_folder(
    report: &VerifyReport,
    place: &VerifiedPlace,
    ledger: &Ledger,
    here: &MailboxView,
    there: &MailboxView,
) -> Option<String> {
    // Two folders may have one name, and a folder may have been renamed since it was copied.
    let named = |folder: &&FolderView| {
        !folder.search && place.place.ends_with(&format!("/{}", folder.name))
    };
    let sources: Vec<&FolderView> = here.folders.values().filter(named).collect();
    let size = |folder: &FolderView| folder.items.iter().map(|item| item.size).sum::<u64>();
    let told = (place.source_items, place.source_bytes);
    let is = |folder: &&FolderView| (folder.items.len() as u64, size(folder)) == told;
    if !sources.is_empty() && !sources.iter().any(is) {
        let held: Vec<_> = sources.iter().map(|f| (f.items.len(), size(f))).collect();
        return Some(format!("`{}` is said to hold {told:?} and holds {held:?}", place.place));
    }
    let told = (place.target_items, place.target_bytes);
    let is = |folder: &FolderView| (folder.items.len() as u64, size(folder)) == told;
    if told != (0, 0) && !there.folders.values().any(is) {
        return Some(format!("no folder of the target holds {told:?} as `{}`", place.place));
    }
    // An item that is not listed as a difference is in the target.
    let [source] = sources.as_slice() else { return None };
    let differ = report.differences.iter().filter(|it| it.place == place.place).count();
    let copies = items(there);
    let only = MailboxView { folders: [(place.place.clone(), (*source).clone())].into() };
    let missing = items(&only)
        .into_keys()
        .filter(|name| !copies.contains_key(name) && !ledger.touched.contains(name))
        .count();
    (report.more_differences == 0 && missing > differ).then(|| {
        format!("`{}` lacks {missing} items, and {differ} differences are listed", place.place)
    })
}
