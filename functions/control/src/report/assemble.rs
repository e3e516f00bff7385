//! Reading what a report is made of.

use std::collections::BTreeMap;

use content::waiting_rights;
use engine::{Host, load_journal};
use model::{JournalEntry, JournalEvent, Keys};

use super::{Report, Tally, messages::add_messages};
use crate::{ControlError, Scope, Selection};

/// The report over the chosen users, one journal in memory at a time.
pub async fn report(
    host: &Host,
    scope: &Scope,
    selection: &Selection,
) -> Result<Report, ControlError> {
    let mut tally = Tally::new();
    let mut people = BTreeMap::new();
    for user in selection.resolve(host, scope).await? {
        let entries = load_journal(&*host.store, &scope.user(&user.value.id)).await?;
        tally.add(&user.value, &entries);
        if kept_rights(&entries) {
            let copy = Keys::copy_partition(&scope.user(&user.value.id));
            tally.add_waiting(&user.value, waiting_rights(&*host.store, &copy).await?);
        }
        people.insert(user.value.id, user.value.source.user_principal_name);
    }
    add_messages(&mut tally, host, scope, selection, &people).await?;
    Ok(tally.finish(selection.describe(), host.clock.now()))
}

/// Whether the last copy left rights behind for holders who were not there. They may have come since.
fn kept_rights(journal: &[JournalEntry]) -> bool {
    let copied = journal.iter().filter_map(|entry| match &entry.event {
        JournalEvent::Done { receipt, .. } => {
            Some((entry.at, receipt.get("summary")?.get("pending_permissions")?.as_u64()?))
        }
        _ => None,
    });
    copied.max_by_key(|(at, _)| *at).is_some_and(|(_, waiting)| waiting > 0)
}
