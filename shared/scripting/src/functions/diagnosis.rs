//! Telling the operator something, and ending the work on a user.

use rhai::{Dynamic, Engine, EvalAltResult, NativeCallContext, Position};

use super::call::{Text, argument, one};
use super::row::{Category, Example, FunctionRow};
use super::sink::{self, Ended, Note};
use super::values::Secret;

/// The functions of this file.
pub(super) static ROWS: &[FunctionRow] = &[
    FunctionRow {
        name: "warn",
        signature: "warn(text: text) -> ()",
        sentence: "Puts a warning with its line into the report of the user. The work goes on. At most 100 in one call.",
        category: Category::Diagnosis,
        entra: None,
        examples: &[Example { script: r#"warn("no department")"#, result: "()" }],
        register: |engine, name| {
            engine.register_fn(
                name,
                move |context: NativeCallContext<'_>, text: Dynamic| -> Said {
                    let text = said(name, text)?;
                    sink::warn(&text, context.call_position());
                    Ok(())
                },
            );
        },
    },
    FunctionRow {
        name: "park",
        signature: "park(reason: text) -> ()",
        sentence: "Ends the work on this user, who needs a person's decision. Nothing is written. The report shows the reason. In `notify` it parks nobody: the notification fails with the reason.",
        category: Category::Diagnosis,
        entra: None,
        examples: &[],
        register: |engine, name| ending(engine, name, Ended::Parked),
    },
    FunctionRow {
        name: "skip",
        signature: "skip(reason: text) -> ()",
        sentence: "Ends the work on this user, who is left out on purpose. Nothing is written, and it is no error.",
        category: Category::Diagnosis,
        entra: None,
        examples: &[],
        register: |engine, name| ending(engine, name, Ended::Skipped),
    },
    FunctionRow {
        name: "debug",
        signature: "debug(value: any) -> ()",
        sentence: "Shows a value with its line in the preview, and nowhere else. `print` does the same. At most 100 in one call.",
        category: Category::Diagnosis,
        entra: None,
        examples: &[Example { script: "debug(#{ a: 1 })", result: "()" }],
        // The engine knows both names itself and hands over the finished text.
        register: |engine, _| {
            engine.on_debug(|text, _, position| sink::debug(text, position));
            engine.on_print(|text| sink::debug(text, Position::NONE));
        },
    },
    FunctionRow {
        name: "secret",
        signature: "secret(value: any) -> any",
        sentence: "The value, marked so that no trace, preview, error or log shows it. It can be assigned to an attribute; to put it into a text is an error.",
        category: Category::Diagnosis,
        entra: Some("Redact"),
        examples: &[Example { script: r#"type_of(secret("x"))"#, result: r#""secret""# }],
        register: |engine, name| {
            one(engine, name, |value: Dynamic| Dynamic::from(Secret::new(value)));
        },
    },
    FunctionRow {
        name: "redact",
        signature: "redact(value: any) -> any",
        sentence: "The same as `secret`, under Entra's name.",
        category: Category::Diagnosis,
        entra: Some("Redact"),
        examples: &[Example { script: r#"type_of(redact("x"))"#, result: r#""secret""# }],
        register: |engine, name| {
            one(engine, name, |value: Dynamic| Dynamic::from(Secret::new(value)));
        },
    },
];

type Said = Result<(), Box<EvalAltResult>>;

fn said(name: &str, text: Dynamic) -> Result<Text, Box<EvalAltResult>> {
    argument::<Text>(1, text).map_err(|fault| fault.of(name))
}

/// A function that ends the call. The error cannot be caught where it arises, and the sink remembers it where a script
/// catches it further out.
fn ending(engine: &mut Engine, name: &'static str, end: fn(Note) -> Ended) {
    engine.register_fn(name, move |context: NativeCallContext<'_>, reason: Dynamic| -> Said {
        let reason = said(name, reason)?;
        sink::end(end(Note::new(&reason, context.call_position())));
        Err(EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE).into())
    });
}
