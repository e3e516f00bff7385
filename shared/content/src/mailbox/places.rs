//! Folders that change their names or places while others have them: each follows as soon as it can,
//! and the rest when the folders that are gone have left theirs.

use tenant::{Class, TenantError};

use super::{FolderRow, MailboxCopy, Place, roles::name_key};
use crate::unit::{Step, Unit, judge};

/// Characters of a folder's own name in a spare one: the service takes 255.
const OWN: usize = 200;

/// Whether the copy of a folder went where the original is.
pub(super) enum Followed {
    /// There it is; or here it stays, since its name is taken there.
    At(Option<Place>),
    /// The copy, or the one that it should be in, is not in the target.
    Gone,
}

impl Unit<'_> {
    /// Gives the copy of a folder the original's name and place.
    pub(super) async fn put_in_place(
        &mut self,
        copy: &MailboxCopy,
        row: &FolderRow,
        at: Place,
    ) -> Step<Followed> {
        Ok(match self.move_copy(copy, row, &at, &row.place()).await? {
            None => Followed::At(None),
            Some(error) if error.is_already_exists() => Followed::At(Some(at)),
            Some(error) if error.is_not_found() => Followed::Gone,
            Some(error) => {
                self.could_not_follow(copy, row, &error);
                Followed::At(Some(at))
            }
        })
    }

    /// At the end of a round: folders whose names were taken get them now. Where copies wait for each
    /// other's names, one of them makes way under a spare one.
    pub(super) async fn settle_places(&mut self, copy: &mut MailboxCopy) -> Step {
        loop {
            let astray: Vec<FolderRow> =
                copy.folders.rows.values().filter(|row| row.astray.is_some()).cloned().collect();
            let mut settled = false;
            let mut refused = Vec::new();
            for row in &astray {
                self.within_budget()?;
                match self.move_copy(copy, row, &row.copy_place(), &row.place()).await? {
                    None => {
                        settled = true;
                        self.put_folder(copy, FolderRow { astray: None, ..row.clone() })?;
                        self.commit().await?;
                    }
                    Some(error) => refused.push((row, error)),
                }
            }
            if settled {
                continue;
            }
            // Whoever stands where another one of ours belongs, and has not made way yet.
            let in_the_way = |row: &FolderRow| {
                let at = row.copy_place();
                at.name != spare_name(&row.name, &row.source)
                    && astray
                        .iter()
                        .any(|other| other.ordinal != row.ordinal && is_same(&other.place(), &at))
            };
            let Some(row) = astray.iter().find(|row| in_the_way(row)) else {
                for (row, error) in refused {
                    self.could_not_follow(copy, row, &error);
                }
                return Ok(());
            };
            let parent = row.copy_place().parent;
            let spare = Place { name: spare_name(&row.name, &row.source), parent };
            if let Some(error) = self.move_copy(copy, row, &row.copy_place(), &spare).await? {
                self.could_not_follow(copy, row, &error);
                return Ok(());
            }
            self.put_folder(copy, FolderRow { astray: Some(spare), ..row.clone() })?;
            self.commit().await?;
        }
    }

    /// Renames and moves the copy of a folder; the inner error is the target's refusal.
    async fn move_copy(
        &mut self,
        copy: &MailboxCopy,
        row: &FolderRow,
        at: &Place,
        to: &Place,
    ) -> Step<Option<TenantError>> {
        if at == to {
            return Ok(None);
        }
        let above = copy.folders.rows.get(&to.parent).map(|above| above.target.as_str());
        let above = above.filter(|above| at.parent != to.parent && !above.is_empty());
        let name = (at.name != to.name).then_some(to.name.as_str());
        let target = self.job.target.graph();
        self.spend(1);
        match target.update_mailbox_folder(&copy.target, &row.target, name, above).await {
            Ok(()) => {
                self.counts(copy.workload).folders += 1;
                Ok(None)
            }
            Err(error) if error.is_not_found() || is_refusal(&error) => Ok(Some(error)),
            Err(error) => {
                Err(judge(&format!("renaming or moving the target folder `{}`", at.name), error))
            }
        }
    }

    fn could_not_follow(&mut self, copy: &MailboxCopy, row: &FolderRow, error: &TenantError) {
        let at = row.copy_place().name;
        let text = format!(
            "the folder `{}` is called `{at}` in the target, where it could not follow: {error}",
            row.name
        );
        self.note(copy.workload, text);
    }
}

/// What a target refuses for good of one folder, while others go on.
pub(super) fn is_refusal(error: &TenantError) -> bool {
    matches!(
        error.class,
        Class::AlreadyExists | Class::Invalid | Class::Forbidden | Class::Conflict { .. }
    )
}

/// What a folder's copy is called while its name is taken: the same each time, so that it is found
/// again.
pub(super) fn spare_name(name: &str, source: &str) -> String {
    let own: String = name.chars().take(OWN).collect();
    format!("{own} ({:08x})", crate::map::fingerprint(source) >> 32)
}

fn is_same(one: &Place, other: &Place) -> bool {
    one.parent == other.parent && name_key(&one.name) == name_key(&other.name)
}
