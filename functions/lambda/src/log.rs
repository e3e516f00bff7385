//! Logs and metrics: JSON lines on stdout, which Lambda takes to the function's log group.

use std::io::Write as _;

use catalogue::metrics::{NAMESPACE, STACK};
use serde_json::{Map, Value, json};
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

/// Writes metrics in the embedded metric format, which `CloudWatch` reads out of the log, and beside
/// them what is told of this invocation alone: the log's own queries find it.
pub(crate) fn metrics(at: i64, stack: &str, metrics: &[(&str, f64)], beside: Value) {
    let line = embedded(at, stack, metrics, beside);
    // A log that cannot be written is no reason to stop the work.
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

/// One line of the format: `_aws` says which of the other members are metrics, and by what they are
/// told apart ("CloudWatch embedded metric format specification").
fn embedded(at: i64, stack: &str, metrics: &[(&str, f64)], beside: Value) -> Value {
    let described: Vec<Value> = metrics.iter().map(|(name, _)| json!({ "Name": name })).collect();
    let told = json!({
        "Timestamp": at,
        "CloudWatchMetrics": [{
            "Namespace": NAMESPACE, "Dimensions": [[STACK]], "Metrics": described,
        }],
    });
    let mut line = if let Value::Object(beside) = beside { beside } else { Map::new() };
    line.insert("_aws".to_owned(), told);
    line.insert(STACK.to_owned(), json!(stack));
    line.extend(metrics.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use catalogue::metrics::FAILED;

    use super::*;

    /// What the specification asks of a line: the time in milliseconds; each dimension a text and each
    /// metric a number at the top of the line. A dimension more would be a metric more for each of its
    /// values: what is told of one invocation is none.
    #[test]
    fn a_line_of_metrics_is_in_the_embedded_metric_format() {
        let beside = json!({ "Function": "control.tick", "Milliseconds": 12, "request": "r" });
        let line = embedded(1_790_000_000_000, "crosswave", &[(FAILED, 0.0)], beside);
        assert_eq!(line["_aws"]["Timestamp"], 1_790_000_000_000_i64);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Crosswave");
        assert_eq!(directive["Dimensions"], json!([["Stack"]]), "no metric for each function");
        assert!(line["Stack"].is_string());
        assert_eq!(directive["Metrics"], json!([{ "Name": "Failed" }]));
        for metric in directive["Metrics"].as_array().unwrap() {
            assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric}");
        }
        assert_eq!(line["request"], "r", "and what a person searches for");
        assert_eq!(line["Function"], "control.tick");
    }
}
