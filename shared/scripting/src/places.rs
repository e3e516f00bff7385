//! Where the fields of a returned map stand in the script.
//!
//! The engine's values do not know where they were written. So a script whose message is refused runs
//! once more, with an entry in each map literal that carries the places of its fields.

use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::{ASTNode, Dynamic, Expr, Map, Position};

use crate::check;
use crate::sandbox::Budget;
use crate::script::Script;
use crate::testing::insert;

/// The places of one map literal.
#[derive(Clone, Debug)]
struct Places {
    start: Position,
    fields: Arc<BTreeMap<String, Position>>,
}

/// The entry that carries them, and the function that makes its value.
const ENTRY: &str = "__places";

/// The place of a map's field; of the map, where the field is not in its literal; none, where nothing
/// is known.
pub(crate) fn of(map: &Map, field: &str) -> Position {
    map.get(ENTRY)
        .and_then(Dynamic::read_lock::<Places>)
        .map_or(Position::NONE, |places| places.fields.get(field).copied().unwrap_or(places.start))
}

/// Whether a map's value is not the script's own but carries places.
pub(crate) fn carries(value: &Dynamic) -> bool {
    value.is::<Places>()
}

/// The script again, as one whose maps carry their places. `None` when its text cannot be changed.
pub(crate) fn carried(script: &Script, budget: Budget) -> Option<Script> {
    let mut inserted = BTreeMap::new();
    let mut all = Vec::new();
    check::visit(script.ast(), &mut |path| {
        let Some(ASTNode::Expr(Expr::Map(fields, start))) = path.last() else { return };
        let (Some(line), Some(column)) = (start.line(), start.position()) else { return };
        // Behind the `#{`.
        inserted.insert((line, column + 2), format!("\"{ENTRY}\":{ENTRY}({}),", all.len()));
        let fields = fields.0.iter().map(|(name, _)| (name.name.to_string(), name.pos));
        all.push(Places { start: *start, fields: Arc::new(fields.collect()) });
    });
    let text = insert(script.text(), &inserted);
    script.instrumented(&text, budget, move |engine| {
        engine.register_fn(ENTRY, move |number: i64| {
            let places = usize::try_from(number).ok().and_then(|number| all.get(number));
            places.cloned().map_or(Dynamic::UNIT, Dynamic::from)
        });
    })
}
