//! Calls of entry functions, from typed input to typed result, inside the sandbox.

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
use crate::fault::Fault;
use crate::functions::{forget_patterns, sink};
use crate::handles::{self, Context, Record, Source, Target, Who};
use crate::locate;
use crate::patch::{Assigned, Cost, LinkedCandidates, Remark, UserPatch, Verdict};
use crate::results;
use crate::sandbox::{self, Lost};
use crate::script::Script;
use crate::worker::Workers;

/// What an entry function is called with, besides the run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Call {
    pub(crate) entry: Entry,
    pub(crate) user: UserInput,
    pub(crate) chosen: Attributes,
    pub(crate) event: Option<Event>,
    /// What an earlier script (the default under the customer's) assigned.
    pub(crate) drafted: BTreeMap<AttributeName, Assigned>,
    pub(crate) linked: Option<LinkedCandidates>,
}

impl Call {
    pub(crate) fn new(entry: Entry, user: UserInput) -> Self {
        Self {
            entry,
            user,
            chosen: Attributes::new(),
            event: None,
            drafted: BTreeMap::new(),
            linked: None,
        }
    }
}

/// What came of a call: the patch for mapping entries, and the returned value made plain.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) patch: UserPatch,
    pub(crate) returned: results::Returned,
}

/// A call's end.
pub(crate) type Answer = Result<Outcome, ScriptError>;

/// Calls a script for one user after the other: a customer's in a worker where there is a pool of
/// them, the shipped one, which is this program's own, in this process.
pub(crate) fn answers(
    script: &Script,
    workers: Option<&Workers>,
    run: &Arc<RunContext>,
    calls: Vec<Call>,
) -> Vec<Answer> {
    match workers {
        Some(workers) if !script.is_shipped() => workers.calls(script, run, &calls),
        _ => here(script, run, calls),
    }
}

/// The answer to the only call.
pub(crate) fn one<T>(mut answers: Vec<Result<T, ScriptError>>) -> Result<T, ScriptError> {
    answers.pop().unwrap_or_else(|| {
        let diagnostic = Diagnostic::new(Code::R021, "", "the script was not called");
        Err(ScriptError::new(diagnostic, Cost::default()))
    })
}

/// Calls entry functions one after the other on one script thread, each under the script's budget.
pub(crate) fn here(script: &Script, run: &Arc<RunContext>, calls: Vec<Call>) -> Vec<Answer> {
    if let [_] | [] = calls.as_slice() {
        return calls.into_iter().map(|only| call(script, run, only)).collect();
    }
    let calls: Arc<[Call]> = calls.into();
    match together(script, run, &calls) {
        Ok(answers) => std::iter::zip(answers, &*calls)
            .map(|(answer, call)| match answer {
                Err(error) if locate::is_lost(call.entry, &error) => {
                    Err(locate::located(script, run, call.clone(), error))
                }
                answer => answer,
            })
            .collect(),
        // Again one by one, so that only the culprit pays.
        Err(_) => calls.iter().map(|one| call(script, run, one.clone())).collect(),
    }
}

fn call(script: &Script, run: &Arc<RunContext>, call: Call) -> Answer {
    let refuse = |message: &str| {
        let diagnostic = Diagnostic::new(Code::R020, script.name(), message)
            .help("the version is disabled; publish a corrected one");
        Err(ScriptError::new(diagnostic, Cost::default()))
    };
    if script.is_disabled() {
        return refuse("this version of the script broke its worker before");
    }
    match together(script, run, &Arc::from([call.clone()])).map(|mut answers| answers.pop()) {
        Ok(Some(Err(error))) if locate::is_lost(call.entry, &error) => {
            Err(locate::located(script, run, call, error))
        }
        Ok(Some(answer)) => answer,
        Err(Lost::NoThread) => {
            let diagnostic =
                Diagnostic::new(Code::R021, script.name(), "the system gave no thread");
            Err(ScriptError::new(diagnostic, Cost::default()))
        }
        Ok(None) | Err(Lost::Panicked | Lost::Overran) => {
            script.disable();
            refuse("the script broke its worker")
        }
    }
}

/// One answer for each call, all from one script thread.
pub(crate) fn together(
    script: &Script,
    run: &Arc<RunContext>,
    calls: &Arc<[Call]>,
) -> Result<Vec<Answer>, Lost> {
    let many = u32::try_from(calls.len()).unwrap_or(u32::MAX);
    let wall = script.budget().wall().saturating_mul(many);
    let (script, run, calls) = (script.clone(), Arc::clone(run), Arc::clone(calls));
    sandbox::run(wall, move || {
        let context = Context::new(run, script.tables().clone());
        calls.iter().map(|call| call_here(&script, &context, call)).collect()
    })
}

/// A call on the present thread, which must have a large stack.
fn call_here(script: &Script, context: &Context, call: &Call) -> Answer {
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
        script.options().origins.then(|| script.shared_name()),
        who,
        (entry == Entry::FinishUser).then(|| call.chosen.clone()),
        call.user.target.clone(),
        call.drafted.clone(),
        call.linked.clone(),
    );
    sink::start();
    let (result, cost, spent) = sandbox::metered(script.budget(), || invoke(script, context, call));
    let notes = sink::finish();
    let drafted = handles::finish();

    if let Some(spent) = spent {
        let place = result.err();
        return Err(ScriptError::new(errors::spent(script, entry, spent, place), cost));
    }
    if let Some((message, at)) = notes.refused {
        let error = EvalAltResult::ErrorRuntime(Dynamic::from(Fault::runtime(message)), at);
        return Err(ScriptError::new(errors::diagnostic(script, entry, error), cost));
    }
    let verdict = match notes.ended {
        Some(sink::Ended::Parked(note)) if !entry.fills_in() => {
            return Err(ScriptError::new(errors::parked(script, entry, &note), cost));
        }
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
    Remark { text: note.text, line: note.at.line() }
}

fn invoke(
    script: &Script,
    context: &Context,
    call: &Call,
) -> Result<results::Returned, Box<EvalAltResult>> {
    let entry = call.entry;
    let person = |title| Dynamic::from(Source::new(title, call.user.source.clone()));
    let arguments: Vec<Dynamic> = entry
        .parameters()
        .iter()
        .map(|parameter| match parameter {
            Parameter::Source => person("source"),
            Parameter::User => person("user"),
            Parameter::Target => Dynamic::from(Target),
            Parameter::Chosen => Dynamic::from(Source::new("chosen", call.chosen.clone())),
            Parameter::Event => call
                .event
                .as_ref()
                .map_or(Dynamic::UNIT, |event| Dynamic::from(Record::event(event))),
            Parameter::Context => Dynamic::from(context.clone()),
        })
        .collect();
    let options = CallFnOptions::new().eval_ast(true).rewind_scope(true);
    let given = results::Given { now: context.now(), library: script.library() };
    let value: Dynamic = script.engine().call_fn_with_options(
        options,
        &mut Scope::new(),
        script.ast(),
        entry.name(),
        arguments,
    )?;
    results::read(entry, &value, &given)
}
