//! `$filter`, `$orderby` and `$expand` of the import/export collections, as far as they are used.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::{error, item::normalise};
use crate::{call::Call, graph::GraphError};

/// One condition: `createdDateTime ge 2026-01-01`.
#[derive(Clone, Debug, PartialEq)]
struct Condition {
    /// A property, or an extended property's normalised id.
    field: Field,
    operator: String,
    value: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Field {
    Property(String),
    Extended(String),
}

/// A `$filter`: any of these lists of conditions, each whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Filter(Vec<Vec<Condition>>);

impl Filter {
    /// Reads a filter; an empty text lets everything pass.
    pub(super) fn parse(text: &str) -> Result<Self, GraphError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let branches = split(text, " or ");
        let branch =
            |branch: String| split(&branch, " and ").iter().map(|c| condition(c)).collect();
        Ok(Self(branches.into_iter().map(branch).collect::<Result<_, GraphError>>()?))
    }

    /// Whether an entity passes. `property` and `extended` look values up.
    pub(super) fn passes(
        &self,
        property: impl Fn(&str) -> Option<Value>,
        extended: impl Fn(&str) -> Option<String>,
    ) -> bool {
        let holds = |condition: &Condition| {
            let found = match &condition.field {
                Field::Property(name) => property(name),
                Field::Extended(id) => extended(id).map(Value::String),
            };
            compare(&found.unwrap_or(Value::Null), &condition.operator, &condition.value)
        };
        self.0.is_empty() || self.0.iter().any(|branch| branch.iter().all(holds))
    }
}

/// Splits at a word outside quotes and parentheses.
fn split(text: &str, word: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut depth, mut quoted) = (0_i32, false);
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        match next {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0
            && !quoted
            && let Some(after) = rest.strip_prefix(word)
        {
            parts.push(String::new());
            rest = after;
            continue;
        }
        if let Some(part) = parts.last_mut() {
            part.push(next);
        }
        let mut after = rest.chars();
        after.next();
        rest = after.as_str();
    }
    parts
}

fn condition(text: &str) -> Result<Condition, GraphError> {
    let text = text.trim();
    let bad = || error::bad_request(&format!("Invalid filter clause: {text}"));
    if let Some(inner) = text.strip_prefix("singleValueExtendedProperties/") {
        let (_, inner) = inner.split_once(':').ok_or_else(bad)?;
        let mut id = None;
        let mut value = None;
        for part in split(inner.trim_end_matches(')'), " and ") {
            let (field, operator, literal) = comparison(&part).ok_or_else(bad)?;
            if field.ends_with("/id") {
                id = Some(normalise(&literal));
            } else {
                value = Some((operator, literal));
            }
        }
        let (operator, value) = value.ok_or_else(bad)?;
        return Ok(Condition { field: Field::Extended(id.ok_or_else(bad)?), operator, value });
    }
    let (field, operator, value) = comparison(text).ok_or_else(bad)?;
    Ok(Condition { field: Field::Property(field), operator, value })
}

/// `field op literal`, the literal without its quotes.
fn comparison(text: &str) -> Option<(String, String, String)> {
    let mut words = text.trim().splitn(3, ' ');
    let (field, operator, literal) = (words.next()?, words.next()?, words.next()?);
    let operator = operator.to_ascii_lowercase();
    if !["eq", "ne", "ge", "gt", "le", "lt"].contains(&operator.as_str()) {
        return None;
    }
    let literal = literal.trim();
    let inside = literal.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    let literal = inside.map_or_else(|| literal.to_owned(), |text| text.replace("''", "'"));
    Some((field.to_owned(), operator, literal))
}

