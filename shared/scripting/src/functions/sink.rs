//! Where the diagnosis functions put what they say during one call of a script.
//!
//! The host calls [`start`] before it calls an entry function and [`finish`] after it, on the same thread. What was
//! said in between is the call's [`Notes`]. An end that a script asked for with `park` or `skip` is kept here as well,
//! because a script may catch the error that carries it: the host looks at [`Notes::ended`] first.

use std::cell::RefCell;

use rhai::Position;

use crate::diagnostic::printable;

/// The most warnings, and the most debug lines, that one call keeps. The rest is counted.
pub const MAX_NOTES: usize = 100;
/// The most bytes of one note. The rest is cut off.
pub const MAX_NOTE_BYTES: usize = 1_000;

thread_local! {
    static NOTES: RefCell<Notes> = const { RefCell::new(Notes::new()) };
}

/// What a script said during one call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notes {
    /// For the report of the user.
    pub warnings: Vec<Note>,
    /// For the preview alone.
    pub debug: Vec<Note>,
    /// How many warnings and debug lines were left out because there were too many.
    pub dropped: usize,
    /// That the script ended the call itself, and how. The first end stands.
    pub ended: Option<Ended>,
    /// What the script did wrong where the engine swallows errors, and where. The first one stands.
    pub refused: Option<(String, Position)>,
}

impl Notes {
    const fn new() -> Self {
        Self { warnings: Vec::new(), debug: Vec::new(), dropped: 0, ended: None, refused: None }
    }
}

/// One line of a script's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What the script said, on one line, cut to [`MAX_NOTE_BYTES`].
    pub text: String,
    /// Where it said it.
    pub at: Position,
}

/// How a script ends the work on a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// `park(reason)`: this user needs a person. Nothing is written.
    Parked(Note),
    /// `skip(reason)`: this user is left out on purpose. Nothing is written, and it is no error.
    Skipped(Note),
}

/// Forgets what an earlier call said.
pub fn start() {
    NOTES.set(Notes::new());
}

/// Takes what was said since [`start`].
pub fn finish() -> Notes {
    NOTES.take()
}

pub(super) fn warn(text: &str, at: Position) {
    keep(|notes| &mut notes.warnings, text, at);
}

pub(super) fn debug(text: &str, at: Position) {
    keep(|notes| &mut notes.debug, text, at);
}

pub(super) fn end(ended: Ended) {
    NOTES.with_borrow_mut(|notes| {
        notes.ended.get_or_insert(ended);
    });
}

pub(super) fn refuse(message: String, at: Position) {
    NOTES.with_borrow_mut(|notes| {
        notes.refused.get_or_insert((message, at));
    });
}

fn keep(list: fn(&mut Notes) -> &mut Vec<Note>, text: &str, at: Position) {
    NOTES.with_borrow_mut(|notes| {
        if list(notes).len() < MAX_NOTES {
            list(notes).push(Note::new(text, at));
        } else {
            notes.dropped = notes.dropped.saturating_add(1);
        }
    });
}

impl Note {
    pub(super) fn new(text: &str, at: Position) -> Self {
        let end = text.floor_char_boundary(MAX_NOTE_BYTES);
        let text = printable(text.get(..end).unwrap_or_default());
        Self { text, at }
    }
}
