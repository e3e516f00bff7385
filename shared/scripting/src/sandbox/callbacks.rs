//! The list and map functions that ask a closure, in place of the engine's own.
//!
//! The engine's take an error of a comparer for "equal" or "by type", and whatever is not `true` for
//! `false`: a person would be written although the script failed. Here every error ends the function,
//! and an answer of another type is an error.

use std::cmp::Ordering;

use rhai::{
    Array, Dynamic, Engine, EvalAltResult, FnPtr, FuncRegistration, Identifier, Map,
    NativeCallContext,
};

use crate::fault::Fault;
use crate::functions::describe;

type Checked<T> = Result<T, Box<EvalAltResult>>;

/// The functions that leave their receiver as it is take a constant as well; the others change it.
macro_rules! register {
    ($engine:ident, $pure:literal: $($name:literal => $function:expr),+ $(,)?) => {$(
        FuncRegistration::new($name)
            .with_purity($pure)
            .register_into_engine($engine, $function);
    )+};
}

/// Puts them over the packages' own.
pub(super) fn register(engine: &mut Engine) {
    type Context<'c> = NativeCallContext<'c>;
    register!(engine, true:
        "filter" => |context: Context<'_>, list: &mut Array, ask: FnPtr| {
            let question = Question { context, ask, name: "filter" };
            question.split(list).map(|(kept, _)| kept)
        },
        "find" => |context: Context<'_>, list: &mut Array, ask: FnPtr| {
            Question { context, ask, name: "find" }.value(list, 0)
        },
        "find" => |context: Context<'_>, list: &mut Array, ask: FnPtr, start: i64| {
            Question { context, ask, name: "find" }.value(list, start)
        },
        "index_of" => |context: Context<'_>, list: &mut Array, ask: FnPtr| {
            Question { context, ask, name: "index_of" }.index(list, 0)
        },
        "index_of" => |context: Context<'_>, list: &mut Array, ask: FnPtr, start: i64| {
            Question { context, ask, name: "index_of" }.index(list, start)
        },
        "some" => |context: Context<'_>, list: &mut Array, ask: FnPtr| {
            let question = Question { context, ask, name: "some" };
            question.first(list, 0, true).map(|place| place.is_some())
        },
        "all" => |context: Context<'_>, list: &mut Array, ask: FnPtr| {
            let question = Question { context, ask, name: "all" };
            question.first(list, 0, false).map(|place| place.is_none())
        },
        "order" => |context: Context<'_>, list: &mut Array, ask: FnPtr| {
            Question { context, ask, name: "order" }.sorted(list.clone())
        },
        "order_by" => |context: Context<'_>, list: &mut Array, ask: FnPtr| {
            Question { context, ask, name: "order_by" }.sorted(list.clone())
        },
        "filter" => |context: Context<'_>, map: &mut Map, ask: FnPtr| {
            let question = Question { context, ask, name: "filter" };
            question.split_map(map).map(|(kept, _)| kept)
        },
    );
    register!(engine, false:
        "sort" => |context: Context<'_>, list: &mut Array, ask: FnPtr| -> Checked<()> {
            *list = Question { context, ask, name: "sort" }.sorted(list.clone())?;
            Ok(())
        },
        "sort_by" => |context: Context<'_>, list: &mut Array, ask: FnPtr| -> Checked<()> {
            *list = Question { context, ask, name: "sort_by" }.sorted(list.clone())?;
            Ok(())
        },
        "dedup" => |context: Context<'_>, list: &mut Array, ask: FnPtr| -> Checked<()> {
            *list = Question { context, ask, name: "dedup" }.distinct(list)?;
            Ok(())
        },
        "drain" => |context: Context<'_>, list: &mut Array, ask: FnPtr| {
            let (taken, left) = Question { context, ask, name: "drain" }.split(list)?;
            *list = left;
            Checked::Ok(taken)
        },
        "retain" => |context: Context<'_>, list: &mut Array, ask: FnPtr| {
            let (left, taken) = Question { context, ask, name: "retain" }.split(list)?;
            *list = left;
            Checked::Ok(taken)
        },
        "drain" => |context: Context<'_>, map: &mut Map, ask: FnPtr| {
            let (taken, left) = Question { context, ask, name: "drain" }.split_map(map)?;
            *map = left;
            Checked::Ok(taken)
        },
        "retain" => |context: Context<'_>, map: &mut Map, ask: FnPtr| {
            let (left, taken) = Question { context, ask, name: "retain" }.split_map(map)?;
            *map = left;
            Checked::Ok(taken)
        },
    );
}

/// A closure, and the function that asks it.
struct Question<'c> {
    context: NativeCallContext<'c>,
    ask: FnPtr,
    name: &'static str,
}

