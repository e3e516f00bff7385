//! One function: its code, queue, dead letters, mapping, role, log and alarms.

use std::time::Duration;

use catalogue::{Function, Need, Step};

use crate::{
    names::{self, logical, physical, tag_map, tags},
    node::{Node, attribute, list, map, nothing, reference, when},
    role,
};

/// The artifact, beside the template.
const ARTIFACT: &str = "crosswave.zip";
/// A queue hides a message for so many times the function's time-out, as AWS advises: the poller
/// itself needs time for throttled invocations.
pub const VISIBILITY_TIMEOUTS: u64 = 6;
/// So often a message is received before it is a dead letter.
pub const MAX_RECEIVES: u64 = 10;
/// So often an event that could not be handled comes again, from bus and scheduler alike.
pub const RETRIES: u64 = 2;
/// So often the stream brings a record that could not be published, alone at last, before it goes on
/// with the others.
pub const STREAM_RETRIES: u64 = 100;
/// A record that is older than this is given up too: what it was can still be read for the rest of the
/// day that the stream keeps it.
const STREAM_MOST: Duration = Duration::from_hours(6);
/// Messages of one invocation.
pub const BATCH: u64 = 10;
/// Dead letters wait so long for whoever collects them: the longest that SQS knows.
const KEEP_DEAD: Duration = Duration::from_hours(14 * 24);

/// Whether a step copies content, and so holds some and takes its time.
pub fn copies(step: Step) -> bool {
    step.spec().needs.contains(&Need::Content)
}

/// How much memory a function has, in MB; Lambda gives processor time in proportion.
pub fn memory(function: Function) -> u64 {
    match function {
        // A file is read whole, beside all users of its project.
        Function::StartFromFile => 1_024,
        Function::Step(step) if copies(step) => 512,
        Function::Step(_)
        | Function::Notify
        | Function::StartWave
        | Function::Sweep
        | Function::RollUpUsage
        | Function::Api => 256,
        Function::Tick | Function::CollectDeadLetters | Function::PublishChanges => 128,
    }
}

/// How many messages one invocation takes: a copying step works on one user at a time, because its
/// units use the invocation's time up.
pub fn batch(function: Function) -> u64 {
    match function {
        Function::Step(step) if copies(step) => 1,
        _ => BATCH,
    }
}

/// How many seconds a batch that is not full waits for more messages: a second for those that take
/// several, so that the users of a wave share requests and invocations. No step is in such a hurry.
pub fn window(function: Function) -> u64 {
    u64::from(batch(function) > 1)
}

/// Everything that one function consists of, by logical id.
pub(crate) fn resources(function: Function) -> Vec<(String, Node)> {
    let name = logical(function);
    let mut all = Vec::new();
    if function.queue().is_some() {
        all.push((names::queue(function), queue(function)));
    }
    if function.dead_letters().is_some() {
        all.push((names::dead_letters(function), dead_letters(function)));
    }
    all.push((format!("{name}Function"), code(function)));
    if function.queue().is_some() {
        all.push((names::mapping(function), mapping(function)));
    }
    all.push((format!("{name}Role"), role::role(function)));
    all.push((format!("{name}Logs"), logs(function)));
    if function.queue().is_some() {
        all.push((format!("{name}TooOld"), crate::watch::too_old(function)));
        all.push((format!("{name}Dead"), crate::watch::dead(function)));
    }
    all
}

/// A function's name in the account, without the stack's.
pub fn slug(function: Function) -> String {
    function.handler().replace(['.', '_'], "-")
}

fn encryption(properties: Node) -> Node {
    properties
        .with("SqsManagedSseEnabled", when("OwnKey", nothing(), true.into()))
        .with("KmsMasterKeyId", when("OwnKey", reference("Key"), nothing()))
}

