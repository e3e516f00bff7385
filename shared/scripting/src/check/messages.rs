//! Rules for messages.

use std::collections::BTreeSet;

use rhai::{ASTNode, Expr, Stmt};

use super::facts::Facts;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::entry::Entry;

/// What of a script makes messages.
pub(super) struct Messages {
    /// Whether all of it does: `notify` is its only entry function.
    all: bool,
}

impl Messages {
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        Self { all: facts.entries() == BTreeSet::from([Entry::Notify]) }
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
