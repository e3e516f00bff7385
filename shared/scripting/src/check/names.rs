//! Names after a dot: which attributes and fields a script reads and writes, followed through
//! parameters, aliases and closures to the handle that they belong to.

use std::collections::BTreeMap;

use rhai::{AST, ASTNode, Expr, FnCallExpr, ImmutableString, Position, Stmt};

use super::facts::Facts;
use super::walk::{only, visit};
use crate::attributes::{find, suggest};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::entry::{Entry, Parameter};
use crate::handles::{CONTEXT_FIELDS, EVENT_FIELDS};
use crate::suggest::nearest;

/// What a variable stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Handle(Parameter),
    /// Different things from different callers: nothing can be said.
    Mixed,
}

/// A function: its name and the number of its parameters.
type Function = (String, usize);

/// What the variables of every function stand for.
pub(super) struct Names {
    scopes: BTreeMap<Function, BTreeMap<String, Role>>,
}

/// What the variables of one function stand for.
pub(super) struct Scope {
    roles: BTreeMap<String, Role>,
    contact: bool,
}

/// How often roles are handed on through calls: as deep as helpers usually call helpers.
const ROUNDS: usize = 4;

impl Names {
    pub(super) fn of(ast: &AST) -> Self {
        let mut names = Self { scopes: BTreeMap::new() };
        let functions: Vec<(Function, Vec<String>)> = ast
            .iter_functions()
            .map(|function| {
                let parameters: Vec<String> =
                    function.params.iter().map(|name| (*name).to_owned()).collect();
                ((function.name.to_owned(), parameters.len()), parameters)
            })
            .collect();
        for (function, parameters) in &functions {
            if let Some(entry) = Entry::named(&function.0)
                && entry.parameters().len() == function.1
            {
                let roles = parameters.iter().zip(entry.parameters());
                for (name, role) in roles {
                    names.note(function, name, Role::Handle(*role));
                }
            }
        }
        for _ in 0..ROUNDS {
            for (function, _) in &functions {
                names.hand_on(ast, function, &functions);
            }
        }
        names
    }

    fn note(&mut self, function: &Function, name: &str, role: Role) {
        let roles = self.scopes.entry(function.clone()).or_default();
        let known = roles.entry(name.to_owned()).or_insert(role);
        if *known != role {
            *known = Role::Mixed;
        }
    }

    /// Follows the handles of one function into its aliases and the functions that it calls.
    fn hand_on(&mut self, ast: &AST, function: &Function, functions: &[(Function, Vec<String>)]) {
        let Some(roles) = self.scopes.get(function).cloned() else { return };
        let mut found: Vec<(Function, String, Role)> = Vec::new();
        let role_of = |expression: &Expr| match expression {
            Expr::Variable(variable, ..) => roles.get(variable.1.as_str()).copied(),
            _ => None,
        };
        let mut into = |name: &str, arguments: &[Expr]| {
            let callee = functions
                .iter()
                .find(|((other, count), _)| other == name && *count >= arguments.len());
            let Some((callee, parameters)) = callee else { return };
            for (argument, parameter) in arguments.iter().zip(parameters) {
                if let Some(role) = role_of(argument) {
                    found.push((callee.clone(), parameter.clone(), role));
                }
            }
        };
        let mut aliases: Vec<(String, Role)> = Vec::new();
        visit(&only(ast, &function.0, function.1), &mut |path| match path.last() {
            Some(ASTNode::Stmt(Stmt::Var(declared, ..))) => {
                if let Some(role) = role_of(&declared.1) {
                    aliases.push((declared.0.name.to_string(), role));
                }
            }
            Some(ASTNode::Expr(Expr::FnCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _))) => {
                match bound_closure(call) {
                    Some(closure) => into(&closure, call.args.get(1..).unwrap_or_default()),
                    None => into(&call.name, &call.args),
                }
            }
            _ => {}
        });
        for (callee, parameter, role) in found {
            self.note(&callee, &parameter, role);
        }
        for (alias, role) in aliases {
            self.note(function, &alias, role);
        }
    }

    pub(super) fn scope(&self, name: &str, count: usize) -> Scope {
        let roles = self.scopes.get(&(name.to_owned(), count)).cloned().unwrap_or_default();
        Scope { roles, contact: name == Entry::MapContact.name() }
    }
}

