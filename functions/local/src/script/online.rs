//! The commands that need a project's database: preview, publish, versions, rollback, pin,
//! explain --user; and the measurement, which makes one.

mod bench;
mod preview;

use clap::Args;
use control::scripts;
use model::ScriptKind;

pub(crate) use self::{
    bench::Options as BenchOptions,
    preview::{PreviewOptions, Which},
};
use super::{Kind, ScriptCommand};
use crate::{
    cli::Global,
    exit::Exit,
    failure::Failure,
    output::{Output, Table, line},
    session::{Session, read_file, scripts::draft},
};

/// Who does it, for the list of versions.
#[derive(Debug, Args)]
pub(crate) struct Author {
    /// Who publishes; the list of versions names them
    #[arg(long, env = "USER", default_value = "operator")]
    author: String,
}

/// Options of `script rollback`.
#[derive(Debug, Args)]
pub(crate) struct RollbackOptions {
    /// Which script
    #[arg(value_enum, default_value = "mapping")]
    kind: Kind,
    /// The version: the first letters of its hash; the one before the present one if not given
    #[arg(long, value_name = "HASH")]
    to: Option<String>,
    #[command(flatten)]
    author: Author,
}

/// Options of `script pin`.
#[derive(Debug, Args)]
pub(crate) struct PinOptions {
    /// Which script
    #[arg(value_enum, default_value = "mapping")]
    kind: Kind,
    /// The version: the first letters of its hash; the one in force if not given
    #[arg(long, value_name = "HASH")]
    to: Option<String>,
}

/// Runs a command with a project.
pub(crate) async fn run(
    global: &Global,
    out: Output,
    command: ScriptCommand,
) -> Result<Exit, Failure> {
    match command {
        ScriptCommand::Preview(options) => preview::run(global, out, &options).await,
        ScriptCommand::Explain { options, .. } => preview::explain(global, out, &options).await,
        ScriptCommand::Publish(author) => publish(global, out, &author.author).await,
        ScriptCommand::Versions => versions(global, out).await,
        ScriptCommand::Rollback(options) => rollback(global, out, &options).await,
        ScriptCommand::Pin(options) => pin(global, out, &options).await,
        ScriptCommand::Bench(options) => bench::run(out, &options).await,
        // The others need no project: `main` runs them.
        _ => Ok(Exit::Done),
    }
}

async fn publish(global: &Global, out: Output, author: &str) -> Result<Exit, Failure> {
    let file = read_file(&global.project)?;
    let mut drafts = Vec::new();
    for kind in ScriptKind::ALL {
        drafts.extend(draft(&file, kind)?);
    }
    if drafts.is_empty() {
        return Err(Failure::input(format!(
            "{}: [scripts] names no script; write mapping = \"ours.rhai\"",
            global.project.display()
        )));
    }
    let session = Session::open(&global.project).await?;
    let mut done = Vec::new();
    let mut text = String::new();
    for draft in &drafts {
        let published = scripts::publish(&session.host, &session.project, draft, author).await?;
        let hash = short(&published.hash);
        let tests = match (&draft.tests, published.cases) {
            (None, _) => "no tests beside it".to_owned(),
            (Some(_), cases) => format!("{cases} tests passed"),
        };
        let news = match &published.before {
            Some(before) if *before == published.hash => "is in force already".to_owned(),
            Some(before) => format!("is in force, in place of {}", short(before)),
            None => "is in force, in place of the shipped one".to_owned(),
        };
        let (name, kind) = (&draft.name, draft.kind);
        line(&mut text, format_args!("{name}: {kind} version {hash} {news}; {tests}"));
        for warning in &published.warnings {
            line(&mut text, format_args!("{}", warning.render()));
        }
        done.push(published);
    }
    out.data(&done, text)?;
    Output::note("waves that have begun keep their version; `crosswave script pin` changes that");
    Ok(Exit::Done)
}

async fn versions(global: &Global, out: Output) -> Result<Exit, Failure> {
    let session = Session::open(&global.project).await?;
    let lines = scripts::versions(&session.host, &session.project).await?;
    let mut table =
        Table::new(["script", "version", "file", "author", "published", "engine", "used by"]);
    for version in &lines {
        let mut used: Vec<String> =
            version.waves.iter().map(|wave| format!("wave {wave}")).collect();
        if version.in_force {
            used.insert(0, "new jobs".to_owned());
        }
        if let Some(why) = &version.disabled {
            used.push(format!("DISABLED: {why}"));
        }
        table.row([
            version.kind.to_string(),
            short(&version.hash).to_owned(),
            version.name.clone(),
            version.author.clone(),
            version.at.map(|at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()).unwrap_or_default(),
            format!("rhai {}", version.engine),
            used.join(", "),
        ]);
    }
    out.data(&lines, table)?;
    Ok(Exit::Done)
}

async fn rollback(
    global: &Global,
    out: Output,
    options: &RollbackOptions,
) -> Result<Exit, Failure> {
    let session = Session::open(&global.project).await?;
    let (kind, author) = (options.kind.into(), options.author.author.as_str());
    let to = options.to.as_deref();
    let hash = scripts::rollback(&session.host, &session.project, kind, to, author).await?;
    let text = format!("{kind} version {} is in force again\n", short(&hash));
    out.data(&serde_json::json!({ "kind": kind, "hash": hash }), text)?;
    Ok(Exit::Done)
}

async fn pin(global: &Global, out: Output, options: &PinOptions) -> Result<Exit, Failure> {
    let Some(wave) = &global.wave else {
        return Err(Failure::input("name the wave: --wave WAVE"));
    };
    let session = Session::open(&global.project).await?;
    let (kind, to) = (options.kind.into(), options.to.as_deref());
    let hash = scripts::pin(&session.host, &session.project, wave, kind, to).await?;
    let text = format!("wave {wave} uses {kind} version {} from its next job on\n", short(&hash));
    out.data(&serde_json::json!({ "wave": wave, "kind": kind, "hash": hash }), text)?;
    Ok(Exit::Done)
}

/// The first letters of a hash: as much as people compare.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
