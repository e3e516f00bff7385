//! `explain-steps`: the catalogue as a page.

use catalogue::{CATALOGUE, StepSpec, steps_page};
use serde_json::{Value, json};

use crate::{exit::Exit, failure::Failure, output::Output};

/// Prints every step.
pub(crate) fn run(out: Output) -> Result<Exit, Failure> {
    let rows: Vec<Value> = CATALOGUE.iter().map(row).collect();
    out.data(&rows, steps_page())?;
    Ok(Exit::Done)
}

fn row(spec: &StepSpec) -> Value {
    json!({
        "id": spec.id,
        "spec": spec.spec,
        "title": spec.title,
        "phase": spec.phase,
        "side": spec.side,
        "needs": spec.needs,
        "premium_only": spec.premium_only,
        "wait_limit_seconds": spec.wait_limit.as_secs(),
    })
}
