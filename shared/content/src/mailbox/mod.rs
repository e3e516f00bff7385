//! The copy of a mailbox or an archive: folders, items, deletions, in this order.

mod batch;
mod deleted_in_target;
mod delivered;
mod import;
mod items;
mod listing;
mod only_copies;
mod outcome;
mod pack;
mod places;
mod reconcile;
mod removals;
mod roles;
mod tree;

use std::collections::{BTreeMap, VecDeque};

use batch::{Row, Taken};
use reconcile::Likeness;
pub(crate) use roles::{Role, role};
use serde::{Deserialize, Serialize};
use tenant::{
    TenantError,
    graph::{
        Page,
        mailbox_content::{MailboxAddress, MailboxItem, Surface},
    },
};

use crate::{
    ArchiveCapability, ContentError, Workload,
    checkpoint::{ItemsStep, MailboxStage, MailboxStep, Stage},
    store::{decode, keys},
    unit::{Step, Stop, Unit, judge},
};

/// A folder of the source and its counterpart, as stored. Ordinal 0 is the root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FolderRow {
    /// Names the folder in our records; never reused.
    pub(crate) ordinal: u32,
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) name: String,
    /// The ordinal of the folder above.
    pub(crate) parent: u32,
    pub(crate) well_known: Option<String>,
    /// Items that the source counts in it.
    pub(crate) items: u32,
    /// Where the next delta of its items starts.
    pub(crate) delta: Option<String>,
    /// The last round that saw it in the source.
    pub(crate) seen: String,
    /// Why it is not copied, if so.
    pub(crate) left_out: Option<String>,
    /// How many items more the source counts in it than it lists, when that was last looked into.
    #[serde(default)]
    pub(crate) short: u32,
    /// Or how many fewer.
    #[serde(default)]
    pub(crate) over: u32,
    /// The mailbox that holds it, where that is not the one it is listed in: an archive that has
    /// expanded keeps folders in auxiliary mailboxes.
    #[serde(default)]
    pub(crate) held_by: Option<MailboxAddress>,
    /// Where the copy is, while another folder of the target has its name there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) astray: Option<Place>,
}

/// A name below a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The folder's name.
    pub(crate) name: String,
    /// The ordinal of the folder above.
    pub(crate) parent: u32,
}

impl FolderRow {
    /// Where the original is.
    fn place(&self) -> Place {
        Place { name: self.name.clone(), parent: self.parent }
    }

    /// Where the copy is.
    fn copy_place(&self) -> Place {
        self.astray.clone().unwrap_or_else(|| self.place())
    }

    /// Whether its items are copied.
    fn is_copied(&self) -> bool {
        self.left_out.is_none() && !self.target.is_empty()
    }
}

/// More folders than lie in one another.
const MAX_DEPTH: usize = 300;

/// All folders of a mailbox, by ordinal.
pub(crate) struct Folders {
    pub(crate) rows: BTreeMap<u32, FolderRow>,
}

impl Folders {
    /// Reads the rows.
    pub(crate) async fn load(
        store: &dyn ports::Store,
        partition: &str,
        workload: Workload,
    ) -> Result<Self, ContentError> {
        let records = store.query_all(partition, &keys::folders(workload)).await?;
        let mut rows = BTreeMap::new();
        for record in records {
            let row: FolderRow = decode(&record.key.sort, &record.value)?;
            rows.insert(row.ordinal, row);
        }
        Ok(Self { rows })
    }

    /// The folder's path, for people.
    pub(crate) fn path(&self, ordinal: u32) -> String {
        let mut names = Vec::new();
        let mut at = ordinal;
        while at != 0 && names.len() < MAX_DEPTH {
            let Some(row) = self.rows.get(&at) else { break };
            names.push(row.name.as_str());
            at = row.parent;
        }
        names.reverse();
        format!("/{}", names.join("/"))
    }

    /// How many folders are above one; more than there can be when they lie in a circle.
    fn depth(&self, ordinal: u32) -> usize {
        let above = |at: &u32| self.rows.get(at).map(|row| row.parent);
        std::iter::successors(Some(ordinal), above)
            .take_while(|at| *at != 0)
            .take(MAX_DEPTH)
            .count()
    }

    /// Whether a folder is another one or above it.
    fn is_above(&self, ordinal: u32, below: u32) -> bool {
        let above =
            |at: &u32| self.rows.get(at).filter(|row| row.ordinal != 0).map(|row| row.parent);
        std::iter::successors(Some(below), above).take(MAX_DEPTH).any(|at| at == ordinal)
    }

    fn next_ordinal(&self) -> u32 {
        self.rows.keys().next_back().map_or(0, |last| last.saturating_add(1))
    }
}

