//! `crosswave script preview` and `crosswave script explain --user`.

use std::{
    io::{BufWriter, Write},
    sync::Arc,
};

use clap::{Args, ValueEnum};
use control::scripts::{self, Asked, Previewed, Row, preview};
use model::ScriptKind;
use scripting::{
    Mapping, Step, WorkerPool,
    preview::{Difference, Effect, csv_head, csv_lines},
};

use super::short;
use crate::{
    cli::Global,
    exit::Exit,
    failure::Failure,
    output::{Output, line},
    progress::Counter,
    session::{Session, read_file, scripts::draft},
};

/// Which mapping, in which phase.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// `draft` (what the project file names), `published`, or the first letters of a hash; the
    /// draft if there is one
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// The phase
    #[arg(long, value_enum, default_value = "prepare")]
    step: Phase,
}

/// Options of `script preview`.
#[derive(Debug, Args)]
pub(crate) struct PreviewOptions {
    #[command(flatten)]
    which: Which,
    /// Show what differs from this version: `published`, or the first letters of a hash
    #[arg(long, value_name = "VERSION")]
    against: Option<String>,
    /// Print every change as CSV
    #[arg(long)]
    csv: bool,
}

/// The phases that map users.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Phase {
    Prepare,
    Sync,
    CutoverTarget,
    CutoverSource,
}

impl From<Phase> for Step {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Prepare => Self::Prepare,
            Phase::Sync => Self::Sync,
            Phase::CutoverTarget => Self::CutoverTarget,
            Phase::CutoverSource => Self::CutoverSource,
        }
    }
}

/// The mapping that a version names. A draft runs in worker processes, as it would when published.
async fn mapping_of(
    global: &Global,
    session: &Session,
    version: Option<&str>,
) -> Result<Arc<Mapping>, Failure> {
    let file = read_file(&global.project)?;
    let drafted = draft(&file, ScriptKind::Mapping)?;
    match (version, drafted) {
        (None | Some("draft"), Some(draft)) => {
            let program = std::env::current_exe()?;
            let pool = Arc::new(WorkerPool::new(program, ["script", "worker"], threads()));
            let workers = pool.of(session.project.customer.as_str());
            Ok(Arc::new(draft.mapping()?.isolated(workers)))
        }
        (Some("draft"), None) => Err(Failure::input(format!(
            "{}: [scripts] names no mapping; write mapping = \"ours.rhai\"",
            global.project.display()
        ))),
        (version, _) => {
            let name = version.unwrap_or("published");
            Ok(scripts::load_mapping(&session.host, &session.project, name).await?)
        }
    }
}

pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Shows what a mapping would do to the chosen users.
pub(super) async fn run(
    global: &Global,
    out: Output,
    options: &PreviewOptions,
) -> Result<Exit, Failure> {
    let session = Session::open(&global.project).await?;
    let mapping = mapping_of(global, &session, options.which.version.as_deref()).await?;
    let against = match &options.against {
        Some(name) => Some(scripts::load_mapping(&session.host, &session.project, name).await?),
        None => None,
    };
    let selection = global.selection();
    let asked = Asked {
        selection: &selection,
        mapping: &mapping,
        against: against.as_deref(),
        step: options.which.step.into(),
        threads: threads(),
    };
    let mut sink = Sink::new(out.json, options.csv);
    let mut progress = Counter::new("users previewed");
    let done = preview(&session.host, &session.project, asked, |row| {
        progress.add(1);
        sink.row(row);
    })
    .await?;
    progress.finish();
    sink.end(&done)?;
    if done.undiscovered > 0 {
        Output::note(format!(
            "{} users are not shown: run `crosswave discover` first, which keeps their attributes",
            done.undiscovered
        ));
    }
    Ok(if done.summary.parked == 0 { Exit::Done } else { Exit::SomeParked })
}

/// Shows one user's attributes with the script's own lines.
pub(super) async fn explain(
    global: &Global,
    out: Output,
    options: &Which,
) -> Result<Exit, Failure> {
    let session = Session::open(&global.project).await?;
    let mapping = mapping_of(global, &session, options.version.as_deref()).await?;
    let selection = global.selection();
    let asked = Asked {
        selection: &selection,
        mapping: &mapping,
        against: None,
        step: options.step.into(),
        threads: 1,
    };
    let mut rows = Vec::new();
    let done =
        preview(&session.host, &session.project, asked, |row| rows.push(row.clone())).await?;
    let mut text = String::new();
    for row in &rows {
        write_user(&mut text, row, &mapping);
    }
    if done.undiscovered > 0 {
        return Err(Failure::input(
            "this user's attributes are not known: run `crosswave discover`",
        ));
    }
    out.data(&rows, text)?;
    Ok(if done.summary.parked == 0 { Exit::Done } else { Exit::SomeParked })
}

fn write_user(text: &mut String, row: &Row, mapping: &Mapping) {
    let user = &row.user;
    line(text, format_args!("{}: {}", user.user, words(&user.effect)));
    for change in &user.changes {
        let before = change.before.as_deref().unwrap_or("(nothing)");
        let after = change.after.as_deref().unwrap_or("(cleared)");
        line(text, format_args!("  {}: {before} -> {after}", change.attribute));
        if let Some(count) = change.candidates {
            let note = match &change.wanted {
                Some(wanted) => format!("of {count} candidates, as {wanted} is taken"),
                None => format!("the first of {count} candidates"),
            };
            line(text, format_args!("      {note}"));
        }
        let scripts = std::iter::once(mapping.script()).chain(mapping.base());
        let source = scripts
            .filter(|script| *script.name() == *change.script)
            .find_map(|script| script.text().lines().nth(change.line.checked_sub(1)?));
        let source = source.unwrap_or_default().trim();
        line(text, format_args!("      {}:{}  {source}", change.script, change.line));
    }
    for warning in &user.warnings {
        line(text, format_args!("  warning: {warning}"));
    }
    let cost = user.cost;
    line(text, format_args!("  {} operations, {} µs", cost.operations, cost.micros));
}

