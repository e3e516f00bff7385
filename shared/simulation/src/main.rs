//! Runs seeds, and says what was found.
#![expect(clippy::print_stdout, reason = "the report of a command goes to standard output")]

use std::{ops::Range, process::ExitCode};

use clap::Parser;
use simulation::{Bug, Garbled, RunReport, Settings, Totals, fuzz, matrix, run, shrink};

/// The one-machine host's allocator, for scripts have their limits of memory here too. A quarter of a
/// run goes into making and dropping small values, which the system's does more slowly.
#[global_allocator]
static ALLOCATOR: scripting::MeteredAllocator<mimalloc::MiMalloc> =
    scripting::MeteredAllocator::over(mimalloc::MiMalloc);

/// Simulates whole migrations with faults, one a seed, and checks what must hold.
#[derive(Debug, Parser)]
#[command(name = "crosswave-simulation")]
struct Arguments {
    /// The seeds: `A..B`, B not included, or a single one.
    #[arg(long, default_value = "0..200", value_parser = seeds)]
    seeds: Range<u64>,
    /// How many threads run seeds.
    #[arg(long, default_value_t = 1)]
    jobs: u64,
    /// Makes this mistake in every run.
    #[arg(long)]
    bug: Option<String>,
    /// Finds every planted bug, and says in how many seeds.
    #[arg(long)]
    planted: bool,
    /// Garbles what others wrote, and sees that nothing panics.
    #[arg(long)]
    fuzz: bool,
    /// Prints the whole trace of every run.
    #[arg(long)]
    trace: bool,
    /// Goes on after so many failures.
    #[arg(long, default_value_t = 5)]
    failures: usize,
    /// Runs that shrinking a failure may take; 0 does not shrink.
    #[arg(long, default_value_t = 150)]
    shrink: u32,
    /// Prints the coverage of steps, faults and outcomes.
    #[arg(long)]
    coverage: bool,
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let number = |text: &str| text.trim().parse::<u64>().map_err(|error| error.to_string());
    match text.split_once("..") {
        Some((from, to)) => Ok(number(from)?..number(to)?),
        None => number(text).map(|seed| seed..seed.saturating_add(1)),
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.planted {
        return planted(&arguments);
    }
    if arguments.fuzz {
        return garble(&arguments);
    }
    let bug = match arguments.bug.as_deref().map(named).transpose() {
        Ok(bug) => bug,
        Err(error) => {
            println!("{error}");
            return ExitCode::from(2);
        }
    };
    let began = began();
    let mut totals = Totals::default();
    std::thread::scope(|scope| {
        let jobs = arguments.jobs.max(1);
        let workers: Vec<_> = (0..jobs)
            .map(|job| {
                let arguments = &arguments;
                scope.spawn(move || worker(arguments, bug, job, jobs))
            })
            .collect();
        for worker in workers {
            if let Ok(part) = worker.join() {
                totals.join(part);
            }
        }
    });
    let seconds = began.elapsed().as_secs_f64().max(0.001);
    summary(&totals, seconds);
    if arguments.coverage {
        println!("{}", matrix(&totals.coverage));
    }
    if totals.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The wall clock, for runs a second.
#[expect(clippy::disallowed_methods, reason = "the command measures its own speed")]
fn began() -> std::time::Instant {
    std::time::Instant::now()
}

fn named(name: &str) -> Result<Bug, String> {
    let found = Bug::ALL.into_iter().find(|bug| format!("{bug:?}").eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        let all: Vec<String> = Bug::ALL.iter().map(|bug| format!("{bug:?}")).collect();
        format!("there is no planted bug `{name}`; there are {}", all.join(", "))
    })
}

fn settings(arguments: &Arguments, seed: u64, bug: Option<Bug>) -> Settings {
    let settings = Settings { traced: arguments.trace, ..Settings::of(seed) };
    match bug {
        Some(bug) => settings.planting(bug),
        None => settings,
    }
}

fn worker(arguments: &Arguments, bug: Option<Bug>, job: u64, jobs: u64) -> Totals {
    let mut totals = Totals::default();
    let mine = arguments.seeds.clone().filter(|seed| seed % jobs == job);
    for seed in mine {
        let settings = settings(arguments, seed, bug);
        let report = run(&settings);
        totals.add(&report);
        if arguments.trace {
            report.trace.lines().iter().for_each(|line| println!("{line}"));
        }
        if !report.violations.is_empty() {
            failure(arguments, &settings, &report);
            if totals.failed.len() >= arguments.failures {
                break;
            }
        }
    }
    totals
}

fn failure(arguments: &Arguments, settings: &Settings, report: &RunReport) {
    println!("seed {} fails after {} faults:", report.seed, report.fired.len());
    for violation in report.violations.iter().take(6) {
        println!("  {} {}: {}", violation.at, violation.rule, violation.text);
    }
    if arguments.shrink == 0 {
        return;
    }
    let shrunk = shrink(settings, report, arguments.shrink);
    println!(
        "  {} faults are enough ({} runs): {:?}",
        shrunk.faults.len(),
        shrunk.runs,
        shrunk.faults
    );
    let lines = shrunk.report.trace.lines();
    let told: Vec<&String> = lines.iter().filter(|line| telling(line)).collect();
    for line in told.iter().skip(told.len().saturating_sub(60)) {
        println!("    {line}");
    }
}

/// Reads say little about a failure.
fn telling(line: &str) -> bool {
    !line.contains("] GET ") && !line.contains("] POST Get-") && !line.contains("/token")
}

fn summary(totals: &Totals, seconds: f64) {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = totals.runs as f64 / seconds;
    println!(
        "{} runs in {seconds:.1} s ({rate:.1} a second), {} failed; {} events, {} deliveries, {} \
         hours of virtual time",
        totals.runs,
        totals.failed.len(),
        totals.events,
        totals.handled,
        totals.lasted.as_secs() / 3_600
    );
    for (kind, count) in &totals.faults {
        println!("  {:<22} {count}", kind.name());
    }
    if !totals.failed.is_empty() {
        println!("failed: {:?}", totals.failed);
    }
}

/// Finds every planted bug in the seeds given.
fn planted(arguments: &Arguments) -> ExitCode {
    println!("| planted bug | seeds to find it | broken rule |\n|---|---|---|");
    let jobs = arguments.jobs.max(1);
    let missed: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs)
            .map(|job| {
                let mine = (0..jobs).cycle().zip(Bug::ALL).filter(move |(of, _)| *of == job);
                scope.spawn(move || mine.filter(|(_, bug)| !found(arguments, *bug)).count())
            })
            .collect();
        // A worker that panicked has found nothing.
        workers.into_iter().map(|worker| worker.join().unwrap_or(Bug::ALL.len())).sum()
    });
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Looks for one planted bug, and prints its row.
fn found(arguments: &Arguments, bug: Bug) -> bool {
    for (tried, seed) in (1_u64..).zip(arguments.seeds.clone()) {
        let planted = Settings::of(seed).planting(bug);
        let report = run(&planted);
        let Some(violation) = report.violations.first() else { continue };
        // What fails without the mistake, too, has not found it.
        if run(&Settings { bug: bug.beside(), ..planted }).violations.is_empty() {
            println!("| {bug:?} | {tried} | {} |", violation.rule);
            return true;
        }
    }
    println!("| {bug:?} | not found in {} | |", arguments.seeds.clone().count());
    false
}

/// Fuzzes every target with the seeds given.
fn garble(arguments: &Arguments) -> ExitCode {
    let mut panics = 0;
    for target in Garbled::ALL {
        for seed in arguments.seeds.clone() {
            if let Err(panic) = fuzz(target, seed) {
                panics += 1;
                println!("{panic}");
            }
        }
        println!("{target:?}: {} seeds", arguments.seeds.clone().count());
    }
    if panics == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
