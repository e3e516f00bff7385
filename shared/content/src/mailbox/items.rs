//! The items of one folder: pages of changes, packed into batches, exported, imported.
//!
//! A page is read once, compared with the item map, and kept in the store until it is done. While one
//! batch is imported the next is exported. The order of commits is what makes every item be there
//! exactly once: *intent, import, result*; the result of one batch and the intent of the next are one
//! commit.

use std::collections::BTreeMap;

use ports::Change;
use tenant::{
    Class,
    graph::{BATCH_MAX, Page, mailbox_content::MailboxItem},
};

use super::{FolderRow, MailboxCopy, batch::Row, listing::Reckoning};
use crate::{
    BadItem, ContentError, CopyMode,
    checkpoint::{Follow, Intent, ItemsStep, MailboxStep, PageStep},
    map::{ItemMap, fingerprint},
    pages,
    store::{decode, keys},
    unit::{Step, Unit, judge},
};

/// Folder rows and the like that wait for the next commit at most.
pub(super) const WAITING: usize = 40;

/// The folder in hand.
pub(super) struct FolderCopy<'s> {
    pub(super) row: FolderRow,
    pub(super) path: String,
    pub(super) map: ItemMap<'s>,
    /// Open bad items of the folder, by source id.
    pub(super) bad: BTreeMap<String, BadItem>,
    /// Mail of the page in hand that reached the target's inbox by forwarding: source id to target id.
    pub(super) delivered: BTreeMap<String, String>,
    /// The row counts otherwise than the stored one.
    pub(super) count_changed: bool,
}

