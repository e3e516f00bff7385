//! A job: one action applied to one user, as a plan of steps and a cursor in it.

use std::{collections::BTreeMap, fmt, str::FromStr};

use catalogue::{Phase, Step, plan_of};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Action, BadId, JobId, JournalEntry, Profile, Stored, UserId, UserKey, UserState};

/// The queue message: it names customer, project, user, job and step, and nothing else. The store
/// is the truth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baton {
    /// Whose.
    pub user: UserKey,
    /// The job, or a side branch of one.
    pub job: JobId,
    /// The step that it asks for.
    pub step: Step,
}

impl Baton {
    /// A baton of the present form.
    pub fn new(user: UserKey, job: JobId, step: Step) -> Self {
        Self { user, job, step }
    }
}

impl Stored for Baton {
    const KIND: &'static str = "baton";
}

/// What a job is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Prepare.
    Prepare,
    /// The first sync.
    InitialSync,
    /// A later sync.
    DeltaSync,
    /// A cutover.
    Cutover,
    /// A delta beside a cutover's steps.
    SideDelta,
    /// Verification.
    Verify,
    /// The cutover mail once more.
    SendCutoverEmail,
    /// A guest's invitation.
    SendGuestInvite,
}

impl JobKind {
    /// The steps of such a job.
    pub fn plan(self) -> Vec<Step> {
        match self {
            Self::Prepare => plan_of(Phase::Prepare),
            Self::InitialSync => plan_of(Phase::InitialSync),
            Self::DeltaSync | Self::SideDelta => plan_of(Phase::DeltaSync),
            Self::Cutover => plan_of(Phase::Cutover),
            Self::Verify => vec![Step::VerifyContent],
            Self::SendCutoverEmail => vec![Step::NotifyUser],
            Self::SendGuestInvite => vec![Step::SendGuestInvite],
        }
    }

    /// Whether such a job runs side branches.
    pub fn has_branches(self) -> bool {
        self == Self::Cutover
    }

    /// The action that starts such a job.
    pub fn action(self) -> Action {
        match self {
            Self::Prepare => Action::Prepare,
            Self::InitialSync | Self::DeltaSync => Action::Sync,
            Self::Cutover | Self::SideDelta => Action::Cutover,
            Self::Verify => Action::Verify,
            Self::SendCutoverEmail => Action::SendCutoverEmail,
            Self::SendGuestInvite => Action::SendGuestInvite,
        }
    }

    /// The state of the user when such a job has ended; `None` leaves it as it was.
    pub fn end_state(self, well: bool) -> Option<UserState> {
        match (self, well) {
            (Self::Prepare, true) => Some(UserState::Prepared),
            (Self::Prepare, false) => Some(UserState::PrepareError),
            (Self::InitialSync | Self::DeltaSync, true) => Some(UserState::Synced),
            (Self::InitialSync | Self::DeltaSync, false) => Some(UserState::SyncError),
            (Self::Cutover, true) => Some(UserState::Complete),
            (Self::Cutover, false) => Some(UserState::CutoverError),
            (
                Self::SideDelta | Self::Verify | Self::SendCutoverEmail | Self::SendGuestInvite,
                _,
            ) => None,
        }
    }
}

/// The line of steps inside a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Branch {
    /// The plan itself.
    Main,
    /// The delta between T1 and T9.
    FirstDelta,
    /// The delta between S1 and S6.
    SecondDelta,
    /// The one delta after S7 that a profile may turn on (CUT-3).
    LateDelta,
}

impl Branch {
    /// All branches.
    pub const ALL: [Self; 4] = [Self::Main, Self::FirstDelta, Self::SecondDelta, Self::LateDelta];

    /// The name, as it stands in ids and keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::FirstDelta => "first-delta",
            Self::SecondDelta => "second-delta",
            Self::LateDelta => "late-delta",
        }
    }

    /// The id of this branch of a job.
    pub fn of(self, job: &JobId) -> Result<JobId, BadId> {
        let main = Self::main_of(job)?;
        match self {
            Self::Main => Ok(main),
            side => JobId::from_str(&format!("{main}.{}", side.name())),
        }
    }

    /// The branch that a job id names.
    pub fn named_by(job: &JobId) -> Self {
        match job.as_str().split_once('.') {
            Some((_, "first-delta")) => Self::FirstDelta,
            Some((_, "second-delta")) => Self::SecondDelta,
            Some((_, "late-delta")) => Self::LateDelta,
            _ => Self::Main,
        }
    }

    /// The id of the whole job.
    pub fn main_of(job: &JobId) -> Result<JobId, BadId> {
        match job.as_str().split_once('.') {
            Some((main, _)) => main.parse(),
            None => Ok(job.clone()),
        }
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a job stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum JobStatus {
    /// Its baton is on the way, or its step is running.
    Running,
    /// Its step asked to be called again.
    Waiting {
        /// Not before this moment.
        until: Timestamp,
        /// What it waits for, in words.
        why: String,
        /// Whether somebody sends the baton when it has come; then a baton is never too early.
        #[serde(default)]
        signal: bool,
    },
    /// All steps are done.
    Done,
    /// It failed; the user is parked.
    Failed {
        /// Why.
        problem: Problem,
    },
    /// It was stopped at a safe point.
    Stopped,
}

impl JobStatus {
    /// Whether the job has ended.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Done | Self::Failed { .. } | Self::Stopped)
    }
}