/// The closure that a call binds captured variables to.
fn bound_closure(call: &FnCallExpr) -> Option<String> {
    if call.name != "curry" {
        return None;
    }
    match call.args.first()? {
        Expr::DynamicConstant(value, _) => {
            value.read_lock::<rhai::FnPtr>().map(|closure| closure.fn_name().to_owned())
        }
        _ => None,
    }
}

impl Scope {
    pub(super) fn check(
        &self,
        facts: &Facts<'_>,
        path: &[ASTNode<'_>],
        findings: &mut Vec<Diagnostic>,
    ) {
        let Some((node, above)) = path.split_last() else { return };
        match node {
            ASTNode::Expr(found @ (Expr::Dot(pair, ..) | Expr::Index(pair, ..))) => {
                let Expr::Variable(variable, ..) = &pair.lhs else { return };
                let Some(Role::Handle(role)) = self.roles.get(variable.1.as_str()) else { return };
                let Some((name, at)) = first_name(&pair.rhs) else { return };
                let written = matches!(
                    above.last(),
                    Some(ASTNode::Stmt(Stmt::Assignment(assignment)))
                        if std::ptr::eq(&raw const assignment.1.lhs, *found)
                );
                findings.extend(self.name(facts, *role, &variable.1, name, at, written));
            }
            ASTNode::Expr(Expr::FnCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _))
                if call.name == "clear" && call.args.len() == 2 =>
            {
                let [Expr::Variable(variable, ..), Expr::StringConstant(name, at)] = &*call.args
                else {
                    return;
                };
                if let Some(Role::Handle(role)) = self.roles.get(variable.1.as_str()) {
                    findings.extend(self.name(facts, *role, &variable.1, name, *at, true));
                }
            }
            ASTNode::Expr(Expr::MethodCall(call, _)) if call.name == "copy" => {
                let Some(Expr::Array(names, _)) = call.args.get(1) else { return };
                for name in names {
                    if let Expr::StringConstant(name, at) = name {
                        let target = Parameter::Target;
                        findings.extend(self.name(facts, target, "target", name, *at, true));
                    }
                }
            }
            _ => {}
        }
    }

    fn name(
        &self,
        facts: &Facts<'_>,
        role: Parameter,
        variable: &str,
        name: &str,
        at: Position,
        written: bool,
    ) -> Option<Diagnostic> {
        if let Parameter::Event | Parameter::Context = role {
            return field(facts, role, variable, name, at);
        }
        let Some(spec) = find(name) else {
            let found = facts.at(Code::E006, at, format!("unknown attribute `{name}`"));
            return Some(match suggest(name) {
                Some(meant) => found.help(format!("did you mean `{meant}`?")),
                None => found.help("the attribute reference lists every name"),
            });
        };
        if !written {
            return None;
        }
        if role != Parameter::Target {
            let message = format!("`{variable}` can be read and not written");
            return Some(
                facts.at(Code::E012, at, message).help("assign to `target` in `map_user`"),
            );
        }
        let message = if !spec.writable() {
            format!("`{name}` cannot be written by a script")
        } else if self.contact && !spec.contact {
            format!("a mail contact has no `{name}`")
        } else {
            return None;
        };
        let found = facts.at(Code::E012, at, message);
        Some(if spec.note.is_empty() { found } else { found.help(spec.note) })
    }
}

fn field(
    facts: &Facts<'_>,
    role: Parameter,
    variable: &str,
    name: &str,
    at: Position,
) -> Option<Diagnostic> {
    let known: &[(&str, &str)] =
        if role == Parameter::Event { EVENT_FIELDS } else { CONTEXT_FIELDS };
    if known.iter().any(|(field, _)| *field == name) {
        return None;
    }
    let fields = known.iter().map(|(field, _)| *field);
    let found = facts.at(Code::E006, at, format!("`{variable}` has no field `{name}`"));
    Some(match nearest(name, fields.clone()) {
        Some(meant) => found.help(format!("did you mean `{meant}`?")),
        None => found.help(format!("it has {}", fields.collect::<Vec<_>>().join(", "))),
    })
}

/// The name right after the handle: `.name`, `["name"]`, and either with more after it.
fn first_name(right: &Expr) -> Option<(&ImmutableString, Position)> {
    match right {
        Expr::Property(property, at) => Some((&property.2, *at)),
        Expr::StringConstant(name, at) => Some((name, *at)),
        Expr::Dot(pair, ..) | Expr::Index(pair, ..) => first_name(&pair.lhs),
        _ => None,
    }
}
