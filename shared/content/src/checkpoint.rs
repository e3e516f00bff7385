//! The checkpoint: one small record that says where a user's copy stands.
//!
//! Versioned: a newer program reads older checkpoints, an older one refuses newer ones.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tenant::{
    SecretText,
    graph::mailbox_content::{ImportSession, MailboxAddress},
};

use crate::{
    ContentError, CopyMode, CopySubject, CopySummary, Counts, Note, Progress, Workload,
    drive::Told,
    store::{damaged, decode},
};

/// The format that this program writes.
const FORMAT: u32 = 1;
/// More notes than this are counted only.
const MAX_NOTES: usize = 300;

/// The stored state of a copy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// See [`FORMAT`].
    pub(crate) format: u32,
    /// The round in hand, or the last one.
    pub(crate) round: String,
    /// How it copies.
    pub(crate) mode: Option<CopyMode>,
    /// Where it stands.
    pub(crate) stage: Stage,
    /// The round before ended with an open intent: this one first finishes that, then begins anew.
    #[serde(default)]
    pub(crate) unsettled: bool,
    /// Numbers of the round.
    pub(crate) progress: Progress,
    /// Notes of the round.
    pub(crate) notes: Vec<Note>,
    /// Notes left out because there were too many.
    pub(crate) more_notes: u32,
    /// Bad items that are open, over all rounds.
    pub(crate) bad: u32,
    /// Permissions that wait, over all rounds.
    pub(crate) pending: u32,
    /// The number of the next record of deletions.
    #[serde(default)]
    pub(crate) removals: u32,
    /// Fingerprints of the settings that were copied last, over all rounds.
    #[serde(default)]
    pub(crate) side: BTreeMap<String, u64>,
    /// The import session in use, over units and rounds until it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<KeptSession>,
    /// The drive's own long-lived state.
    pub(crate) drive: DriveMemory,
    /// Set once the round is complete.
    pub(crate) summary: Option<CopySummary>,
    /// Whether a round has been completed. Until then each is a first copy, whatever it is called: a
    /// cutover's delta too, where the sync before it was stopped.
    #[serde(default)]
    pub(crate) completed: bool,
}

/// The parts of a round, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(crate) enum Stage {
    /// Regional settings, before any folder exists.
    #[default]
    Regional,
    /// A mailbox: primary or archive.
    Mailbox(MailboxStage),
    /// The OneDrive.
    Drive(DriveStage),
    /// Permissions.
    Permissions(PermissionStage),
    /// Rules, categories, automatic replies.
    SideData,
    /// Complete.
    Done,
}

/// Where the copy of one mailbox stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MailboxStage {
    pub(crate) workload: Workload,
    /// The source mailbox, once known.
    pub(crate) source: MailboxAddress,
    /// The target mailbox, once known.
    pub(crate) target: MailboxAddress,
    pub(crate) step: MailboxStep,
}

/// The steps of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum MailboxStep {
    /// Find both mailboxes.
    Locate,
    /// Compare the folder trees, parents first.
    Tree {
        /// Folders whose children are still to be listed, by ordinal.
        queue: VecDeque<u32>,
    },
    /// Copy the items of one folder.
    Items(ItemsStep),
    /// Apply the deletions found.
    Removals,
    /// Delete folders that are gone from the source.
    Gone,
}

/// Where the copy of one folder's items stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ItemsStep {
    /// The folder.
    pub(crate) folder: u32,
    /// The link of the next page; `None` before the first.
    pub(crate) link: Option<String>,
    /// The bad items of earlier rounds have been tried again.
    pub(crate) retried: bool,
    /// The folder is enumerated anew although the map knows it: deletions must be worked out.
    pub(crate) anew: bool,
    /// It is the second time in this round, because the first listing was not complete.
    #[serde(default)]
    pub(crate) relisted: bool,
    /// The changes since, which are read too where the folder's count does not agree.
    #[serde(default)]
    pub(crate) read_on: ReadOn,
    /// Some of the changes are deletions.
    #[serde(default)]
    pub(crate) removed: bool,
    /// Nor was the second: what is missing in it is asked for before it is taken for deleted.
    #[serde(default)]
    pub(crate) incomplete: bool,
    /// Pages of seen ids written while enumerating anew.
    pub(crate) seen_pages: u32,
    /// The first of them that counts: those before it are of an enumeration that was begun and given up.
    #[serde(default)]
    pub(crate) seen_from: u32,
    /// The page in hand.
    pub(crate) page: Option<PageStep>,
    /// The folder has been read to its end; the next round starts from this link.
    pub(crate) done: Option<String>,
}

/// Reading on behind the end of the changes: a count that does not agree may be newer than they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReadOn {
    times: u8,
    /// The last time brought nothing.
    quiet: bool,
}

impl ReadOn {
    /// At most so often: somebody may be working all the time.
    const MOST: u8 = 3;

    /// Whether to read on, once more.
    pub(crate) fn again(&mut self) -> bool {
        let again = !self.quiet && self.times < Self::MOST;
        if again {
            (self.times, self.quiet) = (self.times.saturating_add(1), true);
        }
        again
    }

