//! Replacements for native functions that block, end the process, or run text as code. Those that
//! build before they measure are replaced by the helper functions of the same name.

use rhai::{Dynamic, Engine, EvalAltResult};

use crate::fault::Fault;

type Refused = Result<Dynamic, Box<EvalAltResult>>;

pub(crate) const NOT_HERE: &str =
    "scripts are pure: no waiting, no leaving early, no running of text";

/// The names that are refused; the check says so before the script runs.
pub(crate) const REFUSED: [&str; 4] = ["sleep", "exit", "parse_json", "get_fn_metadata_list"];

fn refuse(name: &str) -> Refused {
    Err(Fault::runtime(format!("`{name}` is not available")).help(NOT_HERE).into())
}

/// Puts the replacements over the packages' own.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_fn("sleep", |_: i64| refuse("sleep"))
        .register_fn("sleep", |_: f64| refuse("sleep"))
        .register_fn("exit", || refuse("exit"))
        .register_fn("exit", |_: Dynamic| refuse("exit"))
        .register_fn("parse_json", |_: &str| refuse("parse_json"))
        .register_fn("get_fn_metadata_list", || refuse("get_fn_metadata_list"))
        .register_fn("get_fn_metadata_list", |_: &str| refuse("get_fn_metadata_list"))
        .register_fn("get_fn_metadata_list", |_: &str, _: i64| refuse("get_fn_metadata_list"));
}

#[cfg(test)]
mod tests {
    /// The check refuses these names before a script runs; the engine refuses them all the same.
    #[test]
    fn what_would_wait_leave_or_run_text_is_refused_by_the_engine_itself() {
        let engine = crate::sandbox::build();
        for call in [
            "sleep(1)",
            "sleep(1.5)",
            "exit()",
            "exit(1)",
            r#"parse_json("{}")"#,
            "get_fn_metadata_list()",
            r#"get_fn_metadata_list("x")"#,
            r#"get_fn_metadata_list("x", 1)"#,
        ] {
            let error = engine.eval::<rhai::Dynamic>(call).unwrap_err();
            let rhai::EvalAltResult::ErrorRuntime(value, _) = *error else { panic!("{call}") };
            let fault = value.cast::<crate::fault::Fault>();
            assert!(fault.message.ends_with("is not available"), "{call}: {}", fault.message);
        }
    }
}
