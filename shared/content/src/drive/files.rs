//! Files: what is to be copied, a batch of small ones at a time, and how each end is kept.

use futures_util::{StreamExt, future::BoxFuture, stream};
use tenant::{Class, TenantError, graph::BATCH_MAX};

use super::{
    DriveCopy,
    ahead::Asked,
    clash::Settled,
    names,
    row::Row,
    small::{Copied, copy_group},
};
use crate::{
    ContentError, Workload,
    bad::advice,
    map::Entry,
    unit::{Step, Stop, Unit, judge, pause},
};

const DRIVE: Workload = Workload::OneDrive;
/// Groups of files whose addresses are asked for together, in flight.
const TOGETHER: usize = 3;

/// A file to copy.
#[derive(Clone)]
pub(super) struct Load {
    pub(super) row: Row,
    /// The target folder.
    pub(super) parent: String,
    pub(super) known: Option<Entry>,
    /// What is found at its place is our own, from a unit that was interrupted.
    pub(super) ours: bool,
}

/// What a file wanted at a place that is taken.
#[derive(Clone, Copy)]
pub(super) enum Clash {
    /// To be moved or renamed there.
    Moved,
    /// To be copied there.
    Copied {
        /// What is there may be its own copy, from a unit that was interrupted.
        ours: bool,
    },
}

/// How the copy of one file ended.
pub(super) enum Outcome {
    Created(String),
    Updated(String),
    /// The source changed while it was read.
    SourceChanged,
    /// It is gone from the source since it was listed.
    SourceGone,
    /// Something lies at its place: see [`Unit::settle`].
    Clash(Clash),
    /// The target has another file of this name there.
    NameTaken,
    /// What arrived in this file is not what was sent.
    Differs(String),
    Refused(TenantError),
}

impl Outcome {
    /// Whether the target has said that something that the copy wants is not there.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(error) if error.is_not_found())
    }
}

impl Unit<'_> {
    /// Copies a batch of small files. Rows that the map has in this state already are passed over.
    pub(super) async fn small_files(
        &mut self,
        copy: &mut DriveCopy<'_>,
        rows: &[Row],
        ours: bool,
    ) -> Step {
        let ids = rows.iter().map(|row| row.id.clone()).collect();
        let mut known = copy.files.find(&ids).await?;
        let mut loads = Vec::new();
        for row in rows {
            let known = known.remove(&row.id);
            let same = known.as_ref().is_some_and(|known| {
                known.source_tag == row.content() && known.target_tag == row.placement()
            });
            if same {
                self.no_longer_bad_file(copy, &row.id);
            } else if let Some(load) = self.load(copy, row, known, ours).await? {
                loads.push(load);
            }
        }
        if !copy.folders.changes().is_empty() {
            // A folder that was made for one of them: what lies in it must not be left unknown.
            self.commit_drive(copy).await?;
        }
        let job = self.job;
        let lanes = (job.settings.drive_lanes() / TOGETHER).max(1);
        // Boxed one by one: the compiler cannot prove a stream of borrowing closures to be Send.
        let mut groups: Vec<BoxFuture<'_, (Vec<Copied>, Asked)>> = Vec::new();
        for group in loads.chunks(BATCH_MAX) {
            groups.push(Box::pin(copy_group(job, &copy.source, &copy.target, group, lanes)));
        }
        let groups: Vec<_> = stream::iter(groups).buffered(TOGETHER).collect().await;
        let mut results = Vec::new();
        for (copied, asked) in groups {
            self.spend_batched(asked.outer, asked.inner);
            results.extend(copied.into_iter().map(|copied| self.account(copy, copied)));
        }
        let (mut stop, mut clashes, mut missing) = (None, Vec::new(), Vec::new());
        for (load, outcome) in loads.iter().zip(results) {
            if let Outcome::Clash(clash) = outcome {
                clashes.push((load.clone(), clash));
                continue;
            }
            if outcome.is_not_found() {
                missing.push((load, outcome));
                continue;
            }
            if let Err(error) = self.small_done(copy, load, outcome).await {
                stop = Some(error);
            }
        }
        if let Some(stop) = stop {
            return Err(stop);
        }
        for (load, outcome) in missing {
            let mut done = (load.clone(), outcome);
            if let Some(load) = self.placed_again(copy, load, &done.1).await? {
                let outcome = self.small_file(copy, &load, lanes).await;
                done = (load, outcome);
            }
            match done {
                (load, Outcome::Clash(clash)) => clashes.push((load, clash)),
                (load, outcome) => self.small_done(copy, &load, outcome).await?,
            }
        }
        // Only now, one by one: the map tells whose copy lies at a place.
        for (load, clash) in clashes {
            let (load, outcome) = match self.settle(copy, &load, clash).await? {
                Settled::Done(outcome) => (load, outcome),
                Settled::Again(load) => {
                    let outcome = self.small_file(copy, &load, lanes).await;
                    (load, outcome)
                }
            };
            self.small_done(copy, &load, outcome).await?;
        }
        Ok(())
    }

    /// Copies one small file by itself.
    async fn small_file(&mut self, copy: &mut DriveCopy<'_>, load: &Load, lanes: usize) -> Outcome {
        let one = std::slice::from_ref(load);
        let (copied, asked) = copy_group(self.job, &copy.source, &copy.target, one, lanes).await;
        self.spend_batched(asked.outer, asked.inner);
        let outcome = copied.into_iter().next().map(|copied| self.account(copy, copied));
        outcome.unwrap_or(Outcome::NameTaken)
    }

    async fn small_done(
        &mut self,
        copy: &mut DriveCopy<'_>,
        load: &Load,
        outcome: Outcome,
    ) -> Step {
        let outcome = self.with_half_known(copy, load, outcome).await?;
        self.file_done(copy, load, outcome)
    }

    /// What is needed to copy a file; `None`: it became a bad item.
    pub(super) async fn load(
        &mut self,
        copy: &mut DriveCopy<'_>,
        row: &Row,
        known: Option<Entry>,
        ours: bool,
    ) -> Step<Option<Load>> {
        if !self.name_is_fine(copy, row)? {
            return Ok(None);
        }
        let Some(parent) = self.folder_for(copy, &row.parent).await? else {
            let (reason, advice) = missing_folder(copy, row);
            self.bad_file(copy, row, reason, advice)?;
            return Ok(None);
        };
        Ok(Some(Load { row: row.clone(), parent, known, ours }))
    }

    /// Checks name, path and size; what breaks a rule is reported with a proposed name.
    pub(super) fn name_is_fine(&mut self, copy: &mut DriveCopy<'_>, row: &Row) -> Step<bool> {
        let Some((reason, advice)) = broken_rule(copy, row) else { return Ok(true) };
        self.bad_file(copy, row, reason, advice)?;
        Ok(false)
    }

    /// Takes the result of one file into map, counters and the list of bad items.
    pub(super) fn file_done(
        &mut self,
        copy: &mut DriveCopy<'_>,
        load: &Load,
        outcome: Outcome,
    ) -> Step {
        let row = &load.row;
        let mut bad = |unit: &mut Self, reason: &str, advice: &str| {
            unit.bad_file(copy, row, reason.to_owned(), advice.to_owned())
        };
        let (target, updated) = match outcome {
            Outcome::Created(target) => (target, false),
            Outcome::Updated(target) => (target, true),
            Outcome::SourceChanged => {
                return bad(
                    self,
                    "it changed while it was copied",
                    "the next sync copies it again",
                );
            }
            Outcome::SourceGone if load.known.is_none() => {
                // The next delta says so too.
                self.no_longer_bad_file(copy, &row.id);
                self.counts(DRIVE).seen += 1;
                return Ok(());
            }
            Outcome::SourceGone => {
                let advice = "the next sync deletes its copy";
                return bad(self, "it is gone from the source since it was listed", advice);
            }
            // Taken again after room was made.
            Outcome::Clash(_) | Outcome::NameTaken => {
                let reason = "the target has another file of this name there";
                return bad(self, reason, "rename one of the two, then sync again");
            }
            Outcome::Differs(target) => {
                let reason = "what arrived in the target has another hash than what was sent";
                bad(self, reason, "the next sync copies it again")?;
                // It is ours, of no state of the original: the next round writes over it.
                let (source, target_tag) = (row.id.clone(), row.placement());
                copy.files.put(&Entry { source, source_tag: String::new(), target, target_tag });
                return Ok(());
            }
            Outcome::Refused(error) if is_of_the_file(&error) => {
                let reason = format!("{} ({})", error.message, error.code);
                return bad(self, &reason, advice(&error));
            }
            Outcome::Refused(error) if error.class == Class::QuotaExceeded => {
                let place = DRIVE.title().to_owned();
                let full = ContentError::TargetFull { place, reason: error.to_string() };
                return Err(Stop::Failed(full));
            }
            Outcome::Refused(error) => return Err(judge("copying a file", error)),
        };
        copy.files.put(&Entry {
            source: row.id.clone(),
            source_tag: row.content(),
            target,
            target_tag: row.placement(),
        });
        let copied = load.known.as_ref().is_none_or(|known| known.source_tag != row.content());
        let counts = self.counts(DRIVE);
        if updated {
            counts.updated += 1;
        } else {
            counts.created += 1;
        }
        counts.bytes += if copied { row.size } else { 0 };
        counts.seen += 1;
        counts.seen_bytes += row.size;
        self.no_longer_bad_file(copy, &row.id);
        Ok(())
    }
}

