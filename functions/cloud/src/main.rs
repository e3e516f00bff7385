//! `crosswave-cloud`: the whole deployment on this machine.

use std::{io::Write as _, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand};
use cloud::{CloudError, Kills, Options, Played, Written};
use rehearsal::Scene;

/// Runs the deployment of Crosswave on this machine, without an account.
#[derive(Debug, Parser)]
#[command(name = "crosswave-cloud", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Move simulated people between two simulated tenants, and prove that it worked
    Rehearse(Rehearse),
    /// Measure an artifact: its size and speed, what a user costs, what an idle month costs
    Measure(Measure),
}

/// The mean pause between two kills.
const KILL_EVERY: Duration = Duration::from_secs(4);

/// Options of `rehearse`.
#[derive(Debug, Args)]
struct Rehearse {
    /// How many people the source tenant has
    #[arg(long, default_value_t = 8)]
    people: usize,
    /// The seed of the tenants: the same seed, the same people
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Kill so many processes that are at work, at random moments
    #[arg(long, default_value_t = 0)]
    kills: u64,
    /// Invocations of one function at the same time
    #[arg(long, default_value_t = 2)]
    concurrency: usize,
    /// The artifact; built when it is not named
    #[arg(long, value_name = "FILE")]
    function: Option<PathBuf>,
    /// Print data as JSON
    #[arg(long)]
    json: bool,
}

/// Options of `measure`.
#[derive(Debug, Args)]
struct Measure {
    /// The artifact, built with `--release`
    #[arg(long, value_name = "FILE")]
    function: PathBuf,
    /// A function that does nothing, to compare with: `cargo build --release -p crosswave-lambda
    /// --example bare`
    #[arg(long, value_name = "FILE")]
    bare: Option<PathBuf>,
    /// How many people the rehearsal has that is counted
    #[arg(long, default_value_t = 10)]
    people: usize,
    /// Print data as JSON
    #[arg(long)]
    json: bool,
}

/// Reads the command line, runs the command, and says how it ended.
fn main() -> ExitCode {
    let command = Cli::parse().command;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(run(&command)),
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            drop(writeln!(std::io::stderr().lock(), "crosswave-cloud: {error}"));
            ExitCode::from(4)
        }
    }
}

async fn run(command: &Command) -> Result<bool, CloudError> {
    match command {
        Command::Rehearse(options) => rehearse(options).await,
        Command::Measure(options) => measure(options).await,
    }
}

async fn measure(options: &Measure) -> Result<bool, CloudError> {
    let Measure { function, bare, people, json } = options;
    let settings = Options::of_workspace();
    let measured = cloud::measure(&settings, function, bare.as_deref(), *people).await?;
    let text = if *json { data(&measured)? } else { measured.to_string() };
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(true)
}

fn data(value: &impl serde::Serialize) -> std::io::Result<String> {
    serde_json::to_string_pretty(value).map_err(std::io::Error::from)
}

async fn rehearse(options: &Rehearse) -> Result<bool, CloudError> {
    let scene = Scene { people: options.people, seed: options.seed, mail_folder: None, told: true };
    let settings = Options {
        function: options.function.clone(),
        concurrency: options.concurrency.max(1),
        ..Options::of_workspace()
    };
    let kills = Kills { most: options.kills, every: KILL_EVERY };
    let Some(played) = cloud::rehearse(&scene, &settings, kills).await? else { return Ok(false) };
    let text = if options.json { data(&played)? } else { text(&played) };
    writeln!(std::io::stdout().lock(), "{text}")?;
    Ok(played.rehearsed.all_well() && played.denied.is_empty())
}

fn text(played: &Played) -> String {
    let mut text = played.rehearsed.to_string();
    let mut line = |what: String| {
        text.push_str(&what);
        text.push('\n');
    };
    line(String::new());
    line(format!("Processes: {} started, {} killed", played.processes, played.killed));
    for why in &played.denied {
        line(format!("  NO   {why}"));
    }
    for phase in &played.figures.phases {
        line(format!("{:<10} {:>6} invocations", phase.title, phase.invocations));
        for (operation, asked) in &phase.asked {
            line(format!(
                "  {operation:<24} {:>6} requests {:>8.1} read units {:>8.1} write units",
                asked.billed, asked.read, asked.write
            ));
        }
        for (kind, written) in &phase.written {
            let Written { writes, bytes, units } = written;
            line(format!("  {kind:<24} {writes:>6} writes {bytes:>10} bytes {units:>6} units"));
        }
    }
    text
}
