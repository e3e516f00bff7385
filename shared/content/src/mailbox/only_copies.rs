//! Deletions that are put off: an item that moved and cannot be read at its new place has no other copy than
//! the one at its old place. That stays until the item is copied, or gone for good.

use std::collections::{BTreeMap, BTreeSet};

use ports::Change;

use super::{
    FolderRow, MailboxCopy,
    reconcile::{Likeness, PROPERTIES},
};
use crate::{
    BadItem,
    map::Entry,
    pages,
    store::{decode, keys},
    unit::{Step, Unit, judge, pause},
};

impl Unit<'_> {
    /// Parts what is to be deleted from one folder: the copies that stay are noted, and left out here.
    pub(super) async fn keep_only_copies(
        &mut self,
        copy: &mut MailboxCopy,
        row: &FolderRow,
        known: &mut BTreeMap<String, Entry>,
    ) -> Step<BTreeSet<String>> {
        let mut kept = BTreeSet::new();
        if self.state.checkpoint.bad == 0 || known.is_empty() {
            return Ok(kept);
        }
        let unread = match copy.unread.take() {
            Some(unread) => unread,
            None => self.unread(copy).await?,
        };
        for (id, entry) in known.iter().filter(|_| !unread.is_empty()) {
            self.within_budget()?;
            let graph = self.job.target.graph();
            let call = graph.mailbox_item(&copy.target, &row.target, &entry.target, &PROPERTIES);
            let there = self.ask_optional("looking at a copy in the target", call).await?;
            let here = there.as_ref().map(Likeness::of);
            if here.is_some_and(|here| unread.iter().any(|original| here.is_copy_of(original))) {
                kept.insert(id.clone());
            }
        }
        copy.unread = Some(unread);
        for id in &kept {
            known.remove(id);
            let key = self.state.key(keys::kept(copy.workload, row.ordinal, id));
            let row = [row.ordinal.to_string(), id.clone()];
            self.state.change(Change::put(key, pages::pack(&[row])));
        }
        if !kept.is_empty() {
            let text = format!(
                "an item that has left `{}` cannot be read where it is now; its copy stays until it can",
                row.name
            );
            self.note(copy.workload, text);
        }
        Ok(kept)
    }

    /// What the unreadable items of the source are like.
    async fn unread(&mut self, copy: &MailboxCopy) -> Step<Vec<Likeness>> {
        let prefix = keys::all_bad_items(copy.workload);
        let records = self.state.store.query_all(&self.state.partition, &prefix).await?;
        let mut unread = Vec::new();
        for record in records {
            let folder =
                record.key.sort.strip_prefix(&prefix).and_then(|rest| rest.split('/').next());
            let folder = folder.and_then(|ordinal| ordinal.parse().ok());
            let folder = folder.and_then(|ordinal: u32| copy.folders.rows.get(&ordinal));
            let Some(folder) = folder else { continue };
            let bad: BadItem = decode(&record.key.sort, &record.value)?;
            let graph = self.job.source.graph();
            self.spend(1);
            let held = copy.source_of(folder);
            match graph.mailbox_item(held, &folder.source, &bad.id, &PROPERTIES).await {
                Ok(item) => unread.push(Likeness::of(&item)),
                Err(error) if pause(&error).is_some() => {
                    return Err(judge("reading an item of the source again", error));
                }
                // Gone, or unreadable altogether.
                Err(_unknown) => {}
            }
        }
        Ok(unread)
    }

    /// Looks again at the deletions that were put off.
    pub(super) async fn remove_kept(&mut self, copy: &mut MailboxCopy) -> Step {
        let prefix = keys::all_kept(copy.workload);
        let records = self.state.store.query_all(&self.state.partition, &prefix).await?;
        for record in records {
            self.within_budget()?;
            for [ordinal, id] in pages::unpack::<2>(&record.key.sort, &record.value)? {
                let row =
                    ordinal.parse().ok().and_then(|at: u32| copy.folders.rows.get(&at)).cloned();
                let kept = match row {
                    Some(row) => self.remove_items(copy, &row, &[id].into()).await?,
                    None => BTreeSet::new(),
                };
                if kept.is_empty() {
                    self.state.delete(record.key.sort.clone());
                }
            }
            self.commit().await?;
        }
        Ok(())
    }
}
