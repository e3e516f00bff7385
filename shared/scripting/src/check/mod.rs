//! What can be said of a script without running it: the gate before upload.

mod calls;
mod closures;
mod facts;
mod messages;
mod names;
mod syntax;
mod text;
mod walk;

use std::collections::BTreeSet;

use rhai::{AST, Engine};

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::entry::Entry;
use crate::library::Library;
use crate::sandbox::MOST_PARAMETERS;

use facts::Facts;
pub(crate) use facts::{definition, known_functions};
pub(crate) use syntax::width;
pub(crate) use walk::visit;

/// What the check found.
pub(crate) struct Checked {
    pub(crate) findings: Vec<Diagnostic>,
    pub(crate) ast: Option<AST>,
    pub(crate) entries: BTreeSet<Entry>,
}

/// The most functions and closures of a script: the check looks at each.
const MOST_FUNCTIONS: usize = 300;

/// The most findings that are shown.
const MOST_FINDINGS: usize = 100;
/// The most patterns that are compiled to see whether they are good.
const MOST_PATTERNS: usize = 30;

/// What is checked.
pub(crate) struct Draft<'a> {
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
    pub(crate) library: &'a Library,
}

/// Checks a script's text with the engine that is to run it.
pub(crate) fn script(engine: &Engine, draft: &Draft<'_>) -> Checked {
    let (name, source) = (draft.name, draft.text);
    let mut findings = text::check(name, source);
    // What would cost the parser too much is not parsed at all.
    if findings.iter().any(|found| matches!(found.code, Code::E007 | Code::E010)) {
        return Checked { findings, ast: None, entries: BTreeSet::new() };
    }
    let ast = match engine.compile(source) {
        Ok(ast) => ast,
        Err(error) => {
            findings.push(syntax::finding(name, source, &error));
            return Checked { findings, ast: None, entries: BTreeSet::new() };
        }
    };
    if ast.iter_functions().count() > MOST_FUNCTIONS {
        let message = format!("more than {MOST_FUNCTIONS} functions and closures");
        findings.push(Diagnostic::new(Code::E010, name, message));
        return Checked { findings, ast: None, entries: BTreeSet::new() };
    }
    let facts = Facts::of(engine, &ast, draft);
    let entries = facts.entries();
    findings.extend(entry_findings(&facts, &ast));
    findings.extend(walk::check(&facts, &ast));
    findings.sort_by_key(|found| (found.line, found.column, found.code));
    findings.dedup();
    if findings.len() > MOST_FINDINGS {
        findings.truncate(MOST_FINDINGS);
        let code = findings.last().map_or(Code::E000, |last| last.code);
        findings.push(Diagnostic::new(code, name, "and more: mend these first"));
    }
    Checked { findings, ast: Some(ast), entries }
}

/// Visits every statement and expression of the script's named functions; a closure's body is
/// left out, because nothing can be put before it.
pub(crate) fn visit_functions(ast: &AST, on_node: &mut dyn FnMut(&[rhai::ASTNode<'_>])) {
    let mut named = ast.clone();
    named.clear_statements();
    named.retain_functions(|_, _, name, _| !is_closure(name));
    visit(&named, on_node);
}

/// Functions as such: entries and their parameters, hidden built-ins, too many parameters.
fn entry_findings(facts: &Facts<'_>, ast: &AST) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for function in ast.iter_functions().filter(|function| !is_closure(function.name)) {
        let (name, count) = (function.name, function.params.len());
        if let Some(entry) = Entry::named(name) {
            let wanted = entry.parameters().len();
            if count != wanted {
                let message = format!("`{name}` has {count} parameters, {wanted} are handed over");
                let found = facts.at_function(Code::E002, name, message);
                findings.push(found.help(format!("write `fn {}`", entry.signature())));
            }
        } else if facts.natives.contains_key(name) {
            let message = format!("the function `{name}` hides the built-in one of that name");
            let found = facts.at_function(Code::E004, name, message);
            findings.push(found.help("give it another name"));
        }
        if count > MOST_PARAMETERS {
            let message =
                format!("`{name}` has {count} parameters, at most {MOST_PARAMETERS} are allowed");
            findings.push(
                facts.at_function(Code::E007, name, message).help("hand them over in one map"),
            );
        }
    }
    let named = ast.iter_functions().any(|function| Entry::named(function.name).is_some());
    if !named {
        let near = ast.iter_functions().find_map(|function| {
            let meant = crate::suggest::nearest(function.name, Entry::ALL.map(Entry::name))?;
            Some((function.name.to_owned(), meant))
        });
        let message = "the script has no entry function";
        let help = "a mapping has `fn map_user(source, target, ctx)`, notifications have `fn notify(event, user, ctx)`";
        findings.push(match near {
            Some((wrong, meant)) => facts
                .at_function(Code::E001, &wrong, format!("{message}; `{wrong}` is not one"))
                .help(format!("did you mean `{meant}`?")),
            None => Diagnostic::new(Code::E001, facts.name, message).help(help),
        });
    }
    findings
}

/// Whether the engine made up this function's name for a closure.
fn is_closure(name: &str) -> bool {
    name.starts_with("anon$")
}
