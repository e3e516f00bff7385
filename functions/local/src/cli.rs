//! The command line, as data.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use control::Selection;
use model::WaveId;

use crate::{commands, script::ScriptCommand};

const AFTER_HELP: &str = "\
Without a command, crosswave rehearses: it moves a few dozen people between two simulated tenants.

Exit codes:
  0  done
  1  some users are parked, were refused or are still in flight; the others are done
  2  the command line or a file is wrong; nothing was done
  3  a tenant cannot be used as it is: sign-in, consent, policy, licences
  4  crosswave or this machine failed";

/// The project file, unless another one is named.
pub(crate) const PROJECT_FILE: &str = "crosswave.toml";

/// Moves the people of one Microsoft 365 tenant into another, wave by wave.
#[derive(Debug, Parser)]
#[command(name = "crosswave", version, about, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub(crate) global: Global,
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The project file
    #[arg(long, global = true, value_name = "FILE", default_value = PROJECT_FILE)]
    pub(crate) project: PathBuf,
    /// Print data as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Only the users of this wave
    #[arg(long, global = true, value_name = "WAVE")]
    pub(crate) wave: Option<WaveId>,
    /// Only this user: source user principal name, mail address or object id; may be repeated
    #[arg(long = "user", global = true, value_name = "USER")]
    pub(crate) users: Vec<String>,
}

impl Global {
    /// Whom the command is for.
    pub(crate) fn selection(&self) -> Selection {
        Selection { wave: self.wave.clone(), users: self.users.clone() }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Move simulated people between two simulated tenants, and prove that it worked
    Rehearse(commands::rehearse::Options),
    /// Write a commented project file
    Init(commands::init::Options),
    /// Check the project file, and look at both tenants before anything is written
    Check,
    /// List the source tenant's users, what they have, and what blocks a move
    Discover(commands::discover::Options),
    /// Pair source users with target users
    Match,
    /// Show the exact writes of an action, and make none
    Plan(commands::plan::Options),
    /// Prepare the target: account, mail user, contact
    Prepare(commands::act::Options),
    /// Copy mailbox, archive, OneDrive and permissions; later runs copy what changed
    Sync(commands::act::Options),
    /// Cut over: the last copies, mail routing, notification
    Cutover(commands::act::Cutover),
    /// Stop at the next safe point
    Stop(commands::act::Options),
    /// Change the state of users, and nothing else
    Reset(commands::act::Reset),
    /// Send the final notification again
    SendCutoverEmail(commands::act::Options),
    /// Invite users that were prepared as guests
    SendGuestInvite(commands::act::Options),
    /// Compare the content of source and target
    Verify(commands::act::Options),
    /// Confirm for users whose cutover waits for them, so that it goes on
    Confirm(commands::act::Options),
    /// Show how many users stand where
    Status,
    /// Show what became of users: counts, times, who is parked and how to go on
    Report,
    /// List users
    Users,
    /// Make, list, fill, schedule and delete waves
    Waves(commands::waves::Options),
    /// Set matches, waves and options from a CSV file
    Import(commands::import::Options),
    /// Write matches, waves and options as CSV
    Export(commands::export::Options),
    /// Go on with everything that is in flight, and fire schedules
    Run(commands::run::Options),
    /// Serve two simulated tenants, and print a project file for them
    Simulate(commands::simulate::Options),
    /// Measure steps per second, people per minute, memory
    Bench(commands::bench::Options),
    /// Print a completion script for a shell
    Completions(commands::completions::Options),
    /// List every step of every phase
    ExplainSteps,
    /// Check, test, try and explain mapping and notification scripts
    #[command(subcommand)]
    Script(ScriptCommand),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    /// clap's own look at names that clash, defaults that do not parse, and the like.
    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }

    /// No command's own option may take the place of an option that every command has.
    #[test]
    fn no_option_hides_a_global_one() {
        let command = super::Cli::command();
        let globals: Vec<&str> = command
            .get_arguments()
            .filter(|argument| argument.is_global_set())
            .map(|argument| argument.get_id().as_str())
            .collect();
        assert!(globals.contains(&"users"), "{globals:?}");
        for sub in command.get_subcommands() {
            for argument in sub.get_arguments() {
                let id = argument.get_id().as_str();
                assert!(!globals.contains(&id), "{} {id}", sub.get_name());
            }
        }
    }
}
