//! The actions that start, stop and reset users' jobs.

use std::collections::BTreeSet;

use clap::{Args, ValueEnum};
use control::{Selection, waves};
use engine::{Apply, ApplyError, apply, open_gate};
use model::{Action, ResetTo, UserId};
use serde::Serialize;

use crate::{
    cli::Global,
    exit::Exit,
    failure::Failure,
    host::Runner,
    output::Output,
    progress::Progress,
    session::{Place, Session},
    standing::{Ended, Standing, Until, watch},
};

/// Options of every action.
#[derive(Debug, Default, Args)]
pub(crate) struct Options {
    /// Everybody in the project, instead of --wave or --user
    #[arg(long)]
    pub(crate) all: bool,
}

/// Options of a cutover.
#[derive(Debug, Args)]
pub(crate) struct Cutover {
    #[command(flatten)]
    options: Options,
    /// Cut over from states that do not allow it
    #[arg(long)]
    force: bool,
}

/// Options of a reset.
#[derive(Debug, Args)]
pub(crate) struct Reset {
    #[command(flatten)]
    options: Options,
    /// The state that the users get
    #[arg(long)]
    to: ResetState,
}

/// The states that a reset sets.
#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
enum ResetState {
    /// As after a good sync
    Synced,
    /// As just discovered
    NoMatch,
}

/// What became of an action.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Acted {
    /// The users that were started, or changed.
    pub(crate) started: usize,
    /// Those that were refused, in words (GEN-3).
    pub(crate) refused: Vec<String>,
}

/// Applies an action to the chosen users, and works until they are done.
pub(crate) async fn run(
    global: &Global,
    out: Output,
    action: Action,
    options: &Options,
) -> Result<Exit, Failure> {
    act(global, out, Request { action, force: false, reset_to: None }, options).await
}

/// `cutover`.
pub(crate) async fn cutover(
    global: &Global,
    out: Output,
    options: &Cutover,
) -> Result<Exit, Failure> {
    let request = Request { action: Action::Cutover, force: options.force, reset_to: None };
    act(global, out, request, &options.options).await
}

/// `reset`.
pub(crate) async fn reset(global: &Global, out: Output, options: &Reset) -> Result<Exit, Failure> {
    let to = match options.to {
        ResetState::Synced => ResetTo::Synced,
        ResetState::NoMatch => ResetTo::NoMatch,
    };
    let request = Request { action: Action::Reset, force: false, reset_to: Some(to) };
    act(global, out, request, &options.options).await
}

/// `confirm`: opens T10's gate.
pub(crate) async fn confirm(
    global: &Global,
    out: Output,
    options: &Options,
) -> Result<Exit, Failure> {
    let session = Session::open(&global.project).await?;
    let selection = chosen(global, options)?;
    let mut acted = Acted::default();
    let mut users = BTreeSet::new();
    for user in selection.resolve(&session.host, &session.scope()).await? {
        let user = user.value;
        if open_gate(&session.host, &session.scope().user(&user.id)).await? {
            acted.started += 1;
            users.insert(user.id);
        } else {
            let who = &user.source.user_principal_name;
            acted.refused.push(format!("{who}: no cutover waits for this user"));
        }
    }
    finish(session, out, "confirm", &selection, acted, users).await
}

/// What is applied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// The action.
    pub(crate) action: Action,
    /// Whether a cutover is forced.
    pub(crate) force: bool,
    /// What a reset sets.
    pub(crate) reset_to: Option<ResetTo>,
}

async fn act(
    global: &Global,
    out: Output,
    request: Request,
    options: &Options,
) -> Result<Exit, Failure> {
    let session = Session::open(&global.project).await?;
    let selection = chosen(global, options)?;
    let (acted, users) = start(&session, &selection, request).await?;
    finish(session, out, request.action.name(), &selection, acted, users).await
}

/// The users that were named; naming nobody by accident does nothing.
fn chosen(global: &Global, options: &Options) -> Result<Selection, Failure> {
    let selection = global.selection();
    match (selection.is_everybody(), options.all) {
        (true, false) => {
            Err(Failure::input("name the users: --wave WAVE, --user USER, or --all for everybody"))
        }
        (false, true) => Err(Failure::input("--all and --wave or --user exclude each other")),
        _ => Ok(selection),
    }
}

