//! One module per command. A command reads its arguments, calls control, and prints.

pub(crate) mod act;
pub(crate) mod bench;
pub(crate) mod bench_content;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod discover;
pub(crate) mod explain_steps;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod matching;
pub(crate) mod plan;
pub(crate) mod rehearse;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod simulate;
pub(crate) mod status;
pub(crate) mod users;
pub(crate) mod waves;

use model::Action;

use crate::{
    cli::{Cli, Command},
    exit::Exit,
    failure::Failure,
    output::Output,
    script,
};

/// Runs what the command line asks for.
pub(crate) async fn run(cli: Cli) -> Result<Exit, Failure> {
    let Cli { global, command } = cli;
    let out = Output { json: global.json };
    let Some(command) = command else {
        return rehearse::run(out, &rehearse::Options::default()).await;
    };
    match command {
        Command::Rehearse(options) => rehearse::run(out, &options).await,
        Command::Init(options) => init::run(&global, &options),
        Command::Check => check::run(&global, out).await,
        Command::Discover(options) => discover::run(&global, out, &options).await,
        Command::Match => matching::run(&global, out).await,
        Command::Plan(options) => plan::run(&global, out, &options).await,
        Command::Prepare(options) => act::run(&global, out, Action::Prepare, &options).await,
        Command::Sync(options) => act::run(&global, out, Action::Sync, &options).await,
        Command::Cutover(options) => act::cutover(&global, out, &options).await,
        Command::Stop(options) => act::run(&global, out, Action::Stop, &options).await,
        Command::Reset(options) => act::reset(&global, out, &options).await,
        Command::SendCutoverEmail(options) => {
            act::run(&global, out, Action::SendCutoverEmail, &options).await
        }
        Command::SendGuestInvite(options) => {
            act::run(&global, out, Action::SendGuestInvite, &options).await
        }
        Command::Verify(options) => act::run(&global, out, Action::Verify, &options).await,
        Command::Confirm(options) => act::confirm(&global, out, &options).await,
        Command::Status => status::run(&global, out).await,
        Command::Report => report::run(&global, out).await,
        Command::Users => users::run(&global, out).await,
        Command::Waves(options) => waves::run(&global, out, options).await,
        Command::Import(options) => import::run(&global, out, &options).await,
        Command::Export(options) => export::run(&global, &options).await,
        Command::Run(options) => run::run(&global, out, &options).await,
        Command::Simulate(options) => simulate::run(out, &options).await,
        Command::Bench(options) => bench::run(out, &options).await,
        Command::Completions(options) => completions::run(&options),
        Command::ExplainSteps => explain_steps::run(out),
        Command::Script(command) => script::online::run(&global, out, command).await,
    }
}
