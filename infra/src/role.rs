//! What each function may do, and nothing else: one role a function, no managed policies.

use catalogue::{CATALOGUE, Function, successors, table};

use crate::{
    function::{copies, slug},
    names,
    node::{Node, attribute, list, map, nothing, reference, sub, when},
};

/// A statement that allows actions on resources.
fn allow(actions: &[&str], resources: Vec<Node>) -> Node {
    let resource = match resources.as_slice() {
        [only] => only.clone(),
        _ => Node::List(resources),
    };
    map([
        ("Effect", "Allow".into()),
        ("Action", list(actions.iter().copied())),
        ("Resource", resource),
    ])
}

const READ: [&str; 2] = ["dynamodb:GetItem", "dynamodb:Query"];

/// What a function does with the table's records. A transaction needs the actions of its parts; a record
/// that is written over whatever is there is an update.
fn table_actions(function: Function) -> Vec<&'static str> {
    let writes: &[&str] = match function {
        // A copier's records hold on to one that stays as it is.
        Function::Step(step) if copies(step) => &[
            "dynamodb:ConditionCheckItem",
            "dynamodb:DeleteItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
        ],
        // Any step may end its job, or keep a message for later; a file brings people and their entries.
        Function::Step(_) | Function::StartFromFile => {
            &["dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
        }
        // Long waits, waves and dead letters end.
        Function::Tick | Function::Api => &["dynamodb:DeleteItem", "dynamodb:PutItem"],
        Function::Notify => &["dynamodb:PutItem", "dynamodb:UpdateItem"],
        Function::StartWave | Function::Sweep | Function::RollUpUsage => &["dynamodb:PutItem"],
        Function::CollectDeadLetters => return vec!["dynamodb:Query", "dynamodb:UpdateItem"],
        // The stream brings the records themselves.
        Function::PublishChanges => return Vec::new(),
    };
    [&READ, writes].concat()
}

/// The partitions that a function reaches: the customers' own, the deployment's books, or both.
fn partitions(function: Function) -> Vec<&'static str> {
    match function {
        Function::Step(_) | Function::Notify | Function::RollUpUsage => vec!["C#*"],
        Function::CollectDeadLetters => vec!["DEPLOYMENT"],
        Function::StartWave
        | Function::StartFromFile
        | Function::Tick
        | Function::Sweep
        | Function::Api => vec!["C#*", "DEPLOYMENT"],
        Function::PublishChanges => Vec::new(),
    }
}

fn records(function: Function) -> Option<Node> {
    let actions = table_actions(function);
    let leading = map([("dynamodb:LeadingKeys", list(partitions(function)))]);
    (!actions.is_empty()).then(|| {
        allow(&actions, vec![attribute("Table", "Arn")])
            .with("Condition", map([("ForAllValues:StringLike", leading)]))
    })
}

/// The secrets of all projects that a function reads. AWS puts six characters behind a secret's name.
fn secrets(function: Function) -> Option<Node> {
    let mut names = Vec::new();
    if function.asks_tenants() {
        // A client of both tenants is made at once, whichever the step changes.
        names.extend(["source", "target"]);
    }
    if function == Function::Notify {
        names.push("webhook");
    }
    let arn = |name: &str| {
        sub(format!(
            "arn:${{AWS::Partition}}:secretsmanager:${{AWS::Region}}:${{AWS::AccountId}}:secret:\
             ${{AWS::StackName}}/*/{name}-??????"
        ))
    };
    let arns: Vec<Node> = names.into_iter().map(arn).collect();
    (!arns.is_empty()).then(|| allow(&["secretsmanager:GetSecretValue"], arns))
}

/// Those that look after every project find them in the table's listing.
fn listing(function: Function) -> Option<Node> {
    let looks = matches!(function, Function::Tick | Function::Sweep | Function::RollUpUsage);
    looks.then(|| {
        let index = sub(format!("${{Table.Arn}}/index/{}", table::INDEX));
        let leading = map([("dynamodb:LeadingKeys", list([table::PROJECTS]))]);
        allow(&["dynamodb:Query"], vec![index])
            .with("Condition", map([("ForAllValues:StringLike", leading)]))
    })
}

