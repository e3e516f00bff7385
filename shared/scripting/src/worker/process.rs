//! One worker process, seen from the host.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::frame::{self, Reply, Request};
use crate::call::{Answer, Call};
use crate::context::RunContext;
use crate::script::Script;

/// A worker that has its script loaded. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    input: ChildStdin,
    replies: Receiver<Reply>,
}

/// How long a fresh worker may take to start and compile: a busy machine, not a script.
const START: Duration = Duration::from_secs(20);

/// Why a worker gave no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// It could not be started or did not load a script that compiled at the host.
    NotStarted,
    /// It died or did not answer in time.
    Lost,
}

impl Process {
    pub(super) fn start(
        program: &Path,
        arguments: &[OsString],
        script: &Script,
    ) -> Result<Self, Broken> {
        let mut process = Self::spawn(program, arguments).map_err(|_error| Broken::NotStarted)?;
        let load = Request::Load {
            name: script.name().into(),
            text: script.text().into(),
            options: Cow::Borrowed(script.options()),
        };
        match process.ask(&load, START) {
            Ok(Reply::Loaded(hash)) if hash == script.hash() => Ok(process),
            _ => Err(Broken::NotStarted),
        }
    }

    /// Tries a script in a process of its own, which ends with it.
    pub(super) fn try_once(
        program: &Path,
        arguments: &[OsString],
        request: &Request<'_>,
        patience: Duration,
    ) -> Result<Reply, Broken> {
        let mut process = Self::spawn(program, arguments).map_err(|_error| Broken::NotStarted)?;
        process.ask(request, START.saturating_add(patience))
    }

    fn spawn(program: &Path, arguments: &[OsString]) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            // The host program's allocator (mimalloc) sets a GiB of address space aside before the
            // first line of code, which is all that a worker may have. It hears of it only here.
            .env("MIMALLOC_ARENA_RESERVE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let missing = || io::Error::other("the worker has no pipes");
        let input = child.stdin.take().ok_or_else(missing)?;
        let mut output = child.stdout.take().ok_or_else(missing)?;
        let (sender, replies) = channel();
        // Reading has no time limit, so it has its own thread; it ends with the worker.
        thread::Builder::new().name("script worker".into()).spawn(move || {
            while let Ok(Some(reply)) = frame::read(&mut output) {
                if sender.send(reply).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { child, input, replies })
    }

    pub(super) fn calls(
        &mut self,
        run: &RunContext,
        calls: &[Call],
        patience: Duration,
    ) -> Result<Vec<Answer>, Broken> {
        let request = Request::Calls { run: Cow::Borrowed(run), calls: Cow::Borrowed(calls) };
        match self.ask(&request, patience)? {
            Reply::Called(answers) if answers.len() == calls.len() => Ok(answers),
            _ => Err(Broken::Lost),
        }
    }

    fn ask(&mut self, request: &Request<'_>, patience: Duration) -> Result<Reply, Broken> {
        frame::write(&mut self.input, request).map_err(|_error| Broken::Lost)?;
        self.replies.recv_timeout(patience).map_err(|_error| Broken::Lost)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be dead already, and then there is nothing to kill.
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}
