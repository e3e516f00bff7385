//! A mapping script, over the shipped default.

use std::slice;
use std::sync::{Arc, LazyLock};

use crate::attributes::{AttributeValue, Attributes};
use crate::call::{self, Answer, Call, Outcome};
use crate::choices::names;
use crate::code::Code;
use crate::context::{RunContext, UserInput};
use crate::defaults;
use crate::diagnostic::{Diagnostic, ScriptError};
use crate::entry::Entry;
use crate::patch::{MatchKey, Remark, Selected, UserPatch, Verdict};
use crate::results::Returned;
use crate::script::{Script, ScriptOptions};
use crate::worker::Workers;

/// Decides the target's attributes.
///
/// A customer's mapping runs over the shipped default: the default fills in the target, then the
/// customer's `map_user` changes what it wants to change. A second line `// crosswave-base: none`
/// leaves the default out. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mapping {
    script: Script,
    base: Option<Script>,
    workers: Option<Workers>,
}

impl Mapping {
    /// The shipped default, which is what runs when a customer has none.
    pub fn standard() -> Self {
        static STANDARD: LazyLock<Option<Script>> =
            LazyLock::new(|| Script::compile(defaults::MAPPING_NAME, defaults::MAPPING).ok());
        match &*STANDARD {
            Some(script) => Self { script: script.clone(), base: None, workers: None },
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
        Ok(Self { script, base, workers: None })
    }

    /// Takes a compiled script as a mapping over the shipped script of another release, so that a
    /// version means tomorrow what it meant when it was published.
    pub fn over(script: Script, base: Option<Script>) -> Result<Self, Vec<Diagnostic>> {
        Ok(Self { base, ..Self::of(script)? })
    }

    /// Runs every call of a customer's script in a worker process.
    #[must_use]
    pub fn isolated(mut self, workers: Workers) -> Self {
        self.workers = Some(workers);
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
        call::one(self.map_users(slice::from_ref(user), run))
    }

    /// The same for many users, in their order: cheaper than one by one, for previews.
    pub fn map_users(
        &self,
        users: &[UserInput],
        run: &Arc<RunContext>,
    ) -> Vec<Result<UserPatch, ScriptError>> {
        let calls = users.iter().map(|user| Call::new(Entry::MapUser, user.clone()));
        self.layered(&calls.collect::<Vec<_>>(), run)
    }

    /// The target mail contact's attributes (PRE-S4).
    pub fn map_contact(
        &self,
        user: &UserInput,
        run: &Arc<RunContext>,
    ) -> Result<UserPatch, ScriptError> {
        call::one(self.layered(&[Call::new(Entry::MapContact, user.clone())], run))
    }

    /// What depends on the unique values that were chosen: an extension attribute with the user
    /// principal name, say. Nothing unique is set here that was not chosen (R008): it would be
    /// neither looked up nor reserved. The patch holds what the `finish_user` functions assign and
    /// nothing else.
    pub fn finish_user(
        &self,
        user: &UserInput,
        chosen: &Attributes,
        run: &Arc<RunContext>,
    ) -> Result<UserPatch, ScriptError> {
        call::one(self.finish_users(slice::from_ref(&(user, chosen)), run))
    }

    /// The same for many users.
    pub fn finish_users(
        &self,
        users: &[(&UserInput, &Attributes)],
        run: &Arc<RunContext>,
    ) -> Vec<Result<UserPatch, ScriptError>> {
        let calls = users.iter().map(|(user, chosen)| Call {
            chosen: names(&user.target, chosen),
            ..Call::new(Entry::FinishUser, (*user).clone())
        });
        self.layered(&calls.collect::<Vec<_>>(), run)
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
        call::one(self.select_users(slice::from_ref(user), run))
    }

    /// The same for many users.
    pub fn select_users(
        &self,
        users: &[UserInput],
        run: &Arc<RunContext>,
    ) -> Vec<Result<Selected, ScriptError>> {
        self.decided(Entry::Select, users, run, |outcome| {
            match (outcome.patch.verdict, outcome.returned) {
                (Verdict::Parked(remark) | Verdict::Skipped(remark), _) => {
                    Selected::No(remark.text)
                }
                (Verdict::GoOn, Returned::Selected(selected)) => selected,
                (Verdict::GoOn, _) => Selected::Yes,
            }
        })
        .unwrap_or_else(|| users.iter().map(|_| Ok(Selected::Yes)).collect())
    }

    /// How an existing target user is found, the most telling key first (MAT-2).
    pub fn match_keys(
        &self,
        user: &UserInput,
        run: &Arc<RunContext>,
    ) -> Result<Vec<MatchKey>, ScriptError> {
        call::one(self.match_keys_of(slice::from_ref(user), run))
    }

    /// The same for many users.
    pub fn match_keys_of(
        &self,
        users: &[UserInput],
        run: &Arc<RunContext>,
    ) -> Vec<Result<Vec<MatchKey>, ScriptError>> {
        self.decided(Entry::MatchKeys, users, run, |outcome| match outcome.returned {
            Returned::Keys(keys) => keys,
            _ => Vec::new(),
        })
        .unwrap_or_else(|| users.iter().map(|_| Ok(Vec::new())).collect())
    }

    /// What the customer's script decides for each user, else the default; `None` when neither has
    /// this entry.
    fn decided<T>(
        &self,
        entry: Entry,
        users: &[UserInput],
        run: &Arc<RunContext>,
        read: impl Fn(Outcome) -> T,
    ) -> Option<Vec<Result<T, ScriptError>>> {
        let script = self.deciding(entry)?;
        let calls = users.iter().map(|user| Call::new(entry, user.clone())).collect();
        let answers = self.answers(script, run, calls).into_iter();
        Some(answers.map(|answer| answer.map(&read)).collect())
    }

    /// The customer's script if it has this entry, else the default if that has it.
    fn deciding(&self, entry: Entry) -> Option<&Script> {
        std::iter::once(&self.script).chain(&self.base).find(|script| script.has(entry))
    }

    /// The default first, then the customer's script over what the default assigned.
    fn layered(
        &self,
        calls: &[Call],
        run: &Arc<RunContext>,
    ) -> Vec<Result<UserPatch, ScriptError>> {
        let Some(entry) = calls.first().map(|call| call.entry) else { return Vec::new() };
        let mut patches: Vec<Result<UserPatch, ScriptError>> =
            calls.iter().map(|_| Ok(UserPatch::default())).collect();
        let layers = self.base.iter().chain(std::iter::once(&self.script));
        for script in layers.filter(|script| script.has(entry)) {
            // Who failed, is parked or is left out stays so.
            let mut open = Vec::new();
            let mut next = Vec::new();
            for (result, call) in patches.iter_mut().zip(calls) {
                let Ok(patch) = result else { continue };
                if patch.verdict == Verdict::GoOn {
                    let drafted = std::mem::take(&mut patch.values);
                    let linked = patch.linked.take();
                    next.push(Call { drafted, linked, ..call.clone() });
                    open.push(result);
                }
            }
            for (result, answer) in open.into_iter().zip(self.answers(script, run, next)) {
                *result = match (std::mem::replace(result, Ok(UserPatch::default())), answer) {
                    (Ok(before), Ok(Outcome { patch, .. })) => Ok(over(before, patch)),
                    (_, Err(error)) | (Err(error), _) => Err(error),
                };
            }
        }
        patches
    }

    fn answers(&self, script: &Script, run: &Arc<RunContext>, calls: Vec<Call>) -> Vec<Answer> {
        call::answers(script, self.workers.as_ref(), run, calls)
    }
}

/// What two scripts decided, one over the other.
fn over(before: UserPatch, patch: UserPatch) -> UserPatch {
    let joined = |mut before: Vec<Remark>, after: Vec<Remark>| {
        before.extend(after);
        before
    };
    UserPatch {
        warnings: joined(before.warnings, patch.warnings),
        debug: joined(before.debug, patch.debug),
        cost: before.cost.and(patch.cost),
        ..patch
    }
}

/// Whether the lines above the code say that the default mapping stays out.
fn without_base(text: &str) -> bool {
    text.lines()
        .take_while(|line| line.trim_start().starts_with("//"))
        .filter_map(|line| line.trim_start_matches('/').trim().strip_prefix("crosswave-base:"))
        .any(|base| base.trim() == "none")
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
