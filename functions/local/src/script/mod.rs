//! `crosswave script …`: check, test, try and explain mapping and notification scripts.

mod check;
mod explain;
mod files;
mod test;
mod trial;

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;

/// Scripts have a memory limit, so this program counts what its threads hold.
#[global_allocator]
static ALLOCATOR: scripting::MeteredAllocator = scripting::MeteredAllocator;

/// What can be done with scripts.
#[derive(Debug, Subcommand)]
pub(crate) enum ScriptCommand {
    /// Find what is wrong with scripts before they run
    Check {
        /// The scripts
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Run the tests beside scripts: `ours.rhai` has its tests in `ours.tests.toml`
    Test {
        /// The scripts
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Write what comes of each case into the file of tests
        #[arg(long)]
        update: bool,
    },
    /// Run one script on one user, write nothing, and show what it decides
    Try(trial::Options),
    /// Explain a code, such as E006
    Explain {
        /// The code
        code: String,
    },
    /// Print the reference of attributes and functions as Markdown
    Reference,
    /// Print the shipped mapping or the shipped notifications, to start from
    Default {
        /// Which one
        #[arg(value_enum)]
        kind: Kind,
    },
    /// Run scripts for another process of this program
    #[command(hide = true)]
    Worker,
}

/// The two kinds of script.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Kind {
    /// What decides attributes.
    Mapping,
    /// What writes messages.
    Notify,
}

/// How a command went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Good,
    /// The script, or a file, is wrong.
    Bad,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Good => Self::SUCCESS,
            Ended::Bad => Self::from(2),
        }
    }
}

/// Runs a command; the exit status is 0, or 2 when a script or a file is wrong.
pub(crate) fn run(command: ScriptCommand, json: bool) -> ExitCode {
    let ended = match command {
        ScriptCommand::Check { files } => check::run(&files, json),
        ScriptCommand::Test { files, update } => test::run(&files, update, json),
        ScriptCommand::Try(options) => trial::run(&options, json),
        ScriptCommand::Explain { code } => explain::run(&code),
        ScriptCommand::Reference => files::print(&scripting::reference::page()),
        ScriptCommand::Default { kind: Kind::Mapping } => files::print(scripting::MAPPING),
        ScriptCommand::Default { kind: Kind::Notify } => files::print(scripting::NOTIFY),
        ScriptCommand::Worker => worker(),
    };
    ended.map_or_else(
        |message| {
            files::complain(&message);
            ExitCode::from(2)
        },
        ExitCode::from,
    )
}

fn worker() -> Result<Ended, String> {
    scripting::worker::run_worker(std::io::stdin().lock(), std::io::stdout().lock())
        .map(|()| Ended::Good)
        .map_err(|error| format!("the script worker ends: {error}"))
}
