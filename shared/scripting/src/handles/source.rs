//! The read-only attributes of a person.

use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString};

use crate::attributes::{AttributeValue, Attributes, find, suggest};
use crate::code::Code;
use crate::fault::Fault;
use crate::functions::not_in_texts;

/// A person's attributes, under the name of an entry function's parameter.
///
/// It has no setter: assigning to it is an error by itself, and a setter that refused would break
/// `source.proxyAddresses.filter(…)`, because the engine writes the receiver back.
#[derive(Clone)]
pub(crate) struct Source {
    title: &'static str,
    attributes: Attributes,
}

impl Source {
    pub(crate) fn new(title: &'static str, attributes: Attributes) -> Self {
        Self { title, attributes }
    }

    /// The value as the directory has it.
    pub(super) fn value(&self, name: &str) -> Option<&AttributeValue> {
        self.attributes.get(name)
    }

    pub(super) fn get(&mut self, name: &str) -> Result<Dynamic, Box<EvalAltResult>> {
        match self.attributes.get(name) {
            Some(value) => Ok(to_dynamic(value)),
            None if find(name).is_some() => Ok(Dynamic::UNIT),
            None => Err(unknown(self.title, name).into()),
        }
    }
}

pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Source>("source user")
        .register_indexer_get(|source: &mut Source, name: &str| source.get(name))
        .register_fn("to_debug", |source: &mut Source| format!("[{}]", source.title));
    not_in_texts::<Source>(engine, "a whole person", "[person]");
}

/// The error for a name that the schema does not have.
pub(super) fn unknown(title: &str, name: &str) -> Fault {
    let fault = Fault::new(Code::R003, format!("{title} has no attribute `{name}`"));
    match suggest(name) {
        Some(meant) => fault.help(format!("did you mean `{meant}`?")),
        None => fault.help("the attribute reference lists every name"),
    }
}

/// A text as scripts see it.
pub(super) fn text(text: &str) -> Dynamic {
    ImmutableString::from(text).into()
}

/// A list of texts as scripts see it.
pub(super) fn list(texts: &[String]) -> Dynamic {
    texts.iter().map(|item| text(item)).collect::<Array>().into()
}

/// A value as scripts see it.
pub(crate) fn to_dynamic(value: &AttributeValue) -> Dynamic {
    match value {
        AttributeValue::Bool(value) => (*value).into(),
        AttributeValue::Number(value) => (*value).into(),
        AttributeValue::Text(value) if value.is_empty() => Dynamic::UNIT,
        AttributeValue::Text(value) => text(value),
        AttributeValue::Texts(texts) => list(texts),
    }
}
