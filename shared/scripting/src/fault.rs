//! Errors that the host raises inside a script, with their code and help.

use rhai::{Dynamic, EvalAltResult, Position};

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

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl From<Fault> for Box<EvalAltResult> {
    fn from(fault: Fault) -> Self {
        EvalAltResult::ErrorRuntime(Dynamic::from(fault), Position::NONE).into()
    }
}
