//! `crosswave script try FILE`

use std::{ffi::OsString, path::PathBuf};

use clap::Args;
use scripting::{DataSet, Entry, ScriptOptions, TrialInput, worker::try_isolated};

use super::{Ended, files};
use crate::cli::Global;

/// What to try.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The script
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The entry function; `map_user` or `notify` if it is not named
    #[arg(long, value_name = "NAME", value_parser = entry)]
    entry: Option<Entry>,
    /// A user as Microsoft Graph writes it, or `{"source": …, "target": …, "run": …, "event": …}`
    #[arg(long, value_name = "USER.json")]
    source: Option<PathBuf>,
    /// A table that the script looks values up in; may be repeated
    #[arg(long = "table", value_name = "NAME=FILE.csv", value_parser = table)]
    tables: Vec<(String, PathBuf)>,
}

fn entry(name: &str) -> Result<Entry, String> {
    Entry::named(name).ok_or_else(|| {
        let names: Vec<&str> = Entry::ALL.iter().map(|entry| entry.name()).collect();
        format!("the entry functions are {}", names.join(", "))
    })
}

fn table(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("write NAME=FILE.csv")?;
    Ok((name.to_owned(), file.into()))
}

pub(super) fn run(options: &Options, global: &Global) -> Result<Ended, String> {
    let text = files::read(&options.file)?;
    let input = match &options.source {
        None => TrialInput::default(),
        Some(path) => TrialInput::parse(&files::read(path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?,
    };
    let read = |(name, path): &(String, PathBuf)| {
        Ok(DataSet { name: name.clone(), csv: files::read(path)? })
    };
    let tables = options.tables.iter().map(read).collect::<Result<_, String>>()?;
    let library = files::library(&options.file)?;
    let budget = files::budget(&global.project)?;
    let settings = ScriptOptions { tables, library, budget, ..ScriptOptions::default() };
    // In a process of its own: whatever the script does, this one answers.
    let program = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
    let worker = (program.as_path(), ["script", "worker"].map(OsString::from));
    let name = options.file.display().to_string();
    let tried =
        try_isolated((worker.0, &worker.1), (&name, &text), &settings, options.entry, &input);
    if global.json {
        files::print_json(&tried.json)?;
    } else {
        files::print(&tried.text)?;
    }
    Ok(if tried.passed { Ended::Good } else { Ended::Bad })
}
