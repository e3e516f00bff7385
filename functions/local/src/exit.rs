//! How a command ends, for the shell.

use std::process::ExitCode;

/// The exit codes, documented in `crosswave --help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything is done.
    Done = 0,
    /// Some users are parked or were refused; the others are done.
    SomeParked = 1,
    /// The command line or a file is wrong; nothing was done.
    BadInput = 2,
    /// A tenant cannot be used as it is: sign-in, consent, policy, licences.
    Tenant = 3,
    /// Crosswave or this machine failed.
    Internal = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
