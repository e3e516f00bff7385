//! What a step answers.

use std::time::Duration;

use catalogue::Step;
use model::Branch;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tenant::{Class, Retry, TenantError};

/// What a step has found or made; in the journal, and how a later step learns of it.
pub trait Receipt: Serialize + DeserializeOwned {
    /// The step whose receipt it is.
    const STEP: Step;
}

/// Whether later steps read a step's receipts: the latest is then kept in the user's memory. One that no
/// step reads stays in the journal alone, for a memory that is written makes a commit cost twice as much.
pub(crate) const fn is_kept(step: Step) -> bool {
    matches!(
        step,
        Step::CreateOrUpdateUser
            | Step::MailEnableUser
            | Step::CreateContact
            | Step::SetForwarding
            | Step::UnhideTargetMailbox
    )
}

/// What every step returns.
pub type StepResult = Result<Outcome, StepError>;

/// A step's answer when nothing went wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The step is done: what it promises holds in both tenants.
    Done {
        /// The step that says so.
        step: Step,
        /// Its receipt.
        receipt: Value,
        /// What a person should know all the same.
        warnings: Vec<String>,
    },
    /// As `Done`, and a side branch is to run beside the following steps.
    Fork {
        /// The step that says so.
        step: Step,
        /// The branch.
        branch: Branch,
    },
    /// A side branch is to run; the step is called again when it has ended.
    ForkAndWait {
        /// The branch.
        branch: Branch,
    },
    /// The step does not apply to this user or tenant.
    NotApplicable(String),
    /// Call again: later, or when something has happened.
    Wait(Wake),
}

impl Outcome {
    /// Done, with a receipt.
    pub fn done<R: Receipt>(receipt: &R) -> StepResult {
        Self::done_with(receipt, Vec::new())
    }

    /// Done, with a receipt and something a person should know.
    pub fn done_with<R: Receipt>(receipt: &R, warnings: Vec<String>) -> StepResult {
        let receipt = serde_json::to_value(receipt).map_err(|error| {
            StepError::park("receipt", error.to_string(), "report it: this is a fault of Crosswave")
        })?;
        Ok(Self::Done { step: R::STEP, receipt, warnings })
    }

    /// Does not apply, and why.
    pub fn not_applicable(cause: impl Into<String>) -> StepResult {
        Ok(Self::NotApplicable(cause.into()))
    }

    /// Call again after a time that grows with each wait: 5, 10, 20, 40, then 60 seconds.
    pub fn wait(why: impl Into<String>) -> StepResult {
        Ok(Self::Wait(Wake::Soon { why: why.into() }))
    }
}

/// When a waiting step is called again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wake {
    /// After a time that grows with each wait.
    Soon {
        /// For what.
        why: String,
    },
    /// After this long.
    After {
        /// How long.
        delay: Duration,
        /// For what.
        why: String,
    },
    /// When somebody sends the baton (a joined branch that ends, a gate that opens); looked after
    /// now and then all the same.
    Signal {
        /// For what.
        why: String,
    },
    /// There is more to do; at once. Not a wait in the sense of the wait limit.
    More,
}

/// Why a step could not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepError {
    /// What happens next.
    pub failure: Failure,
    /// A stable code.
    pub code: String,
    /// What happened, and where.
    pub message: String,
    /// What a person can do.
    pub advice: String,
}

/// What happens after a failure: classified once, here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The tenant wants a pause. Slows the work and never fails it (ERR-3).
    Throttled(Duration),
    /// Tried again with back-off, a bounded number of times.
    Retry,
    /// Another copy of this step was first, or the record changed under us: look again.
    Superseded,
    /// The user is parked; a person must look.
    Park,
}

impl StepError {
    /// Parks the user.
    pub fn park(
        code: impl Into<String>,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            failure: Failure::Park,
            code: code.into(),
            message: message.into(),
            advice: advice.into(),
        }
    }

    /// To be tried again with back-off.
    pub fn retry(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            failure: Failure::Retry,
            code: code.into(),
            message: message.into(),
            advice: "it is tried again by itself".to_owned(),
        }
    }

    /// The record changed under the step.
    pub(crate) fn superseded(message: impl Into<String>) -> Self {
        Self { failure: Failure::Superseded, ..Self::retry("superseded", message) }
    }
}

impl From<TenantError> for StepError {
    fn from(error: TenantError) -> Self {
        let (code, advice) = match &error.class {
            Class::Conflict { .. } => (
                "address_taken",
                "free the value at the other object or map another one, then apply the step again",
            ),
            Class::DirectorySynced => (
                "directory_synced",
                "make this change on premises, where the object is mastered, wait for the \
                 directory synchronisation, then apply the step again",
            ),
            Class::MissingConsent { .. } => {
                ("missing_consent", "grant the permission and admin consent, then apply it again")
            }
            Class::Unauthorized => ("unauthorized", "check the project's tenant id and credential"),
            Class::QuotaExceeded => {
                ("no_room", "free space or licences in the target, then apply the step again")
            }
            Class::NotFound => ("not_found", "check that the object still exists"),
            other => ("tenant", other.advice()),
        };
        let failure = match (&error.class, error.retry()) {
            (Class::Throttled { retry_after }, _) => Failure::Throttled(*retry_after),
            (_, Retry::Now | Retry::Later(_)) => Failure::Retry,
            (_, Retry::Never) => Failure::Park,
        };
        Self {
            failure,
            code: code.to_owned(),
            message: error.what().to_string(),
            advice: advice.to_owned(),
        }
    }
}
