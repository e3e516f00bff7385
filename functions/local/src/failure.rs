//! What a command prints when it cannot be done, and how it ends then.

use std::fmt;

use control::ControlError;

use crate::{exit::Exit, project::CredentialError};

/// A command that ends early.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What a person reads: what happened, where, what to do.
    pub(crate) message: String,
}

impl Failure {
    /// The command line or a file is wrong.
    pub(crate) fn input(message: impl fmt::Display) -> Self {
        Self { exit: Exit::BadInput, message: message.to_string() }
    }

    /// Crosswave or this machine failed.
    pub(crate) fn internal(message: impl fmt::Display) -> Self {
        Self { exit: Exit::Internal, message: message.to_string() }
    }
}

impl From<ControlError> for Failure {
    fn from(error: ControlError) -> Self {
        let exit = match &error {
            ControlError::File(_) | ControlError::Input(_) | ControlError::Project(_) => {
                Exit::BadInput
            }
            ControlError::Tenant { .. } => Exit::Tenant,
            ControlError::Engine(_) | ControlError::Copy(_) => Exit::Internal,
        };
        Self { exit, message: error.to_string() }
    }
}

impl From<engine::EngineError> for Failure {
    fn from(error: engine::EngineError) -> Self {
        ControlError::from(error).into()
    }
}

impl From<control::FileFaults> for Failure {
    fn from(error: control::FileFaults) -> Self {
        Self::input(error)
    }
}

impl From<CredentialError> for Failure {
    fn from(error: CredentialError) -> Self {
        Self::input(error)
    }
}

impl From<embedded::OpenError> for Failure {
    fn from(error: embedded::OpenError) -> Self {
        Self::internal(error)
    }
}

impl From<ports::QueueError> for Failure {
    fn from(error: ports::QueueError) -> Self {
        Self::internal(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::internal(error)
    }
}
