//! Validates JSON against schemas inside the description, each compiled when it is first needed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use jsonschema::{
    Draft, Keyword, Registry, RegistryBuilder, ValidationError, Validator,
    error::ValidationErrorKind, paths::Location,
};
use serde_json::{Map, Value, json};
use url::form_urlencoded::byte_serialize;

use super::{document::Document, finding::Side};

/// The base address of the description inside the validator; nothing is fetched from it.
const BASE: &str = "json-schema:///graph";
/// More errors about one body say nothing new.
const MOST_ERRORS: usize = 12;

type Compiled = BTreeMap<(Side, String), Arc<Validator>>;

/// The schemas of the description.
pub(super) struct Schemas {
    registry: Registry<'static>,
    compiled: Mutex<Compiled>,
}

impl Schemas {
    /// Takes the description in.
    pub(super) fn new(document: &Document) -> Result<Self, String> {
        let registry = Registry::new()
            .add(BASE, document.0.clone())
            .and_then(RegistryBuilder::prepare)
            .map_err(|reason| reason.to_string())?;
        Ok(Self { registry, compiled: Mutex::default() })
    }

    /// What is wrong with `value` as an instance of the schema at `pointer`; empty when nothing is.
    /// In requests a read-only property is an error.
    pub(super) fn errors(&self, side: Side, pointer: &str, value: &Value) -> Vec<String> {
        let validator = match self.validator(side, pointer) {
            Ok(validator) => validator,
            Err(reason) => return vec![reason],
        };
        let mut errors = Vec::new();
        for error in validator.iter_errors(value) {
            describe(&error, &mut errors);
        }
        errors.truncate(MOST_ERRORS);
        errors
    }

    fn validator(&self, side: Side, pointer: &str) -> Result<Arc<Validator>, String> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (side, pointer.to_owned());
        if let Some(validator) = compiled.get(&key) {
            return Ok(Arc::clone(validator));
        }
        let mut options = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_registry(&self.registry)
            .should_validate_formats(true)
            .with_format("base64", is_base64)
            .with_keyword("x-delta", |_, _, _| Ok(Box::new(OneLink)));
        if side == Side::Request {
            options = options.with_keyword("readOnly", read_only);
        }
        let schema = json!({ "$ref": format!("{BASE}#{}", fragment(pointer)) });
        let validator = options.build(&schema).map_err(|reason| {
            format!("the description's schema at {pointer} is broken: {reason}")
        })?;
        let validator = Arc::new(validator);
        compiled.insert(key, Arc::clone(&validator));
        Ok(validator)
    }
}

/// A JSON pointer as a URI fragment.
fn fragment(pointer: &str) -> String {
    let steps = pointer.split('/').map(|step| byte_serialize(step.as_bytes()).collect::<String>());
    // The form serializer writes a space as a plus sign; no path of Graph has one.
    steps.collect::<Vec<_>>().join("/")
}

/// Writes an error as "place: words". Where a value may also be null, the validator only says "not
/// valid under any of the schemas"; the errors of the real branch are what a person needs.
fn describe(error: &ValidationError<'_>, into: &mut Vec<String>) {
    if let ValidationErrorKind::AnyOf { context } = error.kind()
        && let Some(branch) = context.first()
        && !branch.is_empty()
    {
        for inner in branch {
            describe(inner, into);
        }
        return;
    }
    let place = error.instance_path().to_string();
    let place = if place.is_empty() { "/".to_owned() } else { place };
    let words: String = error.masked().to_string().chars().take(300).collect();
    into.push(format!("at {place}: {words}"));
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte))
}

/// A property that Graph sets and no client may send; the flag is the keyword's value.
struct ReadOnly(bool);

impl<'i> Keyword<'i> for ReadOnly {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) {
            return Ok(());
        }
        Err(ValidationError::custom("is read-only and must not be sent"))
    }

    fn is_valid(&self, _instance: &'i Value) -> bool {
        !self.0
    }
}

fn read_only<'a>(
    _parent: &'a Map<String, Value>,
    value: &'a Value,
    _path: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    let flag = value.as_bool();
    let flag = flag.ok_or_else(|| ValidationError::custom("readOnly is true or false"))?;
    Ok(Box::new(ReadOnly(flag)))
}

/// A page of a delta query carries exactly one of the two links.
struct OneLink;

impl<'i> Keyword<'i> for OneLink {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) {
            return Ok(());
        }
        let words = "a delta page carries exactly one of @odata.nextLink and @odata.deltaLink";
        Err(ValidationError::custom(words))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        let next = instance.get("@odata.nextLink").is_some();
        next != instance.get("@odata.deltaLink").is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schemas() -> Schemas {
        let document = Document::of(json!({
            "openapi": "3.1.0",
            "components": { "schemas": {
                "name": { "type": "object", "properties": {
                    "id": { "type": "string", "readOnly": true },
                    "text": { "anyOf": [{ "$ref": "#/components/schemas/text" }, { "type": "null" }] },
                    "data": { "type": "string", "format": "base64" }
                }, "additionalProperties": false },
                "text": { "type": "string", "maxLength": 3 },
                "page": { "type": "object", "x-delta": "one link" }
            }}
        }));
        Schemas::new(&document).unwrap()
    }

    const NAME: &str = "/components/schemas/name";

    #[test]
    fn read_only_properties_are_refused_in_requests_and_welcome_in_replies() {
        let value = json!({ "id": "1", "text": null });
        assert_eq!(schemas().errors(Side::Reply, NAME, &value), [""; 0]);
        let errors = schemas().errors(Side::Request, NAME, &value);
        assert_eq!(errors, ["at /id: is read-only and must not be sent"]);
    }

    #[test]
    fn an_error_names_its_place_and_the_branch_that_was_meant() {
        let errors = schemas().errors(Side::Reply, NAME, &json!({ "text": "four", "tpyo": 1 }));
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert!(errors.iter().any(|e| e.starts_with("at /text:") && e.contains('3')), "{errors:?}");
        assert!(errors.iter().any(|e| e.contains("tpyo")), "{errors:?}");
    }

    #[test]
    fn base64_is_checked() {
        assert_eq!(schemas().errors(Side::Reply, NAME, &json!({ "data": "AAA=" })), [""; 0]);
        assert_eq!(schemas().errors(Side::Reply, NAME, &json!({ "data": "no!" })).len(), 1);
    }

    #[test]
    fn a_delta_page_has_exactly_one_link() {
        let errors = |page: Value| schemas().errors(Side::Reply, "/components/schemas/page", &page);
        assert_eq!(errors(json!({ "@odata.nextLink": "x" })), [""; 0]);
        assert_eq!(errors(json!({})).len(), 1);
        assert_eq!(errors(json!({ "@odata.nextLink": "x", "@odata.deltaLink": "x" })).len(), 1);
    }
}
