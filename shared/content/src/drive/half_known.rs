//! A copy that an interrupted unit may have left at a file's place, when the file itself has changed or
//! gone meanwhile, or is refused: it is taken into the map as the copy that it is, so that the next changes
//! replace or delete it. Once the file is a bad item, nobody remembers that what lies there may be ours.

use tenant::graph::drive::{DriveItem, Placement};

use super::{
    DriveCopy,
    files::{Load, Outcome, is_of_the_file},
    row::{Row, is_office},
};
use crate::unit::{Step, Unit};

impl Unit<'_> {
    /// The outcome of a file, once what lies at its place has been looked at where that may be ours.
    pub(super) async fn with_half_known(
        &mut self,
        copy: &DriveCopy<'_>,
        load: &Load,
        outcome: Outcome,
    ) -> Step<Outcome> {
        let left = match &outcome {
            Outcome::SourceChanged | Outcome::SourceGone => true,
            Outcome::Refused(error) => is_of_the_file(error),
            _ => false,
        };
        if !left || !load.ours || load.known.is_some() {
            return Ok(outcome);
        }
        let target = self.job.target.graph();
        let at = Placement { parent: &load.parent, name: &load.row.name };
        let call = target.drive_item_at(&copy.target, at);
        let there = self.ask_optional("looking for a copy in the target's OneDrive", call).await?;
        let ours = there.filter(|there| is_copy(&load.row, there));
        Ok(ours.map_or(outcome, |there| Outcome::Created(there.id)))
    }
}

/// Whether a file of the target is the row's copy: the same content, or, since SharePoint rewrites Office
/// files, the same dates.
pub(super) fn is_copy(row: &Row, there: &DriveItem) -> bool {
    let dated = is_office(&row.name) && there.file_system_info.as_ref() == Some(&row.dates());
    there.file.is_some() && (dated || same_content(row, there))
}

/// Whether a file of the target has the row's content, as far as the hashes tell.
pub(super) fn same_content(row: &Row, there: &DriveItem) -> bool {
    let hash = there.quick_xor_hash().is_some() && there.quick_xor_hash() == row.hash.as_deref();
    there.file.is_some() && there.size == Some(row.size) && hash
}
