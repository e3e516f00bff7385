//! Verification of a mailbox's folder tree: folders that are new, renamed or moved since the last copy. What
//! is in a new one no listing of the known ones shows.

use tenant::graph::{
    BATCH_MAX,
    mailbox_content::{MailboxAddress, MailboxFolder},
};

use super::{Difference, DifferenceReason, VerifyReport, places::Places};
use crate::{
    Workload,
    mailbox::{FolderRow, Folders, Role, role},
    unit::{Step, Unit, judge},
};

/// Places from here on are parts of the tree: the ordinal of a folder whose children are listed is added.
pub(super) const TREE: u32 = 1 << 31;

impl Unit<'_> {
    /// Lists what lies below the known folders, twenty of them a request.
    pub(super) async fn verify_tree(
        &mut self,
        workload: Workload,
        source: &MailboxAddress,
        folders: &Folders,
        places: &mut Places,
    ) -> Step {
        let mut next = places.at.1.saturating_sub(TREE);
        if places.at.0 != workload {
            next = 0;
        }
        loop {
            let rows = folders.rows.range(next..).map(|(_, row)| row);
            let mut rows = rows.filter(|row| row.left_out.is_none());
            let Some(first) = rows.next() else { return Ok(()) };
            let held = first.held_by.as_ref().unwrap_or(source);
            let same = |row: &&FolderRow| row.held_by.as_ref().unwrap_or(source) == held;
            let part: Vec<&FolderRow> =
                std::iter::once(first).chain(rows.take_while(same)).take(BATCH_MAX).collect();
            self.within_budget()?;
            let ids: Vec<&str> = part.iter().map(|row| row.source.as_str()).collect();
            let graph = self.job.source.graph();
            let doing = "listing the source's folders";
            let call = graph.mailbox_folders_of(held, &ids);
            let lists = self.ask_many(doing, ids.len(), call).await?;
            let mut report = VerifyReport::default();
            for (above, list) in part.iter().zip(lists) {
                let list = match list {
                    Ok(list) => list,
                    // Gone, which the comparison of its items has told.
                    Err(error) if error.is_not_found() => Vec::new(),
                    Err(error) => return Err(judge(doing, error)),
                };
                let found = list.iter().filter_map(|folder| changed(folders, above, folder));
                report.differences.extend(found.map(|(folder, place, detail)| Difference {
                    workload,
                    place,
                    id: folder.id.clone(),
                    name: folder.display_name.clone().unwrap_or_default(),
                    reason: DifferenceReason::ChangedSince,
                    detail,
                }));
            }
            let last = part.last().map_or(next, |row| row.ordinal);
            places.keep_report(self.job, (workload, TREE.saturating_add(last)), &report).await?;
            next = last.saturating_add(1);
        }
    }
}

/// What the last copy does not know of a folder, and where it is.
fn changed<'f>(
    folders: &Folders,
    above: &FolderRow,
    folder: &'f MailboxFolder,
) -> Option<(&'f MailboxFolder, String, String)> {
    let name = folder.display_name.as_deref().unwrap_or_default();
    let known = folders.rows.values().find(|row| row.source == folder.id);
    let detail = match known {
        None if matches!(role(folder.well_known_name.as_deref()), Role::LeftOut(_)) => return None,
        None => {
            let items = folder.total_item_count.unwrap_or(0);
            format!("a new folder in the source, of {items} items; the next sync copies it")
        }
        Some(row) if row.well_known.is_some() || row.left_out.is_some() => return None,
        Some(row) if row.name == name && row.parent == above.ordinal => return None,
        Some(_) => "renamed or moved in the source; the next sync follows".to_owned(),
    };
    let path = folders.path(above.ordinal);
    Some((folder, format!("{}/{name}", path.trim_end_matches('/')), detail))
}
