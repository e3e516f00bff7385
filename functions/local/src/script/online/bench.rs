//! `crosswave script bench`: the figures of scripts/README.md. Not a test: they depend on the machine.

use std::{fs, sync::Arc};

use clap::Args;
use control::{
    Selection, keep_source,
    scripts::{Asked, preview},
};
use engine::{Host, records::Batch};
use jiff::Timestamp;
use model::{Keys, SourceIdentity, User};
use ports::Random;
use scripting::{
    Attributes, MAPPING, Mapping, Script, ScriptOptions, Step, UserInput, WorkerPool, Workers,
    sample_run, sample_user,
};

use super::preview::threads;
use crate::{
    commands::bench::{Figure, blank_session, peak_memory},
    exit::Exit,
    failure::Failure,
    output::{Output, line},
    progress::Counter,
    session::Session,
};

/// Options of `script bench`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Users of the preview
    #[arg(long = "people", default_value_t = 100_000)]
    people: usize,
    /// Calls of each other measurement
    #[arg(long, default_value_t = 5_000)]
    calls: usize,
}

/// Measures and prints.
pub(super) async fn run(out: Output, options: &Options) -> Result<Exit, Failure> {
    let name = format!("crosswave-bench-{:016x}", embedded::OsRandom.next_u64());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir(&folder)?;
    let session = blank_session(&folder.join("crosswave.toml")).await;
    let measured = match session {
        Ok(session) => measure(&session, options).await,
        Err(error) => Err(error),
    };
    // What cannot be removed lies in the system's temporary folder.
    drop(fs::remove_dir_all(&folder));
    let figures = measured?;
    let mut text = String::new();
    for Figure { what, value, unit } in &figures {
        line(&mut text, format_args!("{what:<66} {value:>10.1} {unit}"));
    }
    out.data(&figures, text)?;
    Ok(Exit::Done)
}

async fn measure(session: &Session, options: &Options) -> Result<Vec<Figure>, Failure> {
    let host = &session.host;
    let mut figures = alone(host, options.calls)?;
    Output::note(format!("{} users are made up and stored", options.people));
    populate(session, options.people).await?;
    let standard = Mapping::standard();
    figures.extend(previewed(session, "shipped mapping", &standard).await?);
    figures.extend(
        previewed(session, "customer's mapping, in workers", &own(true)?.isolated(workers()?))
            .await?,
    );
    figures.extend(peak_memory());
    Ok(figures)
}

/// Calls without any store: in this process, and in a worker.
fn alone(host: &Host, calls: usize) -> Result<Vec<Figure>, Failure> {
    let mut figures = Vec::new();
    let run = Arc::new(sample_run());
    let users: Vec<UserInput> = (0..calls).map(person).collect();
    let compiles = calls.div_ceil(25).max(1);
    let began = host.clock.now();
    for _ in 0..compiles {
        drop(Script::compile("bench.rhai", MAPPING));
    }
    figures.push(each("check and compile the shipped mapping", compiles, began, host));

    let standard = Mapping::standard();
    let began = host.clock.now();
    let mut in_script = 0;
    for user in &users {
        in_script += standard.map_user(user, &run).map_or(0, |patch| patch.cost.micros);
    }
    figures.push(each("map a user, with trace and budgets, one by one", calls, began, host));
    let micros = decimal(in_script) / decimal(calls);
    let what = "processor time of that inside the script".to_owned();
    figures.push(Figure { what, value: micros, unit: "µs" });
    for (origins, trace) in [(true, "with trace"), (false, "without trace")] {
        let workers = workers()?;
        for (mapping, place) in [
            (own(origins)?, "in this process"),
            (own(origins)?.isolated(workers), "in a worker process"),
        ] {
            drop(mapping.map_users(users.get(..1).unwrap_or_default(), &run));
            let began = host.clock.now();
            drop(mapping.map_users(&users, &run));
            let seconds = seconds_since(began, host);
            let what = format!("calls in a batch on one core, {trace}, {place}");
            figures.push(Figure { what, value: decimal(calls) / seconds, unit: "calls/s" });
        }
    }
    Ok(figures)
}

