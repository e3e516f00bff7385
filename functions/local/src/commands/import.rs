//! `import` (MAT-3).

use std::path::{Path, PathBuf};

use clap::Args;
use control::users_file;

use crate::{cli::Global, exit::Exit, failure::Failure, output::Output, reading, session::Session};

/// Options of `import`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The CSV file; `-` for standard input
    file: PathBuf,
}

/// Applies a users file, or nothing of it.
pub(crate) async fn run(global: &Global, out: Output, options: &Options) -> Result<Exit, Failure> {
    let path = &options.file;
    let bytes = if path == Path::new("-") {
        reading::limited(std::io::stdin().lock())
    } else {
        reading::bytes(path)
    };
    let bytes = bytes
        .map_err(|error| Failure::input(format!("{} cannot be read: {error}", path.display())))?;
    let session = Session::open(&global.project).await?;
    let name = path.display().to_string();
    let done = users_file::import(&session.host, &session.project, &name, &bytes).await?;
    let text = format!(
        "{} rows: {} matches, {} waves, {} options changed\n",
        done.rows, done.matches, done.waves, done.options
    );
    out.data(&done, text)?;
    Ok(Exit::Done)
}
