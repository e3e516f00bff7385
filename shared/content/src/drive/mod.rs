//! The copy of a OneDrive: changes by item id, deletions, permissions, in this order.
//!
//! Writing into a drive converges: a folder or file that is there already is recognised by its place
//! and content, so nothing comes twice. The intent only says that a file at the place may be our own
//! half-known copy.

mod ahead;
mod changes;
mod clash;
mod deleted_in_target;
mod files;
mod folders;
mod fragments;
mod half_known;
mod large;
mod listing;
mod names;
mod reckoning;
mod removals;
pub(crate) mod row;
mod sharing;
mod small;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use ports::Store;
pub(crate) use reckoning::Told;
use tenant::{Class, TenantError};

use crate::{
    BadItem, ContentError, Workload,
    checkpoint::{DriveStage, DriveStep, Stage},
    map::{Entry, ItemMap},
    store::{decode, keys},
    unit::{Step, Stop, Unit, judge, pause},
};

/// The groups of the drive's item map.
pub(crate) const FOLDERS: u32 = 0;
pub(crate) const FILES: u32 = 1;
/// What is in the source and not copied, by rule or because it is bad: where it lies and how large it is.
const LEFT_OUT: u32 = 2;

/// More folders than lie in one another.
const DEPTH_MOST: usize = 500;

/// The drive in hand.
pub(crate) struct DriveCopy<'s> {
    source: String,
    target: String,
    source_root: String,
    /// Characters of the target library's own path.
    library: usize,
    /// Folders, source id to target id, and where they lie.
    folders: ItemMap<'s>,
    folder: BTreeMap<String, FolderPlace>,
    files: ItemMap<'s>,
    left_out: ItemMap<'s>,
    /// Open bad items, by source id.
    bad: BTreeMap<String, BadItem>,
    /// Folders that were refused in this unit: not every file in them asks for them again.
    refused: BTreeSet<String>,
}

/// A folder that is paired.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FolderPlace {
    target: String,
    placement: String,
}

impl<'s> DriveCopy<'s> {
    async fn open(
        store: &'s dyn Store,
        partition: &str,
        stage: &DriveStage,
    ) -> Result<Self, ContentError> {
        let drive = Workload::OneDrive;
        let folders = ItemMap::open(store, partition, keys::map(drive, FOLDERS)).await?;
        let files = ItemMap::open(store, partition, keys::map(drive, FILES)).await?;
        let left_out = ItemMap::open(store, partition, keys::map(drive, LEFT_OUT)).await?;
        let paired = folders.all().await?.into_iter();
        let place =
            |entry: Entry| FolderPlace { target: entry.target, placement: entry.target_tag };
        let mut folder: BTreeMap<String, FolderPlace> =
            paired.map(|(id, entry)| (id, place(entry))).collect();
        let root = FolderPlace { target: stage.target_root.clone(), placement: String::new() };
        folder.insert(stage.source_root.clone(), root);
        let mut bad = BTreeMap::new();
        for record in store.query_all(partition, &keys::bad_items(drive, FILES)).await? {
            let item: BadItem = decode(&record.key.sort, &record.value)?;
            bad.insert(item.id.clone(), item);
        }
        let (source, target) = (stage.source.clone(), stage.target.clone());
        let source_root = stage.source_root.clone();
        Ok(Self {
            source,
            target,
            source_root,
            library: stage.library,
            folders,
            folder,
            files,
            left_out,
            bad,
            refused: BTreeSet::new(),
        })
    }

    /// A folder's path, for people.
    fn path(&self, folder: &str) -> String {
        let mut names = Vec::new();
        let mut at = folder;
        while at != self.source_root && names.len() < 300 {
            let Some(place) = self.folder.get(at) else { break };
            names.push(row::name_of(&place.placement));
            at = row::folder_of(&place.placement);
        }
        names.reverse();
        format!("/{}", names.join("/"))
    }

    /// How many folders are above one.
    fn depth(&self, folder: &str) -> usize {
        let above = |at: &&str| self.folder.get(*at).map(|place| row::folder_of(&place.placement));
        std::iter::successors(Some(folder), above).take(DEPTH_MOST).count()
    }
}

