//! Errors that the host raises inside a script, with their code and help.

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, Map, NativeCallContext, Position};

use crate::attributes::Refusal;
use crate::code::Code;
use crate::diagnostic::shorten;

/// Travels through the script engine as the value of a run-time error.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) value: Option<String>,
}

impl Fault {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, value: None }
    }

    pub(crate) fn runtime(message: impl Into<String>) -> Self {
        Self::new(Code::R001, message)
    }

    pub(crate) fn refused(refusal: Refusal, value: &impl ToString) -> Self {
        Self {
            code: Code::R002,
            message: refusal.message,
            help: refusal.help,
            value: Some(shorten(&value.to_string(), 80)),
        }
    }

    /// The error at a place of the script.
    #[expect(clippy::unnecessary_box_returns, reason = "the engine's errors are boxed")]
    pub(crate) fn at(self, at: Position) -> Box<EvalAltResult> {
        EvalAltResult::ErrorRuntime(Dynamic::from(self), at).into()
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// What a script sees of an error that it catches: its words as text, and its parts.
pub(crate) fn register(engine: &mut Engine) {
    let words = |fault: &mut Fault| fault.message.clone();
    let optional = |part: &Option<String>| part.clone().map_or(Dynamic::UNIT, Dynamic::from);
    engine
        .register_type_with_name::<Fault>("error")
        .register_fn("to_string", words)
        .register_fn("to_debug", words)
        .register_get("message", words)
        .register_get("code", |fault: &mut Fault| fault.code.as_str())
        .register_get("help", move |fault: &mut Fault| optional(&fault.help))
        .register_fn("to_string", |context: NativeCallContext<'_>, map: &mut Map| {
            match engine_error(map) {
                Some(message) => Ok(message),
                // What the engine itself makes of a map.
                None => context.call_native_fn("to_debug", (map.clone(),)),
            }
        });
}

/// The words of an error of the engine's own, which a script that catches it gets as a map with the
/// engine's name for it.
fn engine_error(map: &Map) -> Option<ImmutableString> {
    let text = |key| map.get(key)?.as_immutable_string_ref().ok().map(|text| text.clone());
    let of_engine = text("error")?.starts_with("Error") && map.get("line")?.is_int();
    text("message").filter(|_| of_engine)
}

impl From<Fault> for Box<EvalAltResult> {
    fn from(fault: Fault) -> Self {
        fault.at(Position::NONE)
    }
}
