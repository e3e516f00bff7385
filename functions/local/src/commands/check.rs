//! `check`: the project file, then both tenants, before anything is written to them.

use control::Severity;

use crate::{cli::Global, exit::Exit, failure::Failure, output::Output, session::Session};

/// Checks. A bad project file has ended before this.
pub(crate) async fn run(global: &Global, out: Output) -> Result<Exit, Failure> {
    let session = Session::open(&global.project).await?;
    Output::note(format!("{} is in order", global.project.display()));
    let selection = global.selection();
    let found = control::preflight(&session.host, &session.project, &selection).await?;
    out.data(&found, &found)?;
    let hindered = found.findings.iter().any(|finding| finding.severity != Severity::Note);
    Ok(if hindered { Exit::Tenant } else { Exit::Done })
}
