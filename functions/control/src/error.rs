//! Why a command could not be done.

use catalogue::Side;
use engine::{ApplyError, EngineError, StepError};
use model::{BadId, ScheduleError, WireError};
use ports::{CommitError, QueueError, StoreError};
use tenant::TenantError;
use thiserror::Error;

use crate::FileFaults;

/// Why a command could not be done. What a person gave, what a tenant said, and what failed here
/// are told apart, because a person does different things about each.
#[derive(Debug, Error)]
pub enum ControlError {
    /// A file is wrong; nothing of it was applied.
    #[error(transparent)]
    File(#[from] FileFaults),
    /// What was asked for cannot be: an unknown wave or user, a schedule without any time.
    #[error("{0}")]
    Input(String),
    /// A tenant refused, or cannot be reached.
    #[error("{}: {error}", side_name(*side))]
    Tenant {
        /// Which.
        side: Side,
        /// What it said.
        error: Box<TenantError>,
    },
    /// The project's scripts or credentials cannot be used.
    #[error("{0}")]
    Project(String),
    /// The store, the queue or a record failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The record of a copy cannot be read.
    #[error(transparent)]
    Copy(#[from] content::ContentError),
}

/// `source tenant` or `target tenant`.
pub(crate) fn side_name(side: Side) -> &'static str {
    match side {
        Side::Source => "source tenant",
        Side::Target => "target tenant",
        Side::Both => "both tenants",
    }
}

impl ControlError {
    /// An error of one tenant.
    pub(crate) fn of(side: Side) -> impl Fn(TenantError) -> Self {
        move |error| Self::Tenant { side, error: Box::new(error) }
    }
}

impl From<StepError> for ControlError {
    fn from(error: StepError) -> Self {
        Self::Project(format!("{} ({}); {}", error.message, error.code, error.advice))
    }
}

impl From<ApplyError> for ControlError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Engine(error) => Self::Engine(error),
            refused => Self::Input(refused.to_string()),
        }
    }
}

impl From<BadId> for ControlError {
    fn from(error: BadId) -> Self {
        Self::Input(error.to_string())
    }
}

impl From<ScheduleError> for ControlError {
    fn from(error: ScheduleError) -> Self {
        Self::Input(error.to_string())
    }
}

impl From<StoreError> for ControlError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<CommitError> for ControlError {
    fn from(error: CommitError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<QueueError> for ControlError {
    fn from(error: QueueError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<WireError> for ControlError {
    fn from(error: WireError) -> Self {
        Self::Engine(error.into())
    }
}
