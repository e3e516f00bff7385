//! `measure`: the figures of the artifact, of one user, and of an idle month.

use std::{fmt, path::Path, sync::Arc};

use catalogue::{Function, Step};
use rehearsal::{Scene, Stage};
use serde::Serialize;
use system::SystemClock;

use crate::{
    Cloud, CloudError, InTheCloud, Options, Pace, Start,
    price::{OfOneUser, Prices},
    probe,
};

/// Starts of one measurement, of which the middle one counts.
const STARTS: usize = 9;
/// Invocations of one measurement.
const CALLS: u32 = 500;
/// Minutes of a month.
const MONTH: f64 = 30.44 * 24.0 * 60.0;

/// What was measured.
#[derive(Debug, Serialize)]
pub struct Measured {
    /// The prices' day.
    pub prices_of: String,
    /// The artifact's bytes.
    pub artifact_bytes: u64,
    /// The same, deflated, as it is uploaded.
    pub zipped_bytes: usize,
    /// One process of a step's function.
    pub function: Start,
    /// One process of a function that does nothing.
    pub bare: Option<Start>,
    /// The most memory of a process that ran a step which copies nothing, in KiB.
    pub step_kib: u64,
    /// The same of a step that copies content.
    pub copying_kib: u64,
    users: Vec<OfOneUser>,
    idle: Vec<(String, f64)>,
}

/// Measures an artifact: by itself, with so many people, and idle.
pub async fn measure(
    options: &Options,
    program: &Path,
    bare: Option<&Path>,
    people: usize,
) -> Result<Measured, CloudError> {
    let function = Function::Step(Step::HideUser);
    let bytes = std::fs::read(program)?;
    let prices = Prices::published()?;
    let started = middle(program, function).await?;
    let bare = match bare {
        Some(bare) => Some(middle(bare, function).await?),
        None => None,
    };
    let scene = Scene { people, seed: 1, mail_folder: None, told: true };
    let stage = Stage::open(&scene, Arc::new(SystemClock))?;
    let options = Options { function: Some(program.to_owned()), ..options.clone() };
    let cloud = Cloud::start(&options, &stage).await?;
    let mut place = InTheCloud::new(&cloud).told();
    let played = rehearsal::rehearse(&scene, &stage, &mut place).await?;
    if !played.is_some_and(|played| played.all_well()) {
        return Err(CloudError::Deployment("the rehearsal did not end well".to_owned()));
    }
    let users = prices.of_one_user(place.figures());
    let peaks = cloud.peaks();
    let peak = |copies: bool| {
        let of = |(handler, kib): (&&str, &u64)| {
            let function = Function::of_handler(handler)?;
            let is = matches!(function, Function::Step(step) if infra::copies(step) == copies);
            is.then_some(*kib)
        };
        peaks.iter().filter_map(of).max().unwrap_or_default()
    };
    Ok(Measured {
        prices_of: prices.as_of.clone(),
        artifact_bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        zipped_bytes: deflated(&bytes)?,
        function: started,
        bare,
        step_kib: peak(false),
        copying_kib: peak(true),
        users,
        idle: idle(&options, &prices).await?,
    })
}

/// The middle one of some starts.
async fn middle(program: &Path, function: Function) -> Result<Start, CloudError> {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(probe(program, function, CALLS).await?);
    }
    starts.sort_by(|one, other| one.to_next_ms.total_cmp(&other.to_next_ms));
    let mut calls: Vec<f64> = starts.iter().map(|start| start.invocation_ms).collect();
    calls.sort_by(f64::total_cmp);
    let start = starts.into_iter().nth(STARTS / 2);
    let start = start.ok_or_else(|| CloudError::Deployment("nothing was started".to_owned()))?;
    Ok(Start { invocation_ms: calls.get(STARTS / 2).copied().unwrap_or_default(), ..start })
}

