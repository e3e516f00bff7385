//! The worker's side.

use std::io::{self, Read, Write};
use std::sync::Arc;

use super::frame::{self, Reply, Request, Tried};
use super::{limits, suite};
use crate::call;
use crate::script::Script;
use crate::trial::try_script;

/// Serves one script over a pair of pipes until the host closes them. The process that calls this
/// must have nothing worth stealing: an empty environment, no credentials, no open connection.
pub fn run_worker(mut input: impl Read, mut output: impl Write) -> io::Result<()> {
    limits::at_start();
    let mut script: Option<Script> = None;
    while let Some(request) = frame::read::<Request<'static>>(&mut input)? {
        let calls = match &request {
            Request::Calls { calls, .. } => calls.len(),
            Request::Test(_) => suite::LIKE_CALLS,
            Request::Load { .. } | Request::Try { .. } => 1,
        };
        limits::before(calls);
        let reply = match (request, &script) {
            (Request::Load { name, text, options }, None) => {
                match Script::compile_with(&name, &text, options.into_owned()) {
                    Ok(loaded) => {
                        let hash = loaded.hash().to_owned();
                        script = Some(loaded);
                        Reply::Loaded(hash)
                    }
                    Err(_) => Reply::NotLoaded,
                }
            }
            (Request::Try { name, text, options, entry, input }, _) => {
                let (options, input) = (options.into_owned(), (*input).into_owned());
                Reply::Tried(Tried::from(&try_script(&name, &text, options, entry, input)))
            }
            (Request::Test(suite), _) => Reply::Tested(suite.run()),
            (Request::Calls { run, calls }, Some(script)) => {
                let run = Arc::new(run.into_owned());
                Reply::Called(call::here(script, &run, calls.into_owned()))
            }
            // One worker serves one script; anything else is a fault of the host.
            (Request::Load { .. }, Some(_)) | (Request::Calls { .. }, None) => Reply::NotLoaded,
        };
        frame::write(&mut output, &reply)?;
    }
    Ok(())
}
