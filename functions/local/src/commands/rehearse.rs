//! `rehearse`, also `crosswave` alone.

use std::{num::NonZeroU32, path::PathBuf};

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
    /// How many times faster than this machine's the rehearsal's clock runs: waits, the tenants'
    /// delays and the published request budgets all pass so much sooner. 1 takes as long as real
    /// tenants would
    #[arg(long, value_name = "TIMES", default_value_t = SPEED)]
    speed: NonZeroU32,
}

/// Twenty minutes of the tenants' time in a minute.
pub(crate) const SPEED: NonZeroU32 = NonZeroU32::new(20).unwrap();

impl Default for Options {
    fn default() -> Self {
        Self { people: 24, seed: 1, mail_dir: None, speed: SPEED }
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
    let Some(done) = rehearse(&scene, options.speed).await? else {
        Output::note("stopped as asked; the simulated tenants are gone");
        return Ok(Exit::SomeParked);
    };
    out.data(&done, &done)?;
    Ok(if done.all_well() { Exit::Done } else { Exit::SomeParked })
}
