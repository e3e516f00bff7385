//! A listing of the whole drive, and whether it is complete: each folder's row says how many items are in it
//! (`folder.childCount`), so a page that the service has skipped shows as folders with fewer.

use std::collections::{BTreeMap, BTreeSet};

use ports::Change;
use tenant::graph::{BATCH_MAX, drive::DriveItem};

use super::{DriveCopy, Told, row::folder_of};
use crate::{
    ContentError, Workload,
    checkpoint::ChangesStep,
    map::fingerprint,
    pages,
    store::keys,
    unit::{ASKED_AT_ONCE, Step, Unit, judge},
};

const DRIVE: Workload = Workload::OneDrive;
/// So many folders that seem to hold more than was listed are asked again: people delete while a drive is listed.
const ASKED: usize = 20;
/// So many folders are named in the report.
const NAMED: usize = 5;
/// Records that wait for the next commit at most.
const WAITING: usize = 40;
/// Folders in a record.
const PER_RECORD: usize = 2_000;

/// What a listing of the whole drive has shown.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Fingerprints of the items and of the folders that they lie in.
    seen: BTreeMap<u64, u64>,
    /// What it tells of the root.
    pub(super) root: Option<Told>,
    /// Folders that do not hold as many items as were listed, and how many more.
    off: Offs,
}

/// Folders whose count is not that of what is listed of them, and by how much it is more.
pub(super) type Offs = BTreeMap<String, i64>;

/// The folders that hold more than is listed of them.
fn short(offs: &Offs) -> impl Iterator<Item = (&String, i64)> {
    offs.iter().map(|(id, off)| (id, *off)).filter(|(_, off)| *off > 0)
}

impl Listing {
    /// What the map has and the listing has not: gone from the source, and, of what lies in a folder that was
    /// not listed whole, perhaps gone.
    fn unseen(
        &self,
        folders: &BTreeMap<String, String>,
        files: impl Iterator<Item = (String, String)>,
        bad: impl Iterator<Item = String>,
    ) -> [BTreeSet<String>; 2] {
        let unseen = |id: &str| !self.seen.contains_key(&fingerprint(id));
        let mut doubtful: BTreeSet<&str> = short(&self.off).map(|(id, _)| id.as_str()).collect();
        let whole = doubtful.is_empty();
        loop {
            let below = folders.iter().filter(|(id, parent)| {
                unseen(id) && doubtful.contains(parent.as_str()) && !doubtful.contains(id.as_str())
            });
            let below: Vec<&str> = below.map(|(id, _)| id.as_str()).collect();
            if below.is_empty() {
                break;
            }
            doubtful.extend(below);
        }
        let own = folders.iter().map(|(id, parent)| (id.clone(), parent.clone()));
        let (perhaps, gone): (Vec<_>, Vec<_>) = own
            .chain(files)
            .filter(|(id, _)| unseen(id))
            .map(|(id, parent)| (doubtful.contains(parent.as_str()), id))
            // Nobody remembers where a bad item lies.
            .chain(bad.filter(|id| unseen(id)).map(|id| (!whole, id)))
            .partition(|(doubtful, _)| *doubtful);
        [gone, perhaps].map(|all| all.into_iter().map(|(_, id)| id).collect())
    }
}

