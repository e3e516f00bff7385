//! What runs by the clock.

use catalogue::Function;

use crate::{
    function::{RETRIES, slug},
    names::{logical, physical, tags},
    node::{Node, attribute, map, reference},
};

/// The functions that run by the clock, and how often. What that costs is in the README.
pub const PERIODIC: [(Function, &str); 4] = [
    (Function::Tick, "rate(1 minute)"),
    (Function::Sweep, "rate(15 minutes)"),
    (Function::CollectDeadLetters, "rate(15 minutes)"),
    (Function::RollUpUsage, "rate(1 hour)"),
];

/// How many minutes lie between two calls of such a rate.
pub fn minutes(rate: &str) -> f64 {
    let mut words = rate.trim_start_matches("rate(").split([' ', ')']);
    let count: f64 = words.next().and_then(|count| count.parse().ok()).unwrap_or(1.0);
    match words.next() {
        Some("hour" | "hours") => count * 60.0,
        _ => count,
    }
}

/// The group of the waves' own schedules, which control makes and removes.
pub(crate) fn group() -> Node {
    map([("Name", reference("AWS::StackName")), ("Tags", tags("control"))])
        .into_resource("AWS::Scheduler::ScheduleGroup")
}

/// The schedules of the functions that run by the clock.
pub(crate) fn schedules() -> Vec<(String, Node)> {
    let one = |(function, rate): (Function, &str)| {
        let target = map([
            ("Arn", attribute(format!("{}Function", logical(function)), "Arn")),
            ("RoleArn", attribute("SchedulerRole", "Arn")),
            ("Input", "{\"planned\":\"<aws.scheduler.scheduled-time>\"}".into()),
            ("RetryPolicy", map([("MaximumRetryAttempts", RETRIES.into())])),
        ]);
        let schedule = map([
            ("Name", physical(&slug(function))),
            ("ScheduleExpression", rate.into()),
            ("FlexibleTimeWindow", map([("Mode", "OFF".into())])),
            ("Target", target),
        ]);
        let id = format!("{}Schedule", logical(function));
        (id, schedule.into_resource("AWS::Scheduler::Schedule"))
    };
    PERIODIC.into_iter().map(one).collect()
}
