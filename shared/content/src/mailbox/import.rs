//! Exporting and importing one batch, and what each refusal means.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tenant::{
    Class, Held, TenantError,
    graph::mailbox_content::{ImportSession, ImportedItem},
};

use super::{
    MailboxCopy,
    batch::{
        Batch, Exported, Landed, Load, Parcel, Route, Row, Taken, export, export_ahead, import_all,
    },
    items::FolderCopy,
    pack,
};
use crate::{
    BadItem, ContentError,
    bad::advice,
    checkpoint::{Intent, KeptSession, Search},
    map::Entry,
    unit::{Step, Stop, Unit, judge, pause},
};

/// A session is renewed so long before it expires.
const SESSION_MARGIN: SignedDuration = SignedDuration::from_secs(120);
impl Unit<'_> {
    /// Works the rows of the page in hand off, from where the checkpoint says.
    pub(super) async fn work_page(
        &mut self,
        copy: &mut MailboxCopy,
        folder: &mut FolderCopy<'_>,
        rows: &[Row],
    ) -> Step {
        self.settle_page(copy, folder, rows).await?;
        let mut renewed = false;
        let mut next = self.page().map_or(0, |page| page.next);
        let mut current = self.exported(copy, folder, rows, next).await?;
        while let Some(batch) = current.take() {
            let (from, to) = (batch.from, batch.to);
            let (loads, again, held) = self.take_refusals(copy, folder, batch)?;
            if loads.is_empty() {
                if let Some(stop) = again {
                    return Err(stop);
                }
                next = to;
                self.set_page(next, None);
                self.within_budget()?;
                current = self.exported(copy, folder, rows, next).await?;
                continue;
            }
            let open = self.session(copy).await?;
            let at = self.job.clock.now();
            self.set_page(from, Some(Intent { from, to, at, search: Search::default() }));
            self.commit_with(folder).await?;
            self.within_bad_limit(folder.bad.values().next_back())?;

            let ahead = if self.within_budget().is_ok() && again.is_none() {
                let ahead = self.choose(copy, folder, rows, to).await?;
                // Only if there is room for a second batch right now: nobody waits holding some.
                ahead.and_then(|mut ahead| {
                    ahead.held.push(self.job.source.try_hold(ahead.bytes())?);
                    Some(ahead)
                })
            } else {
                None
            };
            let job = self.job;
            let route = Route {
                source: copy.source_of(&folder.row),
                target: &copy.target,
                folder: folder.row.target.as_str(),
                session: &open,
            };
            let imports = import_all(job, &route, &loads);
            let exports = export_ahead(job, route.source, ahead);
            let ((landed, requests), ahead) = futures_util::future::join(imports, exports).await;
            self.spend(requests);
            drop(held);

            match self.record(copy, folder, loads, landed)? {
                Verdict::Settled => {
                    next = if again.is_some() { from } else { to };
                    self.set_page(next, None);
                }
                Verdict::NotDone(stop) => {
                    self.set_page(from, None);
                    return Err(stop);
                }
                Verdict::Unknown => {
                    let after = self.job.settings.settle;
                    let why =
                        "an import's reply was lost; the target is searched for it".to_owned();
                    return Err(Stop::Wait { after, why });
                }
                Verdict::SessionEnded if renewed => {
                    self.set_page(from, None);
                    return Err(no_session());
                }
                Verdict::SessionEnded => {
                    (self.state.checkpoint.session, renewed, next) = (None, true, from);
                    self.set_page(next, None);
                    current = self.exported(copy, folder, rows, next).await?;
                    continue;
                }
            }
            if let Some(stop) = again {
                return Err(stop);
            }
            current = match ahead {
                Some((batch, requests, outcome)) => {
                    self.spend(requests);
                    Some(self.arrived(copy, folder, batch, outcome).await?)
                }
                None => {
                    self.within_budget()?;
                    self.exported(copy, folder, rows, next).await?
                }
            };
        }
        Ok(())
    }

    /// What is found out in the target before anything of a page is imported: what an interrupted
    /// batch did, and which mail came by forwarding.
    async fn settle_page(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        rows: &[Row],
    ) -> Step {
        if let Some(intent) = self.page().and_then(|page| page.intent) {
            self.reconcile(copy, folder, rows, intent).await?;
        }
        // Also after a crash behind the reconciliation, which has closed the intent by then: the
        // folders of the earlier round are not this one's.
        self.begin_if_settled()?;
        if self.job.settings.adopt_delivered {
            self.adopt_delivered(copy, folder, rows).await?;
        }
        Ok(())
    }

    /// Commits the checkpoint with the map's new rows.
    pub(super) async fn commit_with(&mut self, folder: &mut FolderCopy<'_>) -> Step {
        self.take_map_changes(folder);
        self.commit().await?;
        folder.map.committed();
        Ok(())
    }

    /// Adds the map's new rows to the next commit.
    pub(super) fn take_map_changes(&mut self, folder: &FolderCopy<'_>) {
        for change in folder.map.changes() {
            self.state.change(change);
        }
    }

    /// Chooses and exports the batch from row `from` on.
    async fn exported(
        &mut self,
        copy: &mut MailboxCopy,
        folder: &FolderCopy<'_>,
        rows: &[Row],
        from: usize,
    ) -> Step<Option<Batch>> {
        let Some(mut batch) = self.choose(copy, folder, rows, from).await? else {
            return Ok(None);
        };
        let room = self.job.source.hold(batch.bytes()).await;
        batch.held.push(room.map_err(|error| judge("exporting items of the source", error))?);
        let (batch, requests, outcome) = export(self.job, copy.source_of(&folder.row), batch).await;
        self.spend(requests);
        Ok(Some(self.arrived(copy, folder, batch, outcome).await?))
    }

    /// The next batch of a page from row `from` on.
    async fn choose(
        &self,
        copy: &mut MailboxCopy,
        folder: &FolderCopy<'_>,
        rows: &[Row],
        from: usize,
    ) -> Step<Option<Batch>> {
        let rest = rows.get(from..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        let settings = &self.job.settings;
        let sizes = rest.iter().map(|row| row.size);
        let count = pack::batch(sizes, settings.export_bytes, settings.stream_bytes);
        let chosen = rest.get(..count).unwrap_or_default();
        let ids = chosen.iter().map(|row| row.id.clone()).collect();
        let known = folder.map.find(&ids).await?;
        let place = (from, from.saturating_add(count));
        let mut batch = Batch::new(place, chosen, known, settings.max_item_bytes);
        batch.take(&mut copy.taken);
        batch.stream(settings.stream_bytes);
        if !batch.rows.is_empty() {
            let bytes = batch.rows.iter().map(|row| row.size).sum();
            batch.along = copy.along(batch.rows.len(), bytes, settings.export_bytes);
        }
        Ok(Some(batch))
    }

    /// Takes an export's reply in. A call that failed as a whole because of one of its items is
    /// repeated item by item.
    async fn arrived(
        &mut self,
        copy: &mut MailboxCopy,
        folder: &FolderCopy<'_>,
        mut batch: Batch,
        outcome: Result<Exported, TenantError>,
    ) -> Step<Batch> {
        let error = match outcome {
            Ok(exported) => {
                for (row, outcome) in exported {
                    match outcome {
                        // One that failed is asked for again in its own folder.
                        Err(_failed) if batch.along.contains(&row) => {}
                        Ok(Parcel::Whole(data)) if batch.along.contains(&row) => {
                            // Without room for it, it is asked for again too.
                            if let Some(held) = self.job.source.try_hold(row.size) {
                                copy.taken.insert(row.id.clone(), Taken { row, data, held });
                            }
                        }
                        outcome => batch.exported.push((row, outcome)),
                    }
                }
                return Ok(batch);
            }
            Err(error) => error,
        };
        let of_an_item = matches!(
            error.class,
            Class::Unreadable | Class::Unexpected | Class::Invalid | Class::NotFound
        );
        if !of_an_item {
            return Err(judge("exporting items of the source", error));
        }
        if let [row] = batch.rows.as_slice()
            && batch.along.is_empty()
        {
            batch.exported.push((row.clone(), Err(error)));
            return Ok(batch);
        }
        for row in batch.rows.clone() {
            let place = (batch.from, batch.to);
            let alone = Batch::new(place, std::slice::from_ref(&row), BTreeMap::new(), u64::MAX);
            let (_, requests, outcome) = export(self.job, copy.source_of(&folder.row), alone).await;
            self.spend(requests);
            match outcome {
                Ok(exported) => batch.exported.extend(exported),
                Err(error) => batch.exported.push((row, Err(error))),
            }
        }
        Ok(batch)
    }

    /// Deals with the items that could not be exported. Returns the others, and why the refused ones
    /// are to be tried again soon, if some are.
    fn take_refusals(
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
        // Gone since it was listed: the next delta says so too.
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
    fn record(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        loads: Vec<Load>,
        landed: Vec<Landed>,
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
        self.no_longer_bad(copy, folder, row);
    }

    fn no_longer_bad(&mut self, copy: &MailboxCopy, folder: &mut FolderCopy<'_>, row: &Row) {
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
            advice: "raise max_item_bytes where there is memory, or move the item by hand".into(),
            tag: row.tag,
            tries: 1,
        };
        self.bad_item(copy, folder, item)
    }

    /// The import session in use, opened or renewed if need be.
    async fn session(&mut self, copy: &MailboxCopy) -> Step<ImportSession> {
        let now = self.job.clock.now();
        let open = self.state.checkpoint.session.as_ref().map(KeptSession::resume);
        let open = open.filter(|open| open.mailbox() == copy.target.id && is_fresh(open, now));
        if let Some(open) = open {
            return Ok(open);
        }
        let target = self.job.target.graph();
        let call = target.create_import_session(&copy.target);
        let opened = self.ask("opening an import session in the target", call).await?;
        self.state.checkpoint.session = Some(KeptSession::keep(&opened));
        Ok(opened)
    }
}

fn no_session() -> Stop {
    Stop::Wait {
        after: Duration::from_secs(30),
        why: "the target does not accept a fresh import session".to_owned(),
    }
}

fn is_fresh(session: &ImportSession, now: Timestamp) -> bool {
    session.expires.is_none_or(|expires| expires.duration_since(now) > SESSION_MARGIN)
}

/// What the results of a batch mean for the page, the worst of them.
enum Verdict {
    Settled,
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
            Self::SessionEnded => 1,
            Self::NotDone(_) => 2,
            Self::Unknown => 3,
        }
    }

    fn at_least(&mut self, other: Self) {
        if other.rank() > self.rank() {
            *self = other;
        }
    }
}
