//! To come.
use crate::{exit::Exit, failure::Failure, output::Output};
use clap::Args;
/// Options.
#[derive(Debug, Default, Args)]
pub(crate) struct Options {}
/// Runs.
#[expect(clippy::unused_async, reason = "to come")]
pub(crate) async fn run(_out: Output, _options: &Options) -> Result<Exit, Failure> {
    Ok(Exit::Done)
}
