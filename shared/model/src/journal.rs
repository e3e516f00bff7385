//! The journal: per user, append-only.

use catalogue::{Side, Step};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{JobId, JobKind, Problem, Stored, UserState};

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// When it was written.
    pub at: Timestamp,
    /// The job or branch.
    pub job: JobId,
    /// What the job is for.
    pub kind: JobKind,
    /// Its number in the job or branch, from 0.
    pub n: u32,
    /// The step; `None` for the job as a whole.
    pub step: Option<Step>,
    /// When the step was first reached.
    pub reached_at: Timestamp,
    /// How often the step had been tried before.
    pub attempt: u32,
    /// What happened.
    pub event: JournalEvent,
    /// What it cost since the entry before.
    pub cost: Cost,
}

/// Entries of one job or branch that were written together, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "PageForm")]
pub struct JournalPage {
    /// The entries.
    pub entries: Vec<JournalEntry>,
}

impl Stored for JournalPage {
    const KIND: &'static str = "journal";
    const VERSION: u32 = 2;
}

/// The forms that a page has had.
#[derive(Deserialize)]
#[serde(untagged)]
enum PageForm {
    Page {
        entries: Vec<JournalEntry>,
    },
    /// Version 1: each entry by itself.
    Entry(Box<JournalEntry>),
}

impl From<PageForm> for JournalPage {
    fn from(form: PageForm) -> Self {
        let entries = match form {
            PageForm::Page { entries } => entries,
            PageForm::Entry(entry) => vec![*entry],
        };
        Self { entries }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum JournalEvent {
    /// The job started.
    Started {
        /// The user's state before.
        from: UserState,
        /// The script versions: kind and content hash.
        scripts: Vec<(String, String)>,
    },
    /// The step is about to write; what it found is kept here first, so that a crash after the
    /// write loses no before-image (GEN-6, CUT-8).
    Writing {
        /// The writes.
        writes: Vec<WriteRecord>,
    },
    /// A value was kept before an effect that destroys it.
    Remembered {
        /// Its name.
        name: String,
        /// The value.
        value: Value,
    },
    /// The step is done.
    Done {
        /// What it found or made.
        receipt: Value,
        /// Warnings for a person.
        warnings: Vec<String>,
    },
    /// The step does not apply here.
    NotApplicable {
        /// Why.
        cause: String,
    },
    /// The step waits (written once per reason).
    Waiting {
        /// For what.
        why: String,
    },
    /// The step failed and will be tried again.
    Retrying {
        /// Why it failed.
        problem: Problem,
        /// When it is tried again.
        until: Timestamp,
    },
    /// The step failed for good: the user is parked.
    Parked {
        /// Why.
        problem: Problem,
    },
    /// The job stopped before this step, as asked.
    Stopped,
    /// The job ended.
    Ended {
        /// The user's state after.
        to: UserState,
    },
    /// An operator changed the state.
    Reset {
        /// The state before.
        from: UserState,
        /// The state after.
        to: UserState,
    },
}

/// One write, with what was there before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteRecord {
    /// The tenant.
    pub side: Side,
    /// What is done, for instance `Set-Mailbox` or `PATCH user`.
    pub operation: String,
    /// The object, by name and id.
    pub object: String,
    /// What changes: attribute, value before, value after.
    pub changes: Vec<Change>,
}

/// One attribute's change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The attribute, by its own name in Graph or Exchange.
    pub attribute: String,
    /// Before; null when it was empty or the object is new.
    pub before: Value,
    /// After; null when it is cleared or the object goes.
    pub after: Value,
}

/// What something cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cost {
    /// Requests to the tenants.
    pub requests: u64,
    /// Milliseconds of the step's run.
    pub milliseconds: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_the_first_form_is_a_page_of_its_own() {
        let entry = JournalEntry {
            at: Timestamp::UNIX_EPOCH,
            job: JobId::numbered(1),
            kind: JobKind::Prepare,
            n: 3,
            step: Some(Step::HideUser),
            reached_at: Timestamp::UNIX_EPOCH,
            attempt: 0,
            event: JournalEvent::Stopped,
            cost: Cost::default(),
        };
        let page = JournalPage { entries: vec![entry.clone()] };
        assert_eq!(JournalPage::from_bytes(&page.to_bytes().unwrap()).unwrap(), page);
        let alone = serde_json::to_string(&entry).unwrap().replacen('{', "{\"v\":1,", 1);
        assert_eq!(JournalPage::from_bytes(alone.as_bytes()).unwrap(), page);
    }
}