/// Applies an action to the chosen users (GEN-1): a whole wave as a run that survives a crash.
pub(crate) async fn start(
    session: &Session,
    selection: &Selection,
    request: Request,
) -> Result<(Acted, BTreeSet<UserId>), Failure> {
    let scope = session.scope();
    let users = selection.resolve(&session.host, &scope).await?;
    let ids: BTreeSet<UserId> = users.iter().map(|user| user.value.id.clone()).collect();
    let mut acted = Acted::default();
    if let (Some(wave), true, None) =
        (&selection.wave, selection.users.is_empty(), request.reset_to)
    {
        let run =
            waves::start_run(&session.host, &scope, wave, request.action, request.force).await?;
        let expanded = waves::expand(&session.host, &scope, &run).await?;
        acted.started = usize::try_from(expanded.started).unwrap_or(usize::MAX);
        acted.refused = expanded.refused;
        return Ok((acted, ids));
    }
    for user in users {
        let apply_to = Apply {
            user: scope.user(&user.value.id),
            action: request.action,
            force: request.force,
            reset_to: request.reset_to,
        };
        match apply(&session.host, apply_to).await {
            Ok(_) => acted.started += 1,
            Err(ApplyError::Engine(error)) => return Err(error.into()),
            Err(refused) => acted.refused.push(refused.to_string()),
        }
    }
    Ok((acted, ids))
}

/// Works until the users are done, and says what became of them.
async fn finish(
    mut session: Session,
    out: Output,
    what: &str,
    selection: &Selection,
    acted: Acted,
    users: BTreeSet<UserId>,
) -> Result<Exit, Failure> {
    for refused in &acted.refused {
        Output::note(refused);
    }
    let ended = work(&mut session, what, &Until::Settled(users)).await?;
    let report = session.report(selection).await?;
    out.data(&serde_json::json!({ "action": what, "acted": acted, "report": report }), &report)?;
    let well = ended == Ended::Done && report.all_well() && acted.refused.is_empty();
    Ok(if well { Exit::Done } else { Exit::SomeParked })
}

/// Works with progress on the screen.
pub(crate) async fn work(
    session: &mut Session,
    what: &str,
    until: &Until,
) -> Result<Ended, Failure> {
    Ok(work_beside(session, what, until, &mut || {}).await?.0)
}

/// As [`work`], with something that happens beside it now and then; also says how many steps were
/// handled. Where another process has the database open, it does the work, and this one watches; it
/// takes over if that one ends first.
pub(crate) async fn work_beside(
    session: &mut Session,
    what: &str,
    until: &Until,
    beside: &mut dyn FnMut(),
) -> Result<(Ended, u64), Failure> {
    let steps = dispatch::AllSteps;
    let mut progress = Progress::new(what);
    let mut last = Standing::default();
    let mut show = |standing: &Standing| {
        progress.show(standing);
        beside();
        last.clone_from(standing);
    };
    let ended = loop {
        let Place::Here { queue, .. } = &session.place else {
            match watch(session, until, &mut show).await {
                Ok(None) => session.reopen().await?,
                Ok(Some(ended)) => break Ok(ended),
                Err(failure) => break Err(failure),
            }
            continue;
        };
        break Runner::new(session, queue, &steps)?.run(until, &mut show).await;
    };
    progress.finish();
    if last.at_gate > 0 {
        Output::note(format!(
            "{} people must confirm before their cutover goes on; then, or with `crosswave \
             confirm`, run `crosswave run`",
            last.at_gate
        ));
    }
    match (&ended, session.place.is_beside()) {
        (Ok(Ended::Interrupted), true) => Output::note("the other crosswave goes on with the work"),
        (Ok(Ended::Interrupted), false) => {
            Output::note("stopped as asked; `crosswave run` goes on where this ended");
        }
        (Ok(Ended::Done), false) if last.others_in_flight > 0 => Output::note(format!(
            "{} other people have work in flight; `crosswave run` goes on with it",
            last.others_in_flight
        )),
        _ => {}
    }
    Ok((ended?, last.handled))
}
