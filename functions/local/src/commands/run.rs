//! `run`: go on with everything.

use clap::Args;

use crate::{
    cli::Global,
    commands::act::work,
    exit::Exit,
    failure::Failure,
    output::Output,
    session::Session,
    standing::{Ended, Until},
};

/// Options of `run`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Stay when nothing is left to do
    #[arg(long)]
    forever: bool,
}

/// Works until nothing is in flight and no schedule lies ahead, or for ever.
pub(crate) async fn run(global: &Global, out: Output, options: &Options) -> Result<Exit, Failure> {
    let mut session = Session::open(&global.project).await?;
    let until = if options.forever { Until::Stopped } else { Until::Idle };
    let ended = work(&mut session, "run", &until).await?;
    let report = session.report(&global.selection()).await?;
    out.data(&report, &report)?;
    let well = report.all_well() && ended == Ended::Done;
    Ok(if well { Exit::Done } else { Exit::SomeParked })
}
