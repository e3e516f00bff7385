//! What a mapping script fills in. Each assignment is checked here and remembered with its line.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString, NativeCallContext, Position};

use super::source::{Source, list, to_dynamic, unknown};
use crate::attributes::{
    AttributeName, AttributeSpec, AttributeValue, Attributes, Kind, Refusal, Writer, find, validate,
};
use crate::code::Code;
use crate::fault::Fault;
use crate::functions::{
    Candidate, Candidates, Keep, Moment, Rule, Secret, describe, not_in_texts, with_number,
};
use crate::patch::{Assigned, Assignment, LinkedCandidates, Preferences};

/// The `target` of a script: a name for the draft of the call that runs on this thread.
#[derive(Clone, Copy)]
pub(crate) struct Target;

/// Whether a user or a mail contact is being filled in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    User,
    Contact,
}

/// What the script has assigned so far.
pub(crate) struct Drafted {
    pub(crate) values: BTreeMap<AttributeName, Assigned>,
    pub(crate) linked: Option<LinkedCandidates>,
    present: Attributes,
    /// The script, where origins are kept.
    origin: Option<Arc<str>>,
    who: Who,
    /// In `finish_user`: the unique values that were chosen. Nothing is chosen after them.
    chosen: Option<Attributes>,
    /// What it has assigned, in bytes.
    bytes: usize,
}

/// The most bytes that a script assigns to one person. A directory takes far less, and a preview
/// holds hundreds of people at once.
const MOST_BYTES: usize = 256 << 10;

thread_local! {
    static DRAFT: RefCell<Option<Drafted>> = const { RefCell::new(None) };
}

/// Begins a draft: over what the target has, and what an earlier script assigned. `chosen` is for
/// `finish_user` only.
pub(crate) fn begin(
    origin: Option<Arc<str>>,
    who: Who,
    chosen: Option<Attributes>,
    present: Attributes,
    values: BTreeMap<AttributeName, Assigned>,
    linked: Option<LinkedCandidates>,
) {
    DRAFT.set(Some(Drafted { values, linked, present, origin, who, chosen, bytes: 0 }));
}

/// Takes the draft.
pub(crate) fn finish() -> Option<Drafted> {
    DRAFT.take()
}

type Checked<T> = Result<T, Box<EvalAltResult>>;

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Target>("target user")
        .register_indexer_get(|_: &mut Target, name: &str| get(name))
        .register_fn(
            "index$set$",
            |context: NativeCallContext<'_>, _: &mut Target, name: &str, value: Dynamic| {
                with(|draft| draft.assign(name, value, context.call_position()))
            },
        )
        .register_fn("clear", |context: NativeCallContext<'_>, _: &mut Target, name: &str| {
            with(|draft| draft.clear(name, context.call_position()))
        })
        .register_fn(
            "choose",
            |context: NativeCallContext<'_>, _: &mut Target, candidates: Candidates| {
                with(|draft| draft.choose(&candidates, context.call_position()))
            },
        )
        .register_fn(
            "copy",
            |context: NativeCallContext<'_>, _: &mut Target, source: Source, names: Array| {
                with(|draft| draft.copy(source, names, context.call_position()))
            },
        )
        .register_fn("to_debug", |_: &mut Target| "[target]");
    not_in_texts::<Target>(engine, "`target`", "[target]");
}

fn with<T>(part: impl FnOnce(&mut Drafted) -> Checked<T>) -> Checked<T> {
    DRAFT.with_borrow_mut(|draft| match draft {
        Some(draft) => part(draft),
        None => Err(Fault::runtime("there is no target in this entry function").into()),
    })
}

