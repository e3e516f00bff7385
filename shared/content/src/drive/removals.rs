//! Deletions in a drive: files first, then folders from the deepest up, and those only when the target
//! holds nothing of its own in them.

use std::collections::{BTreeMap, BTreeSet};

use ports::Record;

use super::{
    DriveCopy,
    row::{folder_of, name_of},
};
use crate::{
    Workload,
    checkpoint::DriveStep,
    map::Entry,
    pages,
    store::keys,
    unit::{Step, Unit, judge},
};

const DRIVE: Workload = Workload::OneDrive;
/// A commit after so many deletions.
const PER_COMMIT: usize = 50;

impl Unit<'_> {
    /// Applies the deletions that were found.
    pub(super) async fn drive_removals(&mut self, copy: &mut DriveCopy<'_>) -> Step {
        self.ask_for_unseen(copy).await?;
        let (gone, records) = self.found_gone(copy).await?;
        if !gone.is_empty() {
            self.remove_all(copy, &gone).await?;
        }
        for part in records.chunks(PER_COMMIT) {
            for record in part {
                self.state.delete(record.key.sort.clone());
            }
            self.commit_drive(copy).await?;
        }
        self.set_drive_step(DriveStep::Sharing);
        Ok(())
    }

    /// The deletions that were found so far, and the records that hold them.
    pub(super) async fn found_gone(
        &mut self,
        copy: &mut DriveCopy<'_>,
    ) -> Step<(BTreeSet<String>, Vec<Record>)> {
        if self.state.waiting() > 0 {
            // What is not committed yet is not to be found.
            self.commit_drive(copy).await?;
        }
        let prefix = keys::removals(DRIVE);
        let records = self.state.store.query_all(&self.state.partition, &prefix).await?;
        let mut gone = BTreeSet::new();
        for record in &records {
            let rows = pages::unpack::<1>(&record.key.sort, &record.value)?;
            gone.extend(rows.into_iter().map(|[id]| id));
        }
        Ok((gone, records))
    }

    async fn remove_all(&mut self, copy: &mut DriveCopy<'_>, gone: &BTreeSet<String>) -> Step {
        let folders = with_below(copy, gone);
        let mut files: BTreeMap<String, Entry> = BTreeMap::new();
        for (id, entry) in copy.files.all().await? {
            // A folder's deletion may be all that the source tells of what was in it.
            if gone.contains(&id) || folders.contains(folder_of(&entry.target_tag)) {
                files.insert(id, entry);
            }
        }
        let mut done = 0;
        for (id, entry) in files {
            self.within_budget()?;
            self.remove_file(copy, &id, &entry).await?;
            done += 1;
            if done % PER_COMMIT == 0 {
                self.commit_drive(copy).await?;
            }
        }
        for id in gone {
            self.no_longer_bad_file(copy, id);
            if self.state.waiting() >= PER_COMMIT {
                self.commit_drive(copy).await?;
            }
        }
        for (id, entry) in copy.left_out.all().await? {
            if folders.contains(folder_of(&entry.target_tag)) {
                copy.left_out.remove(&id);
            }
        }
        for id in deepest_first(copy, folders) {
            self.within_budget()?;
            self.remove_folder(copy, &id).await?;
        }
        Ok(())
    }

    /// Deletes the copy of one file.
    pub(super) async fn remove_file(
        &mut self,
        copy: &mut DriveCopy<'_>,
        id: &str,
        entry: &Entry,
    ) -> Step {
        let target = self.job.target.graph();
        self.spend(1);
        match target.delete_drive_item(&copy.target, &entry.target).await {
            Ok(()) => self.counts(DRIVE).deleted += 1,
            Err(error) if error.is_not_found() => {}
            Err(error) if matches!(error.class, tenant::Class::Forbidden) => {
                self.note(DRIVE, format!("a deletion was refused in the target: {error}"));
            }
            Err(error) => return Err(judge("deleting a file of the target's OneDrive", error)),
        }
        copy.files.remove(id);
        Ok(())
    }

    async fn remove_folder(&mut self, copy: &mut DriveCopy<'_>, id: &str) -> Step {
        let Some(place) = copy.folder.get(id).cloned() else { return Ok(()) };
        let target = self.job.target.graph();
        let call = target.drive_item(&copy.target, &place.target);
        let there = self.ask_optional("looking into a folder of the target", call).await?;
        let children = there.and_then(|item| item.folder).map(|folder| folder.child_count);
        match children {
            None => {}
            Some(count) if count.unwrap_or(0) > 0 => {
                let name = name_of(&place.placement);
                let text = format!(
                    "the folder `{name}` is gone from the source; its copy stays, since the target holds more in it"
                );
                self.note(DRIVE, text);
            }
            Some(_) => {
                let call = target.delete_drive_item(&copy.target, &place.target);
                let doing = "deleting a folder of the target's OneDrive";
                if self.ask_optional(doing, call).await?.is_some() {
                    self.counts(DRIVE).folders += 1;
                }
            }
        }
        copy.folders.remove(id);
        copy.folder.remove(id);
        Ok(())
    }
}

/// The folders among `gone`, and all that lie below them.
pub(super) fn with_below(copy: &DriveCopy<'_>, gone: &BTreeSet<String>) -> BTreeSet<String> {
    let folder = |id: &&String| copy.folder.contains_key(*id) && **id != copy.source_root;
    let mut all: BTreeSet<String> = gone.iter().filter(folder).cloned().collect();
    loop {
        let below: Vec<String> = copy
            .folder
            .iter()
            .filter(|(id, place)| !all.contains(*id) && all.contains(folder_of(&place.placement)))
            .map(|(id, _)| id.clone())
            .collect();
        if below.is_empty() {
            return all;
        }
        all.extend(below);
    }
}

fn deepest_first(copy: &DriveCopy<'_>, folders: BTreeSet<String>) -> Vec<String> {
    let depth = |id: String| (copy.depth(&id), id);
    let mut ordered: Vec<(usize, String)> = folders.into_iter().map(depth).collect();
    ordered.sort_by(|a, b| b.cmp(a));
    ordered.into_iter().map(|(_, id)| id).collect()
}
