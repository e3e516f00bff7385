//! `simulate`: two tenants for others to connect to.

use std::{fs, path::PathBuf, sync::Arc};

use clap::{Args, ValueEnum};
use embedded::SystemClock;
use rehearsal::{quick, serve};
use serde_json::json;
use simulator::{Authority, Config, EmlLimits, Front, Population, Profile, Simulator};

use crate::{
    exit::Exit,
    failure::Failure,
    output::Output,
    project::{Network, Template, template},
    reading,
    rehearsal::project_values,
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
    /// Serve TLS too, with a certificate made for this run
    #[arg(long)]
    tls: bool,
    /// Also be an HTTP proxy that leads Microsoft's own addresses to these tenants; with TLS
    #[arg(long)]
    proxy: bool,
    /// Where the authority that clients must trust is written, with --tls or --proxy
    #[arg(long, value_name = "FILE", default_value = "simulator-ca.pem")]
    ca: PathBuf,
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
            Self::Quick => quick(),
            other => Config::of(other.profile()),
        }
    }
}

/// How the port is served; the authority's certificate is written to its file.
fn front(options: &Options) -> Result<Front, Failure> {
    if !options.tls && !options.proxy {
        return Ok(Front::Plain);
    }
    let authority = Authority::new().map_err(Failure::internal)?;
    fs::write(&options.ca, authority.pem()).map_err(|error| {
        Failure::input(format!("{} cannot be written: {error}", options.ca.display()))
    })?;
    Ok(if options.proxy { Front::Proxy(authority) } else { Front::Tls(authority) })
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
        let file = reading::open(path).map_err(unreadable)?;
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
    let front = front(options)?;
    let trusted = (options.tls || options.proxy).then(|| std::path::absolute(&options.ca));
    let trusted = trusted.transpose()?;
    let base = serve(simulator, options.port, front)?;
    let variable = |side: &str| format!("CROSSWAVE_{}_SECRET", side.to_uppercase());
    let direct = (!options.proxy).then_some(base.as_str());
    let values = project_values(&rehearsal, direct, |side, _secret| {
        Ok(format!("client_secret_env = \"{}\"", variable(side)))
    })?;
    let proxy = options.proxy.then(|| base.parse()).transpose().map_err(Failure::internal)?;
    let network = Network { proxy, trusted_certificates: trusted, ..Network::default() };
    let values = Template { network, ..values };
    let text = template(&values);
    let secrets = [("source", &rehearsal.source), ("target", &rehearsal.target)]
        .map(|(side, credentials)| (variable(side), credentials.client_secret.clone()));
    out.data(&json!({ "base": base, "project_file": text }), &text)?;
    Output::note(format!("\nServing both tenants at {base}. The project file is on stdout."));
    Output::note("These are the simulated tenants' secrets:");
    for (name, secret) in secrets {
        Output::note(format!("  export {name}={secret}"));
    }
    if options.proxy {
        Output::note("For other clients of Microsoft 365:");
        Output::note(format!("  export HTTPS_PROXY={base}"));
    }
    if options.tls || options.proxy {
        let ca = options.ca.display();
        Output::note(format!("Trust {ca}: it vouches for this run's certificate, and no other."));
    }
    Output::note("Ctrl-C ends both tenants.");
    tokio::signal::ctrl_c().await?;
    Ok(Exit::Done)
}
