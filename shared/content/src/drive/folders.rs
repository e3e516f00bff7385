//! Folders of a drive. A folder whose parent was not seen yet has its parent read and made first.

use tenant::{
    Class, TenantError,
    graph::{
        BATCH_MAX,
        drive::{DriveItem, ItemChange, ParentReference, Placement},
    },
};

use super::{
    DriveCopy, FolderPlace,
    clash::Room,
    files::{broken_rule, is_of_the_file, missing_folder},
    row::{Kind, Row, folder_of},
};
use crate::{
    Workload,
    bad::advice,
    map::Entry,
    unit::{Step, Unit, judge},
};

const DRIVE: Workload = Workload::OneDrive;
/// Deeper folders than this are a cycle or a mistake: a path has at most 400 characters.
const DEPTH_MAX: usize = 200;

impl Unit<'_> {
    /// Works off the folders from row `next` on; says which row comes after them.
    pub(super) async fn folder_rows(
        &mut self,
        copy: &mut DriveCopy<'_>,
        rows: &[Row],
        mut next: usize,
    ) -> Step<usize> {
        let rest = rows.get(next..).unwrap_or_default();
        let count = rest.iter().take_while(|row| row.kind == Kind::Folder).count();
        let folders = rest.get(..count).unwrap_or_default();
        self.new_folders(copy, folders).await?;
        for row in folders {
            self.within_budget()?;
            self.folder_row(copy, row).await?;
            next = next.saturating_add(1);
            self.set_drive_page(next, None);
        }
        Ok(next)
    }

    /// Makes new folders together whose folders above are there; what is refused is left to
    /// [`Unit::folder_row`], which looks closer.
    async fn new_folders(&mut self, copy: &mut DriveCopy<'_>, rows: &[Row]) -> Step {
        let mut open: Vec<&Row> = rows.iter().collect();
        loop {
            let known = |id: &str| copy.folder.get(id).map(|place| place.target.clone());
            open.retain(|row| known(&row.id).is_none());
            let mut ready = Vec::new();
            for row in &open {
                let fine = broken_rule(copy, row).is_none();
                if let Some(parent) = known(&row.parent).filter(|_| fine) {
                    ready.push((*row, parent));
                }
            }
            ready.truncate(BATCH_MAX);
            if ready.len() < 2 {
                return Ok(());
            }
            self.within_budget()?;
            let places: Vec<Placement<'_>> =
                ready.iter().map(|(row, parent)| Placement { parent, name: &row.name }).collect();
            let target = self.job.target.graph();
            let call = target.create_drive_folders(&copy.target, &places);
            let doing = "creating folders in the target's OneDrive";
            let made = self.ask_many(doing, places.len(), call).await?;
            for ((row, _), made) in ready.iter().zip(made) {
                match made {
                    Ok(made) => {
                        self.counts(DRIVE).folders += 1;
                        Self::pair_folder(copy, row, made.id);
                    }
                    Err(_looked_at_later) => open.retain(|other| other.id != row.id),
                }
            }
        }
    }

    /// Makes, renames or moves one folder.
    async fn folder_row(&mut self, copy: &mut DriveCopy<'_>, row: &Row) -> Step {
        let Some(parent) = self.folder_for(copy, &row.parent).await? else {
            let (reason, advice) = missing_folder(copy, row);
            return self.bad_file(copy, row, reason, advice);
        };
        let known = copy.folder.get(&row.id).cloned();
        let done = match &known {
            Some(known) if known.placement == row.placement() => true,
            Some(known) => self.move_folder(copy, row, known, &parent).await?,
            None => self.make_folder(copy, row, &parent).await?,
        };
        if done {
            self.counts(DRIVE).seen += 1;
            self.no_longer_bad_file(copy, &row.id);
        }
        Ok(())
    }

    /// The target folder for the children of a source folder, made if need be; `None` when the source
    /// does not have it (any more).
    pub(super) async fn folder_for(
        &mut self,
        copy: &mut DriveCopy<'_>,
        source: &str,
    ) -> Step<Option<String>> {
        let mut missing: Vec<Row> = Vec::new();
        let mut at = source.to_owned();
        while !copy.folder.contains_key(&at) {
            let cycle = missing.iter().any(|row| row.id == at);
            let deep = missing.len() > DEPTH_MAX;
            if cycle || deep || at.is_empty() || copy.refused.contains(&at) {
                return Ok(None);
            }
            let graph = self.job.source.graph();
            let call = graph.drive_item(&copy.source, &at);
            let Some(item) = self.ask_optional("reading a folder of the source", call).await?
            else {
                return Ok(None);
            };
            let row = Row::of(&item);
            if row.kind != Kind::Folder {
                return Ok(None);
            }
            at.clone_from(&row.parent);
            missing.push(row);
        }
        while let Some(row) = missing.pop() {
            let Some(parent) = copy.folder.get(&row.parent).map(|place| place.target.clone())
            else {
                return Ok(None);
            };
            if !self.make_folder(copy, &row, &parent).await? {
                return Ok(None);
            }
        }
        Ok(copy.folder.get(source).map(|place| place.target.clone()))
    }

    /// Makes a folder, or takes the one that is there. `false`: it became a bad item.
    async fn make_folder(
        &mut self,
        copy: &mut DriveCopy<'_>,
        row: &Row,
        parent: &str,
    ) -> Step<bool> {
        let made = self.try_make_folder(copy, row, parent).await?;
        let missing = made.as_ref().is_err_and(TenantError::is_not_found);
        let made = if missing && self.forget_gone_folders(copy, &row.parent).await? {
            let parent = Box::pin(self.folder_for(copy, &row.parent)).await?;
            let Some(parent) = parent else { return Ok(false) };
            self.try_make_folder(copy, row, &parent).await?
        } else {
            made
        };
        let doing = "creating a folder in the target's OneDrive";
        made.or_else(|error| self.folder_refused(copy, row, error, doing))
    }

    /// The same; the inner error is the target's refusal.
    async fn try_make_folder(
        &mut self,
        copy: &mut DriveCopy<'_>,
        row: &Row,
        parent: &str,
    ) -> Step<Result<bool, TenantError>> {
        if !self.name_is_fine(copy, row)? {
            return Ok(Ok(false));
        }
        let at = Placement { parent, name: &row.name };
        let target = self.job.target.graph();
        self.spend(1);
        let mut made = target.create_drive_folder(&copy.target, at).await;
        if made.as_ref().is_err_and(TenantError::is_already_exists) {
            match self.room_for_folder(copy, row, parent).await? {
                (Room::Free, Some(there)) if there.folder.is_some() => made = Ok(there),
                (Room::Made, _) => {
                    self.spend(1);
                    made = target.create_drive_folder(&copy.target, at).await;
                }
                (room, _) => return self.folder_without_room(copy, row, &room).map(Ok),
            }
        }
        Ok(made.map(|made| {
            self.counts(DRIVE).folders += 1;
            Self::pair_folder(copy, row, made.id);
            true
        }))
    }

    async fn move_folder(
        &mut self,
        copy: &mut DriveCopy<'_>,
        row: &Row,
        known: &FolderPlace,
        parent: &str,
    ) -> Step<bool> {
        if !self.name_is_fine(copy, row)? {
            return Ok(false);
        }
        let moved = folder_of(&known.placement) != row.parent;
        let change = ItemChange {
            // Always: it may have been moved aside.
            name: Some(row.name.clone()),
            parent_reference: moved
                .then(|| ParentReference { drive_id: None, id: Some(parent.to_owned()) }),
            file_system_info: None,
        };
        let target = self.job.target.graph();
        self.spend(1);
        let mut changed = target.update_drive_item(&copy.target, &known.target, &change).await;
        if changed.as_ref().is_err_and(TenantError::is_already_exists) {
            match self.room_for_folder(copy, row, parent).await? {
                (Room::Made, _) => {
                    self.spend(1);
                    changed = target.update_drive_item(&copy.target, &known.target, &change).await;
                }
                (room, _) => return self.folder_without_room(copy, row, &room),
            }
        }
        match changed {
            Ok(_) => {
                self.counts(DRIVE).folders += 1;
                Self::pair_folder(copy, row, known.target.clone());
                Ok(true)
            }
            // Deleted in the target, or the folder above it was.
            Err(error) if error.is_not_found() => {
                if moved && self.forget_gone_folders(copy, &row.parent).await? {
                    let parent = self.folder_for(copy, &row.parent).await?;
                    let Some(parent) = parent else { return Ok(false) };
                    return Box::pin(self.move_folder(copy, row, known, &parent)).await;
                }
                self.make_folder(copy, row, parent).await
            }
            Err(error) => {
                self.folder_refused(copy, row, error, "moving a folder of the target's OneDrive")
            }
        }
    }

    /// Looks at what lies at a folder's place, and makes it go if it may.
    async fn room_for_folder(
        &mut self,
        copy: &mut DriveCopy<'_>,
        row: &Row,
        parent: &str,
    ) -> Step<(Room, Option<DriveItem>)> {
        let target = self.job.target.graph();
        let call = target.drive_item_at(&copy.target, Placement { parent, name: &row.name });
        let Some(there) = self.ask_optional("looking at a folder of the target", call).await?
        else {
            return Ok((Room::Made, None));
        };
        let room = self.make_room(copy, row, &there).await?;
        Ok((room, Some(there)))
    }

    fn folder_without_room(
        &mut self,
        copy: &mut DriveCopy<'_>,
        row: &Row,
        room: &Room,
    ) -> Step<bool> {
        let (reason, advice) = match room {
            Room::Stale => ("it changed while it was copied", "the next sync copies it again"),
            Room::Made | Room::Taken | Room::Free => (
                "the target has something else of this name there",
                "rename one of the two, then sync again",
            ),
        };
        self.bad_file(copy, row, reason.to_owned(), advice.to_owned())?;
        copy.refused.insert(row.id.clone());
        Ok(false)
    }

    /// A refusal of one folder: it becomes a bad item, and the copy goes on without it.
    fn folder_refused(
        &mut self,
        copy: &mut DriveCopy<'_>,
        row: &Row,
        error: TenantError,
        doing: &str,
    ) -> Step<bool> {
        if error.class == Class::QuotaExceeded || !is_of_the_file(&error) {
            return Err(judge(doing, error));
        }
        let reason = format!("{} ({})", error.message, error.code);
        self.bad_file(copy, row, reason, advice(&error).to_owned())?;
        copy.refused.insert(row.id.clone());
        Ok(false)
    }

    fn pair_folder(copy: &mut DriveCopy<'_>, row: &Row, target: String) {
        let placement = row.placement();
        copy.folders.put(&Entry {
            source: row.id.clone(),
            source_tag: String::new(),
            target: target.clone(),
            target_tag: placement.clone(),
        });
        copy.folder.insert(row.id.clone(), FolderPlace { target, placement });
    }
}
