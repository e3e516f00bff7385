//! Rights on folders, with delegate flags. Folders are paired by kind, else by path below a paired one.

use std::collections::BTreeMap;

use tenant::exchange::{CMDLET_BATCH_MAX, FolderGrant, FolderPermission, FolderStatistics};

use super::{
    Grant, GrantKind, PERMISSIONS,
    mailbox::{named, of_one_folder, stop},
};
use crate::{
    checkpoint::{PermissionStage, Stage},
    unit::{Step, Unit, judge, pause},
};

/// What Exchange calls folders that people made.
const USER_CREATED: &str = "User Created";
/// Kinds whose rights nobody grants.
const LEFT_OUT: [&str; 4] = ["RecoverableItems", "SearchFolders", "SyncIssues", "Audits"];

impl Unit<'_> {
    /// Copies the rights on the source's folders, from where the stage says. The target's folders are
    /// listed only once there is a right to copy: most mailboxes have none.
    pub(super) async fn folder_rights(
        &mut self,
        folders: &[FolderStatistics],
        mut stage: PermissionStage,
    ) -> Step {
        let job = self.job;
        let source = job.source.exchange();
        let shown = |folder: &FolderStatistics| {
            !LEFT_OUT.iter().any(|kind| folder.folder_type.starts_with(kind))
        };
        let open: Vec<(usize, &FolderStatistics)> =
            folders.iter().enumerate().skip(stage.folder).filter(|(_, it)| shown(it)).collect();
        let mut copies = None;
        for part in open.chunks(CMDLET_BATCH_MAX) {
            self.within_budget()?;
            let ids: Vec<&str> = part.iter().map(|(_, folder)| &*folder.folder_id).collect();
            let call = source.folder_permissions_of(&job.subject.source_user, &ids);
            let rights = self.ask_many("reading folders' rights", ids.len(), call).await?;
            for ((place, folder), rows) in part.iter().zip(rights) {
                stage.folder = *place;
                self.state.checkpoint.stage = Stage::Permissions(stage.clone());
                let path = &folder.folder_path;
                let rows = match rows {
                    Ok(rows) => rows,
                    Err(error) if pause(&error).is_none() && of_one_folder(&error) => {
                        let text = format!("the rights of `{path}` cannot be read: {error}");
                        self.note(PERMISSIONS, text);
                        continue;
                    }
                    Err(error) => return Err(stop(error)),
                };
                let rows: Vec<_> = rows.into_iter().filter(|row| says_more(folder, row)).collect();
                if rows.is_empty() {
                    continue;
                }
                let copies = match &mut copies {
                    Some(copies) => copies,
                    none => none.insert(self.counterparts(folders).await?),
                };
                let Some(copy) = copies.get(path) else {
                    let text =
                        format!("the rights of `{path}` wait: the target has no such folder");
                    self.note(PERMISSIONS, text);
                    continue;
                };
                for row in rows {
                    self.folder_right(folder, copy, row).await?;
                }
            }
        }
        Ok(())
    }

    /// The target's folders by the paths of those whose copies they are.
    async fn counterparts(
        &mut self,
        source: &[FolderStatistics],
    ) -> Step<BTreeMap<String, FolderStatistics>> {
        let target = self.job.target.exchange();
        let call = target.folder_statistics(&self.job.subject.target_user);
        let doing = "listing the target's folders for their rights";
        let there = self.ask_optional(doing, call).await?;
        Ok(pairs(source, &there.unwrap_or_default()))
    }

    async fn folder_right(
        &mut self,
        folder: &FolderStatistics,
        copy: &FolderStatistics,
        row: FolderPermission,
    ) -> Step {
        if row.is_well_known() {
            return self.well_known_right(folder, copy, row).await;
        }
        let kind = GrantKind::Folder {
            mailbox: self.job.subject.target_user.clone(),
            folder: copy.folder_id.clone(),
            path: folder.folder_path.clone(),
            rights: row.access_rights,
            flags: row.sharing_permission_flags,
        };
        self.grant(Grant { principal: named(&row.user), kind }).await
    }

    /// `Default` and `Anonymous`: on every folder, and copied where somebody changed them.
    async fn well_known_right(
        &mut self,
        folder: &FolderStatistics,
        copy: &FolderStatistics,
        row: FolderPermission,
    ) -> Step {
        let sort = format!("G/{}/{}", copy.folder_id, row.user);
        let rights = row.access_rights.join(",");
        let key = self.state.key(sort.clone());
        let done = self.state.store.get(&key).await?;
        if done.is_some_and(|done| done.value == rights.as_bytes()) {
            return Ok(());
        }
        let grant = FolderGrant {
            user: row.user.clone(),
            access_rights: row.access_rights,
            sharing_permission_flags: Vec::new(),
        };
        let target = self.job.target.exchange();
        self.spend(1);
        let mailbox = &self.job.subject.target_user;
        match target.set_folder_permission(mailbox, &copy.folder_id, &grant).await {
            Ok(()) => {
                self.state.change(ports::Change::put(key, rights.into_bytes()));
                self.counts(PERMISSIONS).created += 1;
            }
            Err(error) if pause(&error).is_none() && of_one_folder(&error) => {
                let path = &folder.folder_path;
                let text = format!("`{}` on `{path}` is not copied: {error}", row.user);
                self.note(PERMISSIONS, text);
            }
            Err(error) => return Err(judge("setting a folder's rights", error)),
        }
        Ok(())
    }
}