/// The functions to whose queues a function sends.
pub fn sends_to(function: Function) -> Vec<Function> {
    let steps = || CATALOGUE.iter().map(|row| Function::Step(row.step));
    match function {
        Function::Step(step) => {
            // Any step can park its user or end his job, and that is told.
            let after = successors(step).into_iter().map(Function::Step);
            after.chain([Function::Notify]).collect()
        }
        Function::Notify => vec![Function::Notify],
        // They start, stop and help jobs wherever they are.
        Function::StartWave
        | Function::StartFromFile
        | Function::Tick
        | Function::Sweep
        | Function::Api => steps().chain([Function::Notify]).collect(),
        Function::CollectDeadLetters | Function::RollUpUsage | Function::PublishChanges => {
            Vec::new()
        }
    }
}

fn queue_arns(functions: impl IntoIterator<Item = Function>) -> Vec<Node> {
    functions.into_iter().map(|function| attribute(names::queue(function), "Arn")).collect()
}

fn statements(function: Function) -> Vec<Node> {
    let mut all = vec![allow(
        &["logs:CreateLogStream", "logs:PutLogEvents"],
        vec![attribute(format!("{}Logs", names::logical(function)), "Arn")],
    )];
    all.extend(records(function));
    all.extend(listing(function));
    if function.queue().is_some() {
        all.push(allow(
            &[
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
            ],
            vec![attribute(names::queue(function), "Arn")],
        ));
    }
    let mut targets = queue_arns(sends_to(function));
    if function.dead_letters().is_some() {
        targets.push(attribute(names::dead_letters(function), "Arn"));
    }
    if !targets.is_empty() {
        all.push(allow(&["sqs:SendMessage"], targets));
    }
    all.extend(secrets(function));
    if function.asks_tenants() {
        all.push(allow(&["sts:AssumeRole"], vec![attribute(TENANT_IDENTITY, "Arn")]));
    }
    all.extend(of_its_own(function));
    // X-Ray knows no resources.
    let traces = allow(&["xray:PutTelemetryRecords", "xray:PutTraceSegments"], vec!["*".into()]);
    all.push(when("Traced", traces, nothing()));
    let key = allow(&["kms:Decrypt", "kms:GenerateDataKey"], vec![attribute("Key", "Arn")]);
    all.push(when("OwnKey", key, nothing()));
    all
}

/// What only this function does.
fn of_its_own(function: Function) -> Vec<Node> {
    let switch = || {
        let mappings = Function::all().filter(|function| function.queue().is_some());
        let arn = |function| {
            let id = names::mapping(function);
            sub(format!(
                "arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:\
                 event-source-mapping:${{{id}}}"
            ))
        };
        allow(&["lambda:UpdateEventSourceMapping"], mappings.map(arn).collect())
    };
    let schedules = || {
        let group = "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule/\
                     ${AWS::StackName}/*";
        let manage = allow(
            &[
                "scheduler:CreateSchedule",
                "scheduler:DeleteSchedule",
                "scheduler:GetSchedule",
                "scheduler:UpdateSchedule",
            ],
            vec![sub(group)],
        );
        let pass = allow(&["iam:PassRole"], vec![attribute("SchedulerRole", "Arn")]).with(
            "Condition",
            map([(
                "StringEquals",
                map([("iam:PassedToService", "scheduler.amazonaws.com".into())]),
            )]),
        );
        vec![manage, pass]
    };
    match function {
        Function::StartWave | Function::Tick | Function::Sweep => {
            [vec![switch()], schedules()].concat()
        }
        // An event that became a dead letter is sent to its function again.
        Function::Api => {
            let called = Function::all().filter(|function| function.is_called_by_events());
            let call = allow(&["lambda:InvokeFunction"], called.map(by_name).collect());
            [vec![switch(), call], schedules()].concat()
        }
        Function::StartFromFile => {
            let files = sub("arn:${AWS::Partition}:s3:::${WaveFiles}/*.csv");
            let read = allow(&["s3:GetObject", "s3:GetObjectVersion"], vec![files]);
            vec![switch(), when("HasWaveFiles", read, nothing())]
        }
        Function::CollectDeadLetters => {
            let dead = Function::all()
                .filter(|function| function.dead_letters().is_some())
                .map(|function| attribute(names::dead_letters(function), "Arn"));
            vec![allow(&["sqs:DeleteMessage", "sqs:ReceiveMessage"], dead.collect())]
        }
        Function::PublishChanges => {
            let stream = allow(
                &[
                    "dynamodb:DescribeStream",
                    "dynamodb:GetRecords",
                    "dynamodb:GetShardIterator",
                    "dynamodb:ListStreams",
                ],
                vec![attribute("Table", "StreamArn")],
            );
            vec![stream, allow(&["events:PutEvents"], vec![attribute("Bus", "Arn")])]
        }
        Function::Step(_) | Function::Notify | Function::RollUpUsage => Vec::new(),
    }
}

