//! Reading a drive's changes and working them off, page by page.

use std::collections::{BTreeMap, BTreeSet};

use ports::Change;
use tenant::{
    Class,
    graph::{Page, drive::DriveItem},
};

use super::{
    DriveCopy, FILES,
    listing::Listing,
    reckoning::{Missed, remember_left_out},
    row::{Kind, Row},
};
use crate::{
    BadItem, ContentError, CopyMode, Workload,
    checkpoint::{ChangesStep, DriveStep, Follow, Intent, PageStep, Search, Stage},
    pages,
    store::keys,
    unit::{Step, Unit, judge},
};

const DRIVE: Workload = Workload::OneDrive;
/// Records that wait for the next commit at most.
const WAITING: usize = 40;
/// Small files that share one intent: as many as are copied side by side.
const BATCH: usize = 60;

impl Unit<'_> {
    /// Works all changes of the drive off.
    pub(super) async fn changes(
        &mut self,
        copy: &mut DriveCopy<'_>,
        mut step: ChangesStep,
    ) -> Step {
        let sort = keys::work(DRIVE);
        loop {
            self.set_drive_step(DriveStep::Changes(Box::new(step.clone())));
            if self.state.waiting() >= WAITING {
                self.commit_drive(copy).await?;
            }
            let (rows, then): (Vec<Row>, Follow) = if let Some(page) = &step.page {
                let rows = pages::load::<9>(self.state.store, &self.state.partition, &sort).await?;
                (rows.into_iter().map(Row::from).collect(), page.then.clone())
            } else if let Some(link) = step.ended.clone() {
                self.within_budget()?;
                let rows = match self.missed(copy, &mut step).await? {
                    Missed::Some(rows) => rows,
                    Missed::Unsure => {
                        (step.ended, step.link) = (None, Some(link));
                        continue;
                    }
                    Missed::Anything => {
                        (step.ended, step.link, step.anew) = (None, None, true);
                        continue;
                    }
                    Missed::Nothing => return self.leave_changes(copy, &step, link, None).await,
                };
                if rows.is_empty() {
                    continue;
                }
                self.open_drive_page(&mut step, &rows, Follow::Delta(link.clone()));
                (rows, Follow::Delta(link))
            } else {
                self.within_budget()?;
                let Some((rows, then)) = self.next_changes(copy, &mut step).await? else {
                    continue;
                };
                if !rows.is_empty() {
                    step.read_on.news();
                    self.open_drive_page(&mut step, &rows, then.clone());
                }
                (rows, then)
            };
            self.set_drive_step(DriveStep::Changes(Box::new(step.clone())));
            if step.page.is_some() {
                self.drive_page(copy, &rows).await?;
                step = self.changes_step();
                step.page = None;
                self.state.delete(sort.clone());
            }
            match then {
                Follow::Start => step.retried = true,
                Follow::Next(link) => step.link = Some(link),
                Follow::Delta(link) if step.whole => {
                    // The page in hand goes with the next commit.
                    self.set_drive_step(DriveStep::Changes(Box::new(step.clone())));
                    let listing = self.end_listing(copy, &step).await?;
                    if listing.is_some() {
                        return self.leave_changes(copy, &step, link, listing.as_ref()).await;
                    }
                    (step.anew, step.relisted, step.link) = (true, true, None);
                }
                Follow::Delta(link) => step.ended = Some(link),
            }
        }
    }

    /// The step as it stands in the checkpoint.
    pub(super) fn changes_step(&self) -> ChangesStep {
        match &self.state.checkpoint.stage {
            Stage::Drive(stage) => match &stage.step {
                DriveStep::Changes(step) => (**step).clone(),
                _ => ChangesStep::default(),
            },
            _ => ChangesStep::default(),
        }
    }

    /// Changes the step in the checkpoint.
    pub(super) fn with_changes(&mut self, change: impl FnOnce(&mut ChangesStep)) {
        if let Stage::Drive(stage) = &mut self.state.checkpoint.stage
            && let DriveStep::Changes(step) = &mut stage.step
        {
            change(step);
        }
    }

    /// Gets the next rows; `None` when the enumeration starts anew (410).
    async fn next_changes(
        &mut self,
        copy: &DriveCopy<'_>,
        step: &mut ChangesStep,
    ) -> Step<Option<(Vec<Row>, Follow)>> {
        if !step.retried {
            return Ok(Some((self.bad_rows(copy, step).await?, Follow::Start)));
        }
        if step.link.is_none() && !step.anew {
            step.link.clone_from(&self.state.checkpoint.drive.delta);
            let skipped = self.state.key(keys::skipped(DRIVE));
            let skipped = self.state.store.get(&skipped).await?.is_some();
            if self.mode == CopyMode::Initial || step.link.is_none() || skipped {
                step.link = None;
                step.anew = !copy.files.is_empty() || !copy.folders.is_empty();
            }
        }
        if step.anew && !step.whole {
            // An earlier program may have begun it, which did not keep what this one needs.
            step.link = None;
        }
        if step.link.is_none() {
            step.whole = true;
            step.seen_from = step.seen_pages;
        }
        let source = self.job.source.graph();
        self.spend(1);
        let size = self.job.settings.page_size;
        let page = source.drive_delta(&copy.source, step.link.as_deref(), size).await;
        let page = match page {
            Ok(page) => page,
            Err(error) if matches!(error.class, Class::Gone) && step.link.is_some() => {
                step.link = None;
                step.anew = true;
                return Ok(None);
            }
            Err(error) => return Err(judge("listing the changes of the source's OneDrive", error)),
        };
        let then = match (&page.next_link, &page.delta_link) {
            (Some(next), _) => Follow::Next(next.clone()),
            (None, Some(delta)) => Follow::Delta(delta.clone()),
            (None, None) => {
                return Err(ContentError::Protocol {
                    doing: "listing the changes of the source's OneDrive".to_owned(),
                    reason: "the page has neither a next nor a delta link".to_owned(),
                }
                .into());
            }
        };
        Ok(Some((self.sort_changes(copy, step, page).await?, then)))
    }

    /// The bad items of earlier rounds, as they are now.
    async fn bad_rows(&mut self, copy: &DriveCopy<'_>, step: &mut ChangesStep) -> Step<Vec<Row>> {
        let mut rows = Vec::new();
        for id in copy.bad.keys().cloned().collect::<Vec<_>>() {
            let source = self.job.source.graph();
            let call = source.drive_item(&copy.source, &id);
            // One that is gone is struck from the list by the delta's deletion.
            if let Some(item) = self.ask_optional("reading a bad item again", call).await? {
                rows.push(Row::of(&item));
            }
        }
        // The round that found them shared could not share their copies.
        self.remember_shared(step, &rows);
        Ok(in_order(copy, rows))
    }

    /// Parts a page into rows to work on and deletions; what the map has already is left out, of an
    /// item that occurs twice the last word counts.
    pub(super) async fn sort_changes(
        &mut self,
        copy: &DriveCopy<'_>,
        step: &mut ChangesStep,
        page: Page<DriveItem>,
    ) -> Step<Vec<Row>> {
        let mut last: BTreeMap<String, (usize, DriveItem)> = BTreeMap::new();
        for (place, item) in page.value.into_iter().enumerate() {
            last.insert(item.id.clone(), (place, item));
        }
        let mut items: Vec<(usize, DriveItem)> = last.into_values().collect();
        items.sort_by_key(|(place, _)| *place);
        let items: Vec<DriveItem> = items.into_iter().map(|(_, item)| item).collect();
        self.remember_listed(step, &items);
        let ids = items.iter().map(|item| item.id.clone()).collect();
        let files = copy.files.find(&ids).await?;
        let (mut rows, mut gone, mut all) = (Vec::new(), Vec::new(), Vec::new());
        for item in items {
            if item.deleted.is_some() {
                let folder = copy.folder.contains_key(&item.id) && item.id != copy.source_root;
                let left_out = copy.left_out.holds(&item.id) || copy.bad.contains_key(&item.id);
                if folder || left_out || files.contains_key(&item.id) {
                    gone.push([item.id]);
                }
                continue;
            }
            if item.root.is_some() || item.id == copy.source_root {
                continue;
            }
            let row = Row::of(&item);
            let same = match row.kind {
                Kind::Folder => {
                    let known = copy.folder.get(&row.id);
                    known.is_some_and(|known| known.placement == row.placement())
                }
                Kind::File => files.get(&row.id).is_some_and(|known| {
                    known.source_tag == row.content() && known.target_tag == row.placement()
                }),
                Kind::Package | Kind::Shortcut | Kind::Malware => false,
            };
            if !same {
                rows.push(row.clone());
            }
            all.push(row);
        }
        if !gone.is_empty() {
            self.remember_gone(&gone);
        }
        self.remember_shared(step, &all);
        Ok(in_order(copy, rows))
    }

    /// Remembers which of these rows are shared, for when their copies are there.
    fn remember_shared(&mut self, step: &mut ChangesStep, rows: &[Row]) {
        let shared = rows.iter().filter(|row| row.shared && row.kind.left_out().is_none());
        let shared: Vec<[String; 2]> =
            shared.map(|row| [row.id.clone(), row.name.clone()]).collect();
        if !shared.is_empty() {
            let key = self.state.key(keys::shared(DRIVE, step.shared));
            self.state.change(Change::put(key, pages::pack(&shared)));
            step.shared = step.shared.saturating_add(1);
        }
    }

    pub(super) fn remember_gone(&mut self, gone: &[[String; 1]]) {
        let number = self.next_removal();
        let key = self.state.key(keys::removal(DRIVE, number));
        self.state.change(Change::put(key, pages::pack(gone)));
    }

    fn open_drive_page(&mut self, step: &mut ChangesStep, rows: &[Row], then: Follow) {
        let bytes: u64 = rows.iter().filter(|row| row.kind == Kind::File).map(|row| row.size).sum();
        let counts = self.counts(DRIVE);
        counts.found += rows.len() as u64;
        counts.found_bytes += bytes;
        step.page = Some(PageStep { next: 0, rows: rows.len(), then, intent: None });
        let packed: Vec<[String; 9]> = rows.iter().cloned().map(Row::into_texts).collect();
        let key = self.state.key(keys::work(DRIVE));
        self.state.change(Change::put(key, pages::pack(&packed)));
    }

    /// Works the rows of the page in hand off, from where the checkpoint says.
    async fn drive_page(&mut self, copy: &mut DriveCopy<'_>, rows: &[Row]) -> Step {
        let step = self.changes_step();
        let after_transfer = step.transfer.map_or(0, |at| at.row.saturating_add(1));
        let page = step.page;
        // Rows of an open intent: what is found at their place is our own.
        let ours = page.as_ref().and_then(|page| page.intent.as_ref());
        let ours = ours.map_or(0..0, |intent| intent.from..intent.to);
        let settled = ours.end.max(after_transfer);
        let mut next = page.map_or(0, |page| page.next);
        while let Some(row) = rows.get(next) {
            if next >= settled {
                self.begin_if_settled()?;
            }
            self.within_budget()?;
            if let Some(reason) = row.kind.left_out() {
                self.leave_out(copy, row, reason);
                next += 1;
            } else if row.kind == Kind::Folder {
                next = self.folder_rows(copy, rows, next).await?;
            } else if row.size > self.job.settings.fragment() {
                self.large_file(copy, row, next, ours.contains(&next)).await?;
                next += 1;
            } else {
                let small =
                    |row: &&Row| row.kind == Kind::File && row.size <= self.job.settings.fragment();
                let rest = rows.get(next..).unwrap_or_default();
                let count = rest.iter().take(BATCH).take_while(small).count();
                let batch = rest.get(..count).unwrap_or_default();
                let (from, to) = (next, next.saturating_add(count));
                let at = self.job.clock.now();
                self.set_drive_page(from, Some(Intent { from, to, at, search: Search::default() }));
                self.commit_drive(copy).await?;
                self.within_bad_limit(copy.bad.values().next_back())?;
                let known_ours = ours.contains(&from);
                self.small_files(copy, batch, known_ours).await?;
                next = to;
            }
            self.set_drive_page(next, None);
        }
        self.begin_if_settled()
    }

    pub(super) fn set_drive_page(&mut self, next: usize, intent: Option<Intent>) {
        self.with_changes(|step| {
            if let Some(page) = &mut step.page {
                page.next = next;
                page.intent = intent;
            }
        });
    }

    fn leave_out(&mut self, copy: &mut DriveCopy<'_>, row: &Row, reason: &str) {
        remember_left_out(copy, row);
        let place = copy.path(&row.parent);
        self.note(DRIVE, format!("`{}` in `{place}` is not copied: {reason}", row.name));
        let counts = self.counts(DRIVE);
        counts.skipped += 1;
        counts.seen += 1;
    }

    /// Records a bad item (SYN-5).
    pub(super) fn bad_file(
        &mut self,
        copy: &mut DriveCopy<'_>,
        row: &Row,
        reason: String,
        advice: String,
    ) -> Step {
        let before = copy.bad.get(&row.id);
        let tries = before.map_or(0, |before| before.tries).saturating_add(1);
        let known = before.is_some();
        let item = BadItem {
            workload: DRIVE,
            id: row.id.clone(),
            folder: copy.path(&row.parent),
            name: row.name.clone(),
            size: row.size,
            reason,
            advice,
            tag: row.content(),
            created: String::new(),
            tries,
        };
        let counts = self.counts(DRIVE);
        counts.seen += 1;
        if row.kind == Kind::File {
            counts.seen_bytes += row.size;
        }
        self.bad(FILES, &item, known)?;
        remember_left_out(copy, row);
        copy.bad.insert(row.id.clone(), item);
        Ok(())
    }

    /// Strikes an item from the list of bad ones, if it was there, and from what is left out.
    pub(super) fn no_longer_bad_file(&mut self, copy: &mut DriveCopy<'_>, id: &str) {
        if copy.left_out.holds(id) {
            copy.left_out.remove(id);
        }
        if copy.bad.remove(id).is_some() {
            self.mended(DRIVE, FILES, id);
        }
    }

    /// Ends the enumeration: works out deletions after a new one, keeps the delta link.
    async fn leave_changes(
        &mut self,
        copy: &mut DriveCopy<'_>,
        step: &ChangesStep,
        link: String,
        listing: Option<&Listing>,
    ) -> Step {
        if let Some(listing) = listing.filter(|_| step.anew) {
            self.state.delete(keys::skipped(DRIVE));
            self.commit_drive(copy).await?;
            let [gone, perhaps] = self.unseen_in_drive(copy, listing).await?;
            for part in gone.chunks(2_000) {
                self.remember_gone(part);
                if self.state.waiting() >= WAITING {
                    self.commit_drive(copy).await?;
                }
            }
            self.remember_unseen(copy, &perhaps).await?;
        }
        if let Some(listing) = listing {
            self.weigh_root(copy, listing.root).await?;
        }
        if self.state.checkpoint.bad > self.job.settings.bad_item_limit {
            self.commit_drive(copy).await?;
            self.within_bad_limit(copy.bad.values().next_back())?;
        }
        self.tell_short_folders(copy, listing).await?;
        self.state.checkpoint.drive.delta = Some(link);
        self.set_drive_step(DriveStep::Removals);
        for number in 0..step.seen_pages {
            // Only after the step is left: its deletions were worked out from these.
            if number == 0 || self.state.waiting() >= WAITING {
                self.commit_drive(copy).await?;
            }
            self.state.delete(keys::seen(DRIVE, number));
        }
        self.commit_drive(copy).await
    }
}

/// Folders before files, and folders below one another parents first: a delta promises no order.
fn in_order(copy: &DriveCopy<'_>, rows: Vec<Row>) -> Vec<Row> {
    let (mut folders, files): (Vec<Row>, Vec<Row>) =
        rows.into_iter().partition(|row| row.kind == Kind::Folder);
    let mut ordered: Vec<Row> = Vec::new();
    // A folder that is known and changes here comes after the one that it moves into: else a folder could
    // not change places with the one above it.
    let mut placed: BTreeSet<String> = copy.folder.keys().cloned().collect();
    for row in &folders {
        placed.remove(&row.id);
    }
    loop {
        let (ready, later): (Vec<Row>, Vec<Row>) =
            folders.into_iter().partition(|row| placed.contains(&row.parent));
        let done = ready.is_empty();
        placed.extend(ready.iter().map(|row| row.id.clone()));
        ordered.extend(ready);
        folders = later;
        if done {
            break;
        }
    }
    // The rest has its parents on another page, or a cycle.
    ordered.extend(folders);
    ordered.extend(files);
    ordered
}
