//! How a plain Rust function becomes one that scripts call: its arguments are converted, its faults get its name.

use std::any::TypeId;

use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString, Map};

use super::fault::Fault;
use super::limits;
use super::moment::Moment;

/// A text argument. `()` is the empty text.
pub(super) type Text = ImmutableString;

/// What a function of the table gives back.
pub(super) type Answer<T> = Result<T, Fault>;

/// A type that an argument of a script is converted to.
pub(super) trait Argument: Sized {
    /// What the function wanted, for the message: "a text", "a whole number".
    const WANTED: &'static str;

    /// The bytes of a text.
    fn bytes(&self) -> usize {
        0
    }

    /// Converts, or hands the value back.
    fn convert(value: Dynamic) -> Result<Self, Dynamic>;
}

impl Argument for Dynamic {
    const WANTED: &'static str = "a value";

    fn convert(value: Dynamic) -> Result<Self, Dynamic> {
        Ok(value)
    }
}

impl Argument for Text {
    const WANTED: &'static str = "a text";

    fn bytes(&self) -> usize {
        self.len()
    }

    fn convert(value: Dynamic) -> Result<Self, Dynamic> {
        if value.is_unit() {
            return Ok(Self::new());
        }
        if let Ok(letter) = value.as_char() {
            return Ok(letter.to_string().into());
        }
        value.try_cast_result()
    }
}

impl Argument for Option<Text> {
    const WANTED: &'static str = "a text or ()";

    fn convert(value: Dynamic) -> Result<Self, Dynamic> {
        if value.is_unit() { Ok(None) } else { Text::convert(value).map(Some) }
    }
}

impl Argument for i64 {
    const WANTED: &'static str = "a whole number";

    fn convert(value: Dynamic) -> Result<Self, Dynamic> {
        if let Ok(number) = value.as_int() {
            return Ok(number);
        }
        // Numbers may arrive as text: attributes of a directory mostly are.
        let parsed = value.as_immutable_string_ref().ok().and_then(|text| text.trim().parse().ok());
        parsed.ok_or(value)
    }
}

impl Argument for bool {
    const WANTED: &'static str = "true or false";

    fn convert(value: Dynamic) -> Result<Self, Dynamic> {
        value.as_bool().ok().ok_or(value)
    }
}

impl Argument for Array {
    const WANTED: &'static str = "a list";

    fn convert(value: Dynamic) -> Result<Self, Dynamic> {
        if value.is_unit() { Ok(Self::new()) } else { value.try_cast_result() }
    }
}

impl Argument for Map {
    const WANTED: &'static str = "a map such as #{ key: value }";

    fn convert(value: Dynamic) -> Result<Self, Dynamic> {
        value.try_cast_result()
    }
}

impl Argument for Moment {
    const WANTED: &'static str = "a date";

    fn convert(value: Dynamic) -> Result<Self, Dynamic> {
        let parsed = value.as_immutable_string_ref().ok().and_then(|text| Self::parse(&text));
        match parsed {
            Some(moment) => Ok(moment),
            None => value.try_cast_result(),
        }
    }
}

impl Argument for Option<Moment> {
    const WANTED: &'static str = "a date or ()";

    fn convert(value: Dynamic) -> Result<Self, Dynamic> {
        if is_empty(&value) { Ok(None) } else { Moment::convert(value).map(Some) }
    }
}

/// Whether a value is `()`, the empty text or the empty list.
pub(super) fn is_empty(value: &Dynamic) -> bool {
    value.is_unit()
        || value.as_immutable_string_ref().is_ok_and(|text| text.is_empty())
        || value.as_array_ref().is_ok_and(|list| list.is_empty())
}

/// Converts the argument at a place that people count from one.
pub(super) fn argument<A: Argument>(place: usize, value: Dynamic) -> Answer<A> {
    A::convert(value.flatten()).map_err(|value| Fault::Argument {
        place,
        wanted: A::WANTED,
        got: describe(&value),
    })
}

/// Converts every element of a list.
pub(super) fn elements<A: Argument>(list: Array) -> Answer<Vec<A>> {
    let elements: Vec<A> = list
        .into_iter()
        .enumerate()
        .map(|(index, value)| {
            A::convert(value.flatten()).map_err(|value| Fault::Element {
                index,
                wanted: A::WANTED,
                got: describe(&value),
            })
        })
        .collect::<Answer<_>>()?;
    limits::together(elements.iter().map(Argument::bytes))?;
    Ok(elements)
}

