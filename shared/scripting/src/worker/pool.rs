//! Workers at hand: one process serves one version of one script.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::frame::Reply;
use super::process::{Broken, Process};
use crate::call::{Call, Outcome};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, ScriptError};
use crate::patch::Cost;
use crate::script::Script;

/// Worker processes that run scripts, at most so many at once. Scripts of different customers
/// never share a process.
#[derive(Debug)]
pub struct WorkerPool {
    program: PathBuf,
    arguments: Vec<OsString>,
    most: usize,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Processes without work, the longest idle first.
    idle: Vec<Idle>,
    /// Processes that run or start.
    busy: usize,
}

#[derive(Debug)]
struct Idle {
    hash: String,
    calls: u32,
    process: Process,
}

/// A worker is replaced after this many calls, so that nothing adds up in it.
const MOST_CALLS: u32 = 10_000;
/// Beyond the budget: the worker ends a script itself first, and answers.
const GRACE: Duration = Duration::from_secs(5);

impl WorkerPool {
    /// Workers are `program arguments…`: a program that calls [`run_worker`](super::run_worker)
    /// with its standard input and output. At most `most` run at once, and at least one.
    pub fn new(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
        most: usize,
    ) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            most: most.max(1),
            state: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    pub(crate) fn call(&self, script: &Script, call: &Call) -> Result<Outcome, ScriptError> {
        if script.is_disabled() {
            return Err(refused(
                script,
                Code::R020,
                "this version of the script broke its worker before",
            ));
        }
        let ended = match self.take(script) {
            Ok(mut worker) => {
                let patience = script.budget().wall().saturating_add(GRACE);
                let ended = worker.process.call(call, patience);
                worker.calls += 1;
                if ended.is_ok() {
                    self.put_back(worker);
                } else {
                    self.gone();
                }
                ended
            }
            Err(broken) => {
                self.gone();
                Err(broken)
            }
        };
        match ended {
            Ok(Reply::Called(result)) => {
                if (*result).as_ref().is_err_and(ScriptError::disables_version) {
                    script.disable();
                }
                *result
            }
            Ok(Reply::Loaded(_) | Reply::NotLoaded | Reply::Tried(_)) | Err(Broken::Lost) => {
                script.disable();
                Err(refused(script, Code::R020, "the script broke its worker"))
            }
            Err(Broken::NotStarted) => {
                Err(refused(script, Code::R021, "no worker could be started for the script"))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker for this script: an idle one, or a new one in the place of the longest idle.
    fn take(&self, script: &Script) -> Result<Idle, Broken> {
        let mut state = self.lock();
        loop {
            if let Some(at) = state.idle.iter().position(|idle| idle.hash == script.hash()) {
                state.busy += 1;
                return Ok(state.idle.remove(at));
            }
            if state.busy + state.idle.len() < self.most {
                break;
            }
            if !state.idle.is_empty() {
                drop(state.idle.remove(0));
                break;
            }
            state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.busy += 1;
        drop(state);
        let process = Process::start(&self.program, &self.arguments, script)?;
        Ok(Idle { hash: script.hash().to_owned(), calls: 0, process })
    }

    fn put_back(&self, worker: Idle) {
        let mut state = self.lock();
        state.busy -= 1;
        if worker.calls < MOST_CALLS {
            state.idle.push(worker);
        }
        drop(state);
        self.freed.notify_one();
    }

    fn gone(&self) {
        self.lock().busy -= 1;
        self.freed.notify_one();
    }
}

fn refused(script: &Script, code: Code, message: &str) -> ScriptError {
    let help = match code {
        Code::R020 => "the version is disabled; publish a corrected one",
        _ => "this is no fault of the script; try again",
    };
    ScriptError::new(Diagnostic::new(code, script.name(), message).help(help), Cost::default())
}
