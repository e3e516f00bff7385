//! Alarms, dashboard, budget.

use catalogue::{Function, metrics};
use serde_json::{Value, json};

use crate::{
    function::{RETRIES, slug},
    names,
    node::{Node, attribute, list, map, nothing, reference, sub, when},
    schedule::PERIODIC,
};

/// A message older than this is late: longer than the longest pause that is sent with a message.
const TOO_OLD_SECONDS: u64 = 3_600;
/// The collector runs twice in so many seconds.
const COLLECTED_SECONDS: u64 = 1_800;
/// The roll-up, which runs the most seldom, has failed somebody three times in so many seconds.
const NEGLECTED_SECONDS: u64 = 3 * 3_600;
/// A change that is not published for so long is late.
const BEHIND_MILLISECONDS: u64 = 900_000;

/// The stack's name, which begins the name of everything.
const STACK_NAME: &str = "${AWS::StackName}";

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
    statistic: &'static str,
    /// Over so many seconds.
    period: u64,
    above: u64,
    /// Whether it is a fault when the metric says nothing.
    silence: Silence,
}

/// What it means that a metric has no value.
enum Silence {
    /// Nothing has happened.
    Fine,
    /// Whoever writes it does not run.
    Fault,
}

fn alarm(alarm: Alarm) -> Node {
    let (name, value) = alarm.dimension;
    let missing = match alarm.silence {
        Silence::Fine => "notBreaching",
        Silence::Fault => "breaching",
    };
    map([
        ("AlarmDescription", alarm.description.into()),
        ("Namespace", alarm.namespace.into()),
        ("MetricName", alarm.metric.into()),
        ("Dimensions", list([map([("Name", name.into()), ("Value", value)])])),
        ("Statistic", alarm.statistic.into()),
        ("Period", alarm.period.into()),
        ("EvaluationPeriods", 1_u64.into()),
        ("Threshold", alarm.above.into()),
        ("ComparisonOperator", "GreaterThanThreshold".into()),
        ("TreatMissingData", missing.into()),
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
        statistic: "Maximum",
        period: 300,
        silence: Silence::Fine,
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
        statistic: "Maximum",
        period: 300,
        silence: Silence::Fine,
        above: 0,
    }))
}

/// The alarms of the whole deployment, within the ten that are free: three on what those count
/// that run by the clock, and those on whoever runs by the clock, or follows the stream, itself. Tick and
/// collector say their figure whenever they succeed, so that silence is a fault of theirs.
pub(crate) fn summary() -> Vec<(String, Node)> {
    let of_stack = |description: &str, (metric, statistic), period, above| {
        alarm(Alarm {
            description: description.to_owned(),
            namespace: metrics::NAMESPACE,
            metric,
            dimension: (metrics::STACK, reference("AWS::StackName")),
            statistic,
            period,
            above,
            silence: Silence::Fault,
        })
    };
    let old = "A user's job waits for a message that does not come, or the tick does not run";
    let dead = "A message could not be handled, or nobody looks for such";
    let again = "Something of one project or customer fails again and again; the logs say of which";
    let oldest = (metrics::OLDEST_BATON, "Maximum");
    let letters = (metrics::DEAD_LETTERS, "Maximum");
    let neglected = (metrics::NEGLECTED, "Sum");
    let mut all = vec![
        ("AnyTooOld".to_owned(), of_stack(old, oldest, 300, TOO_OLD_SECONDS)),
        ("AnyDead".to_owned(), of_stack(dead, letters, COLLECTED_SECONDS, 0)),
        ("AnyNeglected".to_owned(), of_stack(again, neglected, NEGLECTED_SECONDS, RETRIES)),
    ];
    all.extend(PERIODIC.iter().map(|(function, _)| (fails(*function), failing(*function))));
    all.push(("ChangesTooOld".to_owned(), behind(Function::PublishChanges)));
    all
}