/// The shipped mapping as a customer's own, with or without trace.
fn own(origins: bool) -> Result<Mapping, Failure> {
    let text = MAPPING.replacen("//\n", "// crosswave-base: none\n", 1);
    let options = ScriptOptions { origins, ..ScriptOptions::default() };
    Mapping::compile_with("bench.rhai", &text, options)
        .map_err(|_faults| Failure::internal("the mapping does not compile"))
}

/// Worker processes of this program.
fn workers() -> Result<Workers, Failure> {
    let program = std::env::current_exe()?;
    Ok(Arc::new(WorkerPool::new(program, ["script", "worker"], threads())).of("bench"))
}

/// A preview of everybody, from the database to the counts.
async fn previewed(
    session: &Session,
    what: &str,
    mapping: &Mapping,
) -> Result<Vec<Figure>, Failure> {
    let (host, threads) = (&session.host, threads());
    let selection = Selection::everybody();
    let asked =
        Asked { selection: &selection, mapping, against: None, step: Step::Prepare, threads };
    let mut progress = Counter::new("users previewed");
    let began = host.clock.now();
    let done = preview(host, &session.project, asked, |_| progress.add(1)).await?;
    progress.finish();
    let seconds = seconds_since(began, host);
    let what = format!("preview of {} users, {threads} threads: {what}", done.users);
    let pace = decimal(done.users) / seconds;
    Ok(vec![
        Figure { what: what.clone(), value: seconds, unit: "s" },
        Figure { what, value: pace, unit: "users/s" },
    ])
}

async fn populate(session: &Session, people: usize) -> Result<(), Failure> {
    /// Two records a user, and a commit takes a hundred.
    const TOGETHER: usize = 50;
    let scope = session.scope();
    let all: Vec<usize> = (0..people).collect();
    for part in all.chunks(TOGETHER) {
        let mut batch = Batch::new();
        for number in part {
            let UserInput { source_id, source, .. } = person(*number);
            let user = stored(&source_id, &source)?;
            keep_source(&mut batch, &scope, &user.id, source)?;
            batch.put(Keys::user(&scope.user(&user.id)), &user, 0)?;
        }
        batch.commit(&*session.host.store).await.map_err(Failure::internal)?;
    }
    Ok(())
}

/// A person with some forty attributes; a few in a hundred share their name with somebody.
fn person(number: usize) -> UserInput {
    let mut source = sample_user();
    let name = number - usize::from(number % 40 == 39);
    source.set("displayName", format!("Muñoz, Anna {number}"));
    source.set("userPrincipalName", format!("anna.munoz{name}@contoso.example"));
    source.set("mailNickname", format!("anna.munoz{name}"));
    source.set(
        "proxyAddresses",
        vec![
            format!("SMTP:anna.munoz{number}@contoso.example"),
            format!("smtp:a.munoz{number}@contoso.example"),
            format!("smtp:anna.munoz{number}@contoso.onmicrosoft.com"),
            format!("X500:/o=Contoso/cn=anna{number}"),
        ],
    );
    for attribute in 1..=15 {
        source.set(&format!("extensionAttribute{attribute}"), format!("value {attribute}"));
    }
    UserInput { source_id: format!("{number:08}"), source, ..UserInput::default() }
}

fn stored(id: &str, source: &Attributes) -> Result<User, Failure> {
    let text = |name: &str| source.text(name).unwrap_or_default().to_owned();
    let source = SourceIdentity {
        object_id: id.to_owned(),
        user_principal_name: text("userPrincipalName"),
        display_name: text("displayName"),
        ..SourceIdentity::default()
    };
    Ok(User::discovered(id.parse().map_err(Failure::internal)?, source))
}

fn each(what: &str, count: usize, began: Timestamp, host: &Host) -> Figure {
    let micros = seconds_since(began, host) * 1e6 / decimal(count);
    Figure { what: what.to_owned(), value: micros, unit: "µs" }
}

fn seconds_since(began: Timestamp, host: &Host) -> f64 {
    host.clock.now().duration_since(began).as_secs_f64().max(1e-6)
}

/// A count as a decimal number.
fn decimal(count: impl TryInto<u32>) -> f64 {
    count.try_into().map_or(f64::MAX, f64::from)
}