    /// There are changes, and while they are copied others may come.
    pub(crate) fn news(&mut self) {
        self.quiet = false;
    }
}

/// Where the work on one page of changes stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PageStep {
    /// The next row of the stored page.
    pub(crate) next: usize,
    /// How many rows it has.
    pub(crate) rows: usize,
    /// What follows when it is done.
    pub(crate) then: Follow,
    /// Rows that may have been written to the target without our knowing.
    pub(crate) intent: Option<Intent>,
}

/// What follows a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Follow {
    /// The first page of the enumeration.
    Start,
    /// This page.
    Next(String),
    /// The end; the next round starts from this link.
    Delta(String),
}

/// An intent: these rows were about to be written. Found open, it is reconciled against the target
/// before anything else happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Intent {
    /// First row.
    pub(crate) from: usize,
    /// One past the last row.
    pub(crate) to: usize,
    /// When writing may have begun.
    pub(crate) at: Timestamp,
    /// How far the search of the target has come.
    #[serde(default)]
    pub(crate) search: Search,
}

/// A search of the target folder for copies that may be there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Search {
    /// The next page of the target's items.
    pub(crate) link: Option<String>,
    /// Found so far: row, target id, target change key.
    pub(crate) found: Vec<(usize, String, String)>,
}

/// An import session, as kept between units.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptSession {
    pub(crate) mailbox: String,
    /// Whoever has the address may import: it is never logged.
    url: String,
    expires: Option<Timestamp>,
}

impl KeptSession {
    pub(crate) fn keep(session: &ImportSession) -> Self {
        Self {
            mailbox: session.mailbox().to_owned(),
            url: session.url().expose().to_owned(),
            expires: session.expires,
        }
    }

    pub(crate) fn resume(&self) -> ImportSession {
        ImportSession::resume(&self.mailbox, SecretText::new(self.url.clone()), self.expires)
    }
}

impl std::fmt::Debug for KeptSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeptSession").field("mailbox", &self.mailbox).finish_non_exhaustive()
    }
}

/// What a drive's copy keeps between rounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DriveMemory {
    /// Where the next delta starts.
    pub(crate) delta: Option<String>,
    /// The source's sizes of folders have been the sums of what is in them, when that was last looked at.
    #[serde(default)]
    pub(crate) adds_up: bool,
}

/// Where the copy of the drive stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DriveStage {
    pub(crate) source: String,
    pub(crate) target: String,
    /// The roots' ids.
    pub(crate) source_root: String,
    pub(crate) target_root: String,
    /// What the source said of its root when the round began.
    #[serde(default)]
    pub(crate) root_told: Option<Told>,
    /// Characters of the target library's own path.
    #[serde(default)]
    pub(crate) library: usize,
    pub(crate) step: DriveStep,
}

/// The steps of a drive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum DriveStep {
    /// Find both drives.
    Locate {
        /// How often the target's drive was waited for.
        waits: u32,
    },
    /// Read changes page by page and apply them.
    Changes(Box<ChangesStep>),
    /// Apply the deletions found.
    Removals,
    /// Copy permissions of items that are shared.
    Sharing,
}

impl Default for DriveStep {
    fn default() -> Self {
        Self::Locate { waits: 0 }
    }
}

/// Where the work on a drive's changes stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChangesStep {
    /// The link of the next page; `None` before the first.
    pub(crate) link: Option<String>,
    /// The bad items of earlier rounds have been tried again.
    pub(crate) retried: bool,
    /// Everything is enumerated although the map knows much of it.
    pub(crate) anew: bool,
    /// The enumeration in hand shows the whole drive, and what it has shown is kept.
    #[serde(default)]
    pub(crate) whole: bool,
    /// It is the second one, because the first was not complete.
    #[serde(default)]
    pub(crate) relisted: bool,
    /// Pages of seen ids written while enumerating the whole drive.
    pub(crate) seen_pages: u32,
    /// The first of them that counts: those before it are of an enumeration that was begun and given up.
    #[serde(default)]
    pub(crate) seen_from: u32,
    /// The changes have been read to their end; the next round starts from this link, once what they have left out
    /// has come.
    #[serde(default)]
    pub(crate) ended: Option<String>,
    /// The changes since, which are read too where counts do not agree.
    #[serde(default)]
    pub(crate) read_on: ReadOn,
    /// Folders that were looked into for that.
    #[serde(default)]
    pub(crate) looked_into: Vec<String>,
    /// Something was found in them.
    #[serde(default)]
    pub(crate) found_missed: bool,
    /// Records of shared items.
    pub(crate) shared: u32,
    /// The page in hand.
    pub(crate) page: Option<PageStep>,
    /// The large file in hand.
    pub(crate) transfer: Option<Transfer>,
}

/// A large file on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Transfer {
    /// The page's row.
    pub(crate) row: usize,
    /// The version that is copied.
    pub(crate) tag: String,
    /// The upload session. Whoever has the address may write: it is never logged.
    pub(crate) upload_url: String,
    /// Bytes that the session holds as far as we know.
    pub(crate) offset: u64,
    /// The hash of these bytes, to go on from; `None` when it cannot be continued.
    pub(crate) hash: Option<String>,
}

