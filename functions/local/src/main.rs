//! `crosswave`: the one-machine host and command line.

mod cli;
mod commands;
mod copying;
mod exit;
mod failure;
mod host;
mod output;
mod progress;
mod project;
mod reading;
mod rehearsal;
mod script;
mod session;
mod standing;

use std::process::ExitCode;

use clap::Parser;

/// Reads the command line, runs the command, and says how it ended.
fn main() -> ExitCode {
    let mut cli = cli::Cli::parse();
    match cli.command.take() {
        Some(cli::Command::Script(command)) if !command.is_online() => {
            return script::run(command, &cli.global);
        }
        command => cli.command = command,
    }
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("CROSSWAVE_LOG")
                .unwrap_or_else(|_not_set| tracing_subscriber::EnvFilter::new("warn")),
        )
        .init();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(commands::run(cli)),
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::Output::note(format_args!("crosswave: {}", failure.message));
            failure.exit.into()
        }
    }
}
