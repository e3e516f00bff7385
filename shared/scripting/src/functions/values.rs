//! Values that mean something to the host: leave the attribute alone, or never show it.

use std::fmt;

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, NativeCallContext};

use super::sink;

/// Assigned to an attribute of the target, it leaves that attribute as it is.
///
/// `ignore_flow_if_null_or_empty(())` gives it. It is not the same as clearing the attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep;

/// A value that is used and never shown: not in the trace, the preview, an error or a log.
#[derive(Clone)]
pub struct Secret(Dynamic);

impl Secret {
    /// Marks a value. A secret inside a secret is the same secret.
    pub fn new(value: Dynamic) -> Self {
        match value.try_cast_result::<Self>() {
            Ok(already) => already,
            Err(value) => Self(value),
        }
    }

    /// The value itself. The caller keeps it out of anything that people read.
    pub fn expose(&self) -> &Dynamic {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Names the types for messages and gives them a text form.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Keep>("keep")
        .register_fn("to_debug", |_: &mut Keep| "[unchanged]")
        .register_type_with_name::<Secret>("secret")
        .register_fn("to_debug", |_: &mut Secret| "[secret]");
    not_in_texts::<Keep>(engine, "`keep`", "[unchanged]");
    not_in_texts::<Secret>(engine, "a secret", "[secret]");
}

/// Makes it an error to make a text of a value of this type, or to put it into one: the text would
/// hold what people see of it, `[secret]`, and be written.
///
/// Where a text is made by interpolation the engine swallows the error, so the sink remembers it.
pub(crate) fn not_in_texts<T: Clone + Send + Sync + 'static>(
    engine: &mut Engine,
    title: &'static str,
    shown: &'static str,
) {
    type Refused = Result<ImmutableString, Box<EvalAltResult>>;
    let refused = move || -> Refused { Err(crate::fault::Fault::runtime(message(title)).into()) };
    engine
        .register_fn("to_string", move |context: NativeCallContext<'_>, _: &mut T| {
            sink::refuse(message(title), context.call_position());
            shown
        })
        .register_fn("print", move |_: &mut T| shown)
        .register_fn("+", move |_: ImmutableString, _: T| refused())
        .register_fn("+", move |_: T, _: ImmutableString| refused())
        .register_fn("+=", move |_: &mut ImmutableString, _: T| refused().map(drop));
}

fn message(title: &str) -> String {
    format!("{title} cannot become part of a text")
}
