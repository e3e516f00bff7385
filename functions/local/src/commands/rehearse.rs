//! `rehearse`, also `crosswave` alone.

use std::path::PathBuf;

use clap::Args;
use rehearsal::Scene;

use crate::{exit::Exit, failure::Failure, output::Output, rehearsal::rehearse};

/// Options of `rehearse`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many people the source tenant has
    #[arg(long, default_value_t = 24)]
    people: usize,
    /// The seed of the tenants: the same seed, the same people
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A folder of .eml files for the first person's inbox
    #[arg(long, value_name = "DIR")]
    mail_dir: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self { people: 24, seed: 1, mail_dir: None }
    }
}

/// Rehearses and reports.
pub(crate) async fn run(out: Output, options: &Options) -> Result<Exit, Failure> {
    let scene = Scene {
        people: options.people,
        seed: options.seed,
        mail_folder: options.mail_dir.clone(),
        told: true,
    };
    let Some(done) = rehearse(&scene).await? else {
        Output::note("stopped as asked; the simulated tenants are gone");
        return Ok(Exit::SomeParked);
    };
    out.data(&done, &done)?;
    Ok(if done.all_well() { Exit::Done } else { Exit::SomeParked })
}