fn get(name: &str) -> Checked<Dynamic> {
    with(|draft| {
        if find(name).is_none() {
            return Err(unknown("target", name).into());
        }
        Ok(match draft.values.get(name).map(|assigned| &assigned.assignment) {
            Some(Assignment::Value(value)) => to_dynamic(value),
            Some(Assignment::Candidates(texts)) => list(&texts.iter().collect::<Vec<String>>()),
            Some(Assignment::Clear) => Dynamic::UNIT,
            None => match (draft.present.get(name), find(name)) {
                (Some(value), _) => to_dynamic(value),
                // So that `target.proxyAddresses.push(…)` works on a user who has none yet.
                (None, Some(spec)) if spec.kind == Kind::Texts => Array::new().into(),
                (None, _) => Dynamic::UNIT,
            },
        })
    })
}

impl Drafted {
    /// The attribute, if this script may set it here.
    fn settable(&self, name: &str) -> Checked<&'static AttributeSpec> {
        let Some(spec) = find(name) else { return Err(unknown("target", name).into()) };
        let refused = match spec.writer {
            Writer::Graph | Writer::Exchange => None,
            Writer::Protected => {
                Some((format!("`{name}` is set by Crosswave's own steps"), spec.note))
            }
            Writer::ReadOnly => Some((format!("`{name}` cannot be written"), spec.note)),
        };
        if let Some((message, note)) = refused {
            let fault = Fault::new(Code::R004, message);
            return Err(if note.is_empty() { fault } else { fault.help(note) }.into());
        }
        if self.who == Who::Contact && !spec.contact {
            let message = format!("a mail contact has no `{name}`");
            return Err(Fault::new(Code::R004, message).into());
        }
        Ok(spec)
    }

    fn assign(&mut self, name: &str, value: Dynamic, at: Position) -> Checked<()> {
        let spec = self.settable(name)?;
        if value.is::<Keep>() {
            return Ok(());
        }
        let (value, secret) = match value.try_cast_result::<Secret>() {
            Ok(secret) => (secret.expose().clone(), true),
            Err(value) => (value, false),
        };
        if is_nothing(&value) {
            self.values.remove(name);
            return Ok(());
        }
        let assignment = if spec.unique && (value.is_array() || value.is::<Candidates>()) {
            Assignment::Candidates(candidates(spec, value)?)
        } else {
            let value = to_value(spec, value)?;
            validate(spec, &value).map_err(|refusal| {
                if secret {
                    let message = format!("`{}` refuses a secret value", spec.name);
                    return Fault::new(Code::R002, message);
                }
                Fault::refused(refusal, &value)
            })?;
            Assignment::Value(value)
        };
        self.put(spec, assignment, at, secret)
    }

    /// Takes attributes over as the source has them.
    fn copy(&mut self, mut source: Source, names: Array, at: Position) -> Checked<()> {
        for name in names {
            let Ok(name) = name.into_immutable_string() else {
                return Err(Fault::runtime("`copy` takes a list of attribute names").into());
            };
            match source.value(&name) {
                // As it is, without becoming one of the script's values in between.
                Some(value @ AttributeValue::Text(text)) if !text.is_empty() => {
                    let spec = self.settable(&name)?;
                    validate(spec, value).map_err(|refusal| Fault::refused(refusal, value))?;
                    self.put(spec, Assignment::Value(value.clone()), at, false)?;
                }
                _ => {
                    let value = source.get(&name)?;
                    self.assign(&name, value, at)?;
                }
            }
        }
        Ok(())
    }

    fn clear(&mut self, name: &str, at: Position) -> Checked<()> {
        let spec = self.settable(name)?;
        if spec.required {
            return Err(Fault::new(Code::R004, format!("`{name}` cannot be cleared")).into());
        }
        self.put(spec, Assignment::Clear, at, false)
    }

    /// Takes candidates whose values are records of several attributes.
    fn choose(&mut self, candidates: &Candidates, at: Position) -> Checked<()> {
        if self.chosen.is_some() || self.who == Who::Contact {
            return Err(not_here("nothing is chosen in `finish_user` and `map_contact`"));
        }
        let mut options = Vec::new();
        for candidate in candidates {
            let Candidate::Record(record) = candidate else {
                return Err(Fault::runtime("`choose` takes candidates that are maps")
                    .help("assign candidates of one attribute to that attribute")
                    .into());
            };
            let mut option = BTreeMap::new();
            self.hold(record.values().map(String::len).sum())?;
            for (name, value) in record {
                let spec = self.settable(&name)?;
                let typed = AttributeValue::Text(value.clone());
                validate(spec, &typed).map_err(|refusal| Fault::refused(refusal, &value))?;
                option.insert(AttributeName::from(spec), value);
            }
            options.push(option);
        }
        if let Some(first) = options.first() {
            for name in first.keys() {
                self.values.remove(name);
            }
        }
        let (script, line, column) = self.origin(at);
        self.linked = Some(LinkedCandidates { options, script, line, column });
        Ok(())
    }

    /// A unique value was looked up and reserved before `finish_user`: it stays what it is.
    fn settled(&self, spec: &AttributeSpec, assignment: &Assignment) -> Checked<()> {
        if self.who == Who::Contact && matches!(assignment, Assignment::Candidates(_)) {
            return Err(not_here(format!("a contact's `{}` takes no candidates", spec.name)));
        }
        let Some(chosen) = self.chosen.as_ref().filter(|_| spec.unique) else { return Ok(()) };
        let known = [chosen.get(spec.name), self.present.get(spec.name)];
        match assignment {
            Assignment::Value(value) if known.contains(&Some(value)) => Ok(()),
            Assignment::Value(_) | Assignment::Clear => Err(not_here(format!(
                "`{}` is unique: `finish_user` cannot set another value than the chosen one",
                spec.name
            ))),
            Assignment::Candidates(_) => Err(not_here(format!(
                "`{}` takes no candidates in `finish_user`: the choice is made",
                spec.name
            ))),
        }
    }

    /// Script, line and column of an assignment.
    fn origin(&self, at: Position) -> (Arc<str>, usize, usize) {
        match &self.origin {
            Some(script) => {
                (Arc::clone(script), at.line().unwrap_or(0), at.position().unwrap_or(0))
            }
            None => (Arc::default(), 0, 0),
        }
    }

    /// Counts what is assigned.
    fn hold(&mut self, bytes: usize) -> Checked<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes <= MOST_BYTES {
            return Ok(());
        }
        let message = format!("more than {} KiB are assigned to one person", MOST_BYTES >> 10);
        Err(Fault::new(Code::R013, message).into())
    }

    fn put(
        &mut self,
        spec: &AttributeSpec,
        assignment: Assignment,
        at: Position,
        secret: bool,
    ) -> Checked<()> {
        self.settled(spec, &assignment)?;
        let before = self.values.get(spec.name).map_or(0, |before| before.assignment.bytes());
        self.bytes = self.bytes.saturating_sub(before);
        self.hold(assignment.bytes())?;
        let (script, line, column) = self.origin(at);
        let assigned = Assigned { assignment, script, line, column, secret };
        // One attribute alone takes the place of a choice of several.
        let chosen = |linked: &LinkedCandidates| {
            linked.options.iter().any(|option| option.contains_key(spec.name))
        };
        if self.linked.as_ref().is_some_and(chosen) {
            self.linked = None;
        }
        self.values.insert(spec.into(), assigned);
        Ok(())
    }
}

