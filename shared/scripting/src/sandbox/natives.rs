//! Replacements for native functions that block, end the process, or build before they measure.

use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString};

use crate::fault::Fault;

type Refused = Result<Dynamic, Box<EvalAltResult>>;

const NOT_HERE: &str = "scripts are pure: no waiting, no leaving early, no running of text";

fn refuse(name: &str) -> Refused {
    Err(Fault::runtime(format!("`{name}` is not available")).help(NOT_HERE).into())
}

/// The most elements that `pad` gives an array.
const MOST_ELEMENTS: i64 = 2_000;

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
        .register_fn("get_fn_metadata_list", |_: &str, _: i64| refuse("get_fn_metadata_list"))
        .register_fn("pad", |array: &mut Array, length: i64, item: Dynamic| {
            pad_array(array, length, &item)
        })
        .register_fn("pad", |text: &mut ImmutableString, length: i64, with: char| {
            pad_text(text, length, &with.to_string())
        })
        .register_fn("pad", |text: &mut ImmutableString, length: i64, with: &str| {
            pad_text(text, length, with)
        });
}

fn pad_array(array: &mut Array, length: i64, item: &Dynamic) -> Result<(), Box<EvalAltResult>> {
    if length > MOST_ELEMENTS {
        return Err(Fault::too_large(format!(
            "`pad` would make a list of {length} elements, at most {MOST_ELEMENTS} are allowed"
        ))
        .into());
    }
    let length = usize::try_from(length).unwrap_or(0);
    // Only values without an inside are repeated: copies of a list in a list grow unmeasured.
    if array.len() < length && (item.is_array() || item.is_map() || item.is_blob()) {
        return Err(Fault::runtime("`pad` repeats texts and numbers only").into());
    }
    if array.len() < length {
        array.resize(length, item.clone());
    }
    Ok(())
}

fn pad_text(text: &mut ImmutableString, length: i64, with: &str) -> Result<(), Box<EvalAltResult>> {
    let present = text.chars().count();
    let wanted = usize::try_from(length).unwrap_or(0);
    if with.is_empty() || wanted <= present {
        return Ok(());
    }
    let most = 64 << 10;
    if wanted > most {
        return Err(Fault::too_large(format!(
            "`pad` would make a text of {wanted} characters, at most {most} are allowed"
        ))
        .into());
    }
    let mut padded = text.to_string();
    padded.extend(with.chars().cycle().take(wanted - present));
    *text = padded.into();
    Ok(())
}
