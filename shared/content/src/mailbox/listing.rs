//! Whether the listing of a folder, or of its later changes, was complete: the folder counts its items
//! (`totalItemCount`), so a page that the service has skipped shows as fewer items than it counts, or as more
//! where deletions were on it. The count comes with the folder tree and costs nothing; what is only changed in
//! its place shows in no count.

use std::collections::BTreeSet;

use ports::Change;
use tenant::graph::BATCH_MAX;

use super::{
    FolderRow, MailboxCopy,
    items::{FolderCopy, WAITING},
};
use crate::{
    ContentError,
    checkpoint::ItemsStep,
    map::fingerprint,
    pages,
    store::keys,
    unit::{ASKED_AT_ONCE, Step, Unit, judge},
};

/// What the count of a folder says.
pub(super) enum Reckoning {
    /// Its items are known, as far as anybody can tell.
    Done,
    /// Nothing before the changes since have been read.
    Unsure,
    /// It is to be listed anew.
    Incomplete,
}

impl Unit<'_> {
    /// Keeps what an incomplete listing has not shown, until it is asked for.
    pub(super) async fn remember_unseen_items(
        &mut self,
        copy: &MailboxCopy,
        unseen: &[[String; 2]],
    ) -> Step {
        for part in unseen.chunks(ASKED_AT_ONCE) {
            let number = self.next_removal();
            let key = self.state.key(keys::unseen(copy.workload, number));
            self.state.change(Change::put(key, pages::pack(part)));
            if self.state.waiting() >= WAITING {
                self.commit().await?;
            }
        }
        Ok(())
    }

    /// Asks for each item that an incomplete listing has not shown: what the folder does not have by itself either
    /// is gone from it.
    pub(super) async fn ask_for_unseen_items(&mut self, copy: &MailboxCopy) -> Step {
        let prefix = keys::all_unseen(copy.workload);
        for record in self.state.store.query_all(&self.state.partition, &prefix).await? {
            self.within_budget()?;
            // All of one folder.
            let rows = pages::unpack::<2>(&record.key.sort, &record.value)?;
            let folder = rows.first().and_then(|[ordinal, _]| ordinal.parse().ok());
            let folder = folder.and_then(|ordinal: u32| copy.folders.rows.get(&ordinal));
            let mut gone = Vec::new();
            if let Some(folder) = folder {
                let doing = "looking for items of the source";
                for part in rows.chunks(BATCH_MAX) {
                    let ids: Vec<&str> = part.iter().map(|[_, id]| id.as_str()).collect();
                    let graph = self.job.source.graph();
                    let call =
                        graph.mailbox_items_by_id(copy.source_of(folder), &folder.source, &ids);
                    let found = self.ask_many(doing, ids.len(), call).await?;
                    for (row, found) in part.iter().zip(found) {
                        match found {
                            Ok(_) => {}
                            Err(error) if error.is_not_found() => gone.push(row.clone()),
                            Err(error) => return Err(judge(doing, error)),
                        }
                    }
                }
            }
            if !gone.is_empty() {
                self.remember_removed(copy, &gone);
            }
            self.state.delete(record.key.sort);
            self.commit().await?;
        }
        Ok(())
    }

    /// Whether the source counts as many items in the folder as are known. It is listed anew once for each such
    /// number, and once in a round. What a new listing leaves out for good is not taken for deleted without
    /// being asked for.
    pub(super) async fn reckon(
        &mut self,
        copy: &mut MailboxCopy,
        folder: &mut FolderCopy<'_>,
        step: &mut ItemsStep,
    ) -> Step<Reckoning> {
        let vanished = step.done.as_deref() == Some("");
        if vanished || step.incomplete {
            return Ok(Reckoning::Done);
        }
        let reckoning = if !step.anew {
            self.reckon_changes(copy, folder, step).await?
        } else if self.is_short(copy, folder, step).await? {
            Reckoning::Incomplete
        } else {
            Reckoning::Done
        };
        if matches!(reckoning, Reckoning::Done) && !step.incomplete && folder.row.short > 0 {
            self.tell_short(copy, folder, folder.row.short);
        }
        Ok(reckoning)
    }

    fn tell_short(&mut self, copy: &MailboxCopy, folder: &FolderCopy<'_>, short: u32) {
        let text = format!(
            "the source counts {short} items more in `{}` than it lists, also when asked once more; what is \
             missing in its list is not taken for deleted unless the source says so of the item itself",
            folder.path
        );
        self.note(copy.workload, text);
    }

    /// The same where the listing was of changes, or the first.
    async fn reckon_changes(
        &mut self,
        copy: &mut MailboxCopy,
        folder: &mut FolderCopy<'_>,
        step: &mut ItemsStep,
    ) -> Step<Reckoning> {
        let known = self.known_items(copy, folder, step).await?;
        let off =
            |row: &FolderRow| (row.items.saturating_sub(known), known.saturating_sub(row.items));
        let before = (folder.row.short, folder.row.over);
        if off(&folder.row) == before {
            return Ok(Reckoning::Done);
        }
        // People may have been at work since the folders were counted.
        let Some(items) = self.items_now(copy, &folder.row).await? else {
            return Ok(Reckoning::Done);
        };
        (folder.row.items, folder.count_changed) = (items, true);
        let now = off(&folder.row);
        if now != before && now != (0, 0) && step.read_on.again() {
            return Ok(Reckoning::Unsure);
        }
        (folder.row.short, folder.row.over) = now;
        if now == before || now == (0, 0) {
            return Ok(Reckoning::Done);
        }
        self.put_folder(copy, folder.row.clone())?;
        Ok(Reckoning::Incomplete)
    }

    /// How many items of the folder the map and the list of bad ones know, without those that go with this round.
    async fn known_items(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        step: &ItemsStep,
    ) -> Step<u32> {
        let bad = folder.bad.keys().filter(|id| !folder.map.holds(id)).count();
        let mut known = folder.map.len().saturating_add(bad);
        let mut gone = BTreeSet::new();
        if step.removed {
            self.commit_with(folder).await?;
            let prefix = keys::removals(copy.workload);
            for record in self.state.store.query_all(&self.state.partition, &prefix).await? {
                gone.extend(pages::unpack::<2>(&record.key.sort, &record.value)?);
            }
        }
        if self.state.checkpoint.bad > 0 {
            // Of what has left the folder and cannot be read where it is now, the copy stays.
            let prefix = keys::kept_in(copy.workload, folder.row.ordinal);
            for record in self.state.store.query_all(&self.state.partition, &prefix).await? {
                gone.extend(pages::unpack::<2>(&record.key.sort, &record.value)?);
            }
        }
        let ordinal = folder.row.ordinal.to_string();
        gone.retain(|[of, id]| {
            *of == ordinal && (folder.map.holds(id) || folder.bad.contains_key(id))
        });
        known = known.saturating_sub(gone.len());
        Ok(u32::try_from(known).unwrap_or(u32::MAX))
    }

    /// How many items the folder holds now; `None` when it is gone.
    async fn items_now(&mut self, copy: &MailboxCopy, row: &FolderRow) -> Step<Option<u32>> {
        let graph = self.job.source.graph();
        let call = graph.mailbox_folder(copy.source_of(row), &row.source);
        let now = self.ask_optional("counting the items of a folder of the source", call).await?;
        Ok(now.map(|now| now.total_item_count.unwrap_or(0)))
    }

    /// Whether a listing that began anew left something out, and is to be begun once more.
    async fn is_short(
        &mut self,
        copy: &MailboxCopy,
        folder: &mut FolderCopy<'_>,
        step: &mut ItemsStep,
    ) -> Step<bool> {
        self.commit_with(folder).await?;
        let seen = self.seen(copy, step).await?.len();
        let seen = u32::try_from(seen).unwrap_or(u32::MAX);
        let off = |items: u32| (items.saturating_sub(seen), seen.saturating_sub(items));
        let mut items = folder.row.items;
        let mut now = off(items);
        if now.0 > 0 && now.0 != folder.row.short {
            if !step.relisted {
                return Ok(true);
            }
            // People may have deleted meanwhile.
            items = self.items_now(copy, &folder.row).await?.unwrap_or(0);
            now = off(items);
        }
        if now.0 > 0 {
            step.incomplete = true;
            self.tell_short(copy, folder, now.0);
            // The copies of what is missing stay known.
            let known = self.known_items(copy, folder, step).await?;
            now = (items.saturating_sub(known), known.saturating_sub(items));
        }
        folder.count_changed |= now != (folder.row.short, folder.row.over);
        (folder.row.short, folder.row.over) = now;
        Ok(false)
    }

    /// What a whole enumeration has shown, by fingerprint.
    pub(super) async fn seen(
        &self,
        copy: &MailboxCopy,
        step: &ItemsStep,
    ) -> Result<BTreeSet<u64>, ContentError> {
        let mut seen = BTreeSet::new();
        for number in step.seen_from..step.seen_pages {
            let sort = keys::seen(copy.workload, number);
            let ids = pages::load::<1>(self.state.store, &self.state.partition, &sort).await?;
            seen.extend(ids.iter().map(|[id]| fingerprint(id)));
        }
        Ok(seen)
    }
}
