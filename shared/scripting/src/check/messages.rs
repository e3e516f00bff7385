//! Rules for messages.

use std::collections::BTreeSet;

use rhai::{ASTNode, Expr, Position, Stmt, StmtBlock};

use super::facts::Facts;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::entry::Entry;
use crate::library::Use;

/// What of a script makes messages.
pub(super) struct Messages {
    /// Whether any of it does.
    any: bool,
    /// Whether all of it does: `notify` is its only entry function.
    all: bool,
}

/// The fields of a message that name files, and for what.
const FILES: [(&str, Use); 3] =
    [("template", Use::Template), ("attach", Use::Attachment), ("links", Use::Link)];

impl Messages {
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        let entries = facts.entries();
        let any = entries.contains(&Entry::Notify);
        Self { any, all: entries == BTreeSet::from([Entry::Notify]) }
    }

    /// `function` is the one that the node stands in.
    pub(super) fn check(
        &self,
        facts: &Facts<'_>,
        function: &str,
        path: &[ASTNode<'_>],
        findings: &mut Vec<Diagnostic>,
    ) {
        if self.all || function == Entry::Notify.name() {
            findings.extend(parks(facts, path));
        }
        if self.any {
            files(facts, path, findings);
        }
    }
}

/// `park` has nobody to park here.
fn parks(facts: &Facts<'_>, path: &[ASTNode<'_>]) -> Option<Diagnostic> {
    let (ASTNode::Expr(Expr::FnCall(call, at) | Expr::MethodCall(call, at))
    | ASTNode::Stmt(Stmt::FnCall(call, at))) = path.last()?
    else {
        return None;
    };
    if call.name != "park" || facts.own.contains_key("park") {
        return None;
    }
    let message = "`park` parks nobody here: the notification fails with the reason".to_owned();
    let help = "where there is nothing to tell, `return []` in its place";
    Some(facts.at(Code::W001, *at, message).help(help).warning())
}

/// The files that a message names are in the library. A map with `to` is taken for a message.
fn files(facts: &Facts<'_>, path: &[ASTNode<'_>], findings: &mut Vec<Diagnostic>) {
    let Some(ASTNode::Expr(Expr::Map(map, _))) = path.last() else { return };
    let value =
        |field: &str| map.0.iter().find_map(|(name, value)| (name.name == field).then_some(value));
    if value("to").is_none() {
        return;
    }
    for (field, used) in FILES {
        for (name, at) in value(field).map(texts).unwrap_or_default() {
            if let Some(unfit) = facts.library.misnamed(name, used) {
                let found = facts.at_text(Code::E016, name, at, unfit.message);
                findings.push(match unfit.help {
                    Some(help) => found.help(help),
                    None => found,
                });
            }
        }
    }
}

/// The texts that an expression is or lists, whichever way it goes.
fn texts(value: &Expr) -> Vec<(&str, Position)> {
    match value {
        Expr::StringConstant(text, at) => vec![(text, *at)],
        Expr::Array(items, _) => items.iter().flat_map(texts).collect(),
        Expr::Stmt(block) => results(block),
        _ => Vec::new(),
    }
}

/// The same of a block, whose value is that of its last statement.
fn results(block: &StmtBlock) -> Vec<(&str, Position)> {
    match block.statements().last() {
        Some(Stmt::Expr(value)) => texts(value),
        Some(Stmt::If(parts, _)) => {
            [&parts.body, &parts.branch].into_iter().flat_map(results).collect()
        }
        Some(Stmt::Switch(parts, _)) => {
            parts.1.expressions.iter().flat_map(|case| texts(&case.rhs)).collect()
        }
        _ => Vec::new(),
    }
}
