//! The binder: what a cmdlet was given.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Failure;

/// Parameters that every cmdlet takes.
const COMMON: [&str; 9] = [
    "erroraction",
    "warningaction",
    "confirm",
    "whatif",
    "verbose",
    "debug",
    "resultsize",
    "errorvariable",
    "domaincontroller",
];

const HASH_TABLE: &str = "#Exchange.GenericHashTable";

/// A parameter: not given, given as null, or with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given<T> {
    Absent,
    Clear,
    Value(T),
}

impl<T> Given<T> {
    pub(crate) fn value(self) -> Option<T> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }
}

/// What is to become of a multi-valued property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListChange {
    Replace(Vec<String>),
    Modify { add: Vec<String>, remove: Vec<String> },
}

/// The parameters of one cmdlet call, by lower-case name.
#[derive(Clone, Debug)]
pub(crate) struct Parameters {
    pub(crate) cmdlet: String,
    map: BTreeMap<String, (String, Value)>,
}

impl Parameters {
    /// Binds the parameters; one that the cmdlet does not have is refused.
    pub(crate) fn bind(
        cmdlet: &str,
        known: &[&str],
        given: &Map<String, Value>,
    ) -> Result<Self, Failure> {
        let mut map = BTreeMap::new();
        for (name, value) in given.iter().filter(|(name, _)| !name.contains('@')) {
            let lower = name.to_lowercase();
            let takes = COMMON.contains(&lower.as_str())
                || known.iter().any(|known| known.eq_ignore_ascii_case(name))
                || (known.contains(&"CustomAttributes") && numbered(&lower));
            if !takes {
                return Err(Failure::binding(format!(
                    "A parameter cannot be found that matches parameter name '{name}'."
                )));
            }
            map.insert(lower, (name.clone(), value.clone()));
        }
        Ok(Self { cmdlet: cmdlet.to_owned(), map })
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.map.get(&name.to_lowercase()).map(|(_, value)| value)
    }

    /// Whether the parameter was given, be it null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The names given, as they were written, without the common ones and `Identity`.
    pub(crate) fn written(&self) -> Vec<&str> {
        self.map
            .iter()
            .filter(|(lower, _)| !COMMON.contains(&lower.as_str()) && *lower != "identity")
            .map(|(_, (name, _))| name.as_str())
            .collect()
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Result<Given<String>, Failure> {
        match self.get(name) {
            None => Ok(Given::Absent),
            Some(Value::Null) => Ok(Given::Clear),
            Some(Value::String(text)) if text.is_empty() => Ok(Given::Clear),
            Some(Value::String(text)) => Ok(Given::Value(text.clone())),
            Some(Value::Number(number)) => Ok(Given::Value(number.to_string())),
            Some(Value::Bool(flag)) => Ok(Given::Value(flag.to_string())),
            Some(_) => Err(unfit(name, "System.String")),
        }
    }

    /// A text that must be there.
    pub(crate) fn need(&self, name: &str) -> Result<String, Failure> {
        self.text(name)?.value().ok_or_else(|| {
            Failure::binding(format!(
                "Cannot process command because of one or more missing mandatory parameters: {name}."
            ))
        })
    }

    /// A switch or a Boolean.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        match self.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) => match text.to_lowercase().trim_start_matches('$') {
                "true" => Ok(Some(true)),
                "false" => Ok(Some(false)),
                _ => Err(unfit(name, "System.Boolean")),
            },
            Some(_) => Err(unfit(name, "System.Boolean")),
        }
    }

    /// A list; one text is a list of one.
    pub(crate) fn list(&self, name: &str) -> Result<Given<Vec<String>>, Failure> {
        match self.get(name) {
            None => Ok(Given::Absent),
            Some(Value::Null) => Ok(Given::Clear),
            Some(value) => texts(value)
                .map(Given::Value)
                .ok_or_else(|| unfit(name, "MultiValuedProperty`1[System.String]")),
        }
    }

    /// A list to replace or to modify: an array, or a hashtable with `Add` and `Remove`.
    pub(crate) fn change(&self, name: &str) -> Result<Option<ListChange>, Failure> {
        let kind = "Microsoft.Exchange.Data.MultiValuedProperty`1[System.String]";
        match self.get(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(ListChange::Replace(Vec::new()))),
            Some(Value::Object(table)) => {
                if table.get("@odata.type").and_then(Value::as_str) != Some(HASH_TABLE) {
                    return Err(unfit(name, kind));
                }
                let part = |wanted: &str| -> Result<Vec<String>, Failure> {
                    let found = table.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted));
                    match found {
                        None | Some((_, Value::Null)) => Ok(Vec::new()),
                        Some((_, value)) => texts(value).ok_or_else(|| unfit(name, kind)),
                    }
                };
                Ok(Some(ListChange::Modify { add: part("Add")?, remove: part("Remove")? }))
            }
            Some(value) => texts(value)
                .map(|list| Some(ListChange::Replace(list)))
                .ok_or_else(|| unfit(name, kind)),
        }
    }

    /// A GUID.
    pub(crate) fn guid(&self, name: &str) -> Result<Given<uuid::Uuid>, Failure> {
        match self.text(name)? {
            Given::Absent => Ok(Given::Absent),
            Given::Clear => Ok(Given::Clear),
            Given::Value(text) => uuid::Uuid::parse_str(&text)
                .map(Given::Value)
                .map_err(|_fault| unfit(name, "System.Guid")),
        }
    }
}

fn numbered(lower: &str) -> bool {
    let number = |prefix: &str, most: u8| {
        lower
            .strip_prefix(prefix)
            .and_then(|digits| digits.parse::<u8>().ok())
            .is_some_and(|number| (1..=most).contains(&number))
    };
    number("customattribute", 15) || number("extensioncustomattribute", 5)
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(values) => {
            values.iter().map(|value| value.as_str().map(str::to_owned)).collect()
        }
        _ => None,
    }
}

fn unfit(name: &str, kind: &str) -> Failure {
    Failure::bad(
        "",
        "System.Management.Automation.ParameterBindingArgumentTransformationException",
        format!(
            "Cannot process argument transformation on parameter '{name}'. Cannot convert value to type \"{kind}\"."
        ),
    )
}
