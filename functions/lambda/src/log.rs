//! Logs and metrics: JSON lines on stdout, which Lambda takes to the function's log group.

use std::io::Write as _;

use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;

/// Begins to log: every line has the fields of the spans around it, so request, customer, project,
/// user, step and attempt.
pub(crate) fn begin() {
    let level = EnvFilter::try_from_env("AWS_LAMBDA_LOG_LEVEL");
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(true)
        .with_target(false)
        .with_writer(std::io::stdout)
        .with_env_filter(level.unwrap_or_else(|_not_set| EnvFilter::new("info")))
        .init();
}

/// Writes metrics in the embedded metric format: CloudWatch reads them out of the log.
pub(crate) fn metrics(
    at: i64,
    dimensions: &[(&str, &str)],
    metrics: &[(String, f64)],
    properties: &Value,
) {
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let described: Vec<Value> = metrics.iter().map(|(name, _)| json!({ "Name": name })).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": at,
            "CloudWatchMetrics": [{
                "Namespace": "Crosswave", "Dimensions": [names], "Metrics": described,
            }],
        },
        "spent": properties,
    });
    if let Some(line) = line.as_object_mut() {
        for (name, value) in dimensions {
            line.insert((*name).to_owned(), json!(value));
        }
        for (name, value) in metrics {
            line.insert(name.clone(), json!(value));
        }
    }
    // A log that cannot be written is no reason to stop the work.
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}
