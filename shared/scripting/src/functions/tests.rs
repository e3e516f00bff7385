//! The functions as scripts see them.

mod behaviour;
mod entra;
mod examples;
mod extremes;
mod grammar;

use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicIteratorPackage, BasicMapPackage, BasicMathPackage,
    BasicStringPackage, CorePackage, LogicPackage, MoreStringPackage, Package,
};
use rhai::{Dynamic, Engine, Scope};

/// An engine with the packages of the host and the functions of the table.
fn engine() -> Engine {
    let mut engine = bare_engine();
    super::register(&mut engine);
    engine
}

/// The same without the functions.
fn bare_engine() -> Engine {
    let mut engine = Engine::new_raw();
    engine.register_global_module(CorePackage::new().as_shared_module());
    engine.register_global_module(ArithmeticPackage::new().as_shared_module());
    engine.register_global_module(LogicPackage::new().as_shared_module());
    engine.register_global_module(BasicMathPackage::new().as_shared_module());
    engine.register_global_module(BasicIteratorPackage::new().as_shared_module());
    engine.register_global_module(BasicStringPackage::new().as_shared_module());
    engine.register_global_module(MoreStringPackage::new().as_shared_module());
    engine.register_global_module(BasicArrayPackage::new().as_shared_module());
    engine.register_global_module(BasicMapPackage::new().as_shared_module());
    engine
}

/// Calls one function with these values.
fn call(engine: &Engine, name: &str, arguments: Vec<Dynamic>) -> Result<Dynamic, String> {
    let mut scope = Scope::new();
    let mut names = Vec::new();
    for (index, argument) in arguments.into_iter().enumerate() {
        names.push(format!("a{index}"));
        scope.push_dynamic(format!("a{index}"), argument);
    }
    let script = format!("{name}({})", names.join(", "));
    engine.eval_expression_with_scope(&mut scope, &script).map_err(|error| error.to_string())
}