fn queue(function: Function) -> Node {
    let name = function.queue().unwrap_or_default();
    let visibility = function.timeout().as_secs() * VISIBILITY_TIMEOUTS;
    let redrive = map([
        ("deadLetterTargetArn", attribute(names::dead_letters(function), "Arn")),
        ("maxReceiveCount", MAX_RECEIVES.into()),
    ]);
    encryption(map([
        ("QueueName", physical(&name)),
        ("VisibilityTimeout", visibility.into()),
        ("MessageRetentionPeriod", KEEP_DEAD.as_secs().into()),
        ("RedrivePolicy", redrive),
    ]))
    .with("Tags", tags(names::part(function)))
    .into_resource("AWS::SQS::Queue")
}

fn dead_letters(function: Function) -> Node {
    let name = function.dead_letters().unwrap_or_default();
    encryption(map([
        ("QueueName", physical(&format!("{name}-dead"))),
        ("MessageRetentionPeriod", KEEP_DEAD.as_secs().into()),
    ]))
    .with("Tags", tags(names::part(function)))
    .into_resource("AWS::SQS::Queue")
}

fn code(function: Function) -> Node {
    let title = match function {
        Function::Step(step) => format!("{}: {}", step.spec().spec, step.spec().title),
        Function::StartWave => "Starts the users of a wave".to_owned(),
        Function::StartFromFile => "Takes a file of users in and starts their wave".to_owned(),
        Function::Tick => "Fires schedules and long waits; switches polling on and off".to_owned(),
        Function::Sweep => "Brings back jobs that have not moved for a while".to_owned(),
        Function::CollectDeadLetters => "Keeps dead letters where a person sees them".to_owned(),
        Function::Notify => "Sends notifications".to_owned(),
        Function::RollUpUsage => "Closes an hour of usage".to_owned(),
        Function::PublishChanges => "Publishes changes of users and waves".to_owned(),
        Function::Api => "Answers the API".to_owned(),
    };
    let mut properties = map([
        ("FunctionName", physical(&slug(function))),
        ("Description", title.into()),
        ("Handler", function.handler().into()),
        // Not among the globals: `aws cloudformation package` looks at the functions alone.
        ("CodeUri", ARTIFACT.into()),
        ("Role", attribute(format!("{}Role", logical(function)), "Arn")),
        ("MemorySize", memory(function).into()),
        ("Timeout", function.timeout().as_secs().into()),
        (
            "LoggingConfig",
            map([
                ("LogFormat", "JSON".into()),
                ("LogGroup", reference(format!("{}Logs", logical(function)))),
            ]),
        ),
        ("Tags", tag_map(names::part(function))),
    ]);
    if let Some(variables) = variables(function) {
        properties.push("Environment", map([("Variables", variables)]));
    }
    if function.is_called_by_events() {
        // Called asynchronously: what fails three times is kept.
        let failed = map([
            ("Type", "SQS".into()),
            ("Destination", attribute(names::dead_letters(function), "Arn")),
        ]);
        properties.push(
            "EventInvokeConfig",
            map([
                ("MaximumRetryAttempts", RETRIES.into()),
                ("DestinationConfig", map([("OnFailure", failed)])),
            ]),
        );
    }
    if function == Function::Api {
        properties.push("Events", api_events());
    }
    properties.into_resource("AWS::Serverless::Function")
}

/// All requests go to the one function; it knows the routes.
fn api_events() -> Node {
    let properties = map([
        ("ApiId", reference("HttpApi")),
        ("Path", "/{proxy+}".into()),
        ("Method", "ANY".into()),
    ]);
    map([("Any", map([("Type", "HttpApi".into()), ("Properties", properties)]))])
}