fn words(effect: &Effect) -> String {
    match effect {
        Effect::Changes => "changes".to_owned(),
        Effect::Unchanged => "stays as it is".to_owned(),
        Effect::Skipped(reason) => format!("is left out: {reason}"),
        Effect::Parked(reason) => format!("would be parked: {reason}"),
        Effect::Fails { code, message, line } => {
            let at = line.map(|line| format!(" (line {line})")).unwrap_or_default();
            format!("would be parked: {code} {message}{at}")
        }
    }
}

/// Prints users as they come: nothing of them is kept.
struct Sink {
    out: BufWriter<std::io::Stdout>,
    form: Form,
    rows: usize,
    /// The first differences, for the text form.
    differences: Vec<Difference>,
    failed: Option<std::io::Error>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Csv,
    Json,
}

/// So many differences are shown in the text form.
const DIFFERENCES_SHOWN: usize = 20;
/// So many users of a group or a collision are named in the text form.
const NAMED: usize = 5;

impl Sink {
    fn new(json: bool, csv: bool) -> Self {
        let form = if json {
            Form::Json
        } else if csv {
            Form::Csv
        } else {
            Form::Text
        };
        let mut sink = Self {
            out: BufWriter::new(std::io::stdout()),
            form,
            rows: 0,
            differences: Vec::new(),
            failed: None,
        };
        match form {
            Form::Csv => sink.put(csv_head()),
            Form::Json => sink.put("{\"users\":["),
            Form::Text => {}
        }
        sink
    }

    fn put(&mut self, text: &str) {
        if self.failed.is_none() {
            self.failed = self.out.write_all(text.as_bytes()).err();
        }
    }

    fn row(&mut self, row: &Row) {
        match self.form {
            Form::Csv => self.put(&csv_lines(&row.user)),
            Form::Json => {
                // A row has texts for keys and no floats, so it always has a JSON form.
                let json = serde_json::to_string(row).unwrap_or_default();
                self.put(if self.rows == 0 { "\n" } else { ",\n" });
                self.put(&json);
            }
            Form::Text => {
                let room = DIFFERENCES_SHOWN.saturating_sub(self.differences.len());
                self.differences.extend(row.differences.iter().take(room).cloned());
            }
        }
        self.rows += 1;
    }

    fn end(mut self, done: &Previewed) -> Result<(), Failure> {
        match self.form {
            Form::Csv => {}
            Form::Json => {
                let json = serde_json::to_string(done).map_err(Failure::internal)?;
                // The summary's own fields stand beside `users`.
                let numbers = json.replacen('{', "", 1).replacen("\"users\":", "\"looked_at\":", 1);
                self.put(&format!("\n],{numbers}\n"));
            }
            Form::Text => {
                let text = text(done, &self.differences);
                self.put(&text);
            }
        }
        if self.failed.is_none() {
            self.failed = self.out.flush().err();
        }
        match self.failed {
            // The reader has seen enough (`… | head`).
            Some(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        }
    }
}

fn text(done: &Previewed, differences: &[Difference]) -> String {
    let mut text = String::new();
    let summary = &done.summary;
    line(
        &mut text,
        format_args!(
            "mapping version {}: of {} users {} change, {} stay, {} are left out, {} would be \
             parked; nothing was written or reserved",
            short(&done.hash),
            done.users,
            summary.change,
            summary.unchanged,
            summary.skipped,
            summary.parked
        ),
    );
    for (attribute, count) in &summary.attributes {
        line(&mut text, format_args!("  {attribute:<30} {count:>7}"));
    }
    if !summary.groups.is_empty() {
        line(&mut text, "would be parked:");
    }
    for group in &summary.groups {
        let at = group.line.map(|line| format!(" line {line}")).unwrap_or_default();
        line(
            &mut text,
            format_args!("  {}{at}: {} users: {}", group.code, group.users.len(), group.message),
        );
        line(&mut text, format_args!("    {}", named(&group.users)));
    }
    if !summary.collisions.is_empty() {
        line(&mut text, "want a name that is taken, and get a later candidate:");
    }
    for (value, users) in summary.collisions.iter().take(DIFFERENCES_SHOWN) {
        line(&mut text, format_args!("  {value}: {}", named(users)));
    }
    if let Some(against) = &done.against {
        let (hash, differing) = (short(against), done.differing);
        line(&mut text, format_args!("against version {hash}: {differing} users differ"));
        for difference in differences {
            let what = difference.attribute.as_deref().unwrap_or("outcome");
            let Difference { user, before, after, .. } = difference;
            line(&mut text, format_args!("  {user} {what}: {before} -> {after}"));
        }
        if differing > 0 {
            line(&mut text, "  (the first differences; --json has all)");
        }
    }
    text
}

fn named(users: &[String]) -> String {
    let shown: Vec<&str> = users.iter().take(NAMED).map(String::as_str).collect();
    let more = users.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
