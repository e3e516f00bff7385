//! Workers at hand: one process serves one version of one script.

use std::ffi::OsString;
use std::path::PathBuf;
use std::slice;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::process::{Broken, Process};
use crate::call::{Answer, Call};
use crate::code::Code;
use crate::context::RunContext;
use crate::diagnostic::{Diagnostic, ScriptError};
use crate::patch::Cost;
use crate::script::Script;

/// Worker processes that run scripts, at most so many at once. Scripts of different customers
/// never share a process, nor do two versions of one script.
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
    owner: Arc<str>,
    hash: String,
    calls: u32,
    process: Process,
}

/// The workers of one customer: where his scripts run. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Workers {
    pool: Arc<WorkerPool>,
    owner: Arc<str>,
}

/// A worker is replaced after this many calls, so that nothing adds up in it.
const MOST_CALLS: u32 = 10_000;
/// Calls in one message: enough to hide its cost, few to do again when a worker dies.
const TOGETHER: usize = 25;
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

    /// The workers for scripts of this customer. The same text of two customers runs in two processes.
    pub fn of(self: &Arc<Self>, owner: &str) -> Workers {
        Workers { pool: Arc::clone(self), owner: owner.into() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

impl Workers {
    pub(crate) fn calls(&self, script: &Script, run: &RunContext, calls: &[Call]) -> Vec<Answer> {
        calls.chunks(TOGETHER).flat_map(|some| self.some(script, run, some)).collect()
    }

    fn some(&self, script: &Script, run: &RunContext, calls: &[Call]) -> Vec<Answer> {
        let refuse = |code, message| {
            calls.iter().map(|_| Err(refused(script, code, message))).collect::<Vec<_>>()
        };
        if script.is_disabled() {
            return refuse(Code::R020, "this version of the script broke its worker before");
        }
        match (self.ask(script, run, calls), calls) {
            (Ok(answers), _) => {
                let disables =
                    |answer: &Answer| answer.as_ref().is_err_and(ScriptError::disables_version);
                if answers.iter().any(disables) {
                    script.disable();
                }
                answers
            }
            (Err(Broken::NotStarted), _) => {
                refuse(Code::R021, "no worker could be started for the script")
            }
            (Err(Broken::Lost), [_] | []) => {
                script.disable();
                refuse(Code::R020, "the script broke its worker")
            }
            // Again one by one, so that only the culprit pays.
            (Err(Broken::Lost), many) => {
                many.iter().flat_map(|one| self.some(script, run, slice::from_ref(one))).collect()
            }
        }
    }

    fn ask(
        &self,
        script: &Script,
        run: &RunContext,
        calls: &[Call],
    ) -> Result<Vec<Answer>, Broken> {
        let mut worker = self.take(script).inspect_err(|_broken| self.pool.gone())?;
        let many = u32::try_from(calls.len()).unwrap_or(u32::MAX);
        let patience = script.budget().wall().saturating_mul(many).saturating_add(GRACE);
        let ended = worker.process.calls(run, calls, patience);
        worker.calls = worker.calls.saturating_add(many);
        match &ended {
            Ok(_) => self.pool.put_back(worker),
            Err(_) => self.pool.gone(),
        }
        ended
    }

    /// A worker for this script: an idle one, or a new one in the place of the longest idle.
    fn take(&self, script: &Script) -> Result<Idle, Broken> {
        let pool = &*self.pool;
        let mut state = pool.lock();
        loop {
            let serves = |idle: &Idle| idle.owner == self.owner && idle.hash == script.hash();
            if let Some(at) = state.idle.iter().position(serves) {
                state.busy += 1;
                return Ok(state.idle.remove(at));
            }
            if state.busy + state.idle.len() < pool.most {
                break;
            }
            if !state.idle.is_empty() {
                drop(state.idle.remove(0));
                break;
            }
            state = pool.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.busy += 1;
        drop(state);
        let process = Process::start(&pool.program, &pool.arguments, script)?;
        let (owner, hash) = (Arc::clone(&self.owner), script.hash().to_owned());
        Ok(Idle { owner, hash, calls: 0, process })
    }
}

fn refused(script: &Script, code: Code, message: &str) -> ScriptError {
    let help = match code {
        Code::R020 => "the version is disabled; publish a corrected one",
        _ => "this is no fault of the script; try again",
    };
    ScriptError::new(Diagnostic::new(code, script.name(), message).help(help), Cost::default())
}