impl Question<'_> {
    /// What the closure says of an element: `|element|`, `|element, index|`, or nothing and `this`.
    fn holds(&self, element: &mut Dynamic, index: usize) -> Checked<bool> {
        let index = Dynamic::from_int(whole(index));
        let answer = self.ask.call_raw_with_extra_args(
            self.name,
            &self.context,
            Some(element),
            [],
            [index],
            Some(0),
        )?;
        self.yes(answer)
    }

    /// What the closure says of an entry of a map: `|key, value|`, or `|key|` and `this`.
    fn holds_entry(&self, key: &Identifier, value: &mut Dynamic) -> Checked<bool> {
        let answer = self.ask.call_raw_with_extra_args(
            self.name,
            &self.context,
            Some(value),
            [key.into()],
            [],
            Some(1),
        )?;
        self.yes(answer)
    }

    fn yes(&self, answer: Dynamic) -> Checked<bool> {
        let answer = answer.flatten();
        answer.as_bool().map_err(|_other| {
            let got = describe(&answer);
            Fault::runtime(format!("the closure of `{}` gives {got}, not true or false", self.name))
                .help("let it end with a comparison, as in `|x| x != \"\"`")
                .into()
        })
    }

    fn compare(&self, one: &Dynamic, other: &Dynamic) -> Checked<Ordering> {
        let answer = self.ask.call_raw(&self.context, None, [one.clone(), other.clone()])?;
        let answer = answer.flatten();
        match answer.as_int() {
            Ok(number) => Ok(number.cmp(&0)),
            Err(_) => {
                let got = describe(&answer);
                let message =
                    format!("the closure of `{}` gives {got}, not a whole number", self.name);
                Err(Fault::runtime(message)
                    .help(
                        "let it give -1, 0 or 1: `if a < b { -1 } else if a > b { 1 } else { 0 }`",
                    )
                    .into())
            }
        }
    }

    /// Where the closure first gives `wanted`, from a place that counts from the end when negative.
    fn first(&self, list: &mut Array, start: i64, wanted: bool) -> Checked<Option<usize>> {
        let away = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
        let start = if start < 0 { list.len().saturating_sub(away) } else { away };
        for (index, element) in list.iter_mut().enumerate().skip(start) {
            if self.holds(element, index)? == wanted {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    fn index(&self, list: &mut Array, start: i64) -> Checked<i64> {
        Ok(self.first(list, start, true)?.map_or(-1, whole))
    }

    fn value(&self, list: &mut Array, start: i64) -> Checked<Dynamic> {
        let place = self.first(list, start, true)?;
        Ok(place.and_then(|place| list.get(place).cloned()).unwrap_or_default())
    }

    /// The elements for which the closure gives `true`, and the others.
    fn split(&self, list: &mut Array) -> Checked<(Array, Array)> {
        let (mut with, mut without) = (Array::new(), Array::new());
        for (index, element) in list.iter_mut().enumerate() {
            let side = if self.holds(element, index)? { &mut with } else { &mut without };
            side.push(element.clone());
        }
        Ok((with, without))
    }

    fn split_map(&self, map: &mut Map) -> Checked<(Map, Map)> {
        let (mut with, mut without) = (Map::new(), Map::new());
        for (key, value) in map.iter_mut() {
            let side = if self.holds_entry(key, value)? { &mut with } else { &mut without };
            side.insert(key.clone(), value.clone());
        }
        Ok((with, without))
    }

    /// The first of neighbours that the closure calls the same.
    fn distinct(&self, list: &Array) -> Checked<Array> {
        let mut kept = Array::new();
        for element in list {
            let same = match kept.last() {
                Some(last) => {
                    let pair = [last.clone(), element.clone()];
                    self.yes(self.ask.call_raw(&self.context, None, pair)?)?
                }
                None => false,
            };
            if !same {
                kept.push(element.clone());
            }
        }
        Ok(kept)
    }

    /// The list in the closure's order; equal ones stay as they stand. By merging, because that asks
    /// each pair once, stops at the first error and takes a comparer that contradicts itself.
    fn sorted(&self, mut list: Array) -> Checked<Array> {
        if list.len() < 2 {
            return Ok(list);
        }
        let right = list.split_off(list.len() / 2);
        let left = self.sorted(list)?;
        let right = self.sorted(right)?;
        let mut merged = Array::with_capacity(left.len() + right.len());
        let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
        while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
            let side = if self.compare(one, other)?.is_gt() { &mut right } else { &mut left };
            merged.extend(side.next());
        }
        merged.extend(left);
        merged.extend(right);
        Ok(merged)
    }
}

fn whole(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::any::TypeId;
    use std::collections::BTreeSet;

    use rhai::FnPtr;

    /// A new one of a later engine must be looked at: `tests/callbacks.rs` has a row for each of these.
    #[test]
    fn every_function_that_takes_a_closure_is_known() {
        let engine = crate::sandbox::build();
        let found: BTreeSet<String> = engine
            .collect_fn_metadata(
                None,
                |function| {
                    let function = function.metadata;
                    let mut others = function.param_types.iter().skip(1);
                    let takes = others.any(|kind| *kind == TypeId::of::<FnPtr>());
                    takes.then(|| function.name.to_string())
                },
                true,
            )
            .into_iter()
            .collect();
        let known = [
            "all",
            "dedup",
            "drain",
            "filter",
            "find",
            "find_map",
            "for_each",
            "index_of",
            "map",
            "order",
            "order_by",
            "reduce",
            "reduce_rev",
            "retain",
            "some",
            "sort",
            "sort_by",
            "zip",
        ];
        assert_eq!(found, known.map(str::to_owned).into());
    }
}
