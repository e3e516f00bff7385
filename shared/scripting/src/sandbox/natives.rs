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
