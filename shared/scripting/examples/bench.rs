//! How fast scripts run: `cargo run --release -p crosswave-scripting --example bench [USERS]`.
//!
//! Compile, call and preview the shipped mapping on realistic users, in process and in a worker.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and reads the clock"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use scripting::policy::PolicyContext;
use scripting::preview::preview;
use scripting::{MAPPING, Mapping, Script, UserInput, WorkerPool, sample_user};

#[global_allocator]
static ALLOCATOR: scripting::MeteredAllocator = scripting::MeteredAllocator;

fn users(count: usize) -> impl Iterator<Item = UserInput> {
    let sample = sample_user();
    (0..count).map(move |number| {
        let mut source = sample.clone();
        source.set("displayName", format!("Muñoz, Anna {number}"));
        source.set("userPrincipalName", format!("anna.munoz{number}@contoso.com"));
        UserInput { source_id: format!("{number:08}"), source, ..UserInput::default() }
    })
}

fn report(what: &str, count: usize, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let each = seconds * 1e6 / count;
    println!("{what:<44} {each:>9.1} µs each {:>9.0} per second", count / seconds);
}

fn main() {
    let count = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let run = Arc::new(scripting::sample_run());
    let mapping = Mapping::standard();

    let started = Instant::now();
    for _ in 0..200 {
        drop(Script::compile("bench.rhai", MAPPING));
    }
    report("check and compile the shipped mapping", 200, started);

    let batch: Vec<UserInput> = users(2_000).collect();
    let started = Instant::now();
    for user in &batch {
        drop(mapping.map_user(user, &run));
    }
    report("map a user, one by one", batch.len(), started);

    let started = Instant::now();
    drop(mapping.map_users(&batch, &run));
    report("map a user, in a batch", batch.len(), started);

    // The worker is a program beside this one: `cargo build --release -p crosswave-scripting`.
    let beside = std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.parent()?.join("crosswave-script-worker")));
    let worker = beside.filter(|program: &PathBuf| program.exists());
    if let Some(program) = worker {
        let text = MAPPING.replacen("//\n", "// crosswave-base: none\n", 1);
        let pool = Arc::new(WorkerPool::new(program, [""; 0], 1));
        let compiled = Mapping::compile("bench.rhai", &text).ok();
        let isolated = compiled.map_or_else(|| mapping.clone(), |ours| ours.isolated(pool));
        drop(isolated.map_users(batch.get(..10).unwrap_or(&batch), &run));
        let started = Instant::now();
        drop(isolated.map_users(&batch, &run));
        report("map a user, in a worker process", batch.len(), started);
    } else {
        println!("no worker program beside this one: left out");
    }

    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let policy =
        PolicyContext { verified_domains: vec!["fabrikam.com".into()], ..PolicyContext::default() };
    let started = Instant::now();
    let mut changes = 0;
    preview(&mapping, users(count), &run, &policy, threads, |user| changes += user.changes.len());
    report(&format!("preview {count} users on {threads} threads"), count, started);
    println!("{changes} changes in {:.2} s", started.elapsed().as_secs_f64());
}
