//! Which lines of a script the tests reach, and which attributes they look at.
//!
//! The script's text gets a call `__line(n)` before each statement and runs a second time. Lines
//! stay lines, so nothing else changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use rhai::{ASTNode, Position, Stmt};
use serde::Serialize;
use serde_json::{Map, Value};

use super::observe::{Asked, observe};
use crate::attributes::AttributeName;
use crate::check;
use crate::policy::PolicyContext;
use crate::sandbox::Budget;
use crate::script::Script;

/// What the tests reach.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Coverage {
    /// Lines with a statement.
    pub lines: usize,
    /// Those among them that no case reaches.
    pub missed_lines: Vec<usize>,
    /// Attributes that the script set in some case.
    pub attributes: usize,
    /// Those among them that no case expects anything of.
    pub missed_attributes: Vec<AttributeName>,
}

impl Coverage {
    pub(super) fn render(&self) -> String {
        let list = |items: Vec<String>| {
            if items.is_empty() { String::new() } else { format!(" (not {})", items.join(", ")) }
        };
        let lines = self.missed_lines.iter().map(ToString::to_string).collect::<Vec<_>>();
        let attributes = self.missed_attributes.iter().map(ToString::to_string).collect::<Vec<_>>();
        format!(
            "lines {} of {}{}, attributes {} of {}{}",
            self.lines - lines.len(),
            self.lines,
            list(lines),
            self.attributes - attributes.len(),
            self.attributes,
            list(attributes)
        )
    }
}

/// A script that writes down the lines that it reaches.
pub(super) struct Instrumented {
    script: Option<Script>,
    lines: BTreeSet<usize>,
    reached: Arc<Mutex<BTreeSet<usize>>>,
}

impl Instrumented {
    /// Without a way to mark the lines of this script, nothing is reported as missed.
    pub(super) fn of(script: &Script) -> Self {
        let reached = Arc::new(Mutex::new(BTreeSet::new()));
        let noted = Arc::clone(&reached);
        // Room for a script that also writes down where it is.
        let budget = script.budget().doubled();
        let marked = marked(script, budget, move |line| {
            noted.lock().unwrap_or_else(PoisonError::into_inner).insert(line);
        });
        match marked {
            Some((script, places)) => {
                Self { script: Some(script), lines: places.into_keys().collect(), reached }
            }
            None => Self { script: None, lines: BTreeSet::new(), reached },
        }
    }

    pub(super) fn run(&self, asked: &Asked<'_>) {
        let none = PolicyContext::default();
        if let Some(script) = &self.script {
            let again = Asked {
                user: asked.user.clone(),
                run: Arc::clone(&asked.run),
                policy: &none,
                ..*asked
            };
            // Only the lines count; the result was looked at before.
            drop(observe(script, &again));
        }
    }

    pub(super) fn coverage(
        &self,
        set: &BTreeSet<AttributeName>,
        expected: &BTreeSet<AttributeName>,
    ) -> Coverage {
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        Coverage {
            lines: self.lines.len(),
            missed_lines: self.lines.difference(&reached).copied().collect(),
            attributes: set.len(),
            missed_attributes: set.difference(expected).cloned().collect(),
        }
    }
}

/// The attributes that an expectation mentions.
pub(super) fn asserted(expect: &Map<String, Value>) -> Vec<AttributeName> {
    let attributes = expect.get("attributes").and_then(Value::as_object);
    let linked = expect.get("linked").and_then(Value::as_array);
    let linked = linked.into_iter().flatten().filter_map(Value::as_object);
    attributes
        .into_iter()
        .chain(linked)
        .flat_map(Map::keys)
        .map(|name| AttributeName::new(name))
        .collect()
}

/// The script again, as one that tells the line before each of its statements; and those lines, with
/// the columns where statements begin. `None` when its text cannot be marked.
pub(crate) fn marked(
    script: &Script,
    budget: Budget,
    at: impl Fn(usize) + Send + Sync + 'static,
) -> Option<(Script, BTreeMap<usize, BTreeSet<usize>>)> {
    let places = statements(script);
    let text = mark(script.text(), &places);
    let marked = script.instrumented(&text, budget, move |engine| {
        engine.register_fn("__line", move |line: i64| at(usize::try_from(line).unwrap_or(0)));
    })?;
    Some((marked, places))
}

