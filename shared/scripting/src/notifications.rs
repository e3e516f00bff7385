//! A notification script: what is written to whom when something happens (NOT-1).

use std::sync::{Arc, LazyLock};

use crate::call::{self, Call};
use crate::code::Code;
use crate::context::{Event, RunContext, UserInput};
use crate::defaults;
use crate::diagnostic::{Diagnostic, ScriptError};
use crate::entry::Entry;
use crate::notice::Notices;
use crate::patch::Verdict;
use crate::results::Returned;
use crate::script::{Script, ScriptOptions};
use crate::worker::Workers;

/// Decides recipients, language and text of messages. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Notifications {
    script: Script,
    workers: Option<Workers>,
}

impl Notifications {
    /// The shipped default, which is what runs when a customer has none.
    pub fn standard() -> Self {
        static STANDARD: LazyLock<Option<Script>> =
            LazyLock::new(|| Script::compile(defaults::NOTIFY_NAME, defaults::NOTIFY).ok());
        match &*STANDARD {
            Some(script) => Self { script: script.clone(), workers: None },
            // The default's own tests compile it; it is part of this program.
            None => unreachable!("the shipped notification script compiles"),
        }
    }

    /// Compiles a customer's notification script.
    pub fn compile(name: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        Self::of(Script::compile_with(name, text, ScriptOptions::default())?)
    }

    /// Takes a compiled script as a notification script.
    pub fn of(script: Script) -> Result<Self, Vec<Diagnostic>> {
        if !script.has(Entry::Notify) {
            let message = format!("a notification script needs `fn {}`", Entry::Notify.signature());
            return Err(vec![Diagnostic::new(Code::E001, script.name(), message)]);
        }
        Ok(Self { script, workers: None })
    }

    /// Runs every call in a worker process.
    #[must_use]
    pub fn isolated(mut self, workers: Workers) -> Self {
        self.workers = Some(workers);
        self
    }

    /// The script.
    pub fn script(&self) -> &Script {
        &self.script
    }

    /// The messages of an event. `user` is whom it concerns; an empty one for events of a wave.
    pub fn notify(
        &self,
        event: &Event,
        user: &UserInput,
        run: &Arc<RunContext>,
    ) -> Result<Notices, ScriptError> {
        let mut call = Call::new(Entry::Notify, user.clone());
        call.event = Some(event.clone());
        let outcome =
            call::one(call::answers(&self.script, self.workers.as_ref(), run, vec![call]))?;
        let notices = match (outcome.patch.verdict, outcome.returned) {
            (Verdict::GoOn, Returned::Notices(notices)) => notices,
            _ => Vec::new(),
        };
        Ok(Notices { notices, warnings: outcome.patch.warnings, cost: outcome.patch.cost })
    }
}
