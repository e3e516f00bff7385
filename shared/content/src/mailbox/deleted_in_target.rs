//! Folders that people of the target have deleted: made again once the source has something new for them.
//! What was in them stays deleted, as everything does that people of the target delete.

use super::{FolderRow, MAX_DEPTH, MailboxCopy, items::FolderCopy};
use crate::unit::{Step, Unit};

impl Unit<'_> {
    /// Makes the copies of a folder and of those above it again, as far as they are gone. Says whether it
    /// made any.
    pub(super) async fn make_again(&mut self, copy: &mut MailboxCopy, ordinal: u32) -> Step<bool> {
        let above = |at: &u32| copy.folders.rows.get(at).map(|row| row.parent);
        let path: Vec<u32> = std::iter::successors(Some(ordinal), above)
            .take_while(|at| *at != 0)
            .take(MAX_DEPTH)
            .collect();
        let mut made = false;
        for ordinal in path.into_iter().rev() {
            let Some(row) = copy.folders.rows.get(&ordinal).cloned() else { return Ok(false) };
            made |=
                !self.is_copy_there(copy, &row).await? && self.make_one_again(copy, row).await?;
        }
        Ok(made)
    }

    /// The same for the folder in hand.
    pub(super) async fn make_this_again(
        &mut self,
        copy: &mut MailboxCopy,
        folder: &mut FolderCopy<'_>,
    ) -> Step {
        self.commit_with(folder).await?;
        self.make_again(copy, folder.row.ordinal).await?;
        if let Some(row) = copy.folders.rows.get(&folder.row.ordinal) {
            folder.row.target.clone_from(&row.target);
            folder.row.astray.clone_from(&row.astray);
        }
        Ok(())
    }

    /// Whether the copy of a folder is in the target.
    pub(super) async fn is_copy_there(
        &mut self,
        copy: &MailboxCopy,
        row: &FolderRow,
    ) -> Step<bool> {
        if row.target.is_empty() {
            return Ok(false);
        }
        let graph = self.job.target.graph();
        let call = graph.mailbox_folder(&copy.target, &row.target);
        let doing = format!("looking for the target folder `{}`", row.name);
        Ok(self.ask_optional(&doing, call).await?.is_some())
    }

    async fn make_one_again(&mut self, copy: &mut MailboxCopy, row: FolderRow) -> Step<bool> {
        let graph = self.job.source.graph();
        let call = graph.mailbox_folder(copy.source_of(&row), &row.source);
        let doing = format!("reading the source folder `{}`", row.name);
        let Some(mut folder) = self.ask_optional(&doing, call).await? else { return Ok(false) };
        folder.display_name = Some(row.name.clone());
        folder.well_known_name.clone_from(&row.well_known);
        let paired = self.new_folder(copy, &folder, row.parent, &mut None).await?;
        let FolderRow { target, astray, .. } = paired;
        let there = !target.is_empty();
        if there {
            let text =
                format!("the folder `{}` was deleted in the target; it is made again", row.name);
            self.note(copy.workload, text);
        }
        self.put_folder(copy, FolderRow { target, astray, ..row })?;
        self.commit().await?;
        Ok(there)
    }
}
