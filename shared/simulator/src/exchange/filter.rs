//! `-Filter`: comparisons joined by `-and` or `-or`.

use serde_json::Value;

use super::{Failure, Record};

/// A parsed filter: alternatives of comparisons that must all hold.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    any: Vec<Vec<Comparison>>,
}

#[derive(Clone, Debug)]
struct Comparison {
    property: String,
    operator: Operator,
    value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Like,
}

impl Filter {
    /// Parses `Property -eq 'value'`, with `-ne`, `-like`, `-and`, `-or`; brackets are ignored.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = || {
            Failure::bad(
                "ExF1A7E2",
                "Microsoft.Exchange.Data.ParsingInvalidFilterException",
                format!(
                    "Invalid filter syntax. For a description of the filter parameter syntax see the command help. \"{text}\""
                ),
            )
        };
        let words = words(text).ok_or_else(wrong)?;
        let mut any = Vec::new();
        let mut all = Vec::new();
        let mut rest = words.into_iter();
        loop {
            let (Some(property), Some(operator), Some(value)) =
                (rest.next(), rest.next(), rest.next())
            else {
                return Err(wrong());
            };
            let operator = match operator.to_lowercase().as_str() {
                "-eq" => Operator::Equal,
                "-ne" => Operator::Unequal,
                "-like" => Operator::Like,
                _ => return Err(wrong()),
            };
            all.push(Comparison { property, operator, value });
            match rest.next().map(|word| word.to_lowercase()).as_deref() {
                None => {
                    any.push(all);
                    return Ok(Self { any });
                }
                Some("-and") => {}
                Some("-or") => any.push(std::mem::take(&mut all)),
                Some(_) => return Err(wrong()),
            }
        }
    }

    /// The address that whatever passes must hold, where the filter asks for one.
    pub(crate) fn address(&self) -> Option<&str> {
        let [all] = self.any.as_slice() else { return None };
        let asked = all.iter().find(|comparison| {
            comparison.operator == Operator::Equal
                && comparison.property.eq_ignore_ascii_case("EmailAddresses")
        });
        asked.map(|comparison| comparison.value.as_str())
    }

    /// Whether a record passes.
    pub(crate) fn passes(&self, record: &Record) -> bool {
        self.any.iter().any(|all| all.iter().all(|comparison| comparison.holds(record)))
    }
}

impl Comparison {
    fn holds(&self, record: &Record) -> bool {
        let value = record.property(&self.property);
        let wanted = self.value.trim_start_matches('$').to_lowercase();
        let fits = |value: &Value| {
            let text = match value {
                Value::String(text) => text.to_lowercase(),
                Value::Null => "null".to_owned(),
                other => other.to_string(),
            };
            if self.operator == Operator::Like { like(&wanted, &text) } else { text == wanted }
        };
        let hit = match value {
            Some(Value::Array(values)) => values.iter().any(fits),
            Some(value) => fits(value),
            None => false,
        };
        hit != (self.operator == Operator::Unequal)
    }
}

fn like(pattern: &str, text: &str) -> bool {
    let core = pattern.trim_matches('*');
    match (pattern.starts_with('*'), pattern.ends_with('*')) {
        (true, true) => text.contains(core),
        (true, false) => text.ends_with(core),
        (false, true) => text.starts_with(core),
        (false, false) => text == pattern,
    }
}

/// Words, with quoted values as one word each (`''` inside quotes is a quote); `None` when a quote
/// is not closed.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(&next) = rest.peek() {
        if next.is_whitespace() || "(){}".contains(next) {
            rest.next();
        } else if next == '\'' || next == '"' {
            rest.next();
            let mut word = String::new();
            loop {
                let letter = rest.next()?;
                if letter != next {
                    word.push(letter);
                } else if rest.peek() == Some(&next) {
                    rest.next();
                    word.push(next);
                } else {
                    break;
                }
            }
            words.push(word);
        } else {
            let mut word = String::new();
            while let Some(&letter) = rest.peek() {
                if letter.is_whitespace() || "(){}'\"".contains(letter) {
                    break;
                }
                word.push(letter);
                rest.next();
            }
            words.push(word);
        }
    }
    Some(words)
}