#[expect(clippy::unnecessary_box_returns, reason = "the engine's errors are boxed")]
fn not_here(message: impl Into<String>) -> Box<EvalAltResult> {
    Fault::new(Code::R008, message)
        .help(
            "set it in `map_user`; values that go together: `target.choose(candidates([#{ … }]))`",
        )
        .into()
}

/// `()`, an empty text and an empty list say nothing about an attribute; `clear` empties it.
fn is_nothing(value: &Dynamic) -> bool {
    value.is_unit()
        || value.as_immutable_string_ref().is_ok_and(|text| text.is_empty())
        || value.as_array_ref().is_ok_and(|list| list.is_empty())
}

fn candidates(spec: &AttributeSpec, value: Dynamic) -> Checked<Preferences> {
    let mut preferences = Preferences::default();
    match value.try_cast_result::<Candidates>() {
        Ok(candidates) => {
            for rule in candidates.rules() {
                match rule {
                    Rule::One(candidate) => {
                        let text = alone(spec, candidate)?;
                        legal(spec, text)?;
                        preferences.push(text.to_owned());
                    }
                    Rule::Numbered { base, from, to } => {
                        let text = alone(spec, base)?;
                        // The values differ in the number: the first and the last one show whether
                        // they are legal.
                        legal(spec, &with_number(text, *from))?;
                        legal(spec, &with_number(text, *to))?;
                        preferences.push_numbered(text.to_owned(), *from, *to);
                    }
                }
            }
        }
        Err(list) => {
            for text in texts(spec, list)? {
                legal(spec, &text)?;
                preferences.push(text);
            }
        }
    }
    Ok(preferences)
}