impl Unit<'_> {
    /// Copies what changed in one folder, and moves on to the next.
    pub(super) async fn items(&mut self, copy: &mut MailboxCopy, step: ItemsStep) -> Step {
        let workload = copy.workload;
        let Some(row) = copy.folders.rows.get(&step.folder).cloned() else {
            self.next_folder(copy, Some(step.folder));
            return Ok(());
        };
        let path = copy.folders.path(row.ordinal);
        self.state.checkpoint.progress.doing = format!("{} {path}", workload.title());
        let store = self.state.store;
        let partition = self.state.partition.clone();
        let map = ItemMap::open(store, &partition, keys::map(workload, row.ordinal)).await?;
        let bad = self.bad_of(copy, row.ordinal).await?;
        let mut folder =
            FolderCopy { row, path, map, bad, delivered: BTreeMap::new(), count_changed: false };
        let done = self.copy_folder(copy, &mut folder, step).await;
        // Whatever ended it: what is in the target is in the map with the next commit.
        self.take_map_changes(&folder);
        let step = done?;
        self.leave_folder(copy, folder, &step).await
    }

    /// Copies what changed in a folder to its end.
    async fn copy_folder(
        &mut self,
        copy: &mut MailboxCopy,
        folder: &mut FolderCopy<'_>,
        mut step: ItemsStep,
    ) -> Step<ItemsStep> {
        let sort = keys::work(copy.workload);
        loop {
            self.set_mailbox_step(MailboxStep::Items(step.clone()));
            if self.state.waiting() >= WAITING {
                self.commit_with(folder).await?;
            }
            let mut rows: Vec<Row> = if step.page.is_some() {
                let rows = pages::load::<5>(self.state.store, &self.state.partition, &sort).await?;
                rows.into_iter().map(Row::from).collect()
            } else if step.done.is_some() {
                match self.reckon(copy, folder, &mut step).await? {
                    Reckoning::Done => return Ok(step),
                    Reckoning::Unsure => step.link = step.done.take(),
                    Reckoning::Incomplete => {
                        (step.link, step.done, step.retried) = (None, None, true);
                        (step.anew, step.relisted) = (true, true);
                    }
                }
                continue;
            } else {
                self.within_budget()?;
                self.next_page(copy, folder, &mut step).await?
            };
            self.set_mailbox_step(MailboxStep::Items(step.clone()));
            if let Some(page) = &step.page {
                let then = page.then.clone();
                self.work_page(copy, folder, &mut rows).await?;
                step.page = None;
                follow(&mut step, then);
                self.state.delete(sort.clone());
            }
        }
    }

    /// The step as it stands in the checkpoint.
    fn items_step(&self) -> ItemsStep {
        use crate::checkpoint::Stage;
        match &self.state.checkpoint.stage {
            Stage::Mailbox(stage) => match &stage.step {
                MailboxStep::Items(step) => step.clone(),
                _ => ItemsStep::default(),
            },
            _ => ItemsStep::default(),
        }
    }

    async fn bad_of(
        &self,
        copy: &MailboxCopy,
        ordinal: u32,
    ) -> Result<BTreeMap<String, BadItem>, ContentError> {
        if self.state.checkpoint.bad == 0 {
            return Ok(BTreeMap::new());
        }
        let prefix = keys::bad_items(copy.workload, ordinal);
        let records = self.state.store.query_all(&self.state.partition, &prefix).await?;
        let mut bad = BTreeMap::new();
        for record in records {
            let item: BadItem = decode(&record.key.sort, &record.value)?;
            bad.insert(item.id.clone(), item);
        }
        Ok(bad)
    }

    /// Gets the next rows to work on; none when there is nothing to do for a page.
    async fn next_page(
        &mut self,
        copy: &mut MailboxCopy,
        folder: &FolderCopy<'_>,
        step: &mut ItemsStep,
    ) -> Step<Vec<Row>> {
        if !step.retried {
            // Bad items first: the delta tells of them no more (SYN-5).
            let rows: Vec<Row> = folder.bad.values().map(Row::of_bad).collect();
            self.open_page(copy, step, &rows, Follow::Start);
            return Ok(rows);
        }
        if step.link.is_none() && !step.anew {
            step.link.clone_from(&folder.row.delta);
            // An initial copy looks at everything, also where an earlier round has been.
            if self.mode == CopyMode::Initial || step.link.is_none() {
                step.link = None;
                step.anew = !folder.map.is_empty();
            }
        }
        if step.link.is_none() {
            step.seen_from = step.seen_pages;
        }
        let Some(page) = self.changed_items(copy, folder, step).await? else {
            return Ok(Vec::new());
        };
        let then = match (page.next_link, page.delta_link) {
            (Some(next), _) => Follow::Next(next),
            (None, Some(delta)) => Follow::Delta(delta),
            (None, None) => {
                return Err(ContentError::Protocol {
                    doing: format!("listing the changes of `{}`", folder.path),
                    reason: "the page has neither a next nor a delta link".to_owned(),
                }
                .into());
            }
        };
        let rows = self.sort_out(copy, folder, step, page.value).await?;
        self.open_page(copy, step, &rows, then);
        Ok(rows)
    }

    /// A page of the source's changes; `None` when the enumeration starts anew (410).
    async fn changed_items(
        &mut self,
        copy: &mut MailboxCopy,
        folder: &FolderCopy<'_>,
        step: &mut ItemsStep,
    ) -> Step<Option<Page<MailboxItem>>> {
        let doing = format!("listing the changes of `{}`", folder.path);
        // Whether this is the folder's first page.
        let begins = match self.mode {
            CopyMode::Initial => step.link.is_none(),
            CopyMode::Delta => step.link.is_some() && step.link == folder.row.delta,
        };
        if begins && !copy.ahead.contains_key(&folder.row.ordinal) {
            self.look_ahead(copy, folder.row.ordinal).await?;
        }
        let ahead = if begins { copy.ahead.remove(&folder.row.ordinal) } else { None };
        let page = if let Some(page) = ahead {
            page
        } else {
            let source = self.job.source.graph();
            let size = self.job.settings.page_size;
            self.spend(1);
            let link = step.link.as_deref();
            let held = copy.source_of(&folder.row);
            source.mailbox_items_delta(held, &folder.row.source, link, size).await
        };
        match page {
            Ok(page) => Ok(Some(page)),
            Err(error) if matches!(error.class, Class::Gone) && step.link.is_some() => {
                step.link = None;
                step.anew = true;
                Ok(None)
            }
            // The folder vanished since the tree was listed; the next round finds it gone.
            Err(error) if error.is_not_found() => {
                step.done = Some(String::new());
                Ok(None)
            }
            Err(error) => Err(judge(&doing, error)),
        }
    }

    /// Asks for the first page of this folder and those after it, as many as one request takes: most
    /// folders of a delta have no changes.
    async fn look_ahead(&mut self, copy: &mut MailboxCopy, first: u32) -> Step {
        let round = &self.state.checkpoint.round;
        let rows = copy.folders.rows.range(first..).map(|(_, row)| row);
        let mut rows = rows.filter(|row| row.seen == *round && row.is_copied());
        let Some(row) = rows.next() else { return Ok(()) };
        let held = copy.source_of(row);
        let rows: Vec<&FolderRow> = std::iter::once(row)
            .chain(rows.filter(|row| copy.source_of(row) == held))
            .filter(|row| self.mode == CopyMode::Initial || row.delta.is_some())
            .take(BATCH_MAX)
            .collect();
        if rows.len() < 2 {
            return Ok(());
        }
        let link = |row: &FolderRow| match self.mode {
            CopyMode::Initial => None,
            CopyMode::Delta => row.delta.clone(),
        };
        let links: Vec<Option<String>> = rows.iter().map(|row| link(row)).collect();
        let asked: Vec<(&str, Option<&str>)> =
            rows.iter().zip(&links).map(|(row, link)| (&*row.source, link.as_deref())).collect();
        let source = self.job.source.graph();
        let call = source.mailbox_items_deltas(held, &asked, self.job.settings.page_size);
        let pages = self.ask_many("listing the changes of folders", rows.len(), call).await?;
        let ordinals: Vec<u32> = rows.iter().map(|row| row.ordinal).collect();
        copy.taken.clear();
        copy.ahead = ordinals.into_iter().zip(pages).collect();
        Ok(())
    }

    /// Parts a page into rows to copy and removals, leaving out what the map has already. Of an item
    /// that occurs twice the last word counts.
    async fn sort_out(
        &mut self,
        copy: &MailboxCopy,
        folder: &FolderCopy<'_>,
        step: &mut ItemsStep,
        items: Vec<MailboxItem>,
    ) -> Step<Vec<Row>> {
        let mut last: BTreeMap<String, (usize, MailboxItem)> = BTreeMap::new();
        for (place, item) in items.into_iter().enumerate() {
            last.insert(item.id.clone(), (place, item));
        }
        let mut items: Vec<(usize, MailboxItem)> = last.into_values().collect();
        items.sort_by_key(|(place, _)| *place);
        if step.anew {
            self.remember_seen(copy, step, &items)?;
        }
        let ids = items.iter().map(|(_, item)| item.id.clone()).collect();
        let known = folder.map.find(&ids).await?;
        let (mut rows, mut removed) = (Vec::new(), Vec::new());
        for (_, item) in items {
            let tag = item.change_key.clone().unwrap_or_default();
            let known = known.get(&item.id);
            if item.removed.is_some() {
                if known.is_some() || folder.bad.contains_key(&item.id) {
                    removed.push([folder.row.ordinal.to_string(), item.id]);
                }
            } else if known.is_none_or(|entry| entry.source_tag != tag) {
                rows.push(Row::of(&item));
            }
        }
        if !removed.is_empty() {
            step.removed = true;
            self.remember_removed(copy, &removed);
        }
        Ok(rows)
    }

    fn remember_seen(
        &mut self,
        copy: &MailboxCopy,
        step: &mut ItemsStep,
        items: &[(usize, MailboxItem)],
    ) -> Step {
        let present = items.iter().filter(|(_, item)| item.removed.is_none());
        let seen: Vec<[String; 1]> = present.map(|(_, item)| [item.id.clone()]).collect();
        let key = self.state.key(keys::seen(copy.workload, step.seen_pages));
        step.seen_pages = step.seen_pages.saturating_add(1);
        self.state.change(Change::put(key, pages::pack(&seen)));
        Ok(())
    }

    /// Puts removals off until every folder has been read: an item that moved is copied to its new
    /// place before its copy at the old place goes.
    pub(super) fn remember_removed(&mut self, copy: &MailboxCopy, removed: &[[String; 2]]) {
        let number = self.next_removal();
        let key = self.state.key(keys::removal(copy.workload, number));
        self.state.change(Change::put(key, pages::pack(removed)));
    }

    /// Stores rows as the page in hand. A page without rows is over at once and costs no commit.
    fn open_page(&mut self, copy: &MailboxCopy, step: &mut ItemsStep, rows: &[Row], then: Follow) {
        if rows.is_empty() {
            follow(step, then);
            return;
        }
        step.read_on.news();
        let bytes: u64 = rows.iter().map(|row| row.size).sum();
        let counts = self.counts(copy.workload);
        counts.found += rows.len() as u64;
        counts.found_bytes += bytes;
        let page = PageStep { next: 0, rows: rows.len(), then, intent: None };
        step.page = Some(page);
        self.keep_page(copy, rows);
    }

    /// Keeps the rows of the page in hand with the next commit.
    pub(super) fn keep_page(&mut self, copy: &MailboxCopy, rows: &[Row]) {
        let packed: Vec<[String; 5]> = rows.iter().cloned().map(Row::into_texts).collect();
        let key = self.state.key(keys::work(copy.workload));
        self.state.change(Change::put(key, pages::pack(&packed)));
    }

    /// Ends a folder: works out deletions after a new enumeration, keeps the delta link, merges the
    /// map's segments.
    async fn leave_folder(
        &mut self,
        copy: &mut MailboxCopy,
        folder: FolderCopy<'_>,
        step: &ItemsStep,
    ) -> Step {
        if step.anew {
            self.commit().await?;
            let unseen = self.unseen(copy, &folder, step).await?;
            if step.incomplete {
                self.remember_unseen_items(copy, &unseen).await?;
            } else {
                for part in unseen.chunks(2_000) {
                    self.remember_removed(copy, part);
                    if self.state.waiting() >= WAITING {
                        self.commit().await?;
                    }
                }
            }
        }
        if self.state.checkpoint.bad > self.job.settings.bad_item_limit {
            self.commit().await?;
            self.within_bad_limit(folder.bad.values().next_back())?;
        }
        let mut row = folder.row;
        let link = step.done.clone().filter(|link| !link.is_empty());
        if row.delta != link || folder.count_changed {
            row.delta = link;
            self.put_folder(copy, row.clone())?;
        }
        self.next_folder(copy, Some(row.ordinal));
        for number in 0..step.seen_pages {
            // Only after the folder is left: its deletions were worked out from these.
            if number == 0 || self.state.waiting() >= WAITING {
                self.commit().await?;
            }
            self.state.delete(keys::seen(copy.workload, number));
        }
        if !folder.map.worth_merging() {
            return Ok(());
        }
        let merge = folder.map.merge().await?;
        if !merge.is_empty() {
            self.commit().await?;
            for change in merge {
                self.state.change(change);
            }
            self.commit().await?;
        }
        Ok(())
    }

    /// What the map has of the folder and a whole enumeration did not show: gone from the source.
    async fn unseen(
        &mut self,
        copy: &MailboxCopy,
        folder: &FolderCopy<'_>,
        step: &ItemsStep,
    ) -> Step<Vec<[String; 2]>> {
        let seen = self.seen(copy, step).await?;
        let ordinal = folder.row.ordinal.to_string();
        let mapped = folder.map.all().await?;
        let known = mapped.into_keys().chain(folder.bad.keys().cloned());
        let gone = known.filter(|id| !seen.contains(&fingerprint(id)));
        Ok(gone.map(|id| [ordinal.clone(), id]).collect())
    }

    /// Sets how far the page has come, with or without an intent.
    pub(super) fn set_page(&mut self, next: usize, intent: Option<Intent>) {
        use crate::checkpoint::Stage;
        if let Stage::Mailbox(stage) = &mut self.state.checkpoint.stage
            && let MailboxStep::Items(step) = &mut stage.step
            && let Some(page) = &mut step.page
        {
            page.next = next;
            page.intent = intent;
        }
    }

    /// How far the page has come.
    pub(super) fn page(&self) -> Option<PageStep> {
        self.items_step().page
    }
}

/// Moves on behind a page.
fn follow(step: &mut ItemsStep, then: Follow) {
    match then {
        Follow::Start => step.retried = true,
        Follow::Next(link) => step.link = Some(link),
        Follow::Delta(link) => step.done = Some(link),
    }
}
