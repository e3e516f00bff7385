//! The double of AWS: DynamoDB, SQS, Secrets Manager, STS, EventBridge and its Scheduler on this
//! machine, over the real wire, with no account.
//!
//! It is MiniStack, pinned with everything that it needs, installed from the Python registry into a
//! folder of its own the first time. It was chosen by measurement among the doubles that need neither
//! Docker nor Java: it keeps conditional writes and transactions atomic under concurrency and honours
//! request tokens, where moto loses updates and applies a repeated transaction twice, and dynalite
//! has no transactions.
//!
//! What it does **not** check, so that nobody takes its word for it: throttling and the limits of
//! partitions, the lag of an index, a conflict of two transactions in flight, a delay over 900 s or a visibility over 12 h, duplicates, the unfairness that fair queues cure, and the
//! time zone of a schedule. Those are checked by the adapters themselves, by scripted replies and by
//! the fault simulation.

mod install;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use thiserror::Error;

pub use install::install;

/// The program that serves it.
const SERVE: &str = include_str!("serve.py");

/// Why there is no double.
#[derive(Debug, Error)]
pub enum DoubleError {
    /// There is no Python.
    #[error(
        "the double of AWS needs `python3` (3.9 or newer) with its `venv` module, and it cannot be started: {0}; install Python and try again"
    )]
    Python(std::io::Error),
    /// The Python registry was not reached, or a package is gone.
    #[error("the double of AWS could not be installed into {}: {output}", folder.display())]
    Install {
        /// The folder.
        folder: PathBuf,
        /// What the installer printed.
        output: String,
    },
    /// A file or a pipe failed.
    #[error("the double of AWS: {doing}: {error}")]
    System {
        /// What was done.
        doing: &'static str,
        /// The system's word.
        error: std::io::Error,
    },
    /// It answered something else.
    #[error("the double of AWS did not start: it said `{0}`; its own words are above")]
    Answer(String),
}

/// How the double behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Its clock stands at 2026-01-05 08:00 UTC until it is advanced.
    Frozen,
    /// Its clock is this machine's. Nobody's signature is looked at.
    Running,
    /// Its clock is this machine's, and signatures (which are of the present moment) and permissions
    /// of IAM users and roles are checked. Other keys are the root's, who may do everything.
    Strict,
}

/// A double that runs until this is dropped. It ends with this process however that ends.
#[derive(Debug)]
pub struct Double {
    child: Child,
    pipes: Mutex<Pipes>,
    endpoint: String,
}

#[derive(Debug)]
struct Pipes {
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Double {
    /// Starts a double, after installing it into a folder where it is not there yet.
    pub fn start(folder: &Path, mode: Mode) -> Result<Self, DoubleError> {
        let python = install(folder)?;
        let mode = match mode {
            Mode::Frozen => "frozen",
            Mode::Running => "running",
            Mode::Strict => "strict",
        };
        let system = |doing| move |error| DoubleError::System { doing, error };
        let mut child = Command::new(python)
            .args(["-c", SERVE, mode])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(DoubleError::Python)?;
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(DoubleError::Answer("no pipes".to_owned()));
        };
        let mut pipes = Pipes { to, from: BufReader::new(from) };
        let ready = pipes.line().map_err(system("reading its answer"))?;
        let Some(port) = ready.strip_prefix("ready ") else {
            return Err(DoubleError::Answer(ready));
        };
        let endpoint = format!("http://127.0.0.1:{port}");
        Ok(Self { child, pipes: Mutex::new(pipes), endpoint })
    }

    /// Where all its services are, for instance `http://127.0.0.1:4566`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What the URLs of its queues begin with.
    pub fn queues(&self) -> String {
        format!("{}/000000000000/", self.endpoint)
    }

    /// Lets so much time pass on a frozen clock.
    pub fn advance(&self, duration: Duration) -> Result<(), DoubleError> {
        let system = |doing| move |error| DoubleError::System { doing, error };
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        let line = format!("advance {}\n", duration.as_secs_f64());
        pipes.to.write_all(line.as_bytes()).map_err(system("advancing its clock"))?;
        pipes.to.flush().map_err(system("advancing its clock"))?;
        match pipes.line().map_err(system("advancing its clock"))?.as_str() {
            "ok" => Ok(()),
            other => Err(DoubleError::Answer(other.to_owned())),
        }
    }
}

impl Pipes {
    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        // It may be gone already; then there is nothing to end.
        if self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}