/// Whether a row says more than what is on every folder anyway.
fn says_more(folder: &FolderStatistics, row: &FolderPermission) -> bool {
    let calendar = folder.folder_type.eq_ignore_ascii_case("Calendar");
    let everybody = row.user.eq_ignore_ascii_case("Default");
    let stock = if calendar && everybody { "AvailabilityOnly" } else { "None" };
    row.access_rights.iter().any(|right| right != stock)
}

/// Which folder of the target is the copy of which of the source, by the source's path.
fn pairs(
    source: &[FolderStatistics],
    target: &[FolderStatistics],
) -> BTreeMap<String, FolderStatistics> {
    let by_path: BTreeMap<String, &FolderStatistics> =
        target.iter().map(|folder| (folder.folder_path.to_lowercase(), folder)).collect();
    let mut ordered: Vec<&FolderStatistics> = source.iter().collect();
    ordered.sort_by_key(|folder| folder.folder_path.matches('/').count());
    let mut pairs: BTreeMap<String, FolderStatistics> = BTreeMap::new();
    for folder in ordered {
        let same_kind = target.iter().find(|there| there.folder_type == folder.folder_type);
        let found = if folder.folder_type == USER_CREATED || folder.folder_type.is_empty() {
            let (above, name) =
                folder.folder_path.rsplit_once('/').unwrap_or(("", &folder.folder_path));
            let above = match pairs.get(above) {
                Some(copy) => copy.folder_path.clone(),
                None => above.to_owned(),
            };
            by_path.get(&format!("{above}/{name}").to_lowercase()).copied()
        } else {
            same_kind
        };
        if let Some(found) = found {
            pairs.insert(folder.folder_path.clone(), found.clone());
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &str, kind: &str) -> FolderStatistics {
        FolderStatistics {
            folder_id: format!("id of {path}"),
            folder_path: path.to_owned(),
            folder_type: kind.to_owned(),
            ..FolderStatistics::default()
        }
    }

    /// SYN-2: rights follow the folder, not its name in one language.
    #[test]
    fn folders_pair_by_kind_and_below_that_by_path() {
        let source = [folder("/Inbox/Projects", USER_CREATED), folder("/Inbox", "Inbox")];
        let target = [
            folder("/Posteingang", "Inbox"),
            folder("/Posteingang/projects", USER_CREATED),
            folder("/Inbox", USER_CREATED),
        ];
        let pairs = pairs(&source, &target);
        assert_eq!(pairs["/Inbox"].folder_path, "/Posteingang");
        assert_eq!(pairs["/Inbox/Projects"].folder_path, "/Posteingang/projects");
    }
}