/// The logical id of the alarm on a function that fails.
fn fails(function: Function) -> String {
    format!("{}Fails", names::logical(function))
}

fn of_function(function: Function) -> (&'static str, Node) {
    ("FunctionName", reference(format!("{}Function", names::logical(function))))
}

/// A function that runs by the clock fails. Lambda tries a call twice more, so that one that mends
/// itself has fewer errors.
fn failing(function: Function) -> Node {
    alarm(Alarm {
        description: format!("{} fails; its log says why", function.handler()),
        namespace: "AWS/Lambda",
        metric: "Errors",
        dimension: of_function(function),
        statistic: "Sum",
        // The longest time between two calls: all see three errors of one call.
        period: 3_600,
        above: RETRIES,
        silence: Silence::Fine,
    })
}

/// Changes wait in the stream, which keeps them for a day.
fn behind(function: Function) -> Node {
    alarm(Alarm {
        description: format!("{}: changes are published late", function.handler()),
        namespace: "AWS/Lambda",
        metric: "IteratorAge",
        dimension: of_function(function),
        statistic: "Maximum",
        period: 300,
        above: BEHIND_MILLISECONDS,
        silence: Silence::Fine,
    })
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

/// One page: what waits, what fails, what it uses. A page may refer to 50 metrics at no cost: so it
/// has the queue of each step, whose failures are there as messages that wait, and the errors of the
/// functions that no queue stands before.
pub(crate) fn dashboard() -> Node {
    let mut parts: Vec<&str> = Function::all().map(names::part).collect();
    parts.dedup();
    let mut charts: Vec<(String, Vec<Value>)> = parts
        .iter()
        .map(|part| {
            let of_part = Function::all().filter(|function| names::part(*function) == *part);
            let waiting = of_part.filter_map(|function| Some(waiting(&function.queue()?)));
            (format!("{part}: messages that wait"), waiting.collect())
        })
        .collect();
    let without_queue = Function::all().filter(|function| function.queue().is_none());
    charts.push(("failed invocations".to_owned(), without_queue.map(errors).collect()));
    charts.push(("the whole deployment".to_owned(), metrics::ALL.map(ours).to_vec()));
    let units = ["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"];
    charts.push(("the table".to_owned(), units.map(table).to_vec()));
    let widgets: Vec<Value> = charts
        .into_iter()
        .enumerate()
        .map(|(index, (title, metrics))| {
            json!({
                "type": "metric",
                "x": index % 2 * 12, "y": index / 2 * 6, "width": 12, "height": 6,
                "properties": {
                    "title": title, "region": "${AWS::Region}", "period": 300, "metrics": metrics,
                },
            })
        })
        .collect();
    let body = json!({ "widgets": widgets }).to_string();
    map([("DashboardName", reference("AWS::StackName")), ("DashboardBody", sub(body))])
        .into_resource("AWS::CloudWatch::Dashboard")
}

/// How many messages wait in a queue.
fn waiting(queue: &str) -> Value {
    json!(["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName",
        format!("{STACK_NAME}-{queue}"), { "stat": "Maximum", "label": queue }])
}

/// How many invocations of a function failed.
fn errors(function: Function) -> Value {
    json!(["AWS/Lambda", "Errors", "FunctionName", format!("{STACK_NAME}-{}", slug(function)),
        { "stat": "Sum", "label": function.handler() }])
}

/// A metric of ours.
fn ours(metric: &str) -> Value {
    let sums = [metrics::FAILED, metrics::NEGLECTED];
    let stat = if sums.contains(&metric) { "Sum" } else { "Maximum" };
    json!([metrics::NAMESPACE, metric, metrics::STACK, STACK_NAME, { "stat": stat }])
}

/// What the table takes.
fn table(metric: &str) -> Value {
    json!(["AWS/DynamoDB", metric, "TableName", STACK_NAME, { "stat": "Sum" }])
}