/// The lines with statements, and the columns where those begin.
fn statements(script: &Script) -> BTreeMap<usize, BTreeSet<usize>> {
    let mut places: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let bare = without_comments(script.text());
    check::visit_functions(script.ast(), &mut |path| {
        let Some(ASTNode::Stmt(statement)) = path.last() else { return };
        let at = start(statement);
        if let (Some(line), Some(column)) = (at.line(), at.position())
            && begins_statement(&bare, line, column)
        {
            places.entry(line).or_default().insert(column);
        }
    });
    places
}

fn start(statement: &Stmt) -> Position {
    match statement {
        Stmt::Expr(expression) => expression.start_position(),
        Stmt::Assignment(assignment) => assignment.1.lhs.start_position(),
        Stmt::FnCall(..)
        | Stmt::Var(..)
        | Stmt::If(..)
        | Stmt::Switch(..)
        | Stmt::While(..)
        | Stmt::Do(..)
        | Stmt::For(..)
        | Stmt::TryCatch(..)
        | Stmt::BreakLoop(..)
        | Stmt::Return(..) => statement.position(),
        _ => Position::NONE,
    }
}

/// Whether a statement may be put before this place: what stands before it ends one.
fn begins_statement(bare: &[Vec<char>], line: usize, column: usize) -> bool {
    let Some(index) = line.checked_sub(1) else { return false };
    let here = bare.get(index).into_iter().flat_map(|line| line.iter().take(column - 1).rev());
    let above = bare.iter().take(index).rev().flat_map(|line| line.iter().rev());
    matches!(here.chain(above).find(|c| !c.is_whitespace()), Some('{' | '}' | ';'))
}

/// The text's lines with its comments made blank.
fn without_comments(text: &str) -> Vec<Vec<char>> {
    let mut lines = vec![Vec::new()];
    let mut quote: Option<char> = None;
    let mut comment = Comment::None;
    let mut before = ' ';
    for c in text.chars() {
        if c == '\n' {
            if comment == Comment::Line {
                comment = Comment::None;
            }
            lines.push(Vec::new());
            before = ' ';
            continue;
        }
        let mut kept = c;
        match (comment, quote) {
            (Comment::Line, _) => kept = ' ',
            (Comment::Block, _) => {
                kept = ' ';
                if before == '*' && c == '/' {
                    comment = Comment::None;
                }
            }
            (Comment::None, Some(open)) => {
                if c == open && before != '\\' {
                    quote = None;
                }
            }
            (Comment::None, None) => match c {
                '"' | '`' | '\'' => quote = Some(c),
                '/' | '*' if before == '/' => {
                    comment = if c == '/' { Comment::Line } else { Comment::Block };
                    kept = ' ';
                    if let Some(slash) = lines.last_mut().and_then(|line| line.last_mut()) {
                        *slash = ' ';
                    }
                }
                _ => {}
            },
        }
        before = if before == '\\' && c == '\\' { ' ' } else { c };
        if let Some(line) = lines.last_mut() {
            line.push(kept);
        }
    }
    lines
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comment {
    None,
    Line,
    Block,
}

/// Puts the calls into the text.
fn mark(text: &str, places: &BTreeMap<usize, BTreeSet<usize>>) -> String {
    let calls = places.iter().flat_map(|(line, columns)| {
        columns.iter().map(move |column| ((*line, *column), format!("__line({line});")))
    });
    insert(text, &calls.collect())
}

/// The text with more before the characters at these lines and columns.
pub(crate) fn insert(text: &str, more: &BTreeMap<(usize, usize), String>) -> String {
    let mut out = String::with_capacity(text.len() + more.len() * 24);
    for (index, line) in text.lines().enumerate() {
        // The end of the line is a place too.
        for (at, character) in line.chars().chain(['\n']).enumerate() {
            if let Some(more) = more.get(&(index + 1, at + 1)) {
                out.push_str(more);
            }
            out.push(character);
        }
    }
    out
}