impl Unit<'_> {
    /// Goes on with the drive until it is done or the unit ends.
    pub(crate) async fn drive(&mut self) -> Step {
        Workload::OneDrive.title().clone_into(&mut self.state.checkpoint.progress.doing);
        let Stage::Drive(stage) = self.state.checkpoint.stage.clone() else { return Ok(()) };
        if let DriveStep::Locate { waits } = stage.step {
            self.locate_drives(waits).await?;
        }
        let Stage::Drive(stage) = self.state.checkpoint.stage.clone() else { return Ok(()) };
        let store = self.state.store;
        let partition = self.state.partition.clone();
        let mut copy = DriveCopy::open(store, &partition, &stage).await?;
        let done = self.drive_steps(&mut copy).await;
        // Whatever ended it: what is in the target is in the map with the next commit.
        self.take_drive_changes(&copy);
        done
    }

    async fn drive_steps(&mut self, copy: &mut DriveCopy<'_>) -> Step {
        loop {
            let Stage::Drive(stage) = &self.state.checkpoint.stage else { return Ok(()) };
            match stage.step.clone() {
                DriveStep::Locate { .. } => return Ok(()),
                DriveStep::Changes(step) => self.changes(copy, *step).await?,
                DriveStep::Removals => self.drive_removals(copy).await?,
                DriveStep::Sharing => {
                    self.sharing(copy).await?;
                    self.tell_moved_aside(copy).await?;
                    self.state.checkpoint.stage = Stage::after_drive();
                }
            }
        }
    }

    /// Finds both drives, or moves on when there is nothing to copy.
    async fn locate_drives(&mut self, waits: u32) -> Step {
        let job = self.job;
        let subject = &job.subject;
        self.spend(1);
        let source = match job.source.graph().user_drive(&subject.source_user).await {
            Ok(drive) => drive,
            Err(error) if no_drive(&error) => {
                self.note(Workload::OneDrive, "the source has no OneDrive");
                self.state.checkpoint.stage = Stage::after_drive();
                return Ok(());
            }
            Err(error) => return Err(judge("finding the source's OneDrive", error)),
        };
        self.spend(1);
        let target = match job.target.graph().user_drive(&subject.target_user).await {
            Ok(drive) => drive,
            Err(error) if no_drive(&error) => {
                if waits == 0 {
                    self.request_drive().await?;
                }
                return Err(self.wait_for_drive(waits, &error));
            }
            Err(error) => return Err(judge("finding the target's OneDrive", error)),
        };
        // An initial round copies all that the drive holds; how much of it changed is not told.
        let used = source.quota.as_ref().and_then(|quota| quota.used).unwrap_or_default();
        self.state.checkpoint.progress.expected_bytes += used;
        let (from, to) = (job.source.graph(), job.target.graph());
        let source_root = from.drive_root(&source.id);
        let source_root = self.ask("reading the source's OneDrive", source_root).await?;
        let root_told = Told::of(&source_root);
        let source_root = source_root.id;
        let target_root = to.drive_root(&target.id);
        let target_root = self.ask("reading the target's OneDrive", target_root).await?.id;
        let library = target.library_path().chars().count();
        self.state.checkpoint.stage = Stage::Drive(DriveStage {
            library,
            source: source.id,
            target: target.id,
            source_root,
            target_root,
            root_told,
            step: DriveStep::Changes(Box::default()),
        });
        Ok(())
    }

    /// Asks SharePoint for the target's OneDrive, where its administration is configured.
    async fn request_drive(&mut self) -> Step {
        let target = self.job.target;
        if !target.sharepoint().is_configured() {
            return Ok(());
        }
        let graph = target.graph();
        let call = graph.get_user(&self.job.subject.target_user);
        let user = self.ask("finding the target user", call).await?;
        self.spend(1);
        match target.sharepoint().request_personal_sites(&[user.user_principal_name]).await {
            Ok(()) => Ok(()),
            Err(error) if pause(&error).is_some() => {
                Err(judge("asking for the target's OneDrive", error))
            }
            // An administrator may do it meanwhile.
            Err(error) => {
                self.note(
                    Workload::OneDrive,
                    format!("the OneDrive could not be asked for: {error}"),
                );
                Ok(())
            }
        }
    }

    /// A OneDrive appears some time after its licence, or after somebody has provisioned it.
    fn wait_for_drive(&mut self, waits: u32, error: &TenantError) -> Stop {
        if waits >= self.job.settings.drive_waits {
            return Stop::Failed(ContentError::Missing {
                what: "the target's OneDrive".to_owned(),
                advice: format!(
                    "provision it in the SharePoint admin centre or let the person open it once, then sync again ({error})"
                ),
            });
        }
        if let Stage::Drive(stage) = &mut self.state.checkpoint.stage {
            stage.step = DriveStep::Locate { waits: waits + 1 };
        }
        // Soon at first, since it may just be coming; sparingly later.
        let soon = Duration::from_secs(2_u64.saturating_pow(waits.min(16).saturating_add(1)));
        Stop::Wait {
            after: soon.min(self.job.settings.drive_pause),
            why: "the target's OneDrive is not provisioned yet".to_owned(),
        }
    }

    /// Sets the step of the drive in hand.
    fn set_drive_step(&mut self, step: DriveStep) {
        if let Stage::Drive(stage) = &mut self.state.checkpoint.stage {
            stage.step = step;
        }
    }

    /// Adds the maps' new rows to the next commit.
    fn take_drive_changes(&mut self, copy: &DriveCopy<'_>) {
        for map in [&copy.folders, &copy.files, &copy.left_out] {
            for change in map.changes() {
                self.state.change(change);
            }
        }
    }

    /// Commits the checkpoint with the maps' new rows.
    async fn commit_drive(&mut self, copy: &mut DriveCopy<'_>) -> Step {
        self.take_drive_changes(copy);
        self.commit().await?;
        copy.folders.committed();
        copy.files.committed();
        copy.left_out.committed();
        Ok(())
    }
}

/// Whether a person has no drive.
pub(crate) fn no_drive(error: &TenantError) -> bool {
    matches!(error.class, Class::NoDrive | Class::NotFound)
}
