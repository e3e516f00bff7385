//! The script engine with nothing in it but what scripts need.

use rhai::packages::{
    BasicArrayPackage, BasicMapPackage, BasicMathPackage, CorePackage, LogicPackage,
    MoreStringPackage, Package,
};
use rhai::{Engine, OptimizationLevel};

use super::{callbacks, meter, natives};
use crate::{fault, functions, handles};

/// The most bytes of a script's text.
pub(crate) const MOST_SCRIPT_BYTES: usize = 64 << 10;
/// The most parameters of a function: the parser's work grows with their square.
pub(crate) const MOST_PARAMETERS: usize = 10;

/// Words of the language that reach natives by computed name, load code, or make shared values.
const WITHOUT: [&str; 7] = ["eval", "import", "export", "Fn", "curry", "call", "is_shared"];

/// An engine for one script. Scripts share none, so they share no cache of texts either.
pub(crate) fn build() -> Engine {
    let mut engine = Engine::new_raw();
    CorePackage::new().register_into_engine(&mut engine);
    LogicPackage::new().register_into_engine(&mut engine);
    BasicMathPackage::new().register_into_engine(&mut engine);
    BasicArrayPackage::new().register_into_engine(&mut engine);
    BasicMapPackage::new().register_into_engine(&mut engine);
    MoreStringPackage::new().register_into_engine(&mut engine);
    engine
        .set_optimization_level(OptimizationLevel::None)
        .set_strict_variables(true)
        .set_fail_on_invalid_map_property(true)
        .set_max_call_levels(24)
        .set_max_expr_depths(48, 32)
        .set_max_string_size(64 << 10)
        .set_max_array_size(2_000)
        .set_max_map_size(500)
        .set_max_variables(200)
        .set_max_functions(100)
        .set_max_modules(0)
        // A full store of shared texts is searched from end to end at each new text: that took a
        // sixth of a preview.
        .set_max_strings_interned(0)
        .on_print(|_| {})
        .on_debug(|_, _, _| {})
        .on_progress(|_| meter::tick());
    for word in WITHOUT {
        engine.disable_symbol(word);
    }
    natives::register(&mut engine);
    callbacks::register(&mut engine);
    functions::register(&mut engine);
    handles::register(&mut engine);
    fault::register(&mut engine);
    engine
}
