//! Where a script was when it was ended, and where it wrote what it should not have returned.
//!
//! The engine forgets the place of a spent budget, of a value that is too large and of calls that go
//! too deep. So the call runs once more, with a mark before each statement and a small part of the
//! time; the last mark is the place. What is returned has no place either: see [`crate::places`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::call::{Call, together};
use crate::check::width;
use crate::code::Code;
use crate::context::RunContext;
use crate::diagnostic::ScriptError;
use crate::entry::Entry;
use crate::places;
use crate::sandbox::Budget;
use crate::script::Script;
use crate::testing::marked;

/// Processor time of the second run: enough for every legal script, short for one that hangs.
const TIME: Duration = Duration::from_millis(100);

/// Whether the engine has forgotten the place of this error.
pub(crate) fn is_lost(entry: Entry, error: &ScriptError) -> bool {
    is_spent(error) || is_returned(entry, error)
}

fn is_spent(error: &ScriptError) -> bool {
    matches!(error.code(), Code::R010 | Code::R011 | Code::R012 | Code::R013 | Code::R014)
}

/// Whether it is of what the entry function returned.
fn is_returned(entry: Entry, error: &ScriptError) -> bool {
    match error.code() {
        Code::R006 => true,
        Code::R003 => entry == Entry::MatchKeys,
        _ => false,
    }
}

/// The error with the place of the statement that was running, or of the map that was returned.
pub(crate) fn located(
    script: &Script,
    run: &Arc<RunContext>,
    call: Call,
    error: ScriptError,
) -> ScriptError {
    let budget = script.budget();
    let budget = Budget {
        time: budget.time.min(TIME),
        // The marks are operations too.
        operations: budget.operations.saturating_mul(2),
        ..budget
    };
    if is_returned(call.entry, &error) {
        returned(script, budget, run, call, error)
    } else {
        running(script, budget, run, call, error)
    }
}

fn running(
    script: &Script,
    budget: Budget,
    run: &Arc<RunContext>,
    call: Call,
    mut error: ScriptError,
) -> ScriptError {
    let last = Arc::new(AtomicUsize::new(0));
    let noted = Arc::clone(&last);
    let marked = marked(script, budget, move |line| noted.store(line, Ordering::Relaxed));
    let Some((marked, places)) = marked else { return error };
    // How it ends is known; a run that does not come back leaves the place of its last mark.
    drop(together(&marked, run, &Arc::from([call])));
    let line = last.load(Ordering::Relaxed);
    if let Some(column) = places.get(&line).and_then(|columns| columns.first()) {
        let text = script.text();
        let diagnostic = (*error.diagnostic).clone();
        *error.diagnostic = diagnostic.at(text, line, *column, width(text, line, *column));
    }
    error
}

fn returned(
    script: &Script,
    budget: Budget,
    run: &Arc<RunContext>,
    call: Call,
    mut error: ScriptError,
) -> ScriptError {
    let again = places::carried(script, budget)
        .and_then(|carried| together(&carried, run, &Arc::from([call])).ok()?.pop()?.err());
    // A script that looks at all entries of a map may go another way.
    if let Some(again) = again.filter(|again| again.diagnostic.message == error.diagnostic.message)
    {
        error.diagnostic = again.diagnostic;
    }
    error
}