/// The text of a candidate for one attribute.
fn alone<'c>(spec: &AttributeSpec, candidate: &'c Candidate) -> Checked<&'c str> {
    match candidate {
        Candidate::Text(text) => Ok(text),
        Candidate::Record(_) => {
            let message =
                format!("candidates of several attributes cannot be assigned to `{}`", spec.name);
            Err(Fault::runtime(message).help("write `target.choose(candidates([…]))`").into())
        }
    }
}

fn legal(spec: &AttributeSpec, text: &str) -> Checked<()> {
    validate(spec, &AttributeValue::Text(text.to_owned()))
        .map_err(|refusal| Fault::refused(refusal, &text).into())
}

fn to_value(spec: &AttributeSpec, value: Dynamic) -> Checked<AttributeValue> {
    if let Ok(value) = value.as_bool() {
        return Ok(value.into());
    }
    if let Ok(value) = value.as_int() {
        return Ok(value.into());
    }
    if let Ok(value) = value.as_char() {
        return Ok(value.to_string().into());
    }
    if value.is_array() {
        return Ok(texts(spec, value)?.into());
    }
    let value = match value.try_cast_result::<ImmutableString>() {
        Ok(text) => return Ok(text.to_string().into()),
        Err(value) => value,
    };
    match value.try_cast_result::<Moment>() {
        Ok(moment) => match moment.timestamp() {
            Some(at) => Ok(at.to_string().into()),
            None => {
                Err(Fault::runtime("the date is outside the years that a directory knows").into())
            }
        },
        Err(value) => Err(wrong_type(spec, &value)),
    }
}

fn texts(spec: &AttributeSpec, list: Dynamic) -> Checked<Vec<String>> {
    let list = list.into_array().unwrap_or_default();
    list.into_iter()
        .filter(|element| !element.is_unit())
        .map(|element| {
            element
                .try_cast_result::<ImmutableString>()
                .map_or_else(|other| Err(wrong_type(spec, &other)), |text| Ok(text.to_string()))
        })
        .collect()
}

#[expect(clippy::unnecessary_box_returns, reason = "the engine's errors are boxed")]
fn wrong_type(spec: &AttributeSpec, value: &Dynamic) -> Box<EvalAltResult> {
    let found = match value.type_name() {
        "map" => "a map".to_owned(),
        "array" => "a list".to_owned(),
        "i64" | "f64" => "a number".to_owned(),
        "Fn" => "a function".to_owned(),
        name if name.ends_with("::Candidates") => "candidates".to_owned(),
        other => format!("a {}", other.rsplit("::").next().unwrap_or(other).to_lowercase()),
    };
    let help = match (found.as_str(), spec.unique) {
        ("candidates", true) => Some("put the whole list into `candidates([…])`".to_owned()),
        ("candidates", false) => {
            Some("candidates are for what no two people share, such as mailNickname".to_owned())
        }
        _ => None,
    };
    let message = format!("`{}` takes {}, not {found}", spec.name, spec.kind.title());
    Fault::refused(Refusal { message, help }, &describe(value)).into()
}
