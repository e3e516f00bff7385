//! `discover` (MAT-1).

use clap::Args;
use control::{discover, discover_target};

use crate::{
    cli::Global,
    exit::Exit,
    failure::Failure,
    output::{Output, line},
    session::Session,
};

/// Options of `discover`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only the members of this group of the source tenant: display name or object id
    #[arg(long, value_name = "GROUP")]
    group: Option<String>,
}

/// Lists the source tenant's users into the database.
pub(crate) async fn run(global: &Global, out: Output, options: &Options) -> Result<Exit, Failure> {
    let session = Session::open(&global.project).await?;
    let mut next = 500;
    let found = discover(&session.host, &session.project, options.group.as_deref(), |seen| {
        if seen >= next {
            Output::note(format!("{seen} users so far"));
            next = seen + 500;
        }
    })
    .await?;
    // The target is for previews only: one that cannot be read yet fails no discovery.
    if let Err(error) = discover_target(&session.host, &session.project).await {
        Output::note(format!("the target was not looked at, previews will miss it: {error}"));
    }
    let mut text = format!(
        "{} users: {} new, {} with changes, the others as they were\n",
        found.seen, found.new, found.changed
    );
    for (blocker, count) in &found.blockers {
        line(&mut text, format_args!("  {count} with: {}", blocker.describe()));
    }
    out.data(&found, text)?;
    Ok(Exit::Done)
}
