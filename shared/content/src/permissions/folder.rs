//! Rights on folders, with delegate flags. Folders are paired by kind, else by path below a paired one.

use std::collections::BTreeMap;

use tenant::exchange::{CMDLET_BATCH_MAX, FolderGrant, FolderPermission, FolderStatistics};

use super::{
    Grant, GrantKind, PERMISSIONS,
    mailbox::{Pair, named, of_one_folder, stop},
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
    /// Copies the rights on all folders, from where the stage says.
    pub(super) async fn folder_rights(&mut self, pair: &Pair, mut stage: PermissionStage) -> Step {
        let source = self.job.source.exchange();
        let doing = "listing the source's folders for their rights";
        let folders = self.ask(doing, source.folder_statistics(&pair.source)).await?;
        let target = self.job.target.exchange();
        let doing = "listing the target's folders for their rights";
        let there = self.ask(doing, target.folder_statistics(&pair.target)).await?;
        let pairs = pairs(&folders, &there);
        let mut paired: Vec<(usize, &FolderStatistics, &FolderStatistics)> = Vec::new();
        for (place, folder) in folders.iter().enumerate().skip(stage.folder) {
            let left_out = LEFT_OUT.iter().any(|kind| folder.folder_type.starts_with(kind));
            if let Some(copy) = pairs.get(&folder.folder_path).filter(|_| !left_out) {
                paired.push((place, folder, copy));
            }
        }
        for part in paired.chunks(CMDLET_BATCH_MAX) {
            self.within_budget()?;
            let ids: Vec<&str> = part.iter().map(|(_, folder, _)| &*folder.folder_id).collect();
            let call = source.folder_permissions_of(&pair.source, &ids);
            let rights = self.ask_many("reading folders' rights", ids.len(), call).await?;
            for ((place, folder, copy), rows) in part.iter().zip(rights) {
                stage.folder = *place;
                self.state.checkpoint.stage = Stage::Permissions(stage.clone());
                let rows = match rows {
                    Ok(rows) => rows,
                    Err(error) if pause(&error).is_none() && of_one_folder(&error) => {
                        let path = &folder.folder_path;
                        let text = format!("the rights of `{path}` cannot be read: {error}");
                        self.note(PERMISSIONS, text);
                        continue;
                    }
                    Err(error) => return Err(stop(error)),
                };
                for row in rows {
                    self.folder_right(pair, folder, copy, row).await?;
                }
            }
        }
        Ok(())
    }

    async fn folder_right(
        &mut self,
        pair: &Pair,
        folder: &FolderStatistics,
        copy: &FolderStatistics,
        row: FolderPermission,
    ) -> Step {
        if row.is_well_known() {
            return self.well_known_right(pair, folder, copy, row).await;
        }
        let none = row.access_rights.iter().all(|right| right == "None");
        if none {
            return Ok(());
        }
        let kind = GrantKind::Folder {
            mailbox: pair.target.clone(),
            folder: copy.folder_id.clone(),
            path: folder.folder_path.clone(),
            rights: row.access_rights,
            flags: row.sharing_permission_flags,
        };
        self.grant(Grant { principal: named(&row.user), kind }).await
    }

    /// `Default` and `Anonymous` are on every folder: copied only when somebody changed them.
    async fn well_known_right(
        &mut self,
        pair: &Pair,
        folder: &FolderStatistics,
        copy: &FolderStatistics,
        row: FolderPermission,
    ) -> Step {
        let calendar = folder.folder_type.eq_ignore_ascii_case("Calendar");
        let everybody = row.user.eq_ignore_ascii_case("Default");
        let stock = if calendar && everybody { "AvailabilityOnly" } else { "None" };
        let unchanged = row.access_rights.iter().all(|right| right == stock);
        let sort = format!("G/{}/{}", copy.folder_id, row.user);
        let rights = row.access_rights.join(",");
        let key = self.state.key(sort.clone());
        let done = self.state.store.get(&key).await?;
        if unchanged || done.is_some_and(|done| done.value == rights.as_bytes()) {
            return Ok(());
        }
        let grant = FolderGrant {
            user: row.user.clone(),
            access_rights: row.access_rights,
            sharing_permission_flags: Vec::new(),
        };
        let target = self.job.target.exchange();
        self.spend(1);
        match target.set_folder_permission(&pair.target, &copy.folder_id, &grant).await {
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

/// Which folder of the target is the copy of which of the source, by the source's path.
fn pairs<'t>(
    source: &[FolderStatistics],
    target: &'t [FolderStatistics],
) -> BTreeMap<String, &'t FolderStatistics> {
    let by_path: BTreeMap<String, &FolderStatistics> =
        target.iter().map(|folder| (folder.folder_path.to_lowercase(), folder)).collect();
    let mut ordered: Vec<&FolderStatistics> = source.iter().collect();
    ordered.sort_by_key(|folder| folder.folder_path.matches('/').count());
    let mut pairs: BTreeMap<String, &FolderStatistics> = BTreeMap::new();
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
            pairs.insert(folder.folder_path.clone(), found);
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
