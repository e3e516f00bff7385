//! What whoever deploys decides.

use crate::node::{Node, list, map, reference};

fn parameter(kind: &str, default: Node, description: &str) -> Node {
    map([("Type", kind.into()), ("Default", default), ("Description", description.into())])
}

fn switch(description: &str) -> Node {
    parameter("String", "false".into(), description).with("AllowedValues", list(["true", "false"]))
}

/// The template's parameters.
pub(crate) fn parameters() -> Node {
    let concurrency = |default: u64, what: &str| {
        parameter("Number", default.into(), what)
            .with("MinValue", 2_u64)
            .with("MaxValue", 1_000_u64)
    };
    map([
        (
            "Region",
            parameter(
                "String",
                "".into(),
                "The region in which all data stays; a deployment to another one is refused. Empty \
                 allows any.",
            ),
        ),
        (
            "StepConcurrency",
            concurrency(20, "Invocations of one step at the same time (2 to 1000)"),
        ),
        (
            "ContentConcurrency",
            concurrency(100, "Invocations of one copying step at the same time (2 to 1000)"),
        ),
        (
            "AlarmAddress",
            parameter("String", "".into(), "Mail address that alarms go to; empty for none"),
        ),
        (
            "MonthlyBudget",
            parameter(
                "Number",
                0_u64.into(),
                "Budget of this deployment in USD a month; 0 for none",
            ),
        ),
        (
            "LogDays",
            parameter("Number", 30_u64.into(), "Days that logs are kept")
                .with("AllowedValues", list([7_u64, 14, 30, 60, 90, 180, 365])),
        ),
        (
            "CustomerManagedKey",
            switch("Encrypt table and queues with a KMS key of this account (1 USD a month)"),
        ),
        ("Tracing", switch("Send traces of all functions to X-Ray (5 USD a million)")),
        (
            "WaveFiles",
            parameter(
                "String",
                "".into(),
                "Name of the bucket in which a file of users starts a wave; empty for none",
            ),
        ),
        (
            "PrivateWebhooks",
            switch("Let webhooks go to private addresses too, for receivers inside a network"),
        ),
        (
            "StepAlarms",
            switch(
                "Two alarms for each function's queue (0.10 USD each a month) beside the two for \
                 the whole deployment",
            ),
        ),
    ])
}

/// The conditions that follow from the parameters.
pub(crate) fn conditions() -> Node {
    let equals = |name: &str, value: &str| {
        Node::Call("!Equals", Box::new(Node::List(vec![reference(name), value.into()])))
    };
    let not = |inner: Node| Node::Call("!Not", Box::new(Node::List(vec![inner])));
    map([
        ("OwnKey", equals("CustomerManagedKey", "true")),
        ("Traced", equals("Tracing", "true")),
        ("AlarmEachStep", equals("StepAlarms", "true")),
        ("HasAddress", not(equals("AlarmAddress", ""))),
        ("HasWaveFiles", not(equals("WaveFiles", ""))),
        (
            "HasBudget",
            Node::Call(
                "!And",
                Box::new(Node::List(vec![
                    not(equals("MonthlyBudget", "0")),
                    Node::Call("!Condition", Box::new("HasAddress".into())),
                ])),
            ),
        ),
    ])
}

/// What must hold before anything is made.
pub(crate) fn rules() -> Node {
    let long = |name: &str, arguments: Vec<Node>| {
        Node::Map(vec![(name.to_owned(), Node::List(arguments))])
    };
    let region = || map([("Ref", "Region".into())]);
    let here = map([("Ref", "AWS::Region".into())]);
    let same = long("Fn::Equals", vec![region(), here]);
    let any = long("Fn::Equals", vec![region(), "".into()]);
    map([(
        "RegionIsTheOneThatIsMeant",
        map([(
            "Assertions",
            list([map([
                ("Assert", long("Fn::Or", vec![same, any])),
                ("AssertDescription", "This stack is to be deployed to another region.".into()),
            ])]),
        )]),
    )])
}
