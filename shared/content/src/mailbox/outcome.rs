//! What each outcome of an export or an import means: for the map, the counters, the list of bad items,
//! and for the page.

use tenant::{Class, Held, TenantError, graph::mailbox_content::ImportedItem};

use super::{
    MailboxCopy,
    batch::{Batch, Landed, Load, Row},
    items::FolderCopy,
    no_mailbox,
};
use crate::{
    BadItem, ContentError,
    bad::advice,
    map::Entry,
    unit::{Step, Stop, Unit, judge, pause},
};

impl Unit<'_> {
    /// Deals with the items that could not be exported. Returns the others, and why the refused ones
    /// are to be tried again soon, if some are.
    pub(super) fn take_refusals(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        mut batch: Batch,
    ) -> Step<(Vec<Load>, Option<Stop>, Vec<Held>)> {
        let (mut loads, mut again) = (Vec::new(), None);
        for row in batch.large {
            self.too_large(copy, folder, row)?;
        }
        for (row, outcome) in batch.exported {
            match outcome {
                Ok(data) => {
                    let known = batch.known.remove(&row.id);
                    loads.push(Load { row, data, known });
                }
                Err(error) => again = self.refused(copy, folder, row, error)?.or(again),
            }
        }
        Ok((loads, again, batch.held))
    }

    /// Deals with an item that could not be exported. Returns why it is to be tried again soon, if it
    /// is.
    fn refused(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        row: Row,
        error: TenantError,
    ) -> Step<Option<Stop>> {
        // Gone since it was listed: the next delta says so too. A status means that the mailbox is gone.
        if error.is_not_found() && error.status.is_some() {
            return Err(no_mailbox("source", &error.to_string()));
        }
        if error.is_not_found() {
            self.no_longer_bad(copy, folder, &row);
        } else if error.class != Class::Unexpected && pause(&error).is_some() {
            return Ok(Some(judge("exporting items of the source", error)));
        } else {
            self.bad_row(copy, folder, row, &error)?;
        }
        Ok(None)
    }

    /// Takes the results of a batch into map, counters and the list of bad items.
    pub(super) fn record(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        loads: Vec<Load>,
        landed: Vec<Landed>,
        may_be_gone: bool,
    ) -> Step<Verdict> {
        let mut verdict = Verdict::Settled;
        for (load, landed) in loads.into_iter().zip(landed) {
            match landed {
                Landed::Done { item, tag, updated } => {
                    self.landed(copy, folder, &load.row, &tag, item, updated);
                }
                Landed::NotExported(error) => {
                    if let Some(stop) = self.refused(copy, folder, load.row, error)? {
                        verdict.at_least(Verdict::NotDone(stop));
                    }
                }
                Landed::Refused(error) => match error.class {
                    Class::UnknownOutcome | Class::Unexpected => verdict = Verdict::Unknown,
                    Class::Unauthorized | Class::Gone => verdict.at_least(Verdict::SessionEnded),
                    Class::QuotaExceeded => {
                        let place = copy.workload.title().to_owned();
                        let reason = error.to_string();
                        let full = ContentError::TargetFull { place, reason };
                        verdict.at_least(Verdict::NotDone(Stop::Failed(full)));
                    }
                    Class::NoMailbox | Class::MissingConsent { .. } => {
                        let stop = judge("importing items into the target", error);
                        verdict.at_least(Verdict::NotDone(stop));
                    }
                    _ if pause(&error).is_some() => {
                        let stop = judge("importing items into the target", error);
                        verdict.at_least(Verdict::NotDone(stop));
                    }
                    _ if may_be_gone && error.is_not_found() => {
                        verdict.at_least(Verdict::FolderGone);
                    }
                    _ => self.bad_row(copy, folder, load.row, &error)?,
                },
            }
        }
        Ok(verdict)
    }

    /// An item is in the target.
    pub(super) fn landed(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        row: &Row,
        change_key: &str,
        item: ImportedItem,
        updated: bool,
    ) {
        folder.map.put(&Entry {
            source: row.id.clone(),
            source_tag: change_key.to_owned(),
            target: item.item_id,
            target_tag: item.change_key,
        });
        let counts = self.counts(copy.workload);
        if updated {
            counts.updated += 1;
        } else {
            counts.created += 1;
        }
        counts.bytes += row.size;
        counts.seen += 1;
        counts.seen_bytes += row.size;
        self.replaces_delivered(copy, folder, row);
        self.no_longer_bad(copy, folder, row);
    }

    pub(super) fn no_longer_bad(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        row: &Row,
    ) {
        if folder.bad.remove(&row.id).is_some() {
            self.mended(copy.workload, folder.row.ordinal, &row.id);
        }
    }

    /// Records a bad item (SYN-5).
    pub(super) fn bad_row(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        row: Row,
        error: &TenantError,
    ) -> Step {
        let item = BadItem {
            workload: copy.workload,
            id: row.id,
            folder: folder.path.clone(),
            name: row.kind,
            size: row.size,
            reason: format!("{} ({})", error.message, error.code),
            advice: advice(error).to_owned(),
            tag: row.tag,
            created: row.created,
            tries: 1,
        };
        self.bad_item(copy, folder, item)
    }

    fn bad_item(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        mut item: BadItem,
    ) -> Step {
        let before = folder.bad.get(&item.id);
        item.tries = before.map_or(0, |before| before.tries).saturating_add(1);
        let known = before.is_some();
        let counts = self.counts(copy.workload);
        counts.seen += 1;
        counts.seen_bytes += item.size;
        self.bad(folder.row.ordinal, &item, known)?;
        folder.bad.insert(item.id.clone(), item);
        Ok(())
    }

    /// Leaves an item out that is larger than a unit can hold.
    pub(super) fn too_large(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        row: Row,
    ) -> Step {
        let limit = self.job.settings.max_item_bytes;
        let item = BadItem {
            workload: copy.workload,
            id: row.id,
            folder: folder.path.clone(),
            name: row.kind,
            size: row.size,
            reason: format!("the item is larger than the limit of {limit} bytes"),
            advice: "move the item by hand, or make it smaller in the source".into(),
            tag: row.tag,
            created: row.created,
            tries: 1,
        };
        self.bad_item(copy, folder, item)
    }
}

/// What the results of a batch mean for the page, the worst of them.
pub(super) enum Verdict {
    Settled,
    /// The target has no such folder, it seems.
    FolderGone,
    /// Some were certainly not imported.
    NotDone(Stop),
    SessionEnded,
    /// Some may have been imported: the intent stays open.
    Unknown,
}

impl Verdict {
    fn rank(&self) -> u8 {
        match self {
            Self::Settled => 0,
            Self::FolderGone => 1,
            Self::SessionEnded => 2,
            Self::NotDone(_) => 3,
            Self::Unknown => 4,
        }
    }

    fn at_least(&mut self, other: Self) {
        if other.rank() > self.rank() {
            *self = other;
        }
    }
}