/// A value as a message shows it: short, and never the inside of a secret.
pub(crate) fn describe(value: &Dynamic) -> String {
    const SHOWN: usize = 40;
    if let Ok(text) = value.as_immutable_string_ref() {
        let mut shown: String = text.chars().take(SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        return format!("the text {shown:?}");
    }
    if let Ok(list) = value.as_array_ref() {
        return format!("a list of {}", list.len());
    }
    match value.type_name() {
        "()" => "()".to_owned(),
        "map" => "a map".to_owned(),
        "Fn" => "a function".to_owned(),
        name if name.ends_with("::Candidates") => "candidates".to_owned(),
        "i64" | "f64" | "bool" | "char" => value.to_string(),
        name => format!("a {}", name.rsplit("::").next().unwrap_or(name).to_lowercase()),
    }
}

/// A result that a script can hold.
pub(super) trait IntoAnswer {
    fn into_answer(self) -> Answer<Dynamic>;
}

impl<T: Into<Outcome>> IntoAnswer for T {
    fn into_answer(self) -> Answer<Dynamic> {
        self.into().0
    }
}

/// The result of a function before it has the function's name.
pub(super) struct Outcome(Answer<Dynamic>);

macro_rules! outcome {
    ($($type:ty => $convert:expr),+ $(,)?) => {$(
        impl From<$type> for Outcome {
            fn from(value: $type) -> Self {
                let convert: fn($type) -> Dynamic = $convert;
                Self(Ok(convert(value)))
            }
        }
        impl From<Answer<$type>> for Outcome {
            fn from(value: Answer<$type>) -> Self {
                let convert: fn($type) -> Dynamic = $convert;
                Self(value.map(convert))
            }
        }
    )+};
}

outcome! {
    Dynamic => |value| value,
    String => Dynamic::from,
    Text => Dynamic::from,
    bool => Dynamic::from,
    i64 => Dynamic::from,
    Array => Dynamic::from_array,
    Vec<String> => |texts| Dynamic::from_array(texts.into_iter().map(Dynamic::from).collect()),
    Map => Dynamic::from_map,
    Moment => Dynamic::from,
    Option<String> => |text| text.map_or(Dynamic::UNIT, Dynamic::from),
    Option<Moment> => |moment| moment.map_or(Dynamic::UNIT, Dynamic::from),
}

type Called = Result<Dynamic, Box<EvalAltResult>>;

/// Registers a function for any values, and once more for values of exactly the wanted types.
///
/// The engine tries exact types first and then each way to let a value be anything: a call with the wanted types is
/// found at once. It also wins over a built-in function of the same name and types.
fn add<const N: usize>(
    engine: &mut Engine,
    name: &'static str,
    wanted: [TypeId; N],
    call: impl Fn([Dynamic; N]) -> Answer<Dynamic> + Copy + Send + Sync + 'static,
) {
    let anything = [TypeId::of::<Dynamic>(); N];
    instead_of(engine, name, anything, call);
    if wanted != anything {
        instead_of(engine, name, wanted, call);
    }
}

/// Makes calls with exactly these argument types reach a function of the table instead of a built-in one.
pub(super) fn instead_of<const N: usize>(
    engine: &mut Engine,
    name: &'static str,
    types: [TypeId; N],
    call: impl Fn([Dynamic; N]) -> Answer<Dynamic> + Copy + Send + Sync + 'static,
) {
    engine.register_raw_fn(name, types, move |_, arguments| -> Called {
        let mut values = [const { Dynamic::UNIT }; N];
        let mut given = arguments.iter_mut();
        for (index, (value, given)) in values.iter_mut().zip(&mut given).enumerate() {
            // The first may be a variable of the script, which keeps its value.
            *value = if index == 0 { given.flatten_clone() } else { std::mem::take(*given) };
        }
        call(values).map_err(|fault| fault.of(name))
    });
}

/// Registers a function of one argument.
pub(super) fn one<A, R>(engine: &mut Engine, name: &'static str, function: fn(A) -> R)
where
    A: Argument + 'static,
    R: IntoAnswer + 'static,
{
    add(engine, name, [TypeId::of::<A>()], move |[a]| function(argument(1, a)?).into_answer());
}

/// Registers a function of two arguments.
pub(super) fn two<A, B, R>(engine: &mut Engine, name: &'static str, function: fn(A, B) -> R)
where
    A: Argument + 'static,
    B: Argument + 'static,
    R: IntoAnswer + 'static,
{
    let wanted = [TypeId::of::<A>(), TypeId::of::<B>()];
    add(engine, name, wanted, move |[a, b]| {
        function(argument(1, a)?, argument(2, b)?).into_answer()
    });
}

/// Registers a function of three arguments.
pub(super) fn three<A, B, C, R>(engine: &mut Engine, name: &'static str, function: fn(A, B, C) -> R)
where
    A: Argument + 'static,
    B: Argument + 'static,
    C: Argument + 'static,
    R: IntoAnswer + 'static,
{
    let wanted = [TypeId::of::<A>(), TypeId::of::<B>(), TypeId::of::<C>()];
    add(engine, name, wanted, move |[a, b, c]| {
        function(argument(1, a)?, argument(2, b)?, argument(3, c)?).into_answer()
    });
}

/// Registers a function of four arguments.
pub(super) fn four<A, B, C, D, R>(
    engine: &mut Engine,
    name: &'static str,
    function: fn(A, B, C, D) -> R,
) where
    A: Argument + 'static,
    B: Argument + 'static,
    C: Argument + 'static,
    D: Argument + 'static,
    R: IntoAnswer + 'static,
{
    let wanted = [TypeId::of::<A>(), TypeId::of::<B>(), TypeId::of::<C>(), TypeId::of::<D>()];
    add(engine, name, wanted, move |[a, b, c, d]| {
        function(argument(1, a)?, argument(2, b)?, argument(3, c)?, argument(4, d)?).into_answer()
    });
}