impl Unit<'_> {
    /// Goes on with a mailbox until it is done or the unit ends.
    pub(crate) async fn mailbox(&mut self) -> Step {
        let Stage::Mailbox(stage) = self.state.checkpoint.stage.clone() else { return Ok(()) };
        stage.workload.title().clone_into(&mut self.state.checkpoint.progress.doing);
        let stage = match stage.step {
            MailboxStep::Locate => {
                let Some(stage) = self.locate(stage.workload).await? else { return Ok(()) };
                stage
            }
            _ => stage,
        };
        let workload = stage.workload;
        let store = self.state.store;
        let folders = Folders::load(store, &self.state.partition, workload).await?;
        let (source, target) = (stage.source, stage.target);
        let mut copy = MailboxCopy {
            workload,
            source,
            target,
            folders,
            ahead: BTreeMap::new(),
            taken: BTreeMap::new(),
            unread: None,
        };
        loop {
            let Stage::Mailbox(stage) = &self.state.checkpoint.stage else { return Ok(()) };
            match stage.step.clone() {
                MailboxStep::Locate => return Ok(()),
                MailboxStep::Tree { queue } => self.tree(&mut copy, queue).await?,
                MailboxStep::Items(step) => self.items(&mut copy, step).await?,
                MailboxStep::Removals => self.removals(&mut copy).await?,
                MailboxStep::Gone => {
                    self.gone_folders(&mut copy).await?;
                    self.settle_places(&mut copy).await?;
                    self.leave_mailbox(workload);
                }
            }
        }
    }

    /// Finds both mailboxes. `None`: there is nothing to copy, the stage has moved on.
    async fn locate(&mut self, workload: Workload) -> Step<Option<MailboxStage>> {
        let source = self.mailbox_id(workload, Side::Source).await?;
        let Some(source) = source else {
            self.leave_mailbox(workload);
            return Ok(None);
        };
        let target = self.mailbox_id(workload, Side::Target).await?;
        let Some(target) = target else {
            self.leave_mailbox(workload);
            return Ok(None);
        };
        let step = MailboxStep::Tree { queue: VecDeque::from([0]) };
        let stage = MailboxStage { workload, source, target, step };
        self.state.checkpoint.stage = Stage::Mailbox(stage.clone());
        Ok(Some(stage))
    }

    /// The id of one side's mailbox; `None` with a note when the copy goes on without it.
    pub(crate) async fn mailbox_id(
        &mut self,
        workload: Workload,
        side: Side,
    ) -> Step<Option<MailboxAddress>> {
        let job = self.job;
        let (client, user, word) = match side {
            Side::Source => (job.source, &job.subject.source_user, "source"),
            Side::Target => (job.target, &job.subject.target_user, "target"),
        };
        let archive = workload == Workload::Archive;
        if archive && job.settings.archive == ArchiveCapability::Off {
            self.note(
                workload,
                "archives are switched off in the project; the archive is not copied",
            );
            return Ok(None);
        }
        let surface = if archive { Surface::Beta } else { Surface::V1 };
        let doing = format!("finding the {word} {}", workload.title());
        self.spend(1);
        let graph = client.graph();
        let settings = if archive {
            graph.exchange_settings_beta(user).await
        } else {
            graph.exchange_settings(user).await
        };
        let settings = match settings {
            Ok(settings) => settings,
            Err(error) if archive && is_absent(&error) => {
                let text = format!(
                    "the {word} has no archive endpoint ({}); the archive is not copied",
                    error.code
                );
                self.note(workload, text);
                return Ok(None);
            }
            Err(error) if is_absent(&error) => return Err(no_mailbox(word, &error.to_string())),
            Err(error) => return Err(judge(&doing, error)),
        };
        let id = if archive {
            settings.in_place_archive_mailbox_id
        } else {
            settings.primary_mailbox_id
        };
        match (id, archive, side) {
            (Some(id), _, _) => Ok(Some(MailboxAddress { id, surface })),
            (None, true, Side::Source) => {
                self.note(workload, "the source has no archive mailbox");
                Ok(None)
            }
            (None, true, Side::Target) if job.settings.archive_required => {
                Err(ContentError::NoTargetArchive.into())
            }
            (None, true, Side::Target) => {
                self.note(workload, "the target has no archive mailbox; the archive is not copied: enable it, then sync again");
                Ok(None)
            }
            (None, false, _) => Err(no_mailbox(word, "it has no primary mailbox")),
        }
    }

    /// Moves on after a mailbox.
    fn leave_mailbox(&mut self, workload: Workload) {
        let subject = &self.job.subject;
        self.state.checkpoint.stage = if workload == Workload::Mailbox && subject.archive {
            Stage::mailbox(Workload::Archive)
        } else {
            Stage::after_mailboxes(subject)
        };
    }

    /// Moves on to the items of the next folder, or to what comes after the last.
    pub(crate) fn next_folder(&mut self, copy: &MailboxCopy, after: Option<u32>) {
        let round = &self.state.checkpoint.round;
        let first = after.map_or(0, |last| last.saturating_add(1));
        let rows = copy.folders.rows.range(first..);
        let next = rows.into_iter().find(|(_, row)| row.seen == *round && row.is_copied());
        let step = match next {
            Some((ordinal, _)) => {
                MailboxStep::Items(ItemsStep { folder: *ordinal, ..ItemsStep::default() })
            }
            None => MailboxStep::Removals,
        };
        self.set_mailbox_step(step);
    }

    /// Sets the step of the mailbox in hand.
    pub(crate) fn set_mailbox_step(&mut self, step: MailboxStep) {
        if let Stage::Mailbox(stage) = &mut self.state.checkpoint.stage {
            stage.step = step;
        }
    }

    /// Adds a folder's row to the next commit.
    pub(crate) fn put_folder(&mut self, copy: &mut MailboxCopy, row: FolderRow) -> Step {
        self.state.put(&keys::folder(copy.workload, row.ordinal), &row)?;
        copy.folders.rows.insert(row.ordinal, row);
        Ok(())
    }
}

