//! What the changes of a drive have left out. A page that the service skips in a later delta shows as folders that
//! hold more or fewer items than the map knows, and as a root of another size. The source tells of its root when
//! the round begins, and of folders along with its changes, so nothing is asked for where all agrees. Where it
//! does not, and no newer change is the reason, the folder is listed; if that shows what was left out, something
//! else may have been that no count shows, and the whole drive is listed anew in the same round.
//!
//! Sizes are evidence only as long as they are the sums of what is known: SharePoint promises nothing of them.
//! What changes neither size nor counts (another name, content of the same size, an empty file in a folder that
//! the changes do not tell of) only a verification shows.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tenant::graph::{Page, drive::DriveItem};

use super::{
    DEPTH_MOST, DriveCopy,
    removals::with_below,
    row::{Kind, Row, folder_of, size_of},
};
use crate::{
    checkpoint::{ChangesStep, DriveStep, Stage},
    map::{Entry, fingerprint},
    unit::{ASKED_AT_ONCE, Step, Unit},
};

/// So many folders are looked into in a round: where nothing was left out of so many, the counts are wrong.
const LOOKED_INTO: usize = 20;
/// A folder of more items is not listed by itself.
const LISTED: u64 = 5_000;
/// What the source says that a folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// `folder.childCount`.
    pub(super) children: u64,
    /// `size`: of all that is in it.
    bytes: Option<u64>,
}

impl Told {
    /// Of a folder whose children count; `None` for anything else.
    pub(super) fn of(item: &DriveItem) -> Option<Self> {
        let is_folder = item.root.is_some() || Row::of(item).kind == Kind::Folder;
        let children = item.folder.as_ref().filter(|_| is_folder)?.child_count?;
        Some(Self { children, bytes: item.size })
    }

    /// As records keep it.
    pub(super) fn text(self) -> String {
        let bytes = self.bytes.map(|bytes| format!(" {bytes}")).unwrap_or_default();
        format!("{}{bytes}", self.children)
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        let (children, bytes) = text.split_once(' ').unwrap_or((text, ""));
        Some(Self { children: children.parse().ok()?, bytes: bytes.parse().ok() })
    }
}

/// What the changes have left out, as far as it was found.
pub(super) enum Missed {
    Nothing,
    /// Not before the changes since have been read.
    Unsure,
    /// These rows, and perhaps more.
    Some(Vec<Row>),
    /// Whatever it is, a listing of the whole drive shows it.
    Anything,
}

/// What a folder holds by the map.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    children: u64,
    bytes: u64,
}

/// What the map says that the source holds.
struct Known {
    /// By the fingerprint of the folder.
    held: BTreeMap<u64, Held>,
    /// What is deleted with this round: items by themselves, and folders with all below them.
    gone: BTreeSet<String>,
    gone_folders: BTreeSet<String>,
}

impl Known {
    fn of(&self, folder: &str) -> Held {
        self.held.get(&fingerprint(folder)).copied().unwrap_or_default()
    }

    /// How many children more the source tells of than are known.
    fn off(&self, folder: &str, told: Told) -> i64 {
        told.children.cast_signed().saturating_sub(self.of(folder).children.cast_signed())
    }

    fn agrees(&self, folder: &str, told: Told, off: i64, adds_up: bool) -> bool {
        let weighs = told.bytes.is_none_or(|bytes| bytes == self.of(folder).bytes);
        self.off(folder, told) == off && (weighs || !adds_up)
    }
}

/// Keeps in mind where something lies that is not copied: it counts in its folder.
pub(super) fn remember_left_out(copy: &mut DriveCopy<'_>, row: &Row) {
    // A folder's size is that of what is in it.
    let size = if row.kind == Kind::Folder { 0 } else { row.size };
    copy.left_out.put(&Entry {
        source: row.id.clone(),
        source_tag: size.to_string(),
        target: row.kind.tag().to_owned(),
        target_tag: row.placement(),
    });
}

