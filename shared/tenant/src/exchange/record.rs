//! Reading an object that a cmdlet returned: by exact property name, tolerant of absence. The
//! sidecars (`Guid@data.type`) are never asked for.

use serde_json::Value;
use uuid::Uuid;

/// One object of a cmdlet's answer.
#[derive(Clone, Copy)]
pub(super) struct Record<'a>(pub &'a Value);

impl<'a> Record<'a> {
    fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text; absent and empty are the same.
    pub(super) fn text(self, name: &str) -> Option<String> {
        let text = match self.get(name)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    /// A text, or the empty one.
    pub(super) fn words(self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    /// A flag, also as the text `True`.
    pub(super) fn flag(self, name: &str) -> bool {
        match self.get(name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
            _ => false,
        }
    }

    /// A list of texts; a single text is a list of one.
    pub(super) fn texts(self, name: &str) -> Vec<String> {
        match self.get(name) {
            Some(Value::Array(values)) => {
                values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(Value::String(text)) if !text.is_empty() => vec![text.clone()],
            _ => vec![],
        }
    }

    /// A GUID; the one of zeros is none.
    pub(super) fn guid(self, name: &str) -> Option<Uuid> {
        let text = self.get(name)?.as_str()?;
        Uuid::try_parse(text).ok().filter(|id| !id.is_nil())
    }

    /// A number, also as text.
    pub(super) fn number(self, name: &str) -> Option<u64> {
        match self.get(name)? {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// A size in bytes: `3.322 KB (3,402 bytes)`, of which the brackets count.
    pub(super) fn bytes(self, name: &str) -> Option<u64> {
        let text = match self.get(name)? {
            Value::Number(number) => return number.as_u64(),
            Value::String(text) => text,
            _ => return None,
        };
        let (_, inner) = text.split_once('(')?;
        let (digits, _) = inner.split_once(" bytes")?;
        digits.replace([',', '.', '\u{a0}'], "").parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_size_is_what_stands_in_brackets() {
        let value = json!({ "TotalItemSize": "3.322 KB (3,402 bytes)", "None": "Unlimited" });
        assert_eq!(Record(&value).bytes("TotalItemSize"), Some(3_402));
        assert_eq!(Record(&value).bytes("None"), None);
    }

    #[test]
    fn absent_empty_and_null_are_the_same() {
        let value = json!({ "A": null, "B": "", "C": "00000000-0000-0000-0000-000000000000" });
        assert_eq!(Record(&value).text("A"), None);
        assert_eq!(Record(&value).text("B"), None);
        assert_eq!(Record(&value).guid("C"), None);
        assert!(Record(&value).texts("D").is_empty());
    }
}
