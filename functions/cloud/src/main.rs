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

/// Reads the command line, runs the command, and says how it ended.
fn main() -> ExitCode {
    let Cli { command: Command::Rehearse(options) } = Cli::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(rehearse(&options)),
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

async fn rehearse(options: &Rehearse) -> Result<bool, CloudError> {
    let scene = Scene { people: options.people, seed: options.seed, mail_folder: None, told: true };
    let settings = Options {
        function: options.function.clone(),
        concurrency: options.concurrency.max(1),
        ..Options::of_workspace()
    };
    let kills = Kills { most: options.kills, every: KILL_EVERY };
    let Some(played) = cloud::rehearse(&scene, &settings, kills).await? else { return Ok(false) };
    let text = if options.json {
        serde_json::to_string_pretty(&played).map_err(std::io::Error::from)?
    } else {
        text(&played)
    };
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
