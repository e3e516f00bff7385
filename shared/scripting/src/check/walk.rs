//! Goes over every statement and expression once and hands each to the rules.

use rhai::{AST, ASTFlags, ASTNode, Expr, Stmt};

use super::facts::Facts;
use super::messages::Messages;
use super::names::{Names, Scope};
use super::{MOST_FINDINGS, calls, closures};
use crate::code::Code;
use crate::diagnostic::Diagnostic;

pub(super) fn check(facts: &Facts<'_>, ast: &AST) -> Vec<Diagnostic> {
    let mut findings = outside_functions(facts, ast);
    let names = Names::of(ast);
    let messages = Messages::of(facts);
    let mut top = ast.clone();
    top.clear_functions();
    visit(&top, &mut |path| {
        closures::check(facts, path, &mut findings);
        closures::check_receiver(facts, path, &mut findings);
        calls::check(facts, path, &mut findings);
    });
    for function in ast.iter_functions() {
        let (name, count) = (function.name, function.params.len());
        let body = only(ast, name, count);
        let scope: Scope = names.scope(name, count);
        visit(&body, &mut |path| {
            // Nobody reads more, and each may have to be compared with every name that there is.
            if findings.len() > MOST_FINDINGS {
                return;
            }
            closures::check(facts, path, &mut findings);
            closures::check_receiver(facts, path, &mut findings);
            calls::check(facts, path, &mut findings);
            scope.check(facts, path, &mut findings);
            messages.check(facts, name, path, &mut findings);
            findings.extend(too_large_number(facts, path));
        });
    }
    findings
}

/// A whole number of so many digits that the engine reads it as one with a fraction, not exactly.
fn too_large_number(facts: &Facts<'_>, path: &[ASTNode<'_>]) -> Option<Diagnostic> {
    let Expr::FloatConstant(_, at) = path.last().and_then(expression)? else { return None };
    let line = facts.line(*at)?;
    let start = at.position()?.saturating_sub(1);
    let literal = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    let sign = |c: &char| matches!(c, '-' | '+' | ' ');
    let number: String = line.chars().skip(start).skip_while(sign).take_while(literal).collect();
    if number.is_empty() || !number.chars().all(|c| c.is_ascii_digit() || c == '_') {
        return None;
    }
    let message = format!("the number has more digits than {} holds", i64::MAX);
    Some(facts.at(Code::E000, *at, message).help("write it as a text, in quotation marks"))
}

/// One function of a script, alone.
pub(super) fn only(ast: &AST, name: &str, parameters: usize) -> AST {
    let mut only = ast.clone();
    only.clear_statements();
    only.retain_functions(|_, _, other, count| other == name && count == parameters);
    only
}

/// Visits every node of an AST, also what the engine's own walk leaves out.
pub(crate) fn visit(ast: &AST, on_node: &mut dyn FnMut(&[ASTNode<'_>])) {
    let mut each = |path: &[ASTNode<'_>]| {
        on_node(path);
        // `break value` is not walked into by the engine.
        if let Some(ASTNode::Stmt(Stmt::BreakLoop(Some(value), ..))) = path.last() {
            value.walk(&mut Vec::new(), &mut |inner| {
                on_node(inner);
                true
            });
        }
        true
    };
    ast.walk(&mut each);
}

/// Only constants may stand outside functions: anything else would run before each call.
fn outside_functions(facts: &Facts<'_>, ast: &AST) -> Vec<Diagnostic> {
    ast.statements()
        .iter()
        .filter(|statement| {
            let constant = matches!(
                statement,
                Stmt::Var(_, options, _) if options.contains(ASTFlags::CONSTANT)
            );
            !constant && !statement.is_noop()
        })
        .map(|statement| {
            let at = match statement {
                Stmt::Expr(expression) => expression.start_position(),
                Stmt::Assignment(assignment) => assignment.1.lhs.start_position(),
                other => other.position(),
            };
            let message = "this code stands outside functions".to_owned();
            facts
                .at(Code::E003, at, message)
                .help("put it into a function; only `const NAME = …;` may stand outside")
        })
        .collect()
}

/// The expression of a node.
pub(super) const fn expression<'a>(node: &ASTNode<'a>) -> Option<&'a Expr> {
    match node {
        ASTNode::Expr(expression) => Some(expression),
        _ => None,
    }
}
