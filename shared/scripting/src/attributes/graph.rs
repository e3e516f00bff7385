//! Reads a user as Microsoft Graph writes it.

use serde_json::Value;

use super::schema::{Kind, schema};
use super::{AttributeName, AttributeValue, Attributes};

impl Attributes {
    /// The attributes of a Graph user, found at the paths of the schema; `null`, empty and unknown
    /// properties are left out. Names that scripts use and Graph does not have are taken as well,
    /// so that what Exchange knows of a user can be merged into the same JSON object.
    pub fn from_graph(user: &Value) -> Self {
        schema()
            .iter()
            .filter_map(|spec| {
                let value = spec
                    .graph
                    .and_then(|path| at(user, path))
                    .or_else(|| user.get(spec.name))
                    .and_then(|value| typed(spec.kind, value))?;
                Some((AttributeName::from(spec), value))
            })
            .collect()
    }
}

fn at<'a>(user: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(user, |value, name| value.get(name))
}

fn typed(kind: Kind, value: &Value) -> Option<AttributeValue> {
    match (kind, value) {
        (Kind::Bool, Value::Bool(value)) => Some((*value).into()),
        (Kind::Number, Value::Number(value)) => value.as_i64().map(Into::into),
        (Kind::Link, Value::Object(link)) => link.get("id").and_then(Value::as_str).map(Into::into),
        (Kind::Text | Kind::Date | Kind::Link, Value::String(text)) if !text.is_empty() => {
            Some(text.as_str().into())
        }
        (Kind::Texts, Value::Array(items)) => {
            let texts: Vec<String> =
                items.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            (!texts.is_empty()).then(|| texts.into())
        }
        (Kind::Texts, Value::String(text)) if !text.is_empty() => Some(vec![text.clone()].into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_properties_are_found_and_nulls_are_left_out() {
        let user = json!({
            "@odata.context": "x", "displayName": "Anna", "jobTitle": null, "city": "",
            "businessPhones": [], "manager": { "id": "m-1" },
            "onPremisesExtensionAttributes": { "extensionAttribute5": "COST-1" },
            "employeeOrgData": { "costCenter": "7" }, "webPage": "https://x"
        });
        let attributes = Attributes::from_graph(&user);
        let names: Vec<&str> = attributes.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(
            names,
            ["costCenter", "displayName", "extensionAttribute5", "manager", "webPage"]
        );
        assert_eq!(attributes.text("manager"), Some("m-1"));
    }
}
