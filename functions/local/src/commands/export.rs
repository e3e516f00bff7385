//! `export` (MAT-3).

use std::path::PathBuf;

use clap::Args;
use control::users_file;

use crate::{cli::Global, exit::Exit, failure::Failure, output::Output, session::Session};

/// Options of `export`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where to; standard output when none is named
    file: Option<PathBuf>,
}

/// Writes the chosen users as CSV.
pub(crate) async fn run(global: &Global, options: &Options) -> Result<Exit, Failure> {
    let session = Session::open(&global.project).await?;
    let users = global.selection().resolve(&session.host, &session.scope()).await?;
    let users: Vec<model::User> = users.into_iter().map(|user| user.value).collect();
    let text = users_file::export(&users)?;
    match &options.file {
        None => Output::print(&text)?,
        Some(path) => std::fs::write(path, text).map_err(|error| {
            Failure::input(format!("{} cannot be written: {error}", path.display()))
        })?,
    }
    Ok(Exit::Done)
}
