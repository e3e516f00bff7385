//! Reads what an entry function returned.

mod notices;

use jiff::Timestamp;
use rhai::{Dynamic, EvalAltResult, Map};
use serde::{Deserialize, Serialize};

use crate::attributes::{AttributeName, find, suggest};
use crate::code::Code;
use crate::diagnostic::printable;
use crate::entry::Entry;
use crate::fault::Fault;
use crate::library::Library;
use crate::notice::Notice;
use crate::patch::{MatchKey, Selected};
use crate::places;

pub(crate) use notices::FIELDS as NOTICE_FIELDS;

/// A returned value, made plain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Returned {
    /// The entry's result does not count.
    Nothing,
    Selected(Selected),
    Keys(Vec<MatchKey>),
    Notices(Vec<Notice>),
}

/// The most messages for one event.
const MOST_NOTICES: usize = 20;

/// The most bytes of everything that an entry function returns.
const MOST_BYTES: usize = 256 << 10;

/// The most bytes of the texts of all messages for one event, with their values in them.
const MOST_FILLED_BYTES: usize = 4 << 20;

type Read<T> = Result<T, Box<EvalAltResult>>;

/// What a returned value is read with.
pub(crate) struct Given<'a> {
    /// The run's "now".
    pub(crate) now: Timestamp,
    /// The files that messages name.
    pub(crate) library: &'a Library,
}

pub(crate) fn read(entry: Entry, value: &Dynamic, given: &Given<'_>) -> Read<Returned> {
    match entry {
        Entry::MapUser | Entry::MapContact | Entry::FinishUser => Ok(Returned::Nothing),
        Entry::Select => selected(value).map(Returned::Selected),
        Entry::MatchKeys => list(entry, value, 20, key).map(Returned::Keys),
        Entry::Notify => {
            let notice = |fields: &Fields<'_>| notices::notice(fields, given);
            let notices = list(entry, value, MOST_NOTICES, notice)?;
            if notices.iter().map(notices::bytes).sum::<usize>() > MOST_FILLED_BYTES {
                let most = MOST_FILLED_BYTES >> 20;
                let message = format!("returned messages of more than {most} MiB with their files");
                return Err(wrong(entry, message));
            }
            Ok(Returned::Notices(notices))
        }
    }
}

#[expect(clippy::unnecessary_box_returns, reason = "the engine's errors are boxed")]
fn wrong(entry: Entry, message: impl std::fmt::Display) -> Box<EvalAltResult> {
    Fault::new(Code::R006, format!("`{}` {message}", entry.name())).into()
}

fn selected(value: &Dynamic) -> Read<Selected> {
    if let Ok(value) = value.as_bool() {
        return Ok(if value {
            Selected::Yes
        } else {
            Selected::No("left out by the script".to_owned())
        });
    }
    match value.as_immutable_string_ref() {
        Ok(reason) => Ok(Selected::No(printable(&reason))),
        Err(_) => Err(wrong(
            Entry::Select,
            "must return true, false, or a text that says why the user is left out",
        )),
    }
}

