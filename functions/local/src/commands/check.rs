//! `check`: the project file, then both tenants, before anything is written.

use crate::{cli::Global, exit::Exit, failure::Failure, output::Output, session::Session};

/// Checks.
pub(crate) async fn run(global: &Global, _out: Output) -> Result<Exit, Failure> {
    let _session = Session::open(&global.project).await?;
    Ok(Exit::Done)
}
