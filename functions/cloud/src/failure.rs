//! Why the local cloud cannot go on.

use control::ControlError;
use rehearsal::StageError;
use thiserror::Error;

/// Why the local cloud cannot go on.
#[derive(Debug, Error)]
pub enum CloudError {
    /// A tool or a program is missing or ended.
    #[error("{what}: {why}; {advice}")]
    Tool {
        /// Which.
        what: String,
        /// What happened.
        why: String,
        /// What to do.
        advice: &'static str,
    },
    /// The double did not do what AWS does.
    #[error("the double of AWS: {0}")]
    Double(String),
    /// The deployment did not do what it should.
    #[error("the deployment: {0}")]
    Deployment(String),
    /// This machine failed.
    #[error(transparent)]
    Machine(#[from] std::io::Error),
    /// Control could not do what was asked.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The simulated tenants cannot be served.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// A name that is none.
    #[error(transparent)]
    Id(#[from] model::BadId),
}

impl From<engine::EngineError> for CloudError {
    fn from(error: engine::EngineError) -> Self {
        Self::Control(error.into())
    }
}

impl From<ports::QueueError> for CloudError {
    fn from(error: ports::QueueError) -> Self {
        Self::Control(error.into())
    }
}
