//! `$filter` on directory objects: comparisons, `startsWith`, `endsWith`, `any`, `in`, joined by
//! `and`, `or`, `not` and brackets.

use std::collections::BTreeSet;

use serde_json::Value;

use super::GraphError;
use crate::call::Call;

/// A parsed filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Equal(String, Literal),
    Unequal(String, Literal),
    GreaterOrEqual(String, Literal),
    LessOrEqual(String, Literal),
    StartsWith(String, String),
    EndsWith(String, String),
    OneOf(String, Vec<Literal>),
    /// `proxyAddresses/any(p:p eq 'x')`, also with `startsWith` inside.
    Any(String, Box<Filter>),
}

/// A value in a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    Text(String),
    Flag(bool),
    Null,
    /// Numbers, GUIDs, dates.
    Bare(String),
}

/// Reads the call's `$filter`; operators of advanced queries need `ConsistencyLevel: eventual` and
/// `$count=true`.
pub(crate) fn filter(call: &Call) -> Result<Option<Filter>, GraphError> {
    let Some(text) = call.query("$filter") else { return Ok(None) };
    let wrong = || GraphError::bad_request(&format!("Invalid filter clause: {text}"));
    let tokens = tokens(text).ok_or_else(wrong)?;
    let mut parser = Parser { tokens, at: 0, depth: 0 };
    let filter = parser.or().ok_or_else(wrong)?;
    if parser.at < parser.tokens.len() {
        return Err(wrong());
    }
    let eventual =
        call.header("consistencylevel").is_some_and(|level| level.eq_ignore_ascii_case("eventual"));
    let counted = call.query("$count").is_some_and(|count| count.eq_ignore_ascii_case("true"));
    if filter.advanced() && !(eventual && counted) {
        return Err(GraphError::new(
            http::StatusCode::BAD_REQUEST,
            "Request_UnsupportedQuery",
            "Operator is not supported because the 'ConsistencyLevel: eventual' header and $count=true are missing.",
        ));
    }
    Ok(Some(filter))
}

impl Filter {
    fn advanced(&self) -> bool {
        match self {
            Self::Not(_) | Self::Unequal(..) | Self::EndsWith(..) => true,
            Self::And(left, right) | Self::Or(left, right) => left.advanced() || right.advanced(),
            Self::Any(_, inner) => inner.advanced(),
            _ => false,
        }
    }

    /// The properties that it asks for.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        match self {
            Self::And(left, right) | Self::Or(left, right) => {
                left.names().into_iter().chain(right.names()).collect()
            }
            Self::Not(inner) => inner.names(),
            Self::Equal(path, _)
            | Self::Unequal(path, _)
            | Self::GreaterOrEqual(path, _)
            | Self::LessOrEqual(path, _)
            | Self::StartsWith(path, _)
            | Self::EndsWith(path, _)
            | Self::OneOf(path, _)
            | Self::Any(path, _) => path.split('/').take(1).collect(),
        }
    }

    /// Whether an object passes.
    pub(crate) fn passes(&self, object: &Value) -> bool {
        match self {
            Self::And(left, right) => left.passes(object) && right.passes(object),
            Self::Or(left, right) => left.passes(object) || right.passes(object),
            Self::Not(inner) => !inner.passes(object),
            Self::Equal(path, literal) => literal.equals(at(object, path)),
            Self::Unequal(path, literal) => !literal.equals(at(object, path)),
            Self::GreaterOrEqual(path, literal) => {
                text(at(object, path)).is_some_and(|text| text >= literal.text())
            }
            Self::LessOrEqual(path, literal) => {
                text(at(object, path)).is_some_and(|text| text <= literal.text())
            }
            Self::StartsWith(path, start) => text(at(object, path))
                .is_some_and(|text| text.to_lowercase().starts_with(&start.to_lowercase())),
            Self::EndsWith(path, end) => text(at(object, path))
                .is_some_and(|text| text.to_lowercase().ends_with(&end.to_lowercase())),
            Self::OneOf(path, literals) => {
                literals.iter().any(|literal| literal.equals(at(object, path)))
            }
            Self::Any(path, inner) => at(object, path)
                .and_then(Value::as_array)
                .is_some_and(|values| values.iter().any(|value| inner.passes(value))),
        }
    }
}

impl Literal {
    fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Bare(text) => text.clone(),
            Self::Flag(flag) => flag.to_string(),
            Self::Null => "null".to_owned(),
        }
    }

    fn equals(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Null, None | Some(Value::Null)) => true,
            (Self::Flag(flag), Some(Value::Bool(value))) => flag == value,
            (Self::Text(wanted) | Self::Bare(wanted), value) => {
                text(value).is_some_and(|text| text.to_lowercase() == wanted.to_lowercase())
            }
            _ => false,
        }
    }
}

fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    if path.is_empty() {
        return Some(object);
    }
    path.split('/').try_fold(object, |value, name| value.get(name))
}

fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    Comma,
    Colon,
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            ' ' | '\t' => {}
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            ',' => tokens.push(Token::Comma),
            ':' => tokens.push(Token::Colon),
            '\'' => {
                let mut word = String::new();
                loop {
                    let letter = rest.next()?;
                    if letter != '\'' {
                        word.push(letter);
                    } else if rest.peek() == Some(&'\'') {
                        rest.next();
                        word.push('\'');
                    } else {
                        break;
                    }
                }
                tokens.push(Token::Text(word));
            }
            first => {
                let mut word = String::from(first);
                while let Some(&next) = rest.peek() {
                    // A colon inside a date belongs to it; a lambda's follows a name.
                    let dated = next == ':' && word.starts_with(|c: char| c.is_ascii_digit());
                    if !dated && " \t(),:'".contains(next) {
                        break;
                    }
                    word.push(next);
                    rest.next();
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Some(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: u8,
}

/// Deepest nesting of brackets.
const MOST_DEPTH: u8 = 20;

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn word_is(&self, word: &str) -> bool {
        matches!(self.tokens.get(self.at), Some(Token::Word(found)) if found.eq_ignore_ascii_case(word))
    }

    fn take(&mut self, token: &Token) -> Option<()> {
        (self.next().as_ref() == Some(token)).then_some(())
    }

    fn or(&mut self) -> Option<Filter> {
        let mut left = self.and()?;
        while self.word_is("or") {
            self.at += 1;
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        Some(left)
    }

    fn and(&mut self) -> Option<Filter> {
        let mut left = self.one()?;
        while self.word_is("and") {
            self.at += 1;
            left = Filter::And(Box::new(left), Box::new(self.one()?));
        }
        Some(left)
    }

    fn one(&mut self) -> Option<Filter> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return None;
        }
        let filter = self.term();
        self.depth -= 1;
        filter
    }

    fn term(&mut self) -> Option<Filter> {
        if self.word_is("not") {
            self.at += 1;
            return Some(Filter::Not(Box::new(self.one()?)));
        }
        match self.next()? {
            Token::Open => {
                let inner = self.or()?;
                self.take(&Token::Close)?;
                Some(inner)
            }
            Token::Word(word) => self.comparison(&word),
            _ => None,
        }
    }

    fn comparison(&mut self, word: &str) -> Option<Filter> {
        if self.tokens.get(self.at) == Some(&Token::Open) {
            self.at += 1;
            return self.call(word);
        }
        let Token::Word(operator) = self.next()? else { return None };
        let path = word.to_owned();
        if operator.eq_ignore_ascii_case("in") {
            self.take(&Token::Open)?;
            let mut values = vec![self.literal()?];
            while self.tokens.get(self.at) == Some(&Token::Comma) {
                self.at += 1;
                values.push(self.literal()?);
            }
            self.take(&Token::Close)?;
            return Some(Filter::OneOf(path, values));
        }
        let literal = self.literal()?;
        match operator.to_lowercase().as_str() {
            "eq" => Some(Filter::Equal(path, literal)),
            "ne" => Some(Filter::Unequal(path, literal)),
            "ge" => Some(Filter::GreaterOrEqual(path, literal)),
            "le" => Some(Filter::LessOrEqual(path, literal)),
            _ => None,
        }
    }

    fn call(&mut self, name: &str) -> Option<Filter> {
        if let Some(path) = name.strip_suffix("/any") {
            let Token::Word(variable) = self.next()? else { return None };
            self.take(&Token::Colon)?;
            let inner = self.or()?;
            self.take(&Token::Close)?;
            return Some(Filter::Any(path.to_owned(), Box::new(inner.of_variable(&variable))));
        }
        let Token::Word(path) = self.next()? else { return None };
        self.take(&Token::Comma)?;
        let Token::Text(text) = self.next()? else { return None };
        self.take(&Token::Close)?;
        match name.to_lowercase().as_str() {
            "startswith" => Some(Filter::StartsWith(path, text)),
            "endswith" => Some(Filter::EndsWith(path, text)),
            _ => None,
        }
    }

    fn literal(&mut self) -> Option<Literal> {
        match self.next()? {
            Token::Text(text) => Some(Literal::Text(text)),
            Token::Word(word) => Some(match word.as_str() {
                "true" => Literal::Flag(true),
                "false" => Literal::Flag(false),
                "null" => Literal::Null,
                _ => Literal::Bare(word),
            }),
            _ => None,
        }
    }
}

impl Filter {
    /// Inside `any(p:...)` the variable is the element itself.
    fn of_variable(self, variable: &str) -> Self {
        let strip = |path: String| {
            if path == variable {
                String::new()
            } else {
                path.strip_prefix(&format!("{variable}/")).map(str::to_owned).unwrap_or(path)
            }
        };
        let inner = |filter: Box<Self>| Box::new(filter.of_variable(variable));
        match self {
            Self::And(left, right) => Self::And(inner(left), inner(right)),
            Self::Or(left, right) => Self::Or(inner(left), inner(right)),
            Self::Not(filter) => Self::Not(inner(filter)),
            Self::Equal(path, literal) => Self::Equal(strip(path), literal),
            Self::Unequal(path, literal) => Self::Unequal(strip(path), literal),
            Self::GreaterOrEqual(path, literal) => Self::GreaterOrEqual(strip(path), literal),
            Self::LessOrEqual(path, literal) => Self::LessOrEqual(strip(path), literal),
            Self::StartsWith(path, text) => Self::StartsWith(strip(path), text),
            Self::EndsWith(path, text) => Self::EndsWith(strip(path), text),
            Self::OneOf(path, literals) => Self::OneOf(strip(path), literals),
            Self::Any(path, filter) => Self::Any(strip(path), filter),
        }
    }
}
