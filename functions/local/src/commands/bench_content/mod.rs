//! `bench content`: what a copy costs and how fast it is, against the simulator.
//!
//! The simulator runs here and the copier in a process of its own, so that time and memory are the
//! copier's. The vendor's budgets are off: requests and resource units are counted, speed is the
//! copier's own.

mod copier;
mod figures;
mod peer;
mod stage;
mod tally;

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Serialize;

pub(crate) use self::copier::run as copier;
use self::stage::Stage;
use crate::{
    exit::Exit,
    failure::Failure,
    output::{Output, line},
};

/// Options of `bench content`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What is measured
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Part::ALL)]
    parts: Vec<Part>,
    /// Items of the mailbox
    #[arg(long, default_value_t = 1_000)]
    items: u32,
    /// Small files, of 20 KB each
    #[arg(long, default_value_t = 1_000)]
    files: u32,
    /// Size of the one large file, in GB
    #[arg(long, default_value_t = 10)]
    large_gb: u64,
    /// Added latency of every reply, in milliseconds
    #[arg(long, value_delimiter = ',', default_value = "0,20,100")]
    latency: Vec<u64>,
    /// Size of the file that is copied at each latency, in MB
    #[arg(long, default_value_t = 1_000)]
    speed_mb: u64,
    /// The rclone to compare with
    #[arg(long, default_value = "rclone")]
    rclone: String,
    /// Files that rclone runs at the same time
    #[arg(long, default_value_t = 32)]
    rclone_transfers: u32,
}

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Requests for a mailbox and its changes, and the item map
    Mail,
    /// Requests and resource units of small files and of their changes
    Files,
    /// The large file: requests, resource units, memory
    Large,
    /// Memory with items of 150 MB
    Memory,
    /// Speed at each latency
    Speed,
    /// The same tree with rclone
    Peer,
}

impl Part {
    const ALL: [Self; 6] =
        [Self::Mail, Self::Files, Self::Large, Self::Memory, Self::Speed, Self::Peer];
}

/// One measurement.
#[derive(Clone, Debug, Serialize)]
struct Figure {
    what: String,
    value: f64,
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aim: Option<Aim>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reached: Option<bool>,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Aim {
    AtMost(f64),
    AtLeast(f64),
}

impl Figure {
    fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { what: what.into(), value, unit, aim: None, reached: None }
    }

    fn aim(self, aim: Aim) -> Self {
        let reached = match aim {
            Aim::AtMost(most) => self.value <= most,
            Aim::AtLeast(least) => self.value >= least,
        };
        Self { aim: Some(aim), reached: Some(reached), ..self }
    }
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:<62} {:>12.2} {}", self.what, self.value, self.unit)?;
        let (word, bound) = match self.aim {
            None => return Ok(()),
            Some(Aim::AtMost(most)) => ("at most", most),
            Some(Aim::AtLeast(least)) => ("at least", least),
        };
        let sign = if self.reached == Some(true) { "reached" } else { "MISSED" };
        write!(f, " (aim: {word} {bound}, {sign})")
    }
}

/// Measures and prints.
pub(crate) async fn run(out: Output, options: &Options) -> Result<Exit, Failure> {
    let stage = Stage::open()?;
    let mut figures = Vec::new();
    for part in &options.parts {
        let found = match part {
            Part::Mail => figures::mail(&stage, options.items)?,
            Part::Files => figures::files(&stage, options.files)?,
            Part::Large => figures::large(&stage, options.large_gb)?,
            Part::Memory => figures::memory(&stage)?,
            Part::Speed => {
                let mut speeds = Vec::new();
                for latency in &options.latency {
                    let latency = Duration::from_millis(*latency);
                    speeds.extend(figures::speed(
                        &stage,
                        latency,
                        options.files,
                        options.speed_mb,
                    )?);
                }
                speeds
            }
            Part::Peer => {
                let rclone = peer::Rclone {
                    program: options.rclone.clone(),
                    transfers: options.rclone_transfers,
                };
                peer::compare(&stage, &rclone, &options.latency).await?
            }
        };
        // Told at once: a later part may fail.
        found.iter().for_each(Output::note);
        figures.extend(found);
    }
    let mut text = String::new();
    for figure in &figures {
        line(&mut text, figure);
    }
    out.data(&figures, text)?;
    Ok(Exit::Done)
}

/// A count as a figure's value.
fn number(count: u64) -> f64 {
    // Counts of a benchmark are far below 2^52.
    u32::try_from(count)
        .map_or_else(|_large| Duration::from_nanos(count).as_secs_f64() * 1e9, f64::from)
}