impl Unit<'_> {
    /// Remembers what a page shows: all of a whole listing, else what it tells of folders.
    pub(super) fn remember_listed(&mut self, step: &mut ChangesStep, items: &[DriveItem]) {
        let present = items.iter().filter(|item| item.deleted.is_none());
        let rows: Vec<[String; 3]> = present
            .map(|item| (item, Told::of(item)))
            .filter(|(_, told)| step.whole || told.is_some())
            .map(|(item, told)| {
                let told = told.map(Told::text).unwrap_or_default();
                [item.id.clone(), item.parent().unwrap_or_default().to_owned(), told]
            })
            .collect();
        if rows.is_empty() && !step.whole {
            return;
        }
        let key = self.state.key(keys::seen(DRIVE, step.seen_pages));
        self.state.change(Change::put(key, pages::pack(&rows)));
        step.seen_pages = step.seen_pages.saturating_add(1);
    }

    /// What the listing that ends here has shown. `None`: it has left something out, and the drive is to be
    /// listed once more.
    pub(super) async fn end_listing(
        &mut self,
        copy: &mut DriveCopy<'_>,
        step: &ChangesStep,
    ) -> Step<Option<Listing>> {
        let listing = self.listed(copy, step).await?;
        let before = self.offs().await?;
        let known =
            |(id, short): (&String, i64)| before.get(id).is_some_and(|known| *known >= short);
        if !step.relisted && !short(&listing.off).all(known) {
            return Ok(None);
        }
        self.remember_offs(&before, &listing.off);
        Ok(Some(listing))
    }

    /// What was remembered of the pages of this enumeration.
    pub(super) async fn listed_rows(
        &mut self,
        copy: &mut DriveCopy<'_>,
        step: &ChangesStep,
    ) -> Step<Vec<[String; 3]>> {
        if self.state.waiting() > 0 {
            self.commit_drive(copy).await?;
        }
        let mut rows = Vec::new();
        for number in step.seen_from..step.seen_pages {
            let sort = keys::seen(DRIVE, number);
            let page = pages::load::<3>(self.state.store, &self.state.partition, &sort).await?;
            rows.extend(page);
        }
        Ok(rows)
    }

    async fn listed(&mut self, copy: &mut DriveCopy<'_>, step: &ChangesStep) -> Step<Listing> {
        let mut listing = Listing::default();
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for [id, parent, told] in self.listed_rows(copy, step).await? {
            // Of an item that occurs twice the last word counts.
            listing.seen.insert(fingerprint(&id), fingerprint(&parent));
            if let Some(told) = Told::read(&told) {
                if id == copy.source_root {
                    listing.root = Some(told);
                }
                counts.insert(id, told.children);
            }
        }
        let mut children: BTreeMap<u64, u64> = BTreeMap::new();
        for parent in listing.seen.values() {
            *children.entry(*parent).or_default() += 1;
        }
        let children = |id: &str| children.get(&fingerprint(id)).copied().unwrap_or_default();
        if !counts.contains_key(&copy.source_root) {
            // Left out itself; what is left out of any other folder's place is missing in the folder above.
            let root = copy.source_root.clone();
            let count = self.count_now(copy, &root).await?;
            counts.insert(root, count);
        }
        let off = |id: &str, count: u64| count.cast_signed() - children(id).cast_signed();
        counts.retain(|id, count| off(id, *count) != 0);
        let more = |(id, count): &(&String, &mut u64)| off(id, **count) > 0;
        if counts.iter().filter(|(id, count)| off(id, **count) > 0).count() <= ASKED {
            for (id, count) in counts.iter_mut().filter(more) {
                *count = self.count_now(copy, id).await?.min(*count);
            }
        }
        let offs = counts.into_iter().map(|(id, count)| {
            let off = off(&id, count);
            (id, off)
        });
        listing.off = offs.filter(|(_, off)| *off != 0).collect();
        Ok(listing)
    }

    /// How many items a folder of the source holds now.
    async fn count_now(&mut self, copy: &DriveCopy<'_>, id: &str) -> Step<u64> {
        let source = self.job.source.graph();
        let call = source.drive_item(&copy.source, id);
        let now = self.ask_optional("counting a folder of the source", call).await?;
        let count = now.and_then(|item| item.folder).and_then(|folder| folder.child_count);
        Ok(count.unwrap_or_default())
    }

    /// Folders that the last listing did not show as they count.
    pub(super) async fn offs(&self) -> Result<Offs, ContentError> {
        let prefix = keys::all_short(DRIVE);
        let mut offs = Offs::new();
        for record in self.state.store.query_all(&self.state.partition, &prefix).await? {
            let rows = pages::unpack::<2>(&record.key.sort, &record.value)?;
            offs.extend(rows.into_iter().map(|[id, off]| (id, off.parse().unwrap_or(0))));
        }
        Ok(offs)
    }

    /// Remembers them, so that a service that always counts wrongly does not make every sync list twice.
    pub(super) fn remember_offs(&mut self, before: &Offs, offs: &Offs) {
        if before == offs {
            return;
        }
        let rows: Vec<[String; 2]> =
            offs.iter().map(|(id, off)| [id.clone(), off.to_string()]).collect();
        let mut number = 0;
        for part in rows.chunks(PER_RECORD) {
            let key = self.state.key(keys::short(DRIVE, number));
            self.state.change(Change::put(key, pages::pack(part)));
            number += 1;
        }
        let stored = u32::try_from(before.len().div_ceil(PER_RECORD)).unwrap_or(u32::MAX);
        for old in number..stored {
            self.state.delete(keys::short(DRIVE, old));
        }
    }

    /// Says in the report which folders the last whole listing, this one or an earlier one, did not show whole.
    pub(super) async fn tell_short_folders(
        &mut self,
        copy: &DriveCopy<'_>,
        listing: Option<&Listing>,
    ) -> Step {
        let offs = match listing {
            Some(listing) => listing.off.clone(),
            None => self.offs().await?,
        };
        let short: Vec<(&String, i64)> = short(&offs).collect();
        if short.is_empty() {
            return Ok(());
        }
        let mut named: Vec<String> = short
            .iter()
            .take(NAMED)
            .map(|(id, short)| format!("{short} in `{}`", copy.path(id)))
            .collect();
        if short.len() > NAMED {
            named.push(format!("and more in {} folders", short.len() - NAMED));
        }
        let text = format!(
            "the source counts more items than it lists, also when asked once more: {}; copies of them that \
             are in the target stay. Look into these folders in the source; a verification that tells nothing \
             of them says that the count is wrong",
            named.join(", ")
        );
        self.note(DRIVE, text);
        Ok(())
    }

    /// What is gone from the source, by a whole listing, and what it has perhaps only left out.
    pub(super) async fn unseen_in_drive(
        &mut self,
        copy: &DriveCopy<'_>,
        listing: &Listing,
    ) -> Step<[Vec<[String; 1]>; 2]> {
        let place = |placement: &str| folder_of(placement).to_owned();
        let left_out = copy.left_out.all().await?.into_iter();
        let files = copy.files.all().await?.into_iter().chain(left_out);
        let files = files.map(|(id, entry)| (id, place(&entry.target_tag)));
        let folders = copy.folder.iter().filter(|(id, _)| **id != copy.source_root);
        let folders = folders.map(|(id, at)| (id.clone(), place(&at.placement))).collect();
        let unseen = listing.unseen(&folders, files, copy.bad.keys().cloned());
        Ok(unseen.map(|ids| ids.into_iter().map(|id| [id]).collect()))
    }

    /// Keeps what a listing has perhaps left out, until it is asked for.
    pub(super) async fn remember_unseen(
        &mut self,
        copy: &mut DriveCopy<'_>,
        perhaps: &[[String; 1]],
    ) -> Step {
        for part in perhaps.chunks(ASKED_AT_ONCE) {
            let number = self.next_removal();
            let key = self.state.key(keys::unseen(DRIVE, number));
            self.state.change(Change::put(key, pages::pack(part)));
            if self.state.waiting() >= WAITING {
                self.commit_drive(copy).await?;
            }
        }
        Ok(())
    }

    /// Asks for each item that an incomplete listing has not shown: what is not there by itself is gone.
    pub(super) async fn ask_for_unseen(&mut self, copy: &mut DriveCopy<'_>) -> Step {
        let prefix = keys::all_unseen(DRIVE);
        for record in self.state.store.query_all(&self.state.partition, &prefix).await? {
            self.within_budget()?;
            let ids = pages::unpack::<1>(&record.key.sort, &record.value)?;
            let asked: Vec<&str> = ids.iter().map(|[id]| id.as_str()).collect();
            let doing = "looking for items of the source";
            let mut found = Vec::new();
            for part in asked.chunks(BATCH_MAX) {
                let graph = self.job.source.graph();
                let call = graph.drive_items(&copy.source, part);
                found.extend(self.ask_many(doing, part.len(), call).await?);
            }
            let mut gone = Vec::new();
            for (id, found) in ids.into_iter().zip(found) {
                match found {
                    Ok(item) if item.deleted.is_none() => {}
                    Ok(_) => gone.push(id),
                    Err(error) if error.is_not_found() => gone.push(id),
                    Err(error) => return Err(judge(doing, error)),
                }
            }
            if !gone.is_empty() {
                self.remember_gone(&gone);
            }
            self.state.delete(record.key.sort);
            self.commit_drive(copy).await?;
        }
        Ok(())
    }
}
