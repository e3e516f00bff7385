//! What starts waves by events: the bus, and the bucket of files.

use catalogue::Function;

use crate::{
    names::{self, logical, tags},
    node::{Node, attribute, list, map, physical_bus, reference},
};

/// The bus that changes are published on and starts are asked for.
pub(crate) fn bus() -> Node {
    map([("Name", reference("AWS::StackName")), ("Tags", tags("events"))])
        .into_resource("AWS::Events::EventBus")
}

/// An event on the bus starts a wave; its form is in the README.
pub(crate) fn start_rule() -> [(String, Node); 3] {
    let pattern = map([("detail-type", list(["Crosswave Start Wave"]))]);
    let rule = rule(Function::StartWave, "An event of the customer's starts a wave", pattern)
        .with("EventBusName", physical_bus())
        .into_resource("AWS::Events::Rule");
    let permission = permission(Function::StartWave, "StartWaveRule");
    let keeping = keeping(Function::StartWave, "StartWaveRule");
    [
        ("StartWaveRule".to_owned(), rule),
        ("StartWavePermission".to_owned(), permission.into_resource("AWS::Lambda::Permission")),
        ("StartWaveMayKeep".to_owned(), keeping.into_resource("AWS::SQS::QueuePolicy")),
    ]
}

/// A file that was put in the bucket starts a wave. S3 tells it to the account's own bus, on which only
/// AWS speaks for S3. Files of other kinds in the same bucket are none of ours.
pub(crate) fn file_rule() -> [(String, Node); 3] {
    let detail = map([
        ("bucket", map([("name", list([reference("WaveFiles")]))])),
        ("object", map([("key", list([map([("suffix", Node::from(".csv"))])]))])),
    ]);
    let pattern = map([
        ("source", list(["aws.s3"])),
        ("detail-type", list(["Object Created"])),
        ("detail", detail),
    ]);
    let rule =
        rule(Function::StartFromFile, "A file of users in the bucket starts a wave", pattern)
            .into_conditional("AWS::Events::Rule", "HasWaveFiles");
    let permission = permission(Function::StartFromFile, "WaveFilesRule")
        .into_conditional("AWS::Lambda::Permission", "HasWaveFiles");
    let keeping = keeping(Function::StartFromFile, "WaveFilesRule")
        .into_conditional("AWS::SQS::QueuePolicy", "HasWaveFiles");
    [
        ("WaveFilesRule".to_owned(), rule),
        ("WaveFilesPermission".to_owned(), permission),
        ("WaveFilesMayKeep".to_owned(), keeping),
    ]
}

/// A rule whose events go to a function; those that cannot be handed over are kept with its dead
/// letters.
fn rule(function: Function, description: &str, pattern: Node) -> Node {
    let target = map([
        ("Id", crate::slug(function).into()),
        ("Arn", attribute(format!("{}Function", logical(function)), "Arn")),
        ("DeadLetterConfig", map([("Arn", attribute(names::dead_letters(function), "Arn"))])),
    ]);
    map([
        ("Description", description.into()),
        ("EventPattern", pattern),
        ("Targets", list([target])),
    ])
}

/// The rule may call the function.
fn permission(function: Function, rule: &str) -> Node {
    map([
        ("Action", "lambda:InvokeFunction".into()),
        ("FunctionName", reference(format!("{}Function", logical(function)))),
        ("Principal", "events.amazonaws.com".into()),
        ("SourceArn", attribute(rule, "Arn")),
    ])
}

/// The rule may put what it cannot hand over among the function's dead letters.
fn keeping(function: Function, rule: &str) -> Node {
    let queue = names::dead_letters(function);
    let send = map([
        ("Effect", "Allow".into()),
        ("Principal", map([("Service", "events.amazonaws.com".into())])),
        ("Action", "sqs:SendMessage".into()),
        ("Resource", attribute(&queue, "Arn")),
        ("Condition", map([("ArnEquals", map([("aws:SourceArn", attribute(rule, "Arn"))]))])),
    ]);
    map([
        ("Queues", list([reference(queue)])),
        ("PolicyDocument", map([("Version", "2012-10-17".into()), ("Statement", list([send]))])),
    ])
}
