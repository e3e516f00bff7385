//! `simulate`: two tenants for others to connect to.

use std::{fs::File, path::PathBuf, sync::Arc};

use clap::{Args, ValueEnum};
use embedded::SystemClock;
use rehearsal::{knobs, serve};
use serde_json::json;
use simulator::{Config, EmlLimits, Population, Profile, Simulator};

use crate::{
    exit::Exit, failure::Failure, output::Output, project::template, rehearsal::project_values,
};

/// Options of `simulate`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The port on this machine; 0 for any free one
    #[arg(long, default_value_t = 8365)]
    port: u16,
    /// How many people the source tenant has
    #[arg(long, default_value_t = 36)]
    people: usize,
    /// The seed of the tenants
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How the tenants behave
    #[arg(long, value_enum, default_value_t = Behaviour::Quick)]
    behaviour: Behaviour,
    /// A CSV of further users of the source: userPrincipalName, displayName, ...
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// A folder of .eml files for the first person's inbox
    #[arg(long, value_name = "DIR")]
    mail_dir: Option<PathBuf>,
}

/// How the tenants behave.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Behaviour {
    /// No lags at all
    Calm,
    /// Lags of seconds
    Quick,
    /// Lags, budgets and faults as met in practice: minutes
    Realistic,
    /// Everything that can go wrong does, often
    Awkward,
}

impl Behaviour {
    fn profile(self) -> Profile {
        match self {
            Self::Calm | Self::Quick => Profile::Calm,
            Self::Realistic => Profile::Realistic,
            Self::Awkward => Profile::Awkward,
        }
    }

    fn config(self) -> Config {
        match self {
            Self::Quick => knobs(),
            other => Config::of(other.profile()),
        }
    }
}

/// Serves until Ctrl-C; the project file goes to stdout.
pub(crate) async fn run(out: Output, options: &Options) -> Result<Exit, Failure> {
    let behaviour = options.behaviour;
    let population = Population::of(options.people, behaviour.profile());
    let clock = Arc::new(SystemClock);
    let rehearsal = Simulator::rehearsal_with(&population, options.seed, clock, behaviour.config());
    let simulator = rehearsal.simulator.clone();
    let source = rehearsal.source.tenant_id;
    if let Some(path) = &options.csv {
        let unreadable = |error: std::io::Error| {
            Failure::input(format!("{} cannot be read: {error}", path.display()))
        };
        let file = File::open(path).map_err(unreadable)?;
        simulator
            .load_people(source, file)
            .map_err(|error| Failure::input(format!("{}: {error}", path.display())))?;
    }
    if let Some(folder) = &options.mail_dir {
        let views = simulator.recipients(source);
        let first = views.iter().find(|view| view.kind == "UserMailbox");
        let first = first.ok_or_else(|| Failure::input("nobody has a mailbox"))?;
        simulator
            .load_eml(source, &first.user_principal_name, folder, EmlLimits::default())
            .map_err(Failure::input)?;
    }
    let base = serve(simulator, options.port)?;
    let variable = |side: &str| format!("CROSSWAVE_{}_SECRET", side.to_uppercase());
    let values = project_values(&rehearsal, &base, |side, _secret| {
        Ok(format!("client_secret_env = \"{}\"", variable(side)))
    })?;
    let text = template(&values);
    let secrets = [("source", &rehearsal.source), ("target", &rehearsal.target)]
        .map(|(side, credentials)| (variable(side), credentials.client_secret.clone()));
    out.data(&json!({ "base": base, "project_file": text }), &text)?;
    Output::note(format!("\nServing both tenants at {base}. The project file is on stdout."));
    Output::note("These are the simulated tenants' secrets:");
    for (name, secret) in secrets {
        Output::note(format!("  export {name}={secret}"));
    }
    Output::note("Ctrl-C ends both tenants.");
    tokio::signal::ctrl_c().await?;
    Ok(Exit::Done)
}
