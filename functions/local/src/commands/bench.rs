//! `bench`: the figures of the README. Not a test: the numbers depend on the machine.

use std::{fs, num::NonZeroU32, sync::Arc, time::Duration};

use async_trait::async_trait;
use catalogue::Step;
use clap::{Args, Subcommand};
use engine::{Apply, Outcome, StepContext, StepResult, Steps, apply};
use jiff::Timestamp;
use model::{Action, SourceIdentity, User, UserState};
use ports::Random;
use rehearsal::{Rehearsed, Scene};
use serde::Serialize;

use crate::{
    commands::bench_content,
    exit::Exit,
    failure::Failure,
    host::Runner,
    output::{Output, line},
    project::{Template, TenantTemplate, template},
    rehearsal::rehearse,
    session::{Place, Session},
    standing::Until,
};

/// Options of `bench`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    /// Something else than a wave
    #[command(subcommand)]
    what: Option<What>,
    /// Sizes of the rehearsals, in people
    #[arg(long, value_delimiter = ',', default_value = "50,2000")]
    people: Vec<usize>,
    /// Users of the engine's own measurement, without tenant calls
    #[arg(long, default_value_t = 500)]
    engine_users: usize,
    /// How many times faster than this machine's the rehearsals' clock runs
    #[arg(long, value_name = "TIMES", default_value_t = super::rehearse::SPEED)]
    speed: NonZeroU32,
}

/// What else can be measured.
#[derive(Debug, Subcommand)]
enum What {
    /// Measure the copy of mailboxes and drives: requests, resource units, speed, memory
    Content(bench_content::Options),
    /// The copier's process, which `bench content` starts
    #[command(hide = true)]
    Copier,
}

/// One measurement.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) what: String,
    /// How much.
    pub(crate) value: f64,
    /// Of what.
    pub(crate) unit: &'static str,
}

/// Measures and prints.
pub(crate) async fn run(out: Output, options: &Options) -> Result<Exit, Failure> {
    match &options.what {
        Some(What::Content(options)) => return bench_content::run(out, options).await,
        Some(What::Copier) => return bench_content::copier().await,
        None => {}
    }
    let mut figures = vec![engine_alone(options.engine_users).await?];
    let mut well = true;
    for people in &options.people {
        let speed = options.speed;
        Output::note(format!("rehearsal of {people} people, its clock {speed} times as fast"));
        let scene = Scene { people: *people, seed: 1, mail_folder: None, told: false };
        let Some(done) = rehearse(&scene, speed).await? else { return Ok(Exit::SomeParked) };
        well &= done.all_well();
        figures.extend(of_rehearsal(*people, &done));
    }
    figures.extend(peak_memory());
    let mut text = String::new();
    for Figure { what, value, unit } in &figures {
        line(&mut text, format_args!("{what:<58} {value:>10.1} {unit}"));
    }
    out.data(&figures, text)?;
    if !well {
        Output::note("some people were parked or a proof did not hold: see `crosswave rehearse`");
    }
    Ok(if well { Exit::Done } else { Exit::SomeParked })
}

fn of_rehearsal(people: usize, done: &Rehearsed) -> Vec<Figure> {
    let seconds = |milliseconds: u64| Duration::from_millis(milliseconds).as_secs_f64();
    let by_tenants = seconds(done.wave_ms).max(0.001);
    let by_machine = by_tenants / f64::from(done.speed.get());
    let movers = u32::try_from(done.report.people).map_or(f64::MAX, f64::from);
    let steps = u32::try_from(done.steps).map_or(f64::MAX, f64::from);
    let figure =
        |what: &str, value, unit| Figure { what: format!("{what}, {people} people"), value, unit };
    vec![
        figure("steps through engine and simulator", steps / by_machine, "steps/s"),
        figure("people moved, all four phases", movers / by_machine * 60.0, "people/min"),
        figure("the same by the tenants' clock", movers / by_tenants * 60.0, "people/min"),
        figure("the wave by the tenants' clock", by_tenants / 60.0, "min"),
        figure("from start to the first step", seconds(done.first_step_ms), "s"),
    ]
}

/// The most memory that this process has had, simulator included.
pub(crate) fn peak_memory() -> Option<Figure> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = peak.split_whitespace().next()?.parse().ok()?;
    let what = "peak memory of this process".to_owned();
    Some(Figure { what, value: kilobytes / 1024.0, unit: "MiB" })
}

/// Steps that do nothing: what is left is engine, store and queue.
struct Nothing;

#[async_trait]
impl Steps for Nothing {
    async fn run(&self, _step: Step, _cx: &StepContext<'_>) -> StepResult {
        Outcome::not_applicable("a measurement")
    }
}

async fn engine_alone(users: usize) -> Result<Figure, Failure> {
    Output::note(format!("engine alone, {users} users"));
    let name = format!("crosswave-bench-{:016x}", embedded::OsRandom.next_u64());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir(&folder)?;
    let measured = measure(&folder.join("crosswave.toml"), users).await;
    // What cannot be removed lies in the system's temporary folder.
    drop(fs::remove_dir_all(&folder));
    measured
}

/// A project that exists for a measurement, on tenants that nobody asks.
pub(crate) async fn blank_session(path: &std::path::Path) -> Result<Session, Failure> {
    fs::write(path.with_file_name("secret"), "unused")?;
    let secret = |tenant: TenantTemplate| TenantTemplate {
        secret: "client_secret_file = \"secret\"".to_owned(),
        ..tenant
    };
    let example = Template::example();
    let values = Template {
        source: secret(example.source.clone()),
        target: secret(example.target.clone()),
        ..example
    };
    fs::write(path, template(&values))?;
    Session::open(path).await
}

async fn measure(path: &std::path::Path, users: usize) -> Result<Figure, Failure> {
    let session = blank_session(path).await?;
    let mut ids = std::collections::BTreeSet::new();
    for n in 0..users {
        let user = synced_user(&format!("u{n:06}"))?;
        let key = session.scope().user(&user.id);
        ids.insert(user.id.clone());
        let mut batch = engine::records::Batch::new();
        batch.put(model::Keys::user(&key), &user, 0)?;
        batch.commit(&*session.host.store).await.map_err(Failure::internal)?;
        let request = Apply { user: key, action: Action::Cutover, force: false, reset_to: None };
        apply(&session.host, request).await.map_err(Failure::internal)?;
    }
    let nothing = Nothing;
    let Place::Here { queue, .. } = &session.place else {
        return Err(Failure::internal("the new database is in use already"));
    };
    let mut runner = Runner::new(&session, queue, &nothing)?;
    let clock = Arc::clone(&session.host.clock);
    let began: Timestamp = clock.now();
    let mut handled = 0;
    runner.run(&Until::Settled(ids), |standing| handled = standing.handled).await?;
    let took = clock.now().duration_since(began).as_secs_f64().max(0.001);
    let steps = u32::try_from(handled).map_or(f64::MAX, f64::from);
    let what = format!("steps through engine, store and queue alone, {users} users");
    Ok(Figure { what, value: steps / took, unit: "steps/s" })
}

fn synced_user(id: &str) -> Result<User, Failure> {
    let source = SourceIdentity { object_id: id.to_owned(), ..SourceIdentity::default() };
    let user = User::discovered(id.parse().map_err(Failure::internal)?, source);
    Ok(User { state: UserState::Synced, synced_once: true, ..user })
}
