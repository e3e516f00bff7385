//! Calls of functions that do not exist, or not with that many arguments.

use std::collections::BTreeSet;

use rhai::{ASTNode, Expr, FnCallExpr, Position, Stmt};

use super::closures::TAKE_CLOSURES;
use super::facts::Facts;
use super::{MOST_PATTERNS, is_closure};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::functions::check_pattern;
use crate::sandbox::{NOT_HERE, REFUSED};
use crate::suggest::nearest;

pub(super) fn check(facts: &Facts<'_>, path: &[ASTNode<'_>], findings: &mut Vec<Diagnostic>) {
    let (call, at, receiver) = match path.last() {
        Some(ASTNode::Expr(Expr::FnCall(call, at)) | ASTNode::Stmt(Stmt::FnCall(call, at))) => {
            (call, *at, 0)
        }
        Some(ASTNode::Expr(Expr::MethodCall(call, at))) => (call, *at, 1),
        _ => return,
    };
    // Operators, and what the parser makes of closures.
    if call.op_token.is_some() || call.name == "curry" || !is_name(&call.name) {
        return;
    }
    findings.extend(unknown(facts, call, at, receiver));
    findings.extend(pattern(facts, call, receiver));
    findings.extend(named(facts, call));
}

/// The name of a function as a text, where a closure is wanted: `list.map("to_upper")`.
fn named(facts: &Facts<'_>, call: &FnCallExpr) -> Option<Diagnostic> {
    if !TAKE_CLOSURES.contains(&call.name.as_str()) || facts.own.contains_key(call.name.as_str()) {
        return None;
    }
    let Some(Expr::StringConstant(_, at)) = call.args.first() else { return None };
    // The place of a value is asked for with a text as well.
    if call.name == "index_of" {
        return None;
    }
    let message = format!("`{}` takes a closure, not a text", call.name);
    let example =
        format!("write `{}(|x| …)`, or the function's name without quotation marks", call.name);
    Some(facts.at(Code::E005, *at, message).help(example))
}

fn is_name(name: &str) -> bool {
    !is_closure(name) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn unknown(
    facts: &Facts<'_>,
    call: &FnCallExpr,
    at: Position,
    receiver: usize,
) -> Option<Diagnostic> {
    let name = call.name.as_str();
    if REFUSED.contains(&name) && !facts.own.contains_key(name) {
        let message = format!("`{name}` is not available");
        return Some(facts.at(Code::E014, at, message).help(NOT_HERE));
    }
    let given = call.args.len() + receiver;
    let mut counts: BTreeSet<usize> = BTreeSet::new();
    for known in [facts.natives.get(name), facts.own.get(name)].into_iter().flatten() {
        counts.extend(known);
    }
    // A method of one's own sees its receiver as `this` and not as an argument.
    if receiver == 1
        && let Some(own) = facts.own.get(name)
    {
        counts.extend(own.iter().map(|count| count + 1));
    }
    if counts.is_empty() {
        let known = facts.natives.keys().chain(facts.own.keys()).map(String::as_str);
        let found = facts.at(Code::E005, at, format!("unknown function `{name}`"));
        return Some(match nearest(name, known.filter(|name| is_name(name))) {
            Some(meant) => found.help(format!("did you mean `{meant}`?")),
            None => found.help("the function reference lists every name"),
        });
    }
    if counts.contains(&given) {
        return None;
    }
    let takes: Vec<String> =
        counts.iter().map(|count| count.saturating_sub(receiver).to_string()).collect();
    let message =
        format!("`{name}` takes {} arguments, not {}", takes.join(" or "), given - receiver);
    Some(facts.at(Code::E005, at, message))
}

/// Patterns are compiled here, so that a bad one is found before it meets a user.
fn pattern(facts: &Facts<'_>, call: &FnCallExpr, receiver: usize) -> Option<Diagnostic> {
    const TAKE_PATTERNS: [&str; 5] =
        ["matches", "extract", "extract_all", "replace_re", "replace_group"];
    if !TAKE_PATTERNS.contains(&call.name.as_str()) {
        return None;
    }
    let argument = call.args.get(1 - receiver)?;
    let Expr::StringConstant(pattern, at) = argument else { return None };
    facts.patterns.set(facts.patterns.get() + 1);
    // The rest is compiled when it is used, under the budget of a call.
    if facts.patterns.get() > MOST_PATTERNS {
        return None;
    }
    let reason = check_pattern(pattern).err()?;
    Some(facts.at(Code::E013, *at, reason))
}
