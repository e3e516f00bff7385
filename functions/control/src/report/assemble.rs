//! Reading what a report is made of.

use engine::{Host, records::load_all};
use model::{JournalEntry, Keys};

use super::{Report, Tally};
use crate::{ControlError, Scope, Selection};

/// The report over the chosen users, one journal in memory at a time.
pub async fn report(
    host: &Host,
    scope: &Scope,
    selection: &Selection,
) -> Result<Report, ControlError> {
    let mut tally = Tally::new();
    for user in selection.resolve(host, scope).await? {
        let partition = Keys::user_partition(&scope.user(&user.value.id));
        let journal = load_all::<JournalEntry>(&*host.store, &partition, Keys::JOURNAL).await?;
        let entries: Vec<JournalEntry> = journal.into_iter().map(|entry| entry.value).collect();
        tally.add(&user.value, &entries);
    }
    Ok(tally.finish(selection.describe(), host.clock.now()))
}
