//! What the check knows beforehand: the functions that exist, and where the script's own begin.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use rhai::{AST, Engine, Position};

use super::Draft;
use super::syntax::width;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::entry::Entry;
use crate::library::Library;

/// Everything that the findings of one script are made from.
pub(super) struct Facts<'a> {
    pub(super) name: &'a str,
    pub(super) text: &'a str,
    /// Its lines: a finding may be looked for at many places.
    lines: Vec<&'a str>,
    /// The files beside the script.
    pub(super) library: &'a Library,
    /// Native functions, and the numbers of arguments that they take.
    pub(super) natives: BTreeMap<String, BTreeSet<usize>>,
    /// The script's own functions, likewise.
    pub(super) own: BTreeMap<String, BTreeSet<usize>>,
    /// How many patterns have been looked at.
    pub(super) patterns: Cell<usize>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(engine: &Engine, ast: &AST, draft: &Draft<'a>) -> Self {
        let mut own: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for function in ast.iter_functions() {
            own.entry(function.name.to_owned()).or_default().insert(function.params.len());
        }
        let Draft { name, text, library } = *draft;
        let (natives, lines) = (natives(engine), text.lines().collect());
        Self { name, text, lines, library, natives, own, patterns: Cell::new(0) }
    }

    /// The entry functions that the script has with the right number of parameters.
    pub(super) fn entries(&self) -> BTreeSet<Entry> {
        Entry::ALL
            .into_iter()
            .filter(|entry| {
                self.own
                    .get(entry.name())
                    .is_some_and(|counts| counts.contains(&entry.parameters().len()))
            })
            .collect()
    }

    /// A finding at a place that the parser knows.
    pub(super) fn at(&self, code: Code, at: Position, message: String) -> Diagnostic {
        let found = Diagnostic::new(code, self.name, message);
        match (at.line(), at.position()) {
            (Some(line), Some(column)) => {
                found.at(self.text, line, column, width(self.text, line, column))
            }
            _ => found,
        }
    }

    /// The line of a place.
    pub(super) fn line(&self, at: Position) -> Option<&'a str> {
        self.lines.get(at.line()?.checked_sub(1)?).copied()
    }

    /// A finding at a text that the script writes out.
    pub(super) fn at_text(
        &self,
        code: Code,
        text: &str,
        at: Position,
        message: String,
    ) -> Diagnostic {
        let mut found = self.at(code, at, message);
        let written = format!("\"{text}\"");
        let line = self.line(at);
        let mut rest = line.unwrap_or_default().chars().skip(at.position().unwrap_or(1) - 1);
        // One with escapes is longer than what it says; its first character is marked.
        if written.chars().all(|c| rest.next() == Some(c)) {
            found.width = Some(written.chars().count());
        }
        found
    }

    /// A finding at the definition of a function.
    pub(super) fn at_function(&self, code: Code, function: &str, message: String) -> Diagnostic {
        let found = Diagnostic::new(code, self.name, message);
        match definition(self.text, function) {
            Some((line, column)) => found.at(self.text, line, column, function.chars().count()),
            None => found,
        }
    }
}

/// The line and column of a function's name where it is defined.
pub(crate) fn definition(text: &str, function: &str) -> Option<(usize, usize)> {
    text.lines().enumerate().find_map(|(index, line)| {
        let start = line.find("fn ")?;
        let rest = line.get(start + 3..)?;
        let name = rest.trim_start();
        let named = name.strip_prefix(function)?.trim_start().starts_with('(');
        let before = start + 3 + (rest.len() - name.len());
        named.then(|| (index + 1, line.get(..before).map_or(0, |text| text.chars().count()) + 1))
    })
}

fn natives(engine: &Engine) -> BTreeMap<String, BTreeSet<usize>> {
    let mut natives: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    let found = engine.collect_fn_metadata(
        None,
        |function| Some((function.metadata.name.to_string(), function.metadata.num_params)),
        true,
    );
    for (name, count) in found {
        natives.entry(name).or_default().insert(count);
    }
    // Made by the language itself, not by a package.
    for (name, count) in
        [("print", 1), ("debug", 1), ("debug", 2), ("type_of", 1), ("is_def_var", 1)]
    {
        natives.entry(name.to_owned()).or_default().insert(count);
    }
    natives
}

/// The names of every function that a script can call.
pub(crate) fn known_functions(engine: &Engine) -> BTreeSet<String> {
    natives(engine)
        .into_keys()
        .filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .collect()
}
