//! Folders that people of the target have deleted: made again once the source has something new for them.
//! What was in them stays deleted, as everything does that people of the target delete.

use super::{
    DriveCopy,
    files::{Load, Outcome},
    row::{folder_of, name_of},
};
use crate::{
    Workload,
    unit::{Step, Unit},
};

impl Unit<'_> {
    /// Forgets the copies of a folder and of those above it that are not in the target any more, so that they
    /// are made again. Says whether there were any.
    pub(super) async fn forget_gone_folders(
        &mut self,
        copy: &mut DriveCopy<'_>,
        source: &str,
    ) -> Step<bool> {
        let mut at = source.to_owned();
        let mut gone = Vec::new();
        while at != copy.source_root && !gone.contains(&at) {
            let Some(place) = copy.folder.get(&at).cloned() else { break };
            let target = self.job.target.graph();
            let call = target.drive_item(&copy.target, &place.target);
            if self.ask_optional("looking for a folder of the target", call).await?.is_some() {
                break;
            }
            let name = name_of(&place.placement);
            let text = format!("the folder `{name}` was deleted in the target; it is made again");
            self.note(Workload::OneDrive, text);
            gone.push(std::mem::replace(&mut at, folder_of(&place.placement).to_owned()));
        }
        for id in &gone {
            copy.folders.remove(id);
            copy.folder.remove(id);
        }
        Ok(!gone.is_empty())
    }

    /// What a file wants once more, for which the target has said that something is not there: its folder,
    /// made again; or its copy, which comes anew. `None`: neither was the reason.
    pub(super) async fn placed_again(
        &mut self,
        copy: &mut DriveCopy<'_>,
        load: &Load,
        outcome: &Outcome,
    ) -> Step<Option<Load>> {
        if !outcome.is_not_found() {
            return Ok(None);
        }
        if !self.forget_gone_folders(copy, &load.row.parent).await? {
            let known = load.known.is_some();
            return Ok(known.then(|| Load { known: None, ..load.clone() }));
        }
        let parent = self.folder_for(copy, &load.row.parent).await?;
        // Whatever lies in a folder that was just made is known: nothing, or another's.
        self.commit_drive(copy).await?;
        Ok(parent.map(|parent| Load { parent, ..load.clone() }))
    }
}
