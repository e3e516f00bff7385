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
    let line = embedded(at, dimensions, metrics, properties);
    // A log that cannot be written is no reason to stop the work.
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

/// One line of the format: `_aws` says which of the other members are metrics, and by what they are
/// told apart ("CloudWatch embedded metric format specification").
fn embedded(
    at: i64,
    dimensions: &[(&str, &str)],
    metrics: &[(String, f64)],
    properties: &Value,
) -> Value {
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
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the specification asks of a line: the time in milliseconds; each dimension a text and each
    /// metric a number at the top of the line.
    #[test]
    fn a_line_of_metrics_is_in_the_embedded_metric_format() {
        let dimensions = [("Stack", "crosswave"), ("Function", "control.tick")];
        let metrics = [("Milliseconds".to_owned(), 12.0), ("Failed".to_owned(), 0.0)];
        let line = embedded(1_790_000_000_000, &dimensions, &metrics, &json!({ "request": "r" }));
        assert_eq!(line["_aws"]["Timestamp"], 1_790_000_000_000_i64);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Crosswave");
        assert_eq!(directive["Dimensions"], json!([["Stack", "Function"]]));
        for name in directive["Dimensions"][0].as_array().unwrap() {
            assert!(line[name.as_str().unwrap()].is_string(), "{name}");
        }
        for metric in directive["Metrics"].as_array().unwrap() {
            assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric}");
        }
        assert_eq!(line["spent"]["request"], "r", "and what a person searches for");
    }
}
