//! Places that are taken. What lies there may be the copy of something that the source has moved, renamed or
//! deleted since, and that this round comes to only later: it makes room. Never is one item of the target
//! taken for the copy of two of the source, whatever its content: the deletion of one would be that of both.

use tenant::graph::drive::{DriveItem, ItemChange, Placement};

use super::{
    DriveCopy, FolderPlace,
    files::{Clash, Load, Outcome, is_of_the_file},
    half_known::{is_copy, same_content},
    row::{Row, folder_of, name_of},
    small::set_dates,
};
use crate::{
    ContentError, Workload,
    map::{Entry, fingerprint},
    unit::{Step, Unit, judge},
};

/// How the name of a copy begins that has made room.
const ASIDE: &str = "moved aside ";

/// Who has the place that a row wants.
pub(super) enum Room {
    /// Nobody any more.
    Made,
    /// An item that the source has there now: the row is out of date.
    Stale,
    /// The copy of an item that keeps the place: somebody has moved it in the target, or the source has it
    /// beside the row under a name that differs in case only.
    Taken,
    /// Something that is the copy of nothing else.
    Free,
}

/// What is to become of a file whose place was taken.
pub(super) enum Settled {
    /// The copy of the file has ended so.
    Done(Outcome),
    /// It is to be copied again like this.
    Again(Load),
}

impl DriveCopy<'_> {
    /// What the map has of the item whose copy this item of the target is; `true` for a folder.
    async fn owner(&self, target: &str) -> Result<Option<(Entry, bool)>, ContentError> {
        let folder = self.folder.iter().find(|(_, place)| place.target == target);
        if let Some((source, place)) = folder {
            let entry = Entry {
                source: source.clone(),
                source_tag: String::new(),
                target: target.to_owned(),
                target_tag: place.placement.clone(),
            };
            return Ok(Some((entry, true)));
        }
        Ok(self.files.find_target(target).await?.map(|entry| (entry, false)))
    }
}

impl Unit<'_> {
    /// Makes the place of a row free, if what lies there has no right to it.
    pub(super) async fn make_room(
        &mut self,
        copy: &mut DriveCopy<'_>,
        row: &Row,
        there: &DriveItem,
    ) -> Step<Room> {
        let owner = copy.owner(&there.id).await?;
        let Some((owner, folder)) = owner.filter(|(owner, _)| owner.source != row.id) else {
            return Ok(Room::Free);
        };
        let call = self.job.source.graph();
        let call = call.drive_item(&copy.source, &owner.source);
        match self.ask_optional("reading an item whose place is wanted", call).await? {
            None if folder => {}
            None => {
                // Its deletion is under way; there is nothing in it that has to be kept.
                self.remove_file(copy, &owner.source, &owner).await?;
                return Ok(Room::Made);
            }
            Some(now) => {
                let now = Row::of(&now);
                let here = now.parent == row.parent;
                if here && now.name == row.name {
                    return Ok(Room::Stale);
                }
                // OneDrive does not tell names apart that differ in case only.
                let alike = here && now.name.to_lowercase() == row.name.to_lowercase();
                if alike || now.placement() == owner.target_tag {
                    return Ok(Room::Taken);
                }
            }
        }
        self.move_aside(copy, owner, folder).await
    }

    /// Gives a copy another name until this round comes to its original: that is elsewhere in the source.
    async fn move_aside(
        &mut self,
        copy: &mut DriveCopy<'_>,
        owner: Entry,
        folder: bool,
    ) -> Step<Room> {
        let name = format!("{ASIDE}{:016x}", fingerprint(&owner.target));
        let change = ItemChange { name: Some(name.clone()), ..ItemChange::default() };
        let graph = self.job.target.graph();
        self.spend(1);
        match graph.update_drive_item(&copy.target, &owner.target, &change).await {
            Ok(_) => {}
            Err(error) if error.is_not_found() => return Ok(Room::Made),
            Err(error) if is_of_the_file(&error) => return Ok(Room::Taken),
            Err(error) => return Err(judge("moving a copy aside", error)),
        }
        let placement = format!("{}\n{name}", folder_of(&owner.target_tag));
        let entry = Entry { target_tag: placement.clone(), ..owner };
        if folder {
            copy.folders.put(&entry);
            copy.folder.insert(entry.source, FolderPlace { target: entry.target, placement });
        } else {
            copy.files.put(&entry);
        }
        Ok(Room::Made)
    }

    /// At the end of a round: copies that have made room, and whose originals have become bad items since,
    /// keep that name until these can be copied.
    pub(super) async fn tell_moved_aside(&mut self, copy: &DriveCopy<'_>) -> Step {
        let ids = copy.bad.keys().cloned().collect();
        let files = copy.files.find(&ids).await?;
        for (id, bad) in &copy.bad {
            let file = files.get(id).map(|entry| entry.target_tag.as_str());
            let place = file.or_else(|| Some(copy.folder.get(id)?.placement.as_str()));
            let Some(name) = place.map(name_of).filter(|name| name.starts_with(ASIDE)) else {
                continue;
            };
            let text = format!(
                "the copy of `{}` has made room for another and is called `{name}` until the next sync \
                 can give it its name",
                bad.name
            );
            self.note(Workload::OneDrive, text);
        }
        Ok(())
    }

    /// What is to become of a file whose place was taken.
    pub(super) async fn settle(
        &mut self,
        copy: &mut DriveCopy<'_>,
        load: &Load,
        clash: Clash,
    ) -> Step<Settled> {
        let row = &load.row;
        let graph = self.job.target.graph();
        let at = Placement { parent: &load.parent, name: &row.name };
        let call = graph.drive_item_at(&copy.target, at);
        let there = self.ask_optional("looking at a place of the target's OneDrive", call).await?;
        let Some(there) = there else { return Ok(Settled::Again(load.clone())) };
        match self.make_room(copy, row, &there).await? {
            Room::Made => return Ok(Settled::Again(load.clone())),
            Room::Stale => return Ok(Settled::Done(Outcome::SourceChanged)),
            Room::Taken => return Ok(Settled::Done(Outcome::NameTaken)),
            Room::Free => {}
        }
        // The same content is the copy already, else it is ours only if a unit was interrupted here.
        let Clash::Copied { ours } = clash else { return Ok(Settled::Done(Outcome::NameTaken)) };
        if same_content(row, &there) || (ours && is_copy(row, &there)) {
            // An empty file gets its dates by a request of its own, which may not have come through.
            if there.file_system_info.as_ref() != Some(&row.dates()) {
                let mut requests = 0;
                let dated = set_dates(self.job, &copy.target, &there.id, row, &mut requests).await;
                self.spend(requests);
                if let Err(error) = dated {
                    return Ok(Settled::Done(Outcome::Refused(error)));
                }
            }
            return Ok(Settled::Done(Outcome::Created(there.id)));
        }
        if there.file.is_none() || !ours {
            return Ok(Settled::Done(Outcome::NameTaken));
        }
        let known = Entry {
            source: row.id.clone(),
            source_tag: String::new(),
            target: there.id,
            target_tag: row.placement(),
        };
        Ok(Settled::Again(Load { known: Some(known), ..load.clone() }))
    }
}
