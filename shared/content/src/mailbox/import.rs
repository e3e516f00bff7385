//! Exporting and importing one batch after the other, with an intent before each import.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tenant::{Class, TenantError, graph::mailbox_content::ImportSession};

use super::{
    MailboxCopy,
    batch::{
        Batch, Exported, Landed, Load, Parcel, Route, Row, Taken, export, export_ahead, import_all,
    },
    items::FolderCopy,
    no_mailbox,
    outcome::Verdict,
    pack,
};
use crate::{
    checkpoint::{Intent, KeptSession, Search},
    unit::{Step, Stop, Unit, judge},
};

/// A session is renewed so long before it expires.
const SESSION_MARGIN: SignedDuration = SignedDuration::from_secs(120);

impl Unit<'_> {
    /// Works the rows of the page in hand off, from where the checkpoint says.
    pub(super) async fn work_page(
        &mut self,
        copy: &mut MailboxCopy,
        folder: &mut FolderCopy<'_>,
        rows: &mut [Row],
    ) -> Step {
        self.settle_page(copy, folder, rows).await?;
        let (mut renewed, mut made_again) = (false, false);
        let mut next = self.page().map_or(0, |page| page.next);
        let mut current = self.exported(copy, folder, rows, next).await?;
        while let Some(batch) = current.take() {
            let (from, to) = (batch.from, batch.to);
            let (loads, again, held) = self.take_refusals(copy, folder, batch)?;
            let loads = self.as_exported(copy, folder, rows, loads).await?;
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

            let ahead = match &again {
                None => self.chosen_ahead(copy, folder, rows, to).await?,
                Some(_) => None,
            };
            let (landed, ahead) = self.import_batch(copy, folder, &open, &loads, ahead).await;
            drop(held);

            match self.record(copy, folder, loads, landed, !made_again)? {
                Verdict::Settled => {
                    next = if again.is_some() { from } else { to };
                    self.set_page(next, None);
                }
                Verdict::NotDone(stop) => {
                    self.set_page(from, None);
                    return Err(stop);
                }
                Verdict::Unknown => {
                    return Err(self.unknown_outcome());
                }
                Verdict::FolderGone => {
                    (made_again, next) = (true, from);
                    self.set_page(next, None);
                    self.make_this_again(copy, folder).await?;
                    current = self.exported(copy, folder, rows, next).await?;
                    continue;
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

    /// Imports a batch, and exports the one after it meanwhile.
    async fn import_batch(
        &mut self,
        copy: &MailboxCopy,
        folder: &FolderCopy<'_>,
        session: &ImportSession,
        loads: &[Load],
        ahead: Option<Batch>,
    ) -> (Vec<Landed>, Option<(Batch, usize, Result<Exported, TenantError>)>) {
        let route = Route {
            source: copy.source_of(&folder.row),
            target: &copy.target,
            folder: folder.row.target.as_str(),
            session,
        };
        let imports = import_all(self.job, &route, loads);
        let exports = export_ahead(self.job, route.source, ahead);
        let ((landed, requests), ahead) = futures_util::future::join(imports, exports).await;
        self.spend(requests);
        (landed, ahead)
    }

    /// What was exported may be younger than the page. The page is to tell of what an import on its way was
    /// made: that may be all that is known of it, if its original leaves the folder meanwhile. An item that
    /// has left it by now is not imported.
    async fn as_exported(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        rows: &mut [Row],
        loads: Vec<Load>,
    ) -> Step<Vec<Load>> {
        let (mut fresh, mut changed) = (Vec::with_capacity(loads.len()), false);
        for mut load in loads {
            if !load.is_younger_than_listed() {
                fresh.push(load);
                continue;
            }
            let source = self.job.source.graph();
            let held = copy.source_of(&folder.row);
            let call = source.mailbox_item(held, &folder.row.source, &load.row.id, &[]);
            let item = self.ask_optional("reading an item of the source again", call).await?;
            let Some(item) = item else {
                self.no_longer_bad(copy, folder, &load.row);
                continue;
            };
            load.row = Row::of(&item);
            if let Some(listed) = rows.iter_mut().find(|listed| listed.id == load.row.id) {
                listed.clone_from(&load.row);
                changed = true;
            }
            fresh.push(load);
        }
        if changed {
            self.keep_page(copy, rows);
        }
        Ok(fresh)
    }

    fn unknown_outcome(&self) -> Stop {
        let why = "an import's reply was lost; the target is searched for it".to_owned();
        Stop::Wait { after: self.job.settings.settle, why }
    }

    /// The batch after the one in hand, if the unit's budget and the memory have room for it.
    async fn chosen_ahead(
        &mut self,
        copy: &mut MailboxCopy,
        folder: &FolderCopy<'_>,
        rows: &[Row],
        from: usize,
    ) -> Step<Option<Batch>> {
        if self.within_budget().is_err() {
            return Ok(None);
        }
        let Some(mut ahead) = self.choose(copy, folder, rows, from).await? else { return Ok(None) };
        // Only if there is room for a second batch right now: nobody waits while holding some.
        let Some(held) = self.job.source.try_hold(ahead.bytes()) else { return Ok(None) };
        ahead.held.push(held);
        let paid = self.job.target.pay_upload(&copy.target.id, ahead.upload()).await;
        Ok(paid.is_ok().then_some(ahead))
    }

    /// What is found out in the target before anything of a page is imported: what an interrupted
    /// batch did, and which mail came by forwarding.
    async fn settle_page(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        rows: &[Row],
    ) -> Step {
        let forwarding = self.job.settings.adopt_delivered;
        let mut mails = Vec::new();
        if let Some(since) = forwarding {
            mails = self.mails(copy, folder, rows).await?;
            self.find_delivered(copy, folder, rows, (&mails, since)).await?;
        }
        if let Some(intent) = self.page().and_then(|page| page.intent) {
            self.reconcile(copy, folder, rows, intent).await?;
        }
        // Also after a crash behind the reconciliation, which has closed the intent by then: the
        // folders of the earlier round are not this one's.
        self.begin_if_settled()?;
        if forwarding.is_some() {
            self.adopt_delivered(copy, folder, rows, mails).await?;
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
        // Paid for first: what could not be imported would have to be exported again.
        let paid = self.job.target.pay_upload(&copy.target.id, batch.upload()).await;
        paid.map_err(|error| judge("importing items into the target", error))?;
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
        let of_an_item =
            matches!(error.class, Class::Unreadable | Class::Unexpected | Class::Invalid);
        // A missing item is told inside a reply: what is missing here is the mailbox.
        if error.is_not_found() {
            return Err(no_mailbox("source", &error.to_string()));
        }
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
        let doing = "opening an import session in the target";
        let Some(opened) = self.ask_optional(doing, call).await? else {
            return Err(no_mailbox("target", "it was there when the copy began"));
        };
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
