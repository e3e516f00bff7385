//! Worker processes: the last line between a script and everyone else.

use crate::call::{self, Call, Outcome};
use crate::diagnostic::ScriptError;
use crate::script::Script;

/// Worker processes that run scripts.
#[derive(Debug, Default)]
pub struct WorkerPool {}

impl WorkerPool {
    #[expect(clippy::unused_self, reason = "to come")]
    pub(crate) fn call(&self, script: &Script, call: Call) -> Result<Outcome, ScriptError> {
        call::call(script, call)
    }
}
