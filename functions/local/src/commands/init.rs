//! `init`: a commented project file.

use clap::Args;
use std::{fs::OpenOptions, io::Write};

use crate::{
    cli::Global,
    exit::Exit,
    failure::Failure,
    output::Output,
    project::{Template, template},
};

/// Options of `init`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The project's name
    #[arg(long, default_value = "merger")]
    name: model::ProjectId,
}

/// Writes the file that --project names; one that is there is left alone.
pub(crate) fn run(global: &Global, options: &Options) -> Result<Exit, Failure> {
    let path = &global.project;
    let text = template(&Template { name: options.name.to_string(), ..Template::example() });
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| {
        Failure::input(format!("{} cannot be made: {error}; nothing was written", path.display()))
    })?;
    file.write_all(text.as_bytes())?;
    Output::note(format!(
        "{} is written; fill in both tenants, then run `crosswave check`",
        path.display()
    ));
    Ok(Exit::Done)
}
