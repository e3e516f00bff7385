//! The closure rule: a closure may only be handed directly to a function that goes over a list.
//!
//! A stored closure can hold itself (never freed), hold a chain of others (freed recursively, which
//! overflows the stack), or lock a variable that it shares. Where it is handed over directly it can
//! do none of that, and still sees the variables around it.

use rhai::{ASTNode, Expr, Stmt};

use super::facts::Facts;
use super::walk::expression;
use crate::code::Code;
use crate::diagnostic::Diagnostic;

/// The functions that take a closure.
pub(super) const TAKE_CLOSURES: [&str; 15] = [
    "map",
    "filter",
    "find",
    "find_map",
    "some",
    "all",
    "sort",
    "order",
    "reduce",
    "reduce_rev",
    "index_of",
    "for_each",
    "retain",
    "drain",
    "dedup",
];

pub(super) fn check(facts: &Facts<'_>, path: &[ASTNode<'_>], findings: &mut Vec<Diagnostic>) {
    let Some((node, above)) = path.split_last() else { return };
    let Some(found) = expression(node) else { return };
    let at = match found {
        Expr::DynamicConstant(value, at) if value.is_fnptr() => *at,
        // The name of a function, used as a value, is a closure as well.
        Expr::Variable(variable, _, at) if is_function(facts, &variable.1, above) => *at,
        _ => return,
    };
    if !handed_over(above) {
        let message = "this closure is stored or handed on".to_owned();
        findings.push(
            facts
                .at(Code::E008, at, message)
                .help("write it where it is used, as in `list.filter(|x| x != \"\")`"),
        );
    }
}

/// A closure that uses the very variable whose list it goes over: the engine holds that variable
/// while the closure runs, so the closure cannot have it.
pub(super) fn check_receiver(
    facts: &Facts<'_>,
    path: &[ASTNode<'_>],
    findings: &mut Vec<Diagnostic>,
) {
    let Some(Expr::Dot(pair, ..) | Expr::Index(pair, ..)) = path.last().and_then(expression) else {
        return;
    };
    let Expr::Variable(receiver, ..) = &pair.lhs else { return };
    let mut rest = Some(&pair.rhs);
    while let Some(link) = rest {
        let (link, next) = match link {
            Expr::Dot(pair, ..) | Expr::Index(pair, ..) => (&pair.lhs, Some(&pair.rhs)),
            last => (last, None),
        };
        if let Expr::MethodCall(call, _) = link {
            let captured = call.args.iter().flat_map(captures);
            for (name, at) in captured.filter(|(name, _)| *name == receiver.1.as_str()) {
                let message = format!("the closure uses `{name}` while `{name}` is gone over");
                findings.push(
                    facts
                        .at(Code::E008, at, message)
                        .help(format!("copy what it needs before: `let value = {name}.…;`")),
                );
            }
        }
        rest = next;
    }
}

/// The variables that a closure argument captures.
fn captures(argument: &Expr) -> Vec<(&str, rhai::Position)> {
    let Expr::Stmt(block) = argument else { return Vec::new() };
    let Some(Stmt::Share(shared)) = block.statements().first() else { return Vec::new() };
    shared.iter().map(|(variable, _)| (variable.name.as_str(), variable.pos)).collect()
}

/// Whether a variable's name is that of one of the script's functions and of no variable.
fn is_function(facts: &Facts<'_>, name: &str, above: &[ASTNode<'_>]) -> bool {
    // The captured variables of a closure stand in the call that binds them.
    let bound = matches!(
        above.last(),
        Some(ASTNode::Expr(Expr::FnCall(call, _))) if call.name == "curry"
    );
    !bound && facts.own.contains_key(name)
}

/// Whether the node above is a call that takes closures. A closure that captures variables is
/// wrapped by the parser: a block that shares them, then a call that binds them.
fn handed_over(above: &[ASTNode<'_>]) -> bool {
    let takes = |node: Option<&ASTNode<'_>>| match node {
        Some(ASTNode::Expr(Expr::MethodCall(call, _) | Expr::FnCall(call, _))) => {
            call.op_token.is_none() && TAKE_CLOSURES.contains(&call.name.as_str())
        }
        Some(ASTNode::Stmt(Stmt::FnCall(call, _))) => TAKE_CLOSURES.contains(&call.name.as_str()),
        _ => false,
    };
    match above {
        [
            ..,
            outer,
            ASTNode::Expr(Expr::Stmt(block)),
            ASTNode::Stmt(Stmt::Expr(_)),
            ASTNode::Expr(Expr::FnCall(call, _)),
        ] if call.name == "curry" && matches!(block.statements().first(), Some(Stmt::Share(_))) => {
            takes(Some(outer))
        }
        _ => takes(above.last()),
    }
}