/// What a month costs in which nothing moves: each function that runs by the clock is called once in
/// a deployment with one project, and reckoned as often as the template calls it.
async fn idle(options: &Options, prices: &Prices) -> Result<Vec<(String, f64)>, CloudError> {
    let scene = Scene { people: 1, seed: 1, mail_folder: None, told: false };
    let stage = Stage::open(&scene, Arc::new(SystemClock))?;
    let pace = Pace { period: std::time::Duration::from_hours(24), ..options.pace };
    let cloud = Cloud::start(&Options { pace, ..options.clone() }, &stage).await?;
    let mut lines = Vec::new();
    for (function, rate) in infra::PERIODIC {
        // The first call starts the process, and of the tick it switches polling off.
        cloud.clocked(function).await?;
        let (asked, milliseconds) = cloud.clocked(function).await?;
        let minutes = infra::minutes(rate);
        let megabytes = f64::from(u32::try_from(infra::memory(function)).unwrap_or(u32::MAX));
        let times = MONTH / minutes;
        let usd = prices.by_the_clock(times, &asked, (milliseconds, megabytes));
        lines.push((format!("{}, {rate}", function.handler()), usd));
    }
    Ok(lines)
}

fn deflated(bytes: &[u8]) -> Result<usize, CloudError> {
    use std::io::Write as _;
    let mut zip = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    zip.write_all(bytes)?;
    Ok(zip.finish()?.len())
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Start { to_next_ms, resident_kib, invocation_ms, .. } = &self.function;
        writeln!(f, "artifact                {:>10} bytes", self.artifact_bytes)?;
        writeln!(f, "  deflated              {:>10} bytes", self.zipped_bytes)?;
        writeln!(f, "start to first /next    {to_next_ms:>10.1} ms")?;
        writeln!(f, "resident, idle          {resident_kib:>10} KiB")?;
        writeln!(f, "most in a step          {:>10} KiB", self.step_kib)?;
        writeln!(f, "most in a copying step  {:>10} KiB", self.copying_kib)?;
        writeln!(f, "an empty invocation     {invocation_ms:>10.3} ms")?;
        if let Some(bare) = &self.bare {
            writeln!(f, "  of a bare handler     {:>10.3} ms", bare.invocation_ms)?;
            writeln!(f, "  bare: to first /next  {:>10.1} ms", bare.to_next_ms)?;
            writeln!(f, "  bare: resident, idle  {:>10} KiB", bare.resident_kib)?;
        }
        writeln!(f, "\nA user, and 1,000 users in USD at the prices of {}", self.prices_of)?;
        writeln!(
            f,
            "{:<12}{:>8}{:>8}{:>8}{:>8}{:>7}{:>8}{:>7}{:>8}{:>9}{:>9}{:>9}",
            "",
            "writes",
            "copier",
            "budgets",
            "reads",
            "SQS",
            "invoked",
            "GB-s",
            "batons",
            "USD",
            "moving",
            "Step F."
        )?;
        let mut sums = [0.0; 11];
        for user in &self.users {
            let numbers = [
                user.writes,
                user.copy_writes,
                user.budget_writes,
                user.reads,
                user.sqs,
                user.invocations,
                user.gigabyte_seconds,
                user.deliveries,
                user.usd,
                user.moving_usd,
                user.step_functions_usd,
            ];
            for (sum, number) in sums.iter_mut().zip(numbers) {
                *sum += number;
            }
            line(f, &user.title, numbers)?;
        }
        line(f, "together", sums)?;
        writeln!(f, "\nA month in which nothing moves, USD")?;
        for (what, usd) in &self.idle {
            writeln!(f, "{what:<50}{usd:>9.4}")?;
        }
        let whole: f64 = self.idle.iter().map(|(_, usd)| usd).sum();
        writeln!(f, "{:<50}{whole:>9.4}", "together")
    }
}

fn line(f: &mut fmt::Formatter<'_>, title: &str, numbers: [f64; 11]) -> fmt::Result {
    let [writes, copier, budgets, reads, sqs, invoked, time, batons, usd, moving, step_functions] =
        numbers;
    writeln!(
        f,
        "{title:<12}{writes:>8.0}{copier:>8.0}{budgets:>8.0}{reads:>8.0}{sqs:>7.0}{invoked:>8.0}\
         {time:>7.1}{batons:>8.0}{usd:>9.3}{moving:>9.3}{step_functions:>9.3}"
    )
}