impl Unit<'_> {
    /// Finds what the changes that were read have left out.
    pub(super) async fn missed(
        &mut self,
        copy: &mut DriveCopy<'_>,
        step: &mut ChangesStep,
    ) -> Step<Missed> {
        if step.found_missed {
            return Ok(Missed::Anything);
        }
        let known = self.known(copy).await?;
        let mut told = self.told(copy, step, &known).await?;
        let adds_up = self.state.checkpoint.drive.adds_up;
        let mut offs = self.offs().await?;
        loop {
            let doubtful = told.iter().filter(|(id, told)| {
                let off = offs.get(*id).copied().unwrap_or_default();
                !step.looked_into.contains(id) && !known.agrees(id, **told, off, adds_up)
            });
            // The deepest first: what comes into it comes into those above.
            let Some((id, _)) = doubtful.max_by_key(|(id, _)| copy.depth(id)) else { break };
            let id = id.clone();
            if step.looked_into.len() >= LOOKED_INTO {
                break;
            }
            let graph = self.job.source.graph();
            let call = graph.drive_item(&copy.source, &id);
            let now = self.ask_optional("counting a folder of the source", call).await?;
            let count = now.as_ref().and_then(Told::of);
            let Some((now, count)) = now.zip(count) else {
                // Gone since: the next changes say so.
                step.looked_into.push(id);
                continue;
            };
            self.remember_listed(step, std::slice::from_ref(&now));
            told.insert(id.clone(), count);
            let off = offs.get(&id).copied().unwrap_or_default();
            if known.agrees(&id, count, off, adds_up) {
                // It changed between the pages.
                continue;
            }
            if step.read_on.again() {
                return Ok(Missed::Unsure);
            }
            if count.children > LISTED {
                return Ok(Missed::Anything);
            }
            step.looked_into.push(id.clone());
            let (rows, listed, gone) = self.look_into(copy, step, &known, &id).await?;
            let before = offs.clone();
            match count.children.cast_signed().saturating_sub(listed) {
                0 => drop(offs.remove(&id)),
                off => drop(offs.insert(id, off)),
            }
            self.remember_offs(&before, &offs);
            self.set_drive_step(DriveStep::Changes(Box::new(step.clone())));
            if gone || !rows.is_empty() {
                step.found_missed = true;
                return Ok(Missed::Some(rows));
            }
            // The folders in it have been told of.
            told = self.told(copy, step, &known).await?;
        }
        let root = told.get(&copy.source_root).and_then(|told| told.bytes);
        self.state.checkpoint.drive.adds_up = root == Some(known.of(&copy.source_root).bytes);
        Ok(Missed::Nothing)
    }

    /// Lists a folder: what there is to do, how many children there are, and whether something is gone.
    async fn look_into(
        &mut self,
        copy: &DriveCopy<'_>,
        step: &mut ChangesStep,
        known: &Known,
        folder: &str,
    ) -> Step<(Vec<Row>, i64, bool)> {
        let mut items: Vec<DriveItem> = Vec::new();
        let mut link = None;
        loop {
            let graph = self.job.source.graph();
            let size = self.job.settings.page_size;
            let call = graph.drive_children(&copy.source, folder, link.as_deref(), size);
            let page = self.ask("listing a folder of the source's OneDrive", call).await?;
            items.extend(page.value);
            link = page.next_link;
            if link.is_none() {
                break;
            }
        }
        let mut here: BTreeSet<String> = items.iter().map(|item| item.id.clone()).collect();
        let mut gone = Vec::new();
        for id in
            self.known_in(copy, known, folder).await?.difference(&here.clone()).take(ASKED_AT_ONCE)
        {
            let graph = self.job.source.graph();
            let call = graph.drive_item(&copy.source, id);
            let found = self.ask_optional("looking for an item of the source", call).await?;
            match found.filter(|item| item.deleted.is_none()) {
                Some(item) => {
                    if item.parent() == Some(folder) {
                        here.insert(item.id.clone());
                    }
                    items.push(item);
                }
                None => gone.push([id.clone()]),
            }
        }
        if !gone.is_empty() {
            self.remember_gone(&gone);
        }
        let page = Page { value: items, next_link: None, delta_link: None };
        let mut rows = self.sort_changes(copy, step, page).await?;
        // What is bad has been tried in this round, and what is not copied by rule is told of once.
        let told_of = |row: &Row| row.kind.left_out().is_some() && copy.left_out.holds(&row.id);
        rows.retain(|row| !copy.bad.contains_key(&row.id) && !told_of(row));
        Ok((rows, i64::try_from(here.len()).unwrap_or(i64::MAX), !gone.is_empty()))
    }

    /// What lies in a folder by the map.
    async fn known_in(
        &self,
        copy: &DriveCopy<'_>,
        known: &Known,
        folder: &str,
    ) -> Step<BTreeSet<String>> {
        let left_out = copy.left_out.all().await?;
        let mut entries = copy.files.all().await?;
        entries.extend(copy.folders.all().await?);
        entries.extend(left_out);
        let here = entries.into_iter().filter(|(_, entry)| folder_of(&entry.target_tag) == folder);
        Ok(here.map(|(id, _)| id).filter(|id| !known.gone.contains(id)).collect())
    }

    /// Whether the size of the source's root, by a listing of the whole drive, is the sum of what the map knows.
    pub(super) async fn weigh_root(
        &mut self,
        copy: &mut DriveCopy<'_>,
        root: Option<Told>,
    ) -> Step {
        let known = self.known(copy).await?;
        let root = root.or_else(|| self.root_told()).and_then(|told| told.bytes);
        self.state.checkpoint.drive.adds_up = root == Some(known.of(&copy.source_root).bytes);
        Ok(())
    }

    /// What the map says that the source holds.
    async fn known(&mut self, copy: &mut DriveCopy<'_>) -> Step<Known> {
        let (gone, _) = self.found_gone(copy).await?;
        let gone_folders = with_below(copy, &gone);
        let print = |ids: &BTreeSet<String>| -> BTreeSet<u64> {
            ids.iter().map(|id| fingerprint(id)).collect()
        };
        let (ids, folders) = (print(&gone), print(&gone_folders));
        let place = |row: &[String; 4]| {
            let [_, content, _, placement] = row;
            (fingerprint(folder_of(placement)), size_of(content))
        };
        let mut items = copy.files.live(place).await?;
        let above = |row: &[String; 4]| (fingerprint(folder_of(&row[3])), 0);
        items.extend(copy.folders.live(above).await?);
        // The last word of an item that was copied once and became bad.
        items.extend(copy.left_out.live(place).await?);
        items.retain(|id, (parent, _)| {
            !ids.contains(id) && !folders.contains(id) && !folders.contains(parent)
        });
        let mut held: BTreeMap<u64, Held> = BTreeMap::new();
        for (parent, bytes) in items.values() {
            let held = held.entry(*parent).or_default();
            held.children += 1;
            held.bytes += bytes;
        }
        let direct: Vec<(u64, u64)> = held.iter().map(|(id, held)| (*id, held.bytes)).collect();
        for (folder, bytes) in direct {
            let above = |at: &u64| items.get(at).map(|(parent, _)| *parent);
            for above in std::iter::successors(above(&folder), above).take(DEPTH_MOST) {
                held.entry(above).or_default().bytes += bytes;
            }
        }
        Ok(Known { held, gone, gone_folders })
    }

    fn root_told(&self) -> Option<Told> {
        let Stage::Drive(stage) = &self.state.checkpoint.stage else { return None };
        stage.root_told
    }

    /// What the source has told in this round of folders that are copied, the last word of each.
    async fn told(
        &mut self,
        copy: &mut DriveCopy<'_>,
        step: &ChangesStep,
        known: &Known,
    ) -> Step<BTreeMap<String, Told>> {
        let root = self.root_told().map(|told| (copy.source_root.clone(), told));
        let mut all: BTreeMap<String, Told> = root.into_iter().collect();
        let rows = self.listed_rows(copy, step).await?;
        let told = |[id, _, told]: [String; 3]| Some((id, Told::read(&told)?));
        all.extend(rows.into_iter().filter_map(told));
        all.retain(|id, _| copy.folder.contains_key(id) && !known.gone_folders.contains(id));
        Ok(all)
    }
}
