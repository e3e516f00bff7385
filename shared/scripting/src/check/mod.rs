//! What can be said of a script without running it.

use std::collections::BTreeSet;

use rhai::{AST, Engine};

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::entry::Entry;

/// What the check found.
pub(crate) struct Checked {
    pub(crate) findings: Vec<Diagnostic>,
    pub(crate) ast: Option<AST>,
    pub(crate) entries: BTreeSet<Entry>,
}

/// Checks a script's text with the engine that is to run it.
pub(crate) fn script(engine: &Engine, name: &str, text: &str) -> Checked {
    let mut findings = Vec::new();
    let mut entries = BTreeSet::new();
    let ast = match engine.compile(text) {
        Ok(ast) => Some(ast),
        Err(error) => {
            let at = error.position();
            let finding = Diagnostic::new(Code::E000, name, error.err_type().to_string());
            findings.push(match at.line() {
                Some(line) => finding.at(text, line, at.position().unwrap_or(1), 1),
                None => finding,
            });
            None
        }
    };
    if let Some(ast) = &ast {
        entries.extend(ast.iter_functions().filter_map(|function| Entry::named(function.name)));
    }
    Checked { findings, ast, entries }
}

/// The names of every function that a script can call.
pub(crate) fn known_functions(engine: &Engine) -> BTreeSet<String> {
    engine
        .collect_fn_metadata(None, |function| Some(function.metadata.name.to_string()), false)
        .into_iter()
        .collect()
}
