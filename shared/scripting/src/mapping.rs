//! A mapping script, over the shipped default.

use std::sync::{Arc, LazyLock};

use crate::attributes::{AttributeValue, Attributes};
use crate::call::{self, Call, Outcome};
use crate::code::Code;
use crate::context::{RunContext, UserInput};
use crate::defaults;
use crate::diagnostic::{Diagnostic, ScriptError};
use crate::entry::Entry;
use crate::locate;
use crate::patch::{MatchKey, Selected, UserPatch, Verdict};
use crate::results::Returned;
use crate::script::{Script, ScriptOptions};
use crate::worker::WorkerPool;

/// Decides the target's attributes.
///
/// A customer's mapping runs over the shipped default: the default fills in the target, then the
/// customer's `map_user` changes what it wants to change. A second line `// crosswave-base: none`
/// leaves the default out. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mapping {
    script: Script,
    base: Option<Script>,
    pool: Option<Arc<WorkerPool>>,
}

impl Mapping {
    /// The shipped default, which is what runs when a customer has none.
    pub fn standard() -> Self {
        static STANDARD: LazyLock<Option<Script>> =
            LazyLock::new(|| Script::compile(defaults::MAPPING_NAME, defaults::MAPPING).ok());
        match &*STANDARD {
            Some(script) => Self { script: script.clone(), base: None, pool: None },
            // The default's own tests compile it; it is part of this program.
            None => unreachable!("the shipped mapping compiles"),
        }
    }

    /// Compiles a customer's mapping over the default.
    pub fn compile(name: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        Self::compile_with(name, text, ScriptOptions::default())
    }

    /// Compiles a customer's mapping with its budget and data sets.
    pub fn compile_with(
        name: &str,
        text: &str,
        options: ScriptOptions,
    ) -> Result<Self, Vec<Diagnostic>> {
        Self::of(Script::compile_with(name, text, options)?)
    }

    /// Takes a compiled script as a mapping.
    pub fn of(script: Script) -> Result<Self, Vec<Diagnostic>> {
        let mapping = script.entries().iter().any(|entry| *entry != Entry::Notify);
        if !mapping {
            let message = format!("a mapping needs `fn {}`", Entry::MapUser.signature());
            return Err(vec![Diagnostic::new(Code::E001, script.name(), message)]);
        }
        let base = (!without_base(script.text())).then(|| Self::standard().script);
        let base = base.filter(|base| base.hash() != script.hash());
        Ok(Self { script, base, pool: None })
    }

    /// Takes a compiled script as a mapping over the shipped script of another release, so that a
    /// version means tomorrow what it meant when it was published.
    pub fn over(script: Script, base: Option<Script>) -> Result<Self, Vec<Diagnostic>> {
        Ok(Self { base, ..Self::of(script)? })
    }

    /// Runs every call of a customer's script in a worker process of this pool.
    #[must_use]
    pub fn isolated(mut self, pool: Arc<WorkerPool>) -> Self {
        self.pool = Some(pool);
        self
    }

    /// The customer's script, or the default itself.
    pub fn script(&self) -> &Script {
        &self.script
    }

    /// The shipped default under a customer's script.
    pub fn base(&self) -> Option<&Script> {
        self.base.as_ref()
    }

    /// The version that a wave pins and the journal names: both scripts' hashes.
    pub fn hash(&self) -> String {
        match &self.base {
            Some(base) => format!("{}+{}", self.script.hash(), base.hash()),
            None => self.script.hash().to_owned(),
        }
    }

    /// The target user's attributes (PRE-S1, SYN-I1, CUT-T2, CUT-S2).
    pub fn map_user(
        &self,
        user: &UserInput,
        run: &Arc<RunContext>,
    ) -> Result<UserPatch, ScriptError> {
        self.layered(Entry::MapUser, user, &Attributes::new(), run)
    }

    /// The same for many users, in their order: cheaper than one by one, for previews.
    pub fn map_users(
        &self,
        users: &[UserInput],
        run: &Arc<RunContext>,
    ) -> Vec<Result<UserPatch, ScriptError>> {
        if self.pool.is_some() {
            return users.iter().map(|user| self.map_user(user, run)).collect();
        }
        let (mapping, batch, context) = (self.clone(), users.to_vec(), Arc::clone(run));
        let together: Option<Vec<_>> = call::batch(&self.script, users.len(), move || {
            batch
                .iter()
                .map(|user| {
                    let none = Attributes::new();
                    mapping.layers(Entry::MapUser, user, &none, &context, call::call_here)
                })
                .collect()
        });
        // A batch that was lost is run again one by one, so that only the culprit pays.
        let Some(mut together) = together else {
            return users.iter().map(|user| self.map_user(user, run)).collect();
        };
        for (answer, user) in together.iter_mut().zip(users) {
            // Alone a call also finds out where it was when it was ended.
            if answer.as_ref().is_err_and(locate::is_lost) {
                *answer = self.map_user(user, run);
            }
        }
        together
    }

    /// The target mail contact's attributes (PRE-S4).
    pub fn map_contact(
        &self,
        user: &UserInput,
        run: &Arc<RunContext>,
    ) -> Result<UserPatch, ScriptError> {
        self.layered(Entry::MapContact, user, &Attributes::new(), run)
    }