/// Whether a refusal is of one file, which becomes a bad item, and not of the whole copy.
pub(super) fn is_of_the_file(error: &TenantError) -> bool {
    match error.class {
        Class::Locked => true,
        Class::QuotaExceeded
        | Class::Unauthorized
        | Class::MissingConsent { .. }
        | Class::NoDrive => false,
        _ => pause(error).is_none(),
    }
}

/// What to say of an item whose folder is not in the target.
pub(super) fn missing_folder(copy: &DriveCopy<'_>, row: &Row) -> (String, String) {
    match copy.bad.get(&row.parent) {
        Some(folder) => (
            format!("the folder `{}` that it lies in is missing in the target", folder.name),
            "see what is said of the folder; the next sync tries both again".to_owned(),
        ),
        None => (
            "the folder it lies in is missing in the source's changes".to_owned(),
            "the next sync tries again".to_owned(),
        ),
    }
}

/// Which rule of OneDrive a row's name, path or size breaks, and what to do.
pub(super) fn broken_rule(copy: &DriveCopy<'_>, row: &Row) -> Option<(String, String)> {
    let at_root = row.parent == copy.source_root;
    let above = copy.path(&row.parent).trim_end_matches('/').chars().count();
    let path = copy.library + above + 1 + row.name.chars().count();
    if let Err(bad) = names::check(&row.name, at_root) {
        let advice = format!("rename it in the source, for instance to `{}`", bad.proposal);
        Some((bad.reason, advice))
    } else if path > names::PATH_MAX {
        let reason = format!(
            "the path has {path} characters in the target, the site's address among them; {} are allowed",
            names::PATH_MAX
        );
        Some((
            reason,
            "shorten its name, or those of the folders above it, in the source".to_owned(),
        ))
    } else if row.size > names::FILE_MAX && row.kind == super::row::Kind::File {
        let reason = "the file is larger than 250 GB".to_owned();
        Some((reason, "split it in the source".to_owned()))
    } else {
        None
    }
}
