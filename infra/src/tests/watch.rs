//! What an operator sees and is told, and what that costs.

use std::collections::BTreeSet;

use catalogue::{Function, metrics};
use serde_json::Value;

use super::property;
use crate::{logical, node::Node, slug, template};

/// What costs money whether anything runs or not.
fn prices() -> toml::Table {
    include_str!("../../prices.toml").parse().unwrap()
}

/// The metrics that the dashboard refers to: namespace, name, and what it is of.
fn shown() -> Vec<(String, String, String)> {
    let Node::Call("!Sub", body) = property(&template(), "Dashboard", "DashboardBody") else {
        panic!("the stack's name is put in");
    };
    let Node::Text(body) = *body else { panic!("it is a text") };
    let body: Value = serde_json::from_str(&body).unwrap();
    let mut all = Vec::new();
    for widget in body["widgets"].as_array().unwrap() {
        for metric in widget["properties"]["metrics"].as_array().unwrap() {
            let text = |index: usize| metric[index].as_str().unwrap().to_owned();
            let of = text(3);
            all.push((text(0), text(1), of.trim_start_matches("${AWS::StackName}-").to_owned()));
        }
    }
    all
}

/// Who runs a deployment sees every queue, and every function that has none, on one page; and bounds how
/// much runs at a time.
#[test]
fn an_operator_sees_everything() {
    let template = template();
    let of: BTreeSet<String> = shown().into_iter().map(|(_, _, of)| of).collect();
    for function in Function::all() {
        let name = function.queue().unwrap_or_else(|| slug(function));
        assert!(of.contains(&name), "{name}");
        if function.queue().is_some() {
            let mapping =
                property(&template, &format!("{}Mapping", logical(function)), "ScalingConfig");
            assert!(mapping.to_yaml().contains("Concurrency"), "{name}");
        }
    }
    let parameters = template.get("Parameters").unwrap();
    for name in ["Region", "StepConcurrency", "ContentConcurrency", "MonthlyBudget", "LogDays"] {
        assert!(parameters.get(name).is_some(), "{name}");
    }
}

/// A page of more metrics costs 3 USD a month, and each metric of one's own 0.30 beyond the first.
#[test]
fn dashboard_and_metrics_stay_within_what_is_free() {
    let prices = prices();
    let free = |name: &str| usize::try_from(prices["cloudwatch"][name].as_integer().unwrap());
    let shown = shown();
    let most = free("free_dashboard_metrics").unwrap();
    assert!(shown.len() <= most, "{} metrics are on the dashboard", shown.len());
    assert!(metrics::ALL.len() <= free("free_metrics").unwrap());
    let ours = shown.iter().filter(|(namespace, ..)| namespace == metrics::NAMESPACE);
    let ours: Vec<&str> = ours.map(|(_, name, _)| name.as_str()).collect();
    assert_eq!(ours, metrics::ALL, "each is shown, and no other is named");
}

/// Late and dead messages are told, and spending.
#[test]
fn an_operator_is_told() {
    let template = template();
    for alarm in ["AnyTooOld", "AnyDead"] {
        assert!(property(&template, alarm, "AlarmActions").to_yaml().contains("!Ref Alarms"));
    }
    assert!(property(&template, "AlarmMail", "Endpoint").to_yaml().contains("AlarmAddress"));
    assert!(property(&template, "Budget", "Budget").to_yaml().contains("!Ref MonthlyBudget"));
}