    /// What depends on the unique values that were chosen: `mailNickname` after the user principal
    /// name, say. The patch holds what the `finish_user` functions assign and nothing else.
    pub fn finish_user(
        &self,
        user: &UserInput,
        chosen: &Attributes,
        run: &Arc<RunContext>,
    ) -> Result<UserPatch, ScriptError> {
        self.layered(Entry::FinishUser, user, chosen, run)
    }

    /// Whether there is anything that depends on chosen values.
    pub fn finishes(&self) -> bool {
        std::iter::once(&self.script).chain(&self.base).any(|script| script.has(Entry::FinishUser))
    }

    /// Whether the script says who is moved.
    pub fn selects(&self) -> bool {
        self.deciding(Entry::Select).is_some()
    }

    /// Whether the user is moved at all.
    pub fn select(&self, user: &UserInput, run: &Arc<RunContext>) -> Result<Selected, ScriptError> {
        let Some(script) = self.deciding(Entry::Select) else { return Ok(Selected::Yes) };
        let outcome = self.call(script, Call::new(Entry::Select, user.clone(), Arc::clone(run)))?;
        Ok(match (outcome.patch.verdict, outcome.returned) {
            (Verdict::Parked(remark) | Verdict::Skipped(remark), _) => Selected::No(remark.text),
            (Verdict::GoOn, Returned::Selected(selected)) => selected,
            (Verdict::GoOn, _) => Selected::Yes,
        })
    }

    /// How an existing target user is found, the most telling key first (MAT-2).
    pub fn match_keys(
        &self,
        user: &UserInput,
        run: &Arc<RunContext>,
    ) -> Result<Vec<MatchKey>, ScriptError> {
        let Some(script) = self.deciding(Entry::MatchKeys) else { return Ok(Vec::new()) };
        let call = Call::new(Entry::MatchKeys, user.clone(), Arc::clone(run));
        match self.call(script, call)?.returned {
            Returned::Keys(keys) => Ok(keys),
            _ => Ok(Vec::new()),
        }
    }

    /// The customer's script if it has this entry, else the default if that has it.
    fn deciding(&self, entry: Entry) -> Option<&Script> {
        std::iter::once(&self.script).chain(&self.base).find(|script| script.has(entry))
    }

    /// The default first, then the customer's script over what the default assigned.
    fn layered(
        &self,
        entry: Entry,
        user: &UserInput,
        chosen: &Attributes,
        run: &Arc<RunContext>,
    ) -> Result<UserPatch, ScriptError> {
        self.layers(entry, user, chosen, run, |script, call| self.call(script, call))
    }

    fn layers(
        &self,
        entry: Entry,
        user: &UserInput,
        chosen: &Attributes,
        run: &Arc<RunContext>,
        caller: impl Fn(&Script, Call) -> Result<Outcome, ScriptError>,
    ) -> Result<UserPatch, ScriptError> {
        let mut patch = UserPatch::default();
        let layers = self.base.iter().chain(std::iter::once(&self.script));
        for script in layers.filter(|script| script.has(entry)) {
            let mut call = Call::new(entry, user.clone(), Arc::clone(run));
            call.chosen = chosen.clone();
            call.drafted = std::mem::take(&mut patch.values);
            call.linked = patch.linked.take();
            let next = caller(script, call)?.patch;
            let cost = patch.cost.and(next.cost);
            let mut warnings = std::mem::take(&mut patch.warnings);
            warnings.extend(next.warnings.iter().cloned());
            let mut debug = std::mem::take(&mut patch.debug);
            debug.extend(next.debug.iter().cloned());
            patch = UserPatch { warnings, debug, cost, ..next };
            if patch.verdict != Verdict::GoOn {
                break;
            }
        }
        Ok(patch)
    }

    fn call(&self, script: &Script, call: Call) -> Result<Outcome, ScriptError> {
        match &self.pool {
            // The shipped script is this program's own and needs no process of its own.
            Some(pool) if !script.is_shipped() => pool.call(script, &call),
            _ => call::call(script, call),
        }
    }
}

/// Whether the lines above the code say that the default mapping stays out.
fn without_base(text: &str) -> bool {
    text.lines()
        .take_while(|line| line.trim_start().starts_with("//"))
        .any(|line| line.trim_start_matches('/').trim() == "crosswave-base: none")
}

impl UserPatch {
    /// The plain values of the patch: what a mapping without candidates decides.
    pub fn plain(&self) -> Attributes {
        self.values
            .keys()
            .filter_map(|name| Some((name.clone(), self.value(name.as_str())?.clone())))
            .collect::<Attributes>()
    }

    /// The values that an attribute could get, the preferred one first.
    pub fn preferences(&self, name: &str) -> Vec<String> {
        use crate::patch::Assignment;
        match self.values.get(name).map(|assigned| &assigned.assignment) {
            Some(Assignment::Candidates(texts)) => texts.iter().collect(),
            Some(Assignment::Value(AttributeValue::Text(text))) => vec![text.clone()],
            Some(_) => Vec::new(),
            None => self
                .linked
                .iter()
                .flat_map(|linked| &linked.options)
                .filter_map(|option| option.get(name).cloned())
                .collect(),
        }
    }
}
