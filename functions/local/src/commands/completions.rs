//! `completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::{cli::Cli, exit::Exit, failure::Failure, output::Output};

/// Options of `completions`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The shell
    shell: Shell,
}

/// Prints the completion script.
pub(crate) fn run(options: &Options) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "crosswave", &mut script);
    Output::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
