//! A trial in a process of its own: whatever the script does, the caller gets an answer.

use std::borrow::Cow;
use std::ffi::OsString;
use std::path::Path;

use super::frame::{Reply, Request, Tried};
use super::process::{Broken, Process};
use crate::code::Code;
use crate::entry::Entry;
use crate::script::ScriptOptions;
use crate::trial::{Trial, TrialInput};

/// Tries a script as [`try_script`](crate::try_script) does, in a worker process: `program` with
/// `arguments` must call [`run_worker`](super::run_worker).
pub fn try_isolated(
    (program, arguments): (&Path, &[OsString]),
    (name, text): (&str, &str),
    options: &ScriptOptions,
    entry: Option<Entry>,
    input: &TrialInput,
) -> Tried {
    let request = Request::Try {
        name: name.into(),
        text: text.into(),
        options: Cow::Borrowed(options),
        entry,
        input: Box::new(Cow::Borrowed(input)),
    };
    let patience = options.budget.wall();
    let broken = |code, message| Tried::from(&Trial::broken(name, code, message));
    match Process::try_once(program, arguments, &request, patience) {
        Ok(Reply::Tried(tried)) => tried,
        Ok(_) | Err(Broken::Lost) => broken(Code::R020, "the script broke its worker"),
        Err(Broken::NotStarted) => broken(Code::R021, "no worker could be started for the script"),
    }
}