/// Reads a list of maps; nothing at all is an empty list.
fn list<T>(
    entry: Entry,
    value: &Dynamic,
    most: usize,
    one: impl Fn(&Fields<'_>) -> Read<T>,
) -> Read<Vec<T>> {
    if value.is_unit() {
        return Ok(Vec::new());
    }
    let Ok(items) = value.as_array_ref() else {
        return Err(wrong(entry, "must return a list; `[]` for none"));
    };
    if items.len() > most {
        return Err(wrong(entry, format!("returned {} entries, at most {most}", items.len())));
    }
    let mut room = MOST_BYTES;
    if !fits(&mut room, value) {
        let message = format!("returned more than {} KiB", MOST_BYTES >> 10);
        return Err(wrong(entry, message));
    }
    items
        .iter()
        .enumerate()
        .map(|(at, item)| {
            let Ok(map) = item.as_map_ref() else {
                return Err(wrong(entry, format!("must return a list of maps; entry {at} is not")));
            };
            one(&Fields { entry, at, map: &map })
        })
        .collect()
}

/// Whether the texts of a value fit into the room that is left; each other value counts as one byte.
fn fits(room: &mut usize, value: &Dynamic) -> bool {
    let mut take = |bytes: usize| room.checked_sub(bytes).map(|left| *room = left).is_some();
    if let Ok(text) = value.as_immutable_string_ref() {
        take(text.len())
    } else if let Ok(list) = value.as_array_ref() {
        take(1) && list.iter().all(|item| fits(room, item))
    } else if let Ok(map) = value.as_map_ref() {
        take(1) && map.values().all(|item| fits(room, item))
    } else {
        take(1)
    }
}

/// One map of the list, with its place for messages.
struct Fields<'a> {
    entry: Entry,
    at: usize,
    map: &'a Map,
}

impl Fields<'_> {
    /// What is wrong with a field, at its place where that is known.
    #[expect(clippy::unnecessary_box_returns, reason = "the engine's errors are boxed")]
    fn wrong(&self, field: &str, message: &str, help: Option<String>) -> Box<EvalAltResult> {
        let message = format!("`{}` entry {}: {message}", self.entry.name(), self.at);
        let fault = Fault { help, ..Fault::new(Code::R006, message) };
        fault.at(places::of(self.map, field))
    }

    fn only(&self, known: &[&str]) -> Read<()> {
        let others = self.map.iter().filter(|(_, value)| !places::carries(value));
        match others.map(|(key, _)| key).find(|key| !known.contains(&key.as_str())) {
            None => Ok(()),
            Some(key) => {
                let help = crate::suggest::nearest(key, known.iter().copied()).map_or_else(
                    || format!("the fields are {}", known.join(", ")),
                    |meant| format!("did you mean `{meant}`?"),
                );
                Err(self.wrong(key, &format!("there is no field `{key}`"), Some(help)))
            }
        }
    }

    fn optional(&self, field: &str) -> Read<Option<String>> {
        match self.map.get(field) {
            None => Ok(None),
            Some(value) if value.is_unit() => Ok(None),
            Some(value) => match value.as_immutable_string_ref() {
                Ok(text) => Ok(Some(text.to_string())),
                Err(_) => Err(self.wrong(field, &format!("`{field}` must be a text"), None)),
            },
        }
    }

    fn required(&self, field: &str) -> Read<String> {
        match self.optional(field)? {
            Some(text) if !text.trim().is_empty() => Ok(text),
            _ => Err(self.wrong(field, &format!("`{field}` is missing"), None)),
        }
    }

    fn texts(&self, field: &str) -> Read<Vec<String>> {
        let Some(value) = self.map.get(field) else { return Ok(Vec::new()) };
        let error = || self.wrong(field, &format!("`{field}` must be a text or a list"), None);
        if value.is_unit() {
            return Ok(Vec::new());
        }
        if let Ok(text) = value.as_immutable_string_ref() {
            return Ok(vec![text.to_string()]);
        }
        let list = value.as_array_ref().map_err(|_other_type| error())?;
        list.iter()
            .map(|item| item.as_immutable_string_ref().map(|text| text.to_string()))
            .collect::<Result<_, _>>()
            .map_err(|_other_type| error())
    }
}

fn key(fields: &Fields<'_>) -> Read<MatchKey> {
    fields.only(&["attribute", "value"])?;
    let attribute = fields.required("attribute")?;
    if find(&attribute).is_none() {
        let fault = Fault::new(Code::R003, format!("there is no attribute `{attribute}`"));
        let help = suggest(&attribute).map(|meant| format!("did you mean `{meant}`?"));
        return Err(Fault { help, ..fault }.at(places::of(fields.map, "attribute")));
    }
    Ok(MatchKey { attribute: AttributeName::new(&attribute), value: fields.required("value")? })
}
