//! Threads with a large stack, on which every script runs.
//!
//! The deepest legal script needs 2 MiB of stack, a freed chain of values more: on a usual thread
//! that is an abort of the process. 64 MiB cost address space only.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::meter;

const STACK: usize = 64 << 20;
/// What a call may take beyond its budget before it is given up: one native function, and freeing.
const GRACE: Duration = Duration::from_secs(2);

/// Why a job gave no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// It panicked.
    Panicked,
    /// It did not return in time; its thread is given up.
    Overran,
    /// The system gave no thread.
    NoThread,
}

type Job = Box<dyn FnOnce() + Send>;

/// Threads that wait for work. A thread is here only while it has none.
static IDLE: Mutex<Vec<Sender<Job>>> = Mutex::new(Vec::new());

/// A job that a script thread works on.
#[derive(Debug)]
pub(crate) struct Started<T> {
    answer: Receiver<Result<T, Box<dyn Any + Send>>>,
    thread: Sender<Job>,
}

/// Runs a job on a script thread and waits for it, for `wall` and a grace.
pub(crate) fn run<T: Send + 'static>(
    wall: Duration,
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Lost> {
    let started = start(job)?;
    let answer = started.answer.recv_timeout(wall.saturating_add(GRACE));
    started.end(answer)
}

/// Starts a job on a script thread.
pub(crate) fn start<T: Send + 'static>(
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<Started<T>, Lost> {
    let (reply, answer) = sync_channel(1);
    let mut job: Job = Box::new(move || {
        meter::begin_job();
        let result = catch_unwind(AssertUnwindSafe(job));
        // The caller may have given up; then nobody wants the answer.
        drop(reply.send(result));
    });
    loop {
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let thread = match idle {
            Some(thread) => thread,
            None => spawn()?,
        };
        // A thread that has died hands the job back, and the next one takes it.
        match thread.send(job) {
            Err(refused) => job = refused.0,
            Ok(()) => return Ok(Started { answer, thread }),
        }
    }
}

impl<T> Started<T> {
    /// Waits for the answer, however long that takes.
    pub(crate) fn wait(self) -> Result<T, Lost> {
        let answer = self.answer.recv().map_err(|_gone| RecvTimeoutError::Disconnected);
        self.end(answer)
    }

    fn end(
        self,
        answer: Result<Result<T, Box<dyn Any + Send>>, RecvTimeoutError>,
    ) -> Result<T, Lost> {
        match answer {
            Ok(Ok(result)) => {
                IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(self.thread);
                Ok(result)
            }
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => Err(Lost::Panicked),
            Err(RecvTimeoutError::Timeout) => Err(Lost::Overran),
        }
    }
}

fn spawn() -> Result<Sender<Job>, Lost> {
    let (sender, jobs) = channel::<Job>();
    let started = thread::Builder::new().name("script".into()).stack_size(STACK).spawn(move || {
        for job in jobs {
            job();
        }
    });
    match started {
        Ok(_) => Ok(sender),
        Err(_) => Err(Lost::NoThread),
    }
}
