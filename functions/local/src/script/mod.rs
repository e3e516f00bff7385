//! `crosswave script …`: check, test, try, preview, publish and explain mapping and notification
//! scripts.

mod check;
mod explain;
mod files;
pub(crate) mod online;
mod test;
mod trial;

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;

use crate::cli::Global;

/// Scripts have a memory limit, so this program counts what its threads hold. A script makes and
/// drops many small values, which mimalloc does several times as fast as the system.
#[global_allocator]
static ALLOCATOR: scripting::MeteredAllocator<mimalloc::MiMalloc> =
    scripting::MeteredAllocator::over(mimalloc::MiMalloc);

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
    /// Explain a code, such as E006; with --user, what the mapping does to that user and where
    Explain {
        /// The code
        #[arg(required_unless_present = "users")]
        code: Option<String>,
        #[command(flatten)]
        options: online::Which,
    },
    /// Show what a mapping would do to --wave, --user or everybody; nothing is written or reserved
    Preview(online::PreviewOptions),
    /// Check and test the scripts that the project file names, and put them in force
    Publish(online::Author),
    /// List the published versions
    Versions,
    /// Put the version before, or another one, in force again
    Rollback(online::RollbackOptions),
    /// Let a wave that has begun (--wave) use another version from its next job on
    Pin(online::PinOptions),
    /// Measure how fast scripts are checked, called and previewed on this machine
    Bench(online::BenchOptions),
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

impl ScriptCommand {
    /// Whether it needs the project and its database.
    pub(crate) fn is_online(&self) -> bool {
        match self {
            Self::Preview(_)
            | Self::Publish(_)
            | Self::Versions
            | Self::Rollback(_)
            | Self::Pin(_)
            | Self::Bench(_) => true,
            Self::Explain { code, .. } => code.is_none(),
            _ => false,
        }
    }
}

/// The two kinds of script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// What decides attributes.
    Mapping,
    /// What writes messages.
    Notify,
}

impl From<Kind> for model::ScriptKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Mapping => Self::Mapping,
            Kind::Notify => Self::Notifications,
        }
    }
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
pub(crate) fn run(command: ScriptCommand, global: &Global) -> ExitCode {
    let json = global.json;
    let ended = match command {
        ScriptCommand::Check { files } => check::run(&files, json),
        ScriptCommand::Test { files, update } => test::run(&files, update, global),
        ScriptCommand::Try(options) => trial::run(&options, global),
        ScriptCommand::Explain { code, .. } => explain::run(&code.unwrap_or_default()),
        ScriptCommand::Reference => files::print(&scripting::reference::page()),
        ScriptCommand::Default { kind: Kind::Mapping } => files::print(scripting::MAPPING),
        ScriptCommand::Default { kind: Kind::Notify } => files::print(scripting::NOTIFY),
        ScriptCommand::Worker => worker(),
        // `main` runs these with a project.
        ScriptCommand::Preview(_)
        | ScriptCommand::Publish(_)
        | ScriptCommand::Versions
        | ScriptCommand::Rollback(_)
        | ScriptCommand::Pin(_)
        | ScriptCommand::Bench(_) => Ok(Ended::Good),
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
