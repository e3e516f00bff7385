//! What an operator sees and is told, and what that costs.

use std::collections::BTreeSet;

use catalogue::{Function, metrics};
use serde_json::Value;

use super::property;
use crate::{PERIODIC, logical, minutes, node::Node, slug, template};

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

/// Every alarm of the template by its id: its condition, and its properties.
fn alarms() -> Vec<(String, Option<Node>, Node)> {
    let Some(Node::Map(all)) = template().get("Resources").cloned() else { panic!() };
    let alarms = all.into_iter().filter(|(_, resource)| {
        resource.get("Type") == Some(&Node::from("AWS::CloudWatch::Alarm"))
    });
    alarms
        .map(|(id, resource)| {
            let properties = resource.get("Properties").cloned().unwrap();
            (id, resource.get("Condition").cloned(), properties)
        })
        .collect()
}

/// Late and dead messages are told, and spending; and when whoever would tell it fails.
#[test]
fn an_operator_is_told_and_so_is_that_nobody_looks() {
    let template = template();
    let always: Vec<_> = alarms().into_iter().filter(|(_, when, _)| when.is_none()).collect();
    let free = prices()["cloudwatch"]["free_alarms"].as_integer().unwrap();
    assert!(always.len() <= usize::try_from(free).unwrap(), "{} alarms", always.len());
    for (id, _, alarm) in &always {
        assert!(alarm.get("AlarmActions").unwrap().to_yaml().contains("!Ref Alarms"), "{id}");
        // What the tick and the collector always say is missed; who does nothing makes no errors.
        let ours = alarm.get("Namespace") == Some(&Node::from(metrics::NAMESPACE));
        let missing = if ours { "breaching" } else { "notBreaching" };
        assert_eq!(alarm.get("TreatMissingData"), Some(&Node::from(missing)), "{id}");
    }
    let watched = |metric: &str, function: Function| {
        let name = format!("!Ref {}Function", logical(function));
        always.iter().any(|(_, _, alarm)| {
            alarm.get("MetricName") == Some(&Node::from(metric))
                && alarm.get("Dimensions").unwrap().to_yaml().contains(&name)
        })
    };
    for (function, rate) in PERIODIC {
        assert!(watched("Errors", function), "{}", function.handler());
        assert!(minutes(rate) <= 60.0, "its alarm looks at an hour");
    }
    assert!(watched("IteratorAge", Function::PublishChanges));
    assert!(property(&template, "AlarmMail", "Endpoint").to_yaml().contains("AlarmAddress"));
    assert!(property(&template, "Budget", "Budget").to_yaml().contains("!Ref MonthlyBudget"));
}

/// Each queue has an alarm on the age of its oldest message and one on its dead letters, where
/// `StepAlarms` says so: they cost what the README says.
#[test]
fn each_step_has_its_own_alarms_where_they_are_asked_for() {
    let switch = template().get("Parameters").and_then(|all| all.get("StepAlarms")).cloned();
    assert_eq!(switch.unwrap().get("Default"), Some(&Node::from("false")));
    let asked = Some(Node::from("AlarmEachStep"));
    let mut of_steps = alarms();
    of_steps.retain(|(_, when, _)| *when == asked);
    let with_queue: Vec<Function> = Function::all().filter(|one| one.queue().is_some()).collect();
    for function in &with_queue {
        for (kind, metric) in [
            ("TooOld", "ApproximateAgeOfOldestMessage"),
            ("Dead", "ApproximateNumberOfMessagesVisible"),
        ] {
            let id = format!("{}{kind}", logical(*function));
            let (_, _, alarm) = of_steps.iter().find(|(name, ..)| *name == id).unwrap();
            assert_eq!(alarm.get("MetricName"), Some(&Node::from(metric)), "{id}");
        }
    }
    assert_eq!(of_steps.len(), 2 * with_queue.len());
    let each = prices()["cloudwatch"]["alarm_month"].as_float().unwrap();
    let count = u32::try_from(of_steps.len()).unwrap();
    let readme = include_str!("../../README.md");
    let said = format!("two alarms for each queue: {:.2} USD a month", f64::from(count) * each);
    assert!(readme.contains(&said), "the README does not say: {said}");
}
