//! Deletions: applied after everything else, so that an item that moved is at its new place before it
//! leaves the old one. The API has no move between folders; a move is a copy and a deletion.

use std::collections::{BTreeMap, BTreeSet};

use tenant::{
    Class, TenantError,
    graph::{BATCH_MAX, mailbox_content::Disposal},
};

use super::{FolderRow, MailboxCopy};
use crate::{
    checkpoint::MailboxStep,
    map::ItemMap,
    pages,
    store::keys,
    unit::{Step, Unit, judge},
};

impl Unit<'_> {
    /// Applies the deletions that were found, record by record.
    pub(super) async fn removals(&mut self, copy: &mut MailboxCopy) -> Step {
        self.ask_for_unseen_items(copy).await?;
        self.remove_kept(copy).await?;
        let prefix = keys::removals(copy.workload);
        loop {
            self.within_budget()?;
            let query = ports::Query {
                partition: self.state.partition.clone(),
                prefix: prefix.clone(),
                after: None,
                limit: 1,
            };
            // What is not committed yet is not to be found.
            if self.state.waiting() > 0 {
                self.commit().await?;
            }
            let page = self.state.store.query(&query).await?;
            let Some(record) = page.records.into_iter().next() else { break };
            let rows = pages::unpack::<2>(&record.key.sort, &record.value)?;
            let mut by_folder: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
            for [folder, id] in rows {
                by_folder.entry(folder.parse().unwrap_or(0)).or_default().insert(id);
            }
            for (ordinal, ids) in by_folder {
                if let Some(row) = copy.folders.rows.get(&ordinal).cloned() {
                    self.remove_items(copy, &row, &ids).await?;
                }
            }
            self.state.delete(record.key.sort);
            self.commit().await?;
        }
        self.remove_replaced(copy).await?;
        self.set_mailbox_step(MailboxStep::Gone);
        Ok(())
    }

    /// Deletes one item of the inbox.
    pub(super) async fn delete_delivered(
        &mut self,
        copy: &MailboxCopy,
        inbox: &FolderRow,
        id: &str,
    ) -> Step {
        let outcomes = self.delete_part(copy, inbox, &[(&String::new(), id)]).await?;
        for outcome in outcomes {
            self.deleted(copy, inbox, outcome)?;
        }
        Ok(())
    }

    /// What became of a deletion; an error where it is to be tried again.
    fn deleted(
        &mut self,
        copy: &MailboxCopy,
        row: &FolderRow,
        outcome: Result<(), TenantError>,
    ) -> Step {
        match outcome {
            Ok(()) => self.counts(copy.workload).deleted += 1,
            Err(error) if error.is_not_found() => {}
            Err(error) if matches!(error.class, Class::Forbidden) => {
                let text = format!("a deletion was refused in `{}`: {error}", row.name);
                self.note(copy.workload, text);
            }
            Err(error) => return Err(judge("deleting an item of the target", error)),
        }
        Ok(())
    }

    /// Deletes copies from one target folder, and says of which items they stay for now. Deleting is
    /// idempotent, so there is no intent.
    pub(super) async fn remove_items(
        &mut self,
        copy: &mut MailboxCopy,
        row: &FolderRow,
        ids: &BTreeSet<String>,
    ) -> Step<BTreeSet<String>> {
        let store = self.state.store;
        let partition = self.state.partition.clone();
        let mut map =
            ItemMap::open(store, &partition, keys::map(copy.workload, row.ordinal)).await?;
        let mut known = map.find(ids).await?;
        let bad: Vec<&String> = ids.iter().filter(|id| !known.contains_key(*id)).collect();
        self.no_longer_listed(copy, row, &bad).await?;
        let kept = self.keep_only_copies(copy, row, &mut known).await?;
        let result = self.remove_copies(copy, row, &mut map, &known).await;
        for change in map.changes() {
            self.state.change(change);
        }
        result.map(|()| kept)
    }

    /// A bad item that is gone from the source is no longer one.
    async fn no_longer_listed(
        &mut self,
        copy: &MailboxCopy,
        row: &FolderRow,
        ids: &[&String],
    ) -> Step {
        for id in ids {
            let key = self.state.key(keys::bad_item(copy.workload, row.ordinal, id));
            if self.state.store.get(&key).await?.is_some() {
                self.mended(copy.workload, row.ordinal, id);
                self.commit().await?;
            }
        }
        Ok(())
    }

    async fn remove_copies(
        &mut self,
        copy: &MailboxCopy,
        row: &FolderRow,
        map: &mut ItemMap<'_>,
        known: &BTreeMap<String, crate::map::Entry>,
    ) -> Step {
        let entries: Vec<(&String, &str)> =
            known.iter().map(|(id, entry)| (id, entry.target.as_str())).collect();
        for part in entries.chunks(BATCH_MAX) {
            self.within_budget()?;
            let outcomes = self.delete_part(copy, row, part).await?;
            let mut stop = None;
            for ((id, _), outcome) in part.iter().zip(outcomes) {
                match self.deleted(copy, row, outcome) {
                    Ok(()) => map.remove(id),
                    Err(error) => stop = Some(error),
                }
            }
            stop.map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    /// Deletes up to twenty copies, in one request.
    async fn delete_part(
        &mut self,
        copy: &MailboxCopy,
        row: &FolderRow,
        part: &[(&String, &str)],
    ) -> Step<Vec<Result<(), TenantError>>> {
        let target = self.job.target.graph();
        let (mailbox, folder) = (&copy.target, row.target.as_str());
        if let [(_, id)] = part {
            self.spend(1);
            let deleted = target.delete_mailbox_item(mailbox, folder, id, Disposal::Soft).await;
            return Ok(vec![deleted]);
        }
        let ids: Vec<&str> = part.iter().map(|(_, target)| *target).collect();
        let call = target.delete_mailbox_items(mailbox, folder, &ids, Disposal::Soft);
        self.ask_many("deleting items of the target", ids.len(), call).await
    }

    /// Folders that are gone from the source, the deepest first: their copies are emptied, then deleted
    /// if nothing of the target's own is in them.
    pub(super) async fn gone_folders(&mut self, copy: &mut MailboxCopy) -> Step {
        let round = self.state.checkpoint.round.clone();
        let rows = copy.folders.rows.values();
        let mut gone: Vec<FolderRow> =
            rows.filter(|row| row.ordinal != 0 && row.seen != round).cloned().collect();
        gone.sort_by_key(|row| std::cmp::Reverse(copy.folders.depth(row.ordinal)));
        for row in gone {
            self.within_budget()?;
            if row.left_out.is_none()
                && row.well_known.is_none()
                && !self.delete_folder(copy, &row).await?
            {
                // It is looked at again by the next round.
                continue;
            }
            // The ordinal may be given out again, so nothing under it may stay.
            self.forget(&keys::map(copy.workload, row.ordinal)).await?;
            let forgotten = self.forget(&keys::bad_items(copy.workload, row.ordinal)).await?;
            let bad = &mut self.state.checkpoint.bad;
            *bad = bad.saturating_sub(forgotten);
            self.state.delete(keys::folder(copy.workload, row.ordinal));
            copy.folders.rows.remove(&row.ordinal);
            self.commit().await?;
        }
        Ok(())
    }

    /// Deletes all records under a prefix; says how many.
    async fn forget(&mut self, prefix: &str) -> Step<u32> {
        let records = self.state.store.query_all(&self.state.partition, prefix).await?;
        let mut count = 0;
        for part in records.chunks(60) {
            for record in part {
                self.state.delete(record.key.sort.clone());
                count += 1;
            }
            self.commit().await?;
        }
        Ok(count)
    }

    /// Empties and deletes the copy of a folder. `false`: something of ours stays in it for now.
    async fn delete_folder(&mut self, copy: &mut MailboxCopy, row: &FolderRow) -> Step<bool> {
        let store = self.state.store;
        let partition = self.state.partition.clone();
        let map = ItemMap::open(store, &partition, keys::map(copy.workload, row.ordinal)).await?;
        let ids: BTreeSet<String> = map.all().await?.into_keys().collect();
        let mut emptied = true;
        for part in ids.iter().collect::<Vec<_>>().chunks(200) {
            let part = part.iter().map(|id| (*id).clone()).collect();
            emptied &= self.remove_items(copy, row, &part).await?.is_empty();
            self.commit().await?;
        }
        if !emptied {
            return Ok(false);
        }
        let target = self.job.target.graph();
        let doing = format!("looking into the target folder `{}`", row.name);
        let call = target.mailbox_folder(&copy.target, &row.target);
        let Some(there) = self.ask_optional(&doing, call).await? else { return Ok(true) };
        if there.total_item_count.unwrap_or(0) > 0 || there.child_folder_count.unwrap_or(0) > 0 {
            let text = format!(
                "the folder `{}` is gone from the source; its copy stays, since the target holds more in it",
                row.name
            );
            self.note(copy.workload, text);
            return Ok(true);
        }
        let doing = format!("deleting the target folder `{}`", row.name);
        let call = target.delete_mailbox_folder(&copy.target, &row.target);
        if self.ask_optional(&doing, call).await?.is_some() {
            self.counts(copy.workload).folders += 1;
        }
        Ok(true)
    }
}