/// What a function is told beyond what all are told.
fn variables(function: Function) -> Option<Node> {
    let mappings = || {
        let ids = Function::all().filter(|function| function.queue().is_some());
        let ids: Vec<Node> = ids.map(|function| reference(names::mapping(function))).collect();
        Node::Call("!Join", Box::new(Node::List(vec![" ".into(), Node::List(ids)])))
    };
    let schedules = || {
        [
            ("CROSSWAVE_SCHEDULE_GROUP".to_owned(), reference("Waves")),
            ("CROSSWAVE_SCHEDULE_ROLE".to_owned(), attribute("SchedulerRole", "Arn")),
            ("CROSSWAVE_SCHEDULE_TARGET".to_owned(), attribute("ControlStartWaveFunction", "Arn")),
        ]
    };
    let on = || ("CROSSWAVE_MAPPINGS".to_owned(), mappings());
    match function {
        Function::StartWave | Function::Tick | Function::Sweep | Function::Api => {
            Some(Node::Map([on()].into_iter().chain(schedules()).collect()))
        }
        Function::StartFromFile => {
            Some(Node::Map(vec![on(), ("CROSSWAVE_WAVE_FILES".to_owned(), reference("WaveFiles"))]))
        }
        Function::PublishChanges => Some(map([("CROSSWAVE_BUS", reference("Bus"))])),
        Function::Step(_)
        | Function::CollectDeadLetters
        | Function::Notify
        | Function::RollUpUsage => None,
    }
}

/// Delivers a queue's messages. It is made switched off: polling an empty queue costs money, so the
/// start of a wave switches it on, and the tick switches it off when nothing is in flight.
fn mapping(function: Function) -> Node {
    let limit = match function {
        Function::Step(step) if copies(step) => "ContentConcurrency",
        _ => "StepConcurrency",
    };
    map([
        ("EventSourceArn", attribute(names::queue(function), "Arn")),
        ("FunctionName", reference(format!("{}Function", logical(function)))),
        ("BatchSize", batch(function).into()),
        ("MaximumBatchingWindowInSeconds", window(function).into()),
        ("Enabled", false.into()),
        ("FunctionResponseTypes", list(["ReportBatchItemFailures"])),
        ("ScalingConfig", map([("MaximumConcurrency", reference(limit))])),
        ("Tags", tags(names::part(function))),
    ])
    .into_resource("AWS::Lambda::EventSourceMapping")
}

/// The table's changes of users, runs of waves, and files.
pub(crate) fn stream_mapping() -> Node {
    let pattern = serde_json::json!({
        "dynamodb": { "Keys": { catalogue::table::SORT: { "S": [
            { "prefix": "U#" }, { "prefix": "R#" }, { "prefix": "F#" },
        ] } } }
    });
    let kept = attribute(names::dead_letters(Function::PublishChanges), "Arn");
    map([
        ("EventSourceArn", attribute("Table", "StreamArn")),
        ("FunctionName", reference("ControlPublishChangesFunction")),
        ("StartingPosition", "TRIM_HORIZON".into()),
        ("BatchSize", 100_u64.into()),
        // One record that cannot be published holds up those of all customers, but not for ever.
        ("BisectBatchOnFunctionError", true.into()),
        ("MaximumRetryAttempts", STREAM_RETRIES.into()),
        ("MaximumRecordAgeInSeconds", STREAM_MOST.as_secs().into()),
        ("DestinationConfig", map([("OnFailure", map([("Destination", kept)]))])),
        ("FunctionResponseTypes", list(["ReportBatchItemFailures"])),
        (
            "FilterCriteria",
            map([("Filters", list([map([("Pattern", pattern.to_string().into())])]))]),
        ),
        ("Tags", tags("events")),
    ])
    .into_resource("AWS::Lambda::EventSourceMapping")
}

fn logs(function: Function) -> Node {
    map([
        (
            "LogGroupName",
            crate::node::sub(format!("/crosswave/${{AWS::StackName}}/{}", slug(function))),
        ),
        ("RetentionInDays", reference("LogDays")),
        ("Tags", tags(names::part(function))),
    ])
    .into_resource("AWS::Logs::LogGroup")
}