/// Where the copy of permissions stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PermissionStage {
    /// Those that waited have been tried.
    pub(crate) pending: bool,
    /// Mailbox rights are done.
    pub(crate) mailbox: bool,
    /// The next folder, in the order of the source's list.
    pub(crate) folder: usize,
}

impl Stage {
    /// The beginning of a mailbox.
    pub(crate) fn mailbox(workload: Workload) -> Self {
        let (source, target) = (MailboxAddress::default(), MailboxAddress::default());
        Self::Mailbox(MailboxStage { workload, source, target, step: MailboxStep::Locate })
    }

    /// Items may be in the target that the map does not know.
    fn has_intent(&self) -> bool {
        let open = |page: &PageStep| page.intent.is_some();
        match self {
            Self::Mailbox(MailboxStage { step: MailboxStep::Items(step), .. }) => {
                step.page.as_ref().is_some_and(open)
            }
            Self::Drive(DriveStage { step: DriveStep::Changes(step), .. }) => {
                step.page.as_ref().is_some_and(open) || step.transfer.is_some()
            }
            Self::Regional
            | Self::Mailbox(_)
            | Self::Drive(_)
            | Self::Permissions(_)
            | Self::SideData
            | Self::Done => false,
        }
    }

    /// What comes after mailbox and archive.
    pub(crate) fn after_mailboxes(subject: &CopySubject) -> Self {
        if subject.drive { Self::Drive(DriveStage::default()) } else { Self::after_drive() }
    }

    /// What comes after the drive.
    pub(crate) fn after_drive() -> Self {
        Self::Permissions(PermissionStage::default())
    }
}

impl Checkpoint {
    /// Reads a stored checkpoint.
    pub(crate) fn read(place: &str, value: &[u8]) -> Result<Self, ContentError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = decode(place, value)?;
        if format > FORMAT {
            let reason = format!("it has format {format}, this program reads up to {FORMAT}");
            return Err(damaged(place, &reason));
        }
        decode(place, value)
    }

    /// Begins a round; long-lived state stays.
    pub(crate) fn begin(&mut self, round: &str, mode: CopyMode, now: Timestamp) {
        self.format = FORMAT;
        round.clone_into(&mut self.round);
        self.mode = Some(mode);
        // An open intent outlives its round: forgotten, its items would be imported twice.
        self.unsettled = self.stage.has_intent();
        if !self.unsettled {
            self.stage = Stage::Regional;
        }
        self.progress = Progress { started: Some(now), ..Progress::default() };
        self.notes.clear();
        self.more_notes = 0;
        self.summary = None;
    }

    /// The counters of a workload.
    pub(crate) fn counts(&mut self, workload: Workload) -> &mut Counts {
        self.progress.counts.entry(workload).or_default()
    }

    /// Adds a note once.
    pub(crate) fn note(&mut self, workload: Workload, text: impl Into<String>) {
        let note = Note { workload, text: text.into() };
        if self.notes.contains(&note) {
            return;
        }
        if self.notes.len() < MAX_NOTES {
            self.notes.push(note);
        } else {
            self.more_notes = self.more_notes.saturating_add(1);
        }
    }

    /// Ends the round.
    pub(crate) fn finish(&mut self) -> CopySummary {
        let mut notes = self.notes.clone();
        if self.more_notes > 0 {
            let text = format!("{} more notes are left out", self.more_notes);
            notes.push(Note { workload: Workload::SideData, text });
        }
        let summary = CopySummary {
            counts: self.progress.counts.clone(),
            notes,
            bad_items: self.bad,
            pending_permissions: self.pending,
            requests: self.progress.requests,
            logical_requests: self.progress.logical_requests,
            units: self.progress.units,
        };
        self.stage = Stage::Done;
        self.summary = Some(summary.clone());
        self.completed = true;
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_of_a_newer_program_is_refused_in_words() {
        let newer = Checkpoint { format: FORMAT + 1, ..Checkpoint::default() };
        let value = serde_json::to_vec(&newer).unwrap();
        let error = Checkpoint::read("checkpoint", &value).unwrap_err();
        assert!(error.to_string().contains("format 2"), "{error}");
    }

    #[test]
    fn a_new_round_keeps_what_outlives_rounds() {
        let mut checkpoint = Checkpoint { bad: 3, ..Checkpoint::default() };
        checkpoint.begin("job-1", CopyMode::Initial, Timestamp::UNIX_EPOCH);
        checkpoint.note(Workload::Archive, "no archive");
        checkpoint.note(Workload::Archive, "no archive");
        assert_eq!(checkpoint.finish().notes.len(), 1);
        checkpoint.begin("job-2", CopyMode::Delta, Timestamp::UNIX_EPOCH);
        assert_eq!((checkpoint.bad, checkpoint.notes.len()), (3, 0));
        assert_eq!(checkpoint.summary, None);
    }
}
