//! Alarms, dashboard, budget.

use catalogue::Function;
use serde_json::json;

use crate::{
    function::slug,
    names,
    node::{Node, attribute, list, map, nothing, reference, sub, when},
};

/// A message older than this is late: longer than the longest pause that is sent with a message.
const TOO_OLD_SECONDS: u64 = 3_600;

/// Where alarms go.
pub(crate) fn topic() -> Node {
    map([
        ("KmsMasterKeyId", when("OwnKey", reference("Key"), nothing())),
        ("Tags", names::tags("watch")),
    ])
    .into_resource("AWS::SNS::Topic")
}

/// The address that is told.
pub(crate) fn subscription() -> Node {
    map([
        ("Type", "AWS::SNS::Subscription".into()),
        ("Condition", "HasAddress".into()),
        (
            "Properties",
            map([
                ("TopicArn", reference("Alarms")),
                ("Protocol", "email".into()),
                ("Endpoint", reference("AlarmAddress")),
            ]),
        ),
    ])
}

struct Alarm {
    description: String,
    namespace: &'static str,
    metric: &'static str,
    dimension: (&'static str, Node),
    above: u64,
}

fn alarm(alarm: Alarm) -> Node {
    let (name, value) = alarm.dimension;
    map([
        ("AlarmDescription", alarm.description.into()),
        ("Namespace", alarm.namespace.into()),
        ("MetricName", alarm.metric.into()),
        ("Dimensions", list([map([("Name", name.into()), ("Value", value)])])),
        ("Statistic", "Maximum".into()),
        ("Period", 300_u64.into()),
        ("EvaluationPeriods", 1_u64.into()),
        ("Threshold", alarm.above.into()),
        ("ComparisonOperator", "GreaterThanThreshold".into()),
        ("TreatMissingData", "notBreaching".into()),
        ("AlarmActions", list([reference("Alarms")])),
        ("OKActions", list([reference("Alarms")])),
        ("Tags", names::tags("watch")),
    ])
    .into_resource("AWS::CloudWatch::Alarm")
}

fn only_if_asked(resource: Node) -> Node {
    let Node::Map(mut entries) = resource else { return resource };
    entries.insert(1, ("Condition".to_owned(), "AlarmEachStep".into()));
    Node::Map(entries)
}

/// A function's oldest message is too old.
pub(crate) fn too_old(function: Function) -> Node {
    only_if_asked(alarm(Alarm {
        description: format!("{}: the oldest message waits too long", function.handler()),
        namespace: "AWS/SQS",
        metric: "ApproximateAgeOfOldestMessage",
        dimension: ("QueueName", attribute(names::queue(function), "QueueName")),
        above: TOO_OLD_SECONDS,
    }))
}

/// A function has dead letters.
pub(crate) fn dead(function: Function) -> Node {
    only_if_asked(alarm(Alarm {
        description: format!("{}: a message could not be handled", function.handler()),
        namespace: "AWS/SQS",
        metric: "ApproximateNumberOfMessagesVisible",
        dimension: ("QueueName", attribute(names::dead_letters(function), "QueueName")),
        above: 0,
    }))
}

/// The two alarms of the whole deployment, on what the tick and the collector count.
pub(crate) fn summary() -> [(String, Node); 2] {
    let of = |description: &str, metric, above| {
        alarm(Alarm {
            description: description.to_owned(),
            namespace: "Crosswave",
            metric,
            dimension: ("Stack", reference("AWS::StackName")),
            above,
        })
    };
    [
        (
            "AnyTooOld".to_owned(),
            of(
                "A user's job waits for a message that does not come",
                "OldestBaton",
                TOO_OLD_SECONDS,
            ),
        ),
        ("AnyDead".to_owned(), of("A message could not be handled", "DeadLetters", 0)),
    ]
}

/// Spending above the budget is told.
pub(crate) fn budget() -> Node {
    let told = |kind: &str, percent: u64| {
        map([
            (
                "Notification",
                map([
                    ("NotificationType", kind.into()),
                    ("ComparisonOperator", "GREATER_THAN".into()),
                    ("Threshold", percent.into()),
                ]),
            ),
            (
                "Subscribers",
                list([map([
                    ("SubscriptionType", "EMAIL".into()),
                    ("Address", reference("AlarmAddress")),
                ])]),
            ),
        ])
    };
    map([
        ("Type", "AWS::Budgets::Budget".into()),
        ("Condition", "HasBudget".into()),
        (
            "Properties",
            map([
                (
                    "Budget",
                    map([
                        ("BudgetType", "COST".into()),
                        ("TimeUnit", "MONTHLY".into()),
                        (
                            "BudgetLimit",
                            map([("Amount", reference("MonthlyBudget")), ("Unit", "USD".into())]),
                        ),
                        (
                            "CostFilters",
                            map([(
                                "TagKeyValue",
                                list([sub("user:crosswave:stack$${AWS::StackName}")]),
                            )]),
                        ),
                    ]),
                ),
                (
                    "NotificationsWithSubscribers",
                    list([told("FORECASTED", 100), told("ACTUAL", 80)]),
                ),
            ]),
        ),
    ])
}

/// One page: what waits, what fails, what it uses.
pub(crate) fn dashboard() -> Node {
    let stack = "${AWS::StackName}";
    let chart = |title: &str, at: (u32, u32), metrics: serde_json::Value| {
        json!({
            "type": "metric", "x": at.0, "y": at.1, "width": 12, "height": 6,
            "properties": {
                "title": title, "region": "${AWS::Region}", "period": 300, "metrics": metrics,
            },
        })
    };
    let mut widgets = Vec::new();
    let mut parts: Vec<&str> = Function::all().map(names::part).collect();
    parts.dedup();
    for (index, phase) in parts.iter().enumerate() {
        let functions: Vec<Function> =
            Function::all().filter(|function| names::part(*function) == *phase).collect();
        let row = u32::try_from(index).unwrap_or_default() * 6;
        let with_queue = functions.iter().filter_map(|function| function.queue());
        let waiting: Vec<serde_json::Value> = with_queue
            .map(|name| {
                json!(["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName",
                    format!("{stack}-{name}"), { "stat": "Maximum", "label": name }])
            })
            .collect();
        let failed: Vec<serde_json::Value> = functions
            .iter()
            .map(|function| {
                json!(["AWS/Lambda", "Errors", "FunctionName",
                    format!("{stack}-{}", slug(*function)),
                    { "stat": "Sum", "label": function.handler() }])
            })
            .collect();
        widgets.push(chart(&format!("{phase}: messages that wait"), (0, row), json!(waiting)));
        widgets.push(chart(&format!("{phase}: failed invocations"), (12, row), json!(failed)));
    }
    let ours = |metric: &str| json!(["Crosswave", metric, "Stack", stack, { "stat": "Maximum" }]);
    let table =
        |metric: &str| json!(["AWS/DynamoDB", metric, "TableName", stack, { "stat": "Sum" }]);
    let last = u32::try_from(parts.len()).unwrap_or_default() * 6;
    widgets.push(chart(
        "the whole deployment",
        (0, last),
        json!([ours("InFlight"), ours("OldestBaton"), ours("DeadLetters")]),
    ));
    widgets.push(chart(
        "the table",
        (12, last),
        json!([table("ConsumedReadCapacityUnits"), table("ConsumedWriteCapacityUnits")]),
    ));
    let body = json!({ "widgets": widgets }).to_string();
    map([("DashboardName", reference("AWS::StackName")), ("DashboardBody", sub(body))])
        .into_resource("AWS::CloudWatch::Dashboard")
}
