//! `$select`, `$top` and `@odata.nextLink`.

use serde_json::{Map, Value, json};

use super::GraphError;
use crate::call::Call;

/// The property names of `$select`; `None` for all.
pub(crate) type Select = Option<Vec<String>>;

/// Reads `$select`.
pub(crate) fn select(call: &Call) -> Select {
    let names = call.query("$select")?;
    Some(names.split(',').map(|name| name.trim().to_owned()).filter(|n| !n.is_empty()).collect())
}

/// One page of a collection.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// Values of this page.
    pub(crate) value: Vec<Value>,
    /// The whole collection's size.
    pub(crate) count: usize,
    /// `@odata.nextLink`.
    pub(crate) next: Option<String>,
}

impl Page {
    /// The collection's body.
    pub(crate) fn body(self, call: &Call) -> Value {
        let mut body = Map::new();
        if call.query("$count").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            body.insert("@odata.count".to_owned(), json!(self.count));
        }
        if let Some(next) = self.next {
            body.insert("@odata.nextLink".to_owned(), json!(next));
        }
        body.insert("value".to_owned(), Value::Array(self.value));
        Value::Object(body)
    }
}

/// Cuts one page out of a collection. The link carries the request's own options and where to go
/// on; clients follow it verbatim.
pub(crate) fn page<T>(
    call: &Call,
    items: Vec<T>,
    default: usize,
    most: usize,
    mut form: impl FnMut(T) -> Value,
) -> Result<Page, GraphError> {
    let number = |name: &str| -> Result<Option<usize>, GraphError> {
        call.query(name)
            .map(|text| {
                text.parse::<usize>().map_err(|fault| {
                    let text = format!("Invalid value '{text}' for {name}: {fault}.");
                    GraphError::bad_request(&text)
                })
            })
            .transpose()
    };
    let wanted = call
        .preference("odata.maxpagesize")
        .and_then(|text| text.parse::<usize>().ok())
        .or(number("$top")?);
    if wanted.is_some_and(|top| top == 0 || top > most) {
        return Err(GraphError::bad_request(&format!(
            "Invalid page size specified: must be between 1 and {most} inclusive."
        )));
    }
    let size = wanted.unwrap_or(default);
    let skip = match call.query("$skiptoken") {
        Some(token) => token
            .strip_prefix("at-")
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| GraphError::bad_request("Skip token is not valid."))?,
        None => number("$skip")?.unwrap_or(0),
    };
    let count = items.len();
    let value: Vec<Value> = items.into_iter().skip(skip).take(size).map(&mut form).collect();
    let end = skip.saturating_add(value.len());
    let next = (end < count).then(|| {
        let mut url = call.url.clone();
        {
            let mut pairs = url.query_pairs_mut();
            pairs.clear();
            for (name, value) in &call.query {
                if !["$skiptoken", "$skip"].contains(&name.to_lowercase().as_str()) {
                    pairs.append_pair(name, value);
                }
            }
            pairs.append_pair("$skiptoken", &format!("at-{end}"));
        }
        url.to_string()
    });
    Ok(Page { value, count, next })
}