fn compare(found: &Value, operator: &str, wanted: &str) -> bool {
    let order = match found {
        Value::Null => return operator == "ne" || (operator == "eq" && wanted == "null"),
        Value::String(text) => match (moment(text), moment(wanted)) {
            (Some(found), Some(wanted)) => found.cmp(&wanted),
            _ => text.as_str().cmp(wanted),
        },
        other => match (other.as_f64(), wanted.parse::<f64>().ok()) {
            (Some(found), Some(wanted)) => found.partial_cmp(&wanted).unwrap_or(Ordering::Equal),
            _ => other.to_string().as_str().cmp(wanted),
        },
    };
    match operator {
        "eq" => order.is_eq(),
        "ne" => order.is_ne(),
        "ge" => order.is_ge(),
        "gt" => order.is_gt(),
        "le" => order.is_le(),
        _ => order.is_lt(),
    }
}

/// A moment, or the start of a day that is written alone.
fn moment(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok().or_else(|| format!("{text}T00:00:00Z").parse().ok())
}

/// Sorts by `$orderby`; entities that it does not tell apart keep their order.
pub(super) fn order(call: &Call, entities: &mut [Value]) {
    let Some(text) = call.query("$orderby") else { return };
    let mut words = text.split(',').next().unwrap_or_default().split_whitespace();
    let Some(name) = words.next() else { return };
    let descending = words.next().is_some_and(|word| word.eq_ignore_ascii_case("desc"));
    entities.sort_by(|a, b| {
        let order = weigh(&a[name], &b[name]);
        if descending { order.reverse() } else { order }
    });
}

fn weigh(a: &Value, b: &Value) -> Ordering {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
        _ => a.as_str().unwrap_or_default().cmp(b.as_str().unwrap_or_default()),
    }
}

/// The ids in `$expand=singleValueExtendedProperties($filter=id eq '...' or id eq '...')`.
pub(super) fn expanded(text: &str) -> Result<Vec<String>, GraphError> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let bad = || error::bad_request(&format!("The expand clause '{text}' is not supported."));
    let inner = text.trim().strip_prefix("singleValueExtendedProperties").ok_or_else(bad)?;
    let quoted = inner.split('\'').skip(1).step_by(2).map(normalise).collect::<Vec<_>>();
    if quoted.is_empty() { Err(bad()) } else { Ok(quoted) }
}

/// The expanded properties that are there, as Graph writes them.
pub(super) fn expansion(ids: &[String], look: impl Fn(&str) -> Option<String>) -> Value {
    let one = |id: &String| look(id).map(|value| json!({ "id": id, "value": value }));
    Value::Array(ids.iter().filter_map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(filter: &str) -> bool {
        let filter = Filter::parse(filter).unwrap();
        let property = |name: &str| match name {
            "createdDateTime" => Some(json!("2026-03-01T10:00:00Z")),
            "size" => Some(json!(2_000)),
            "type" => Some(json!("IPM.Note")),
            _ => None,
        };
        filter.passes(property, |id| (id == "String 0x37").then(|| "Q1 and it's late".to_owned()))
    }

    #[test]
    fn filters_compare_dates_numbers_and_text() {
        assert!(passes(""));
        assert!(passes(
            "createdDateTime ge 2026-03-01 and createdDateTime lt 2026-03-02T00:00:00Z"
        ));
        assert!(!passes("createdDateTime gt 2026-03-02"));
        assert!(passes("size gt 999 and type eq 'IPM.Note'"));
        assert!(passes("size lt 9 or type eq 'IPM.Note'"));
    }

    #[test]
    fn filters_look_into_extended_properties() {
        let by_subject = |text: &str| {
            passes(&format!(
                "singleValueExtendedProperties/any(ep: ep/id eq 'String 0x0037' and ep/value eq '{text}')"
            ))
        };
        assert!(by_subject("Q1 and it''s late"));
        assert!(!by_subject("other"));
    }

    #[test]
    fn a_filter_that_is_none_is_refused() {
        assert!(Filter::parse("nonsense").is_err());
        assert!(Filter::parse("size like 3").is_err());
        assert!(expanded("messages").is_err());
    }
}