/// The mailbox in hand.
pub(crate) struct MailboxCopy {
    pub(crate) workload: Workload,
    pub(crate) source: MailboxAddress,
    pub(crate) target: MailboxAddress,
    pub(crate) folders: Folders,
    /// First pages of changes that came with another folder's, by ordinal.
    ahead: BTreeMap<u32, Result<Page<MailboxItem>, TenantError>>,
    /// Items of those pages that were exported along with another folder's, by source id.
    taken: BTreeMap<String, Taken>,
    /// What the items that cannot be read are like, once that was asked.
    unread: Option<Vec<Likeness>>,
}

impl MailboxCopy {
    /// Items of other folders, whose changes are known already, for the room that a batch of `count`
    /// items and `bytes` leaves in its export.
    fn along(&self, mut count: usize, mut bytes: u64, budget: u64) -> Vec<Row> {
        // What came along is used up before more does: it bounds what is held in memory.
        if !self.taken.is_empty() {
            return Vec::new();
        }
        let pages = self.ahead.values().filter_map(|page| page.as_ref().ok());
        let items = pages.flat_map(|page| &page.value).filter(|item| item.removed.is_none());
        let mut along = Vec::new();
        for row in items.map(Row::of) {
            let total = bytes.saturating_add(row.size);
            if count >= pack::EXPORT_ITEMS {
                break;
            }
            if total <= budget && !along.iter().any(|other: &Row| other.id == row.id) {
                (count, bytes) = (count + 1, total);
                along.push(row);
            }
        }
        along
    }

    /// The mailbox that holds a folder of the source.
    pub(crate) fn source_of<'a>(&'a self, row: &'a FolderRow) -> &'a MailboxAddress {
        row.held_by.as_ref().unwrap_or(&self.source)
    }
}

/// One of the two tenants.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Target,
}

fn is_absent(error: &TenantError) -> bool {
    use tenant::Class;
    matches!(error.class, Class::NotFound | Class::NoMailbox | Class::NotSupported)
}

/// A mailbox that is not there. The steps before the copy wait for it, so waiting here is over.
pub(crate) fn no_mailbox(word: &str, reason: &str) -> Stop {
    Stop::Failed(ContentError::Missing {
        what: format!("the {word} mailbox"),
        advice: format!(
            "assign an Exchange Online licence and sync again once the mailbox exists ({reason})"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_above_are_counted_and_a_circle_of_them_has_an_end() {
        let row =
            |ordinal, parent| (ordinal, FolderRow { ordinal, parent, ..FolderRow::default() });
        let folders =
            Folders { rows: BTreeMap::from([row(0, 0), row(1, 0), row(2, 1), row(3, 2)]) };
        assert_eq!([0, 1, 2, 3].map(|ordinal| folders.depth(ordinal)), [0, 1, 2, 3]);
        assert!(folders.is_above(1, 3) && folders.is_above(3, 3) && !folders.is_above(3, 1));
        let circle = Folders { rows: BTreeMap::from([row(0, 0), row(1, 2), row(2, 1)]) };
        assert!(circle.is_above(1, 2) && circle.is_above(2, 1) && !circle.is_above(4, 2));
        assert!(circle.depth(1) > 2);
    }
}
