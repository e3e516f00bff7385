//! `waves`: make, list, fill, schedule, delete.

use clap::{Args, Subcommand, ValueEnum};
use control::waves;
use jiff::civil::{Date, Time};
use model::{Action, Blackout, Repeat, Schedule, WaveId};

use crate::{
    cli::Global,
    exit::Exit,
    failure::Failure,
    output::{Output, Table},
    session::Session,
};

/// Options of `waves`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Option<WavesCommand>,
}

#[derive(Debug, Subcommand)]
enum WavesCommand {
    /// List the waves (also without a command)
    List,
    /// Make a wave
    Create {
        /// Its id
        id: WaveId,
        /// What people call it
        #[arg(long)]
        name: Option<String>,
        /// A profile of the project file
        #[arg(long)]
        profile: Option<String>,
    },
    /// Put the users of --user into a wave, or everybody
    Add {
        /// The wave
        id: WaveId,
        /// Everybody in the project
        #[arg(long)]
        all: bool,
    },
    /// Take the users of --user, or of --wave, out of their wave
    Remove,
    /// Delete a wave that has no users
    Delete {
        /// The wave
        id: WaveId,
    },
    /// Set when an action starts
    Schedule(ScheduleOptions),
    /// Take a schedule away
    Unschedule {
        /// The wave
        id: WaveId,
        /// The action
        action: Scheduled,
    },
}

#[derive(Debug, Args)]
struct ScheduleOptions {
    /// The wave
    id: WaveId,
    /// The action
    action: Scheduled,
    /// Date and time on the wall clock, for instance 2026-12-01T20:00
    #[arg(long)]
    at: model::LocalTime,
    /// The time zone of the wall clock, for instance Europe/Berlin
    #[arg(long)]
    zone: String,
    /// Sync only: again every so many days
    #[arg(long, value_name = "DAYS", conflicts_with = "until_cutover")]
    every: Option<u16>,
    /// Sync only: weekly until the week of this date, then daily
    #[arg(long, value_name = "DATE")]
    until_cutover: Option<Date>,
    /// Hours in which nothing starts, for instance 08:00-18:00; may be repeated
    #[arg(long, value_name = "FROM-TO", value_parser = hours)]
    blackout: Vec<Blackout>,
}

/// The actions that can be scheduled.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scheduled {
    Prepare,
    Sync,
    Cutover,
}

impl From<Scheduled> for Action {
    fn from(action: Scheduled) -> Self {
        match action {
            Scheduled::Prepare => Self::Prepare,
            Scheduled::Sync => Self::Sync,
            Scheduled::Cutover => Self::Cutover,
        }
    }
}

fn hours(text: &str) -> Result<Blackout, String> {
    let parse = |text: &str| text.trim().parse::<Time>().map_err(|error| error.to_string());
    let (from, to) = text.split_once('-').ok_or("expected FROM-TO, for instance 08:00-18:00")?;
    Ok(Blackout { days: Vec::new(), from: parse(from)?, to: parse(to)? })
}

/// Runs a waves command; each ends with the list.
pub(crate) async fn run(global: &Global, out: Output, options: Options) -> Result<Exit, Failure> {
    let session = Session::open(&global.project).await?;
    let (host, scope) = (&session.host, session.scope());
    match options.command.unwrap_or(WavesCommand::List) {
        WavesCommand::List => {}
        WavesCommand::Create { id, name, profile } => {
            waves::create(host, &session.project, id, name, profile).await?;
        }
        WavesCommand::Add { id, all } => {
            let selection = global.selection();
            if selection.is_everybody() && !all {
                return Err(Failure::input("name the users: --user USER, or --all for everybody"));
            }
            let changed = waves::assign(host, &scope, &selection, Some(&id)).await?;
            Output::note(format!("{changed} users are now in wave {id}"));
        }
        WavesCommand::Remove => {
            let selection = global.selection();
            if selection.is_everybody() {
                return Err(Failure::input("name the users: --user USER or --wave WAVE"));
            }
            let changed = waves::assign(host, &scope, &selection, None).await?;
            Output::note(format!("{changed} users are now in no wave"));
        }
        WavesCommand::Delete { id } => waves::delete(host, &scope, &id).await?,
        WavesCommand::Schedule(options) => {
            let every = options.every.map(|days| Repeat::Days { days });
            let until = options.until_cutover.map(|cutover| Repeat::UntilCutover { cutover });
            let schedule = Schedule {
                first: options.at,
                zone: options.zone,
                repeat: every.or(until),
                blackout: options.blackout,
            };
            let action = options.action.into();
            waves::set_schedule(host, &scope, &options.id, action, Some(schedule)).await?;
        }
        WavesCommand::Unschedule { id, action } => {
            waves::set_schedule(host, &scope, &id, action.into(), None).await?;
        }
    }
    list(&session, out).await
}

async fn list(session: &Session, out: Output) -> Result<Exit, Failure> {
    let lines = waves::list(&session.host, &session.scope()).await?;
    let mut table = Table::new(["wave", "name", "users", "profile", "next"]);
    for line in &lines {
        let next: Vec<String> =
            line.next.iter().map(|(action, at)| format!("{action} {at}")).collect();
        table.row([
            line.id.to_string(),
            line.name.clone(),
            line.users.to_string(),
            line.profile.clone().unwrap_or_else(|| "default".to_owned()),
            next.join(", "),
        ]);
    }
    out.data(&lines, table)?;
    Ok(Exit::Done)
}