/// Where this stack's roles lie. A stack's name holds no slash: no other stack's roles lie there.
const PATH: &str = "/crosswave/${AWS::StackName}/";

/// The role of a function.
pub(crate) fn role(function: Function) -> Node {
    role_of(trust("lambda.amazonaws.com"), function.handler(), statements(function))
        .with("Path", sub(PATH))
        .with("Tags", names::tags(names::part(function)))
        .into_resource("AWS::IAM::Role")
}

/// A function's ARN, without a reference to it.
fn by_name(function: Function) -> Node {
    let name = slug(function);
    sub(format!(
        "arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:\
         function:${{AWS::StackName}}-{name}"
    ))
}

/// The role with which schedules call functions. It has them by name: functions that make schedules
/// know this role, and a template knows no circles.
pub(crate) fn scheduler_role(functions: &[Function]) -> Node {
    let arns = functions.iter().copied().map(by_name).collect();
    // Whoever has schedules in another account cannot make them use it.
    let account = map([("aws:SourceAccount", reference("AWS::AccountId"))]);
    let trust =
        trust("scheduler.amazonaws.com").with("Condition", map([("StringEquals", account)]));
    role_of(trust, "schedules", vec![allow(&["lambda:InvokeFunction"], arns)])
        .with("Tags", names::tags("control"))
        .into_resource("AWS::IAM::Role")
}

/// The logical id of the role that signs in to tenants where no secret is stored.
pub(crate) const TENANT_IDENTITY: &str = "TenantIdentityRole";

/// The role that speaks for all functions: an application of Entra takes 20 federated credentials, and
/// there are more functions than that. This stack's roles whose policy names it may assume it; it may
/// do nothing but say who it is, to Entra, for five minutes.
pub(crate) fn tenant_identity() -> Node {
    let account = sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root");
    let roles = sub(format!("arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role{PATH}*"));
    let trust = map([
        ("Effect", "Allow".into()),
        ("Principal", map([("AWS", account)])),
        ("Action", "sts:AssumeRole".into()),
        ("Condition", map([("ArnLike", map([("aws:PrincipalArn", roles)]))])),
    ]);
    let token = allow(&["sts:GetWebIdentityToken"], vec!["*".into()]).with(
        "Condition",
        map([
            (
                "ForAllValues:StringEquals",
                map([("sts:IdentityTokenAudience", "api://AzureADTokenExchange".into())]),
            ),
            ("NumericLessThanEquals", map([("sts:DurationSeconds", 300_u64.into())])),
        ]),
    );
    role_of(trust, "tenant-identity", vec![token])
        .with("Tags", names::tags("control"))
        .into_resource("AWS::IAM::Role")
}

fn trust(service: &str) -> Node {
    map([
        ("Effect", "Allow".into()),
        ("Principal", map([("Service", service.into())])),
        ("Action", "sts:AssumeRole".into()),
    ])
}

/// A role that whoever the trust names may take.
fn role_of(trust: Node, name: &str, statements: Vec<Node>) -> Node {
    map([
        (
            "AssumeRolePolicyDocument",
            map([("Version", "2012-10-17".into()), ("Statement", list([trust]))]),
        ),
        (
            "Policies",
            list([map([
                ("PolicyName", name.replace(['.', '_'], "-").into()),
                (
                    "PolicyDocument",
                    map([("Version", "2012-10-17".into()), ("Statement", Node::List(statements))]),
                ),
            ])]),
        ),
    ])
}

impl Node {
    /// A resource of this type with these properties.
    pub(crate) fn into_resource(self, kind: &str) -> Self {
        map([("Type", kind.into()), ("Properties", self)])
    }

    /// The same, made only under a condition.
    pub(crate) fn into_conditional(self, kind: &str, condition: &str) -> Self {
        map([("Type", kind.into()), ("Condition", condition.into()), ("Properties", self)])
    }
}
