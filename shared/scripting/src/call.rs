//! One call of an entry function, from typed input to typed result, inside the sandbox.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::{CallFnOptions, Dynamic, EvalAltResult, Scope};
use serde::{Deserialize, Serialize};

use crate::attributes::{AttributeName, Attributes};
use crate::code::Code;
use crate::context::{Event, RunContext, UserInput};
use crate::diagnostic::{Diagnostic, ScriptError};
use crate::entry::{Entry, Parameter};
use crate::errors;
use crate::functions::{forget_patterns, sink};
use crate::handles::{self, Context, Record, Source, Target, Who};
use crate::locate;
use crate::patch::{Assigned, Cost, LinkedCandidates, Remark, UserPatch, Verdict};
use crate::results;
use crate::sandbox::{self, Lost};
use crate::script::Script;

/// What an entry function is called with.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) entry: Entry,
    pub(crate) user: UserInput,
    pub(crate) chosen: Attributes,
    pub(crate) event: Option<Event>,
    /// What an earlier script (the default under the customer's) assigned.
    pub(crate) drafted: BTreeMap<AttributeName, Assigned>,
    pub(crate) linked: Option<LinkedCandidates>,
    pub(crate) run: Arc<RunContext>,
}

impl Call {
    pub(crate) fn new(entry: Entry, user: UserInput, run: Arc<RunContext>) -> Self {
        Self {
            entry,
            user,
            chosen: Attributes::new(),
            event: None,
            drafted: BTreeMap::new(),
            linked: None,
            run,
        }
    }
}

/// What came of a call: the patch for mapping entries, and the returned value made plain.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) patch: UserPatch,
    pub(crate) returned: results::Returned,
}

/// Calls an entry function on a script thread, under the script's budget.
pub(crate) fn call(script: &Script, call: Call) -> Result<Outcome, ScriptError> {
    let refuse = |message: &str| {
        let diagnostic = Diagnostic::new(Code::R020, script.name(), message)
            .help("the version is disabled; publish a corrected one");
        Err(ScriptError::new(diagnostic, Cost::default()))
    };
    if script.is_disabled() {
        return refuse("this version of the script broke its worker before");
    }
    let (running, again) = (script.clone(), call.clone());
    match sandbox::run(script.budget().wall(), move || call_here(&running, call)) {
        Ok(Err(error)) if locate::is_lost(&error) => Err(locate::located(script, again, error)),
        Ok(outcome) => outcome,
        Err(Lost::NoThread) => {
            let diagnostic =
                Diagnostic::new(Code::R021, script.name(), "the system gave no thread");
            Err(ScriptError::new(diagnostic, Cost::default()))
        }
        Err(Lost::Panicked | Lost::Overran) => {
            script.disable();
            refuse("the script broke its worker")
        }
    }
}

/// Runs a part that makes many calls on one script thread; `None` when it did not come back.
pub(crate) fn batch<T: Send + 'static>(
    script: &Script,
    calls: usize,
    part: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    if script.is_disabled() {
        return None;
    }
    let calls = u32::try_from(calls).unwrap_or(u32::MAX);
    sandbox::run(script.budget().wall().saturating_mul(calls), part).ok()
}

/// The same on the present thread, which must have a large stack.
pub(crate) fn call_here(script: &Script, call: Call) -> Result<Outcome, ScriptError> {
    let entry = call.entry;
    forget_others(script);
    if !script.has(entry) {
        let message = format!("the script has no function `{}`", entry.signature());
        return Err(ScriptError::new(
            Diagnostic::new(Code::E001, script.name(), message),
            Cost::default(),
        ));
    }
    let who = if entry == Entry::MapContact { Who::Contact } else { Who::User };
    handles::begin(
        script.name(),
        who,
        call.user.target.clone(),
        call.drafted.clone(),
        call.linked.clone(),
    );
    sink::start();
    let (result, cost, spent) = sandbox::metered(script.budget(), || invoke(script, call));
    let notes = sink::finish();
    let drafted = handles::finish();

    if let Some(spent) = spent {
        let place = result.err();
        return Err(ScriptError::new(errors::spent(script, entry, spent, place), cost));
    }
    let verdict = match notes.ended {
        Some(sink::Ended::Parked(note)) => Verdict::Parked(remark(note)),
        Some(sink::Ended::Skipped(note)) => Verdict::Skipped(remark(note)),
        None => Verdict::GoOn,
    };
    let returned = match result {
        Ok(returned) => returned,
        Err(_) if verdict != Verdict::GoOn => results::Returned::Nothing,
        Err(error) => {
            return Err(ScriptError::new(errors::diagnostic(script, entry, *error), cost));
        }
    };
    let (values, linked) =
        drafted.map_or_else(Default::default, |drafted| (drafted.values, drafted.linked));
    let patch = UserPatch {
        values,
        linked,
        warnings: notes.warnings.into_iter().map(remark).collect(),
        debug: notes.debug.into_iter().map(remark).collect(),
        verdict,
        cost,
    };
    Ok(Outcome { patch, returned })
}

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Drops what an earlier script left on this thread: its compiled patterns.
fn forget_others(script: &Script) {
    LAST.with_borrow_mut(|last| {
        // The shipped scripts run beneath others and leave nothing.
        if !script.is_shipped() && last != script.hash() {
            forget_patterns();
            script.hash().clone_into(last);
        }
    });
}

fn remark(note: sink::Note) -> Remark {
    Remark { text: note.text, line: note.line }
}

fn invoke(script: &Script, call: Call) -> Result<results::Returned, Box<EvalAltResult>> {
    let entry = call.entry;
    let source = Source::new("source", call.user.source);
    let context = Context::new(call.run, script.tables().clone());
    let chosen = call.chosen;
    let event = call.event;
    let arguments: Vec<Dynamic> = entry
        .parameters()
        .iter()
        .map(|parameter| match parameter {
            Parameter::Source => Dynamic::from(source.clone()),
            Parameter::User => Dynamic::from(source.clone().titled("user")),
            Parameter::Target => Dynamic::from(Target),
            Parameter::Chosen => Dynamic::from(Source::new("chosen", chosen.clone())),
            Parameter::Event => {
                event.as_ref().map_or(Dynamic::UNIT, |event| Dynamic::from(Record::event(event)))
            }
            Parameter::Context => Dynamic::from(context.clone()),
        })
        .collect();
    let options = CallFnOptions::new().eval_ast(true).rewind_scope(true);
    let value: Dynamic = script.engine().call_fn_with_options(
        options,
        &mut Scope::new(),
        script.ast(),
        entry.name(),
        arguments,
    )?;
    results::read(entry, &value)
}
