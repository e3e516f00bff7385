//! `report` (ERR-2).

use crate::{cli::Global, exit::Exit, failure::Failure, output::Output, session::Session};

/// Shows what became of the chosen users.
pub(crate) async fn run(global: &Global, out: Output) -> Result<Exit, Failure> {
    let mut session = Session::open(&global.project).await?;
    let report = session.report(&global.selection()).await?;
    out.data(&report, &report)?;
    Ok(if report.all_well() { Exit::Done } else { Exit::SomeParked })
}