/// Why a user is parked, in words for a person (ERR-2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The step.
    pub step: Step,
    /// A stable code, for instance `address_taken` or a script's `R001`.
    pub code: String,
    /// What happened, and where.
    pub message: String,
    /// What to do.
    pub advice: String,
    /// When.
    pub at: Timestamp,
}

/// Who is running the step in hand, so that a second copy does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The run that holds it.
    pub holder: String,
    /// Void after this moment: longer than an invocation can last.
    pub until: Timestamp,
}

/// A job, or a side branch of one, in flight or over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Which.
    pub id: JobId,
    /// Whose.
    pub user: UserId,
    /// What for.
    pub kind: JobKind,
    /// The line of steps.
    pub branch: Branch,
    /// The version of the catalogue that the plan was taken from.
    pub catalogue: u32,
    /// The steps, fixed when the job started.
    pub plan: Vec<Step>,
    /// The place in the plan: the step in hand.
    pub at: usize,
    /// How it stands.
    pub status: JobStatus,
    /// How often the step in hand has failed so that it may be tried again.
    pub attempt: u32,
    /// How often the step in hand has asked to be called again.
    pub waits: u32,
    /// When the step in hand was first reached.
    pub reached_at: Timestamp,
    /// When this record was last written.
    pub moved_at: Timestamp,
    /// Who runs the step in hand.
    pub lease: Option<Lease>,
    /// What the step in hand has said it will write: keys of effects whose before-images are
    /// already in the journal.
    pub intents: Vec<String>,
    /// The number of the next journal entry.
    pub journal_next: u32,
    /// The latest journal entries, which are in no page yet, oldest first.
    #[serde(default)]
    pub journal: Vec<JournalEntry>,
    /// Whether an operator asked to stop (CUT-4).
    pub stop: bool,
    /// How the job will end once its side branches have: a job never leaves one running behind.
    #[serde(default)]
    pub ending: Option<JobStatus>,
    /// Whether T10's gate has been opened.
    pub gate_open: bool,
    /// When the job started; also "now" for its scripts.
    pub started_at: Timestamp,
    /// The user's state before the job.
    pub state_before: UserState,
    /// The options, fixed when the job started.
    pub profile: Profile,
    /// The script versions, fixed when the job started: kind to content hash.
    pub scripts: BTreeMap<String, String>,
}

impl Job {
    /// The step in hand; `None` when the plan is finished.
    pub fn step(&self) -> Option<Step> {
        if self.status.is_over() { None } else { self.plan.get(self.at).copied() }
    }
}

impl Stored for Job {
    const KIND: &'static str = "job";
    /// 2: a reader of the first form would lose the entries in `journal`.
    const VERSION: u32 = 2;
}

/// What later steps read of what earlier ones have learned about a user, kept across jobs: receipts, and
/// what was remembered before an effect destroyed it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The latest receipt of each step whose receipts are read.
    pub receipts: BTreeMap<Step, serde_json::Value>,
    /// Values by name.
    pub remembered: BTreeMap<String, serde_json::Value>,
}

impl Memory {
    /// The name of the moment at which the source first began to forward (CUT-S4): the target has received
    /// what the source keeps since then.
    pub const SOURCE_FORWARDS_SINCE: &str = "source_forwards_since";
}

impl Stored for Memory {
    const KIND: &'static str = "memory";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_is_found_again_in_its_job_id() {
        let job = JobId::numbered(3);
        for branch in Branch::ALL {
            let id = branch.of(&job).unwrap();
            assert_eq!(Branch::named_by(&id), branch);
            assert_eq!(Branch::main_of(&id).unwrap(), job);
        }
    }

    #[test]
    fn a_baton_of_a_newer_crosswave_is_refused_by_its_version() {
        let error = Baton::from_bytes(br#"{"v":9,"anything":1}"#).unwrap_err();
        assert!(error.to_string().contains("version 9"), "{error}");
    }

    #[test]
    fn a_baton_survives_the_wire() {
        let user = UserKey {
            customer: "local".parse().unwrap(),
            project: "merger".parse().unwrap(),
            user: "7d6e".parse().unwrap(),
        };
        let baton = Baton::new(user, JobId::numbered(1), Step::HideUser);
        assert_eq!(Baton::from_bytes(&baton.to_bytes().unwrap()).unwrap(), baton);
    }
}
