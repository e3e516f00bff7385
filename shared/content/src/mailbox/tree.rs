//! The folder tree: parents first, folders paired by role, then by what was paired before, then by
//! name. Creating a folder looks into the target first, so it can be repeated.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tenant::{
    TenantError,
    graph::{
        BATCH_MAX,
        mailbox_content::{MailboxAddress, MailboxFolder},
    },
};

use super::{
    FolderRow, MailboxCopy, Place,
    places::{Followed, is_refusal, spare_name},
    roles::{Role, name_key, names, role},
};
use crate::{
    checkpoint::MailboxStep,
    unit::{Step, Unit, judge},
};

/// The name under which a mailbox's visible root goes.
const ROOT: &str = "msgfolderroot";
/// Rows of folders in one commit.
const ROWS: usize = 60;

/// The counterpart of a folder; none where the target refuses to make it.
#[derive(Default)]
struct Paired {
    target: String,
    /// Where it is, while its own name is taken.
    astray: Option<Place>,
}

impl Paired {
    fn with(target: String) -> Self {
        Self { target, astray: None }
    }

    fn into_row(self, row: &mut FolderRow) {
        row.target = self.target;
        row.astray = self.astray;
    }
}

impl Unit<'_> {
    /// Goes through the folders in `queue` and those found below them.
    pub(super) async fn tree(&mut self, copy: &mut MailboxCopy, mut queue: VecDeque<u32>) -> Step {
        self.root(copy).await?;
        let mut lists = BTreeMap::new();
        while let Some(ordinal) = queue.front().copied() {
            self.within_budget()?;
            if !lists.contains_key(&ordinal) {
                lists = self.list_ahead(copy, &queue).await?;
            }
            let Some(listed) = lists.remove(&ordinal) else {
                queue.pop_front();
                continue;
            };
            let below = self.children(copy, ordinal, listed).await?;
            queue.pop_front();
            queue.extend(below);
            self.set_mailbox_step(MailboxStep::Tree { queue: queue.clone() });
        }
        self.expect_items(copy);
        self.next_folder(copy, None);
        self.commit().await
    }

    /// The visible roots are each other's copy; items may lie in them too.
    async fn root(&mut self, copy: &mut MailboxCopy) -> Step {
        let round = self.state.checkpoint.round.clone();
        let mut row = copy.folders.rows.get(&0).cloned().unwrap_or_default();
        if row.seen == round {
            return Ok(());
        }
        if row.source.is_empty() {
            let (source, target) = (self.job.source.graph(), self.job.target.graph());
            let call = source.mailbox_folder(&copy.source, ROOT);
            let here = self.ask("finding the source's root folder", call).await?;
            let call = target.mailbox_folder(&copy.target, ROOT);
            let there = self.ask("finding the target's root folder", call).await?;
            row.source = here.id;
            row.target = there.id;
            row.items = here.total_item_count.unwrap_or(0);
            row.well_known = Some(ROOT.to_owned());
        }
        row.seen = round;
        self.put_folder(copy, row)
    }

    /// What the round has to look at, as far as the folders' own counts say.
    fn expect_items(&mut self, copy: &MailboxCopy) {
        let round = self.state.checkpoint.round.clone();
        let rows = copy.folders.rows.values();
        let copied = rows.filter(|row| row.seen == round && row.left_out.is_none());
        let items: u64 = copied.map(|row| u64::from(row.items)).sum();
        self.state.checkpoint.progress.expected_items += items;
    }

    /// Lists what lies below the first folders of the queue, as many of one mailbox as one request
    /// takes. A folder that vanished meanwhile has nothing below it.
    async fn list_ahead(
        &mut self,
        copy: &MailboxCopy,
        queue: &VecDeque<u32>,
    ) -> Step<BTreeMap<u32, Vec<MailboxFolder>>> {
        let rows = queue.iter().filter_map(|ordinal| copy.folders.rows.get(ordinal));
        let Some(first) = rows.clone().next() else { return Ok(BTreeMap::new()) };
        let held = copy.source_of(first);
        let rows: Vec<&FolderRow> =
            rows.take_while(|row| copy.source_of(row) == held).take(BATCH_MAX).collect();
        let ids: Vec<&str> = rows.iter().map(|row| row.source.as_str()).collect();
        let source = self.job.source.graph();
        let doing =
            format!("listing the source folders below `{}`", copy.folders.path(first.ordinal));
        let lists = match ids.as_slice() {
            [id] => vec![Ok(self.ask(&doing, source.mailbox_folders(held, id)).await?)],
            ids => self.ask_many(&doing, ids.len(), source.mailbox_folders_of(held, ids)).await?,
        };
        let mut listed = BTreeMap::new();
        for (row, list) in rows.into_iter().zip(lists) {
            match list {
                Ok(list) => listed.insert(row.ordinal, list),
                Err(error) if error.is_not_found() => listed.insert(row.ordinal, Vec::new()),
                // The first one is needed now; the others come with a later request.
                Err(error) if row.ordinal == first.ordinal => return Err(judge(&doing, error)),
                Err(_later) => break,
            };
        }
        Ok(listed)
    }

    /// Pairs the folders directly below one. Returns those that have folders below them.
    async fn children(
        &mut self,
        copy: &mut MailboxCopy,
        parent: u32,
        mut listed: Vec<MailboxFolder>,
    ) -> Step<Vec<u32>> {
        let known: BTreeMap<String, u32> =
            copy.folders.rows.values().map(|row| (row.source.clone(), row.ordinal)).collect();
        let new = listed.iter().any(|folder| !known.contains_key(&folder.id));
        if parent == 0 && new && listed.iter().all(|folder| folder.well_known_name.is_none()) {
            self.ask_roles(copy, &mut listed).await?;
        }
        let mut target = None;
        let mut deeper = Vec::new();
        let mut seen = BTreeSet::new();
        for folder in listed {
            if folder.id.is_empty() || !seen.insert(folder.id.clone()) {
                continue;
            }
            let mut row = match known.get(&folder.id).and_then(|known| copy.folders.rows.get(known))
            {
                // A folder below itself: a list that cannot be. Its first place counts.
                Some(row) if copy.folders.is_above(row.ordinal, parent) => continue,
                Some(row) => {
                    let row = row.clone();
                    self.known_folder(copy, row, &folder, parent, &mut target).await?
                }
                None => self.new_folder(copy, &folder, parent, &mut target).await?,
            };
            if row.target.is_empty()
                && row.left_out.is_none()
                && Box::pin(self.make_again(copy, parent)).await?
            {
                // What refused it was that the folder above had been deleted.
                target = None;
                row = self.known_folder(copy, row, &folder, parent, &mut target).await?;
            }
            // The count is of folders that people see. A first copy looks for hidden ones everywhere.
            let below = folder.child_folder_count.unwrap_or(0) > 0
                || self.is_first_copy()
                || copy
                    .folders
                    .rows
                    .values()
                    .any(|other| other.parent == row.ordinal && other.ordinal != 0);
            if row.is_copied() && below {
                deeper.push(row.ordinal);
            }
            self.put_folder(copy, row)?;
            if self.state.waiting() >= ROWS {
                // The folder above stays in the queue: after a crash its children are known.
                self.commit().await?;
                self.within_budget()?;
            }
        }
        Ok(deeper)
    }

    /// Finds the roles of folders where the list does not tell them: a role is also a name that works
    /// as an id.
    async fn ask_roles(&mut self, copy: &MailboxCopy, listed: &mut [MailboxFolder]) -> Step {
        for name in names() {
            let source = self.job.source.graph();
            let call = source.mailbox_folder(&copy.source, name);
            let Some(found) = self.ask_optional("finding the source's folders", call).await? else {
                continue;
            };
            if let Some(folder) = listed.iter_mut().find(|folder| folder.id == found.id) {
                folder.well_known_name = Some(name.to_owned());
            }
        }
        Ok(())
    }

    /// A folder that was found in an earlier round: follow its name and place.
    async fn known_folder(
        &mut self,
        copy: &mut MailboxCopy,
        mut row: FolderRow,
        folder: &MailboxFolder,
        parent: u32,
        listed: &mut Option<Vec<MailboxFolder>>,
    ) -> Step<FolderRow> {
        let at = row.copy_place();
        let paired = !row.target.is_empty();
        row.name = name_of(folder);
        row.parent = parent;
        row.items = folder.total_item_count.unwrap_or(0);
        row.seen.clone_from(&self.state.checkpoint.round);
        if row.well_known.is_some() || row.left_out.is_some() {
            return Ok(row);
        }
        if paired {
            match self.put_in_place(copy, &row, at.clone()).await? {
                Followed::At(astray) => row.astray = astray,
                // People of the target have deleted it, or the folder above it.
                Followed::Gone => {
                    Box::pin(self.make_again(copy, parent)).await?;
                    if self.is_copy_there(copy, &row).await? {
                        let followed = self.put_in_place(copy, &row, at).await?;
                        row.astray =
                            if let Followed::At(astray) = followed { astray } else { None };
                        return Ok(row);
                    }
                    row.target.clear();
                }
            }
        }
        if row.target.is_empty() {
            let paired = self.by_name(copy, folder, parent, listed).await?;
            paired.into_row(&mut row);
        }
        Ok(row)
    }

    /// A folder that was not paired yet.
    pub(super) async fn new_folder(
        &mut self,
        copy: &MailboxCopy,
        folder: &MailboxFolder,
        parent: u32,
        listed: &mut Option<Vec<MailboxFolder>>,
    ) -> Step<FolderRow> {
        let mut row = FolderRow {
            ordinal: copy.folders.next_ordinal(),
            source: folder.id.clone(),
            name: name_of(folder),
            parent,
            well_known: folder.well_known_name.clone(),
            items: folder.total_item_count.unwrap_or(0),
            seen: self.state.checkpoint.round.clone(),
            held_by: held_by(copy, folder, parent),
            ..FolderRow::default()
        };
        match role(folder.well_known_name.as_deref()) {
            Role::LeftOut(reason) => {
                if row.items > 0 {
                    let text = format!("the folder `{}` is not copied: {reason}", row.name);
                    self.note(copy.workload, text);
                }
                row.left_out = Some(reason.to_owned());
            }
            Role::WellKnown(name) => {
                let below = self.target_folders(copy, parent, listed).await?;
                let same = |candidate: &&MailboxFolder| {
                    let name_there = candidate.well_known_name.as_deref().unwrap_or_default();
                    name_there.eq_ignore_ascii_case(name)
                };
                row.target = match below.iter().find(same) {
                    Some(found) => found.id.clone(),
                    // Not below the root, or a target that does not tell: ask by the name itself.
                    None => match self.by_role(copy, name).await? {
                        Some(found) => found,
                        None => {
                            let paired = self.by_name(copy, folder, parent, listed).await?;
                            paired.into_row(&mut row);
                            return Ok(row);
                        }
                    },
                };
            }
            Role::User => {
                let paired = self.by_name(copy, folder, parent, listed).await?;
                paired.into_row(&mut row);
            }
        }
        Ok(row)
    }

    async fn by_role(&mut self, copy: &MailboxCopy, name: &str) -> Step<Option<String>> {
        let target = self.job.target.graph();
        let doing = format!("finding the target's folder `{name}`");
        let found = self.ask_optional(&doing, target.mailbox_folder(&copy.target, name)).await?;
        Ok(found.map(|found| found.id))
    }

    /// The target's folder of the same name that no other source folder is paired with, or a new one.
    async fn by_name(
        &mut self,
        copy: &MailboxCopy,
        folder: &MailboxFolder,
        parent: u32,
        listed: &mut Option<Vec<MailboxFolder>>,
    ) -> Step<Paired> {
        let name = name_of(folder);
        if let Some(found) = self.free_folder(copy, folder, &name, parent, listed).await? {
            return Ok(Paired::with(found));
        }
        match self.make_mailbox_folder(copy, folder, &name, parent, listed).await? {
            Ok(made) => return Ok(Paired::with(made)),
            Err(error) if error.is_already_exists() => {}
            Err(error) => return Ok(self.not_made(copy, &name, &error)),
        }
        // It was made since they were listed, or its name is that of another folder's copy, which will
        // leave it: until then this one has a name of its own.
        *listed = None;
        if let Some(found) = self.free_folder(copy, folder, &name, parent, listed).await? {
            return Ok(Paired::with(found));
        }
        let spare = spare_name(&name, &folder.id);
        let astray = Some(Place { name: spare.clone(), parent });
        if let Some(target) = self.free_folder(copy, folder, &spare, parent, listed).await? {
            return Ok(Paired { target, astray });
        }
        Ok(match self.make_mailbox_folder(copy, folder, &spare, parent, listed).await? {
            Ok(target) => Paired { target, astray },
            Err(error) => self.not_made(copy, &name, &error),
        })
    }

    /// A folder that the target refuses is left out with what is in it, and tried again by the next sync.
    fn not_made(&mut self, copy: &MailboxCopy, name: &str, error: &TenantError) -> Paired {
        let text = format!(
            "the folder `{name}` and what is in it is not copied, for the target refuses to make it: \
             {error}; give it another name, then sync again"
        );
        self.note(copy.workload, text);
        Paired::default()
    }

    /// The target's folder of this name that no source folder is paired with.
    async fn free_folder(
        &mut self,
        copy: &MailboxCopy,
        folder: &MailboxFolder,
        name: &str,
        parent: u32,
        listed: &mut Option<Vec<MailboxFolder>>,
    ) -> Step<Option<String>> {
        let taken: BTreeSet<&str> =
            copy.folders.rows.values().map(|row| row.target.as_str()).collect();
        let below = self.target_folders(copy, parent, listed).await?;
        let free = below.iter().find(|candidate| {
            // A role that we do not know is a role nevertheless, whatever the name's language.
            let same = match (&folder.well_known_name, &candidate.well_known_name) {
                (Some(here), Some(there)) => here.eq_ignore_ascii_case(there),
                (_, None) => name_key(&name_of(candidate)) == name_key(name),
                (None, Some(_)) => false,
            };
            same && !taken.contains(candidate.id.as_str())
        });
        Ok(free.map(|found| found.id.clone()))
    }

    /// Makes a folder; the inner error is the target's refusal.
    async fn make_mailbox_folder(
        &mut self,
        copy: &MailboxCopy,
        folder: &MailboxFolder,
        name: &str,
        parent: u32,
        listed: &mut Option<Vec<MailboxFolder>>,
    ) -> Step<Result<String, TenantError>> {
        let above = copy.folders.rows.get(&parent).map(|above| above.target.clone());
        let above = if parent == 0 { None } else { above };
        let kind = folder.kind.as_deref().filter(|kind| !kind.is_empty()).unwrap_or("IPF.Note");
        let target = self.job.target.graph();
        let seen = folder.visibility();
        let call = target.create_mailbox_folder(&copy.target, above.as_deref(), name, kind, seen);
        self.spend(1);
        match call.await {
            Ok(created) => {
                self.counts(copy.workload).folders += 1;
                if let Some(listed) = listed {
                    listed.push(created.clone());
                }
                Ok(Ok(created.id))
            }
            Err(error) if error.is_not_found() || is_refusal(&error) => Ok(Err(error)),
            Err(error) => Err(judge(&format!("creating the target folder `{name}`"), error)),
        }
    }

    /// The target's folders below the counterpart of `parent`, listed once.
    async fn target_folders<'l>(
        &mut self,
        copy: &MailboxCopy,
        parent: u32,
        listed: &'l mut Option<Vec<MailboxFolder>>,
    ) -> Step<&'l Vec<MailboxFolder>> {
        if listed.is_none() {
            let above = copy.folders.rows.get(&parent).map(|above| above.target.clone());
            let above = above.unwrap_or_default();
            let target = self.job.target.graph();
            let doing = "listing the target's folders";
            let call = target.mailbox_folders(&copy.target, &above);
            // In one that people of the target have deleted there is nothing.
            *listed = Some(self.ask_optional(doing, call).await?.unwrap_or_default());
        }
        Ok(listed.get_or_insert_default())
    }
}

fn name_of(folder: &MailboxFolder) -> String {
    folder.display_name.clone().unwrap_or_default()
}

/// Where a folder's items are: in an auxiliary mailbox if the list says so, else where the folder above
/// is.
fn held_by(copy: &MailboxCopy, folder: &MailboxFolder, parent: u32) -> Option<MailboxAddress> {
    let above = || copy.folders.rows.get(&parent).and_then(|above| above.held_by.clone());
    match folder.mailbox_id() {
        Some(id) => Some(MailboxAddress { id, surface: copy.source.surface }),
        None => above(),
    }
}
