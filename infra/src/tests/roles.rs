//! What each role may do, and on what: nothing else.

use std::collections::BTreeSet;

use catalogue::{CATALOGUE, Function, Need, successors};

use super::property;
use crate::{PERIODIC, logical, node::Node, page, template};

/// An action and what it is allowed on.
type May = BTreeSet<(String, String)>;

/// The texts of a value, each as it stands in the template.
fn texts(node: &Node) -> Vec<String> {
    match node {
        Node::List(items) => items.iter().flat_map(texts).collect(),
        other => vec![other.to_yaml().trim().trim_matches('"').replace(['"'], "")],
    }
}

/// What a role's policy allows. What depends on a parameter is there as if it were set.
fn may(role: &str) -> May {
    let Node::List(policies) = property(&template(), role, "Policies") else { panic!() };
    let mut all = May::new();
    for policy in &policies {
        let document = policy.get("PolicyDocument").unwrap();
        let Some(Node::List(statements)) = document.get("Statement") else { panic!() };
        for statement in statements {
            let statement = match statement {
                Node::Call("!If", choice) => match &**choice {
                    Node::List(parts) => &parts[1],
                    other => panic!("{other:?}"),
                },
                plain => plain,
            };
            assert_eq!(statement.get("Effect"), Some(&Node::from("Allow")), "{role}");
            let mut of: Vec<String> = texts(statement.get("Resource").unwrap());
            if let Some(condition) = statement.get("Condition") {
                let leading = condition.get("ForAllValues:StringLike");
                if let Some(keys) = leading.and_then(|all| all.get("dynamodb:LeadingKeys")) {
                    let keys = texts(keys).join(" ");
                    for one in &mut of {
                        *one = format!("{one} of {keys}");
                    }
                }
            }
            for action in texts(statement.get("Action").unwrap()) {
                all.extend(of.iter().map(|one| (action.clone(), one.clone())));
            }
        }
    }
    all
}

/// What is expected of a function's role, written down as it is added.
struct Expected(May);

impl Expected {
    fn add(&mut self, service: &str, actions: &str, resources: impl IntoIterator<Item = String>) {
        for resource in resources {
            let of = |action: &str| (format!("{service}:{action}"), resource.clone());
            self.0.extend(actions.split(' ').map(of));
        }
    }

    /// What every function may do: write its log, and where the parameters say so, its trace, and use the
    /// account's own key.
    fn of_all(function: Function) -> Self {
        let mut expected = Self(May::new());
        let logs = format!("!GetAtt {}Logs.Arn", logical(function));
        expected.add("logs", "CreateLogStream PutLogEvents", [logs]);
        expected.add("xray", "PutTelemetryRecords PutTraceSegments", ["*".to_owned()]);
        expected.add("kms", "Decrypt GenerateDataKey", ["!GetAtt Key.Arn".to_owned()]);
        expected
    }

    fn table(&mut self, actions: &str, partitions: &str) {
        self.add("dynamodb", actions, [format!("!GetAtt Table.Arn of {partitions}")]);
    }

    fn listing(&mut self) {
        let index = "!Sub ${Table.Arn}/index/listing of projects".to_owned();
        self.add("dynamodb", "Query", [index]);
    }

    /// It works off a queue, and moves there what it cannot read to the queue's dead letters.
    fn works_off_its_queue(&mut self, function: Function) {
        let actions = "ChangeMessageVisibility DeleteMessage GetQueueAttributes ReceiveMessage";
        self.add("sqs", actions, [queue(function)]);
        self.keeps_dead_letters(function);
    }

    fn keeps_dead_letters(&mut self, function: Function) {
        self.add("sqs", "SendMessage", [dead(function)]);
    }

    fn sends_anywhere(&mut self) {
        self.add("sqs", "SendMessage", with_queue().map(queue));
    }

    fn signs_in(&mut self) {
        self.add("secretsmanager", "GetSecretValue", ["source", "target"].map(secret));
        self.add("sts", "AssumeRole", ["!GetAtt TenantIdentityRole.Arn".to_owned()]);
    }

    fn switches_polling(&mut self) {
        let arn = |function| {
            here("lambda", &format!("event-source-mapping:${{{}Mapping}}", logical(function)))
        };
        self.add("lambda", "UpdateEventSourceMapping", with_queue().map(arn));
    }

    fn plans(&mut self) {
        let actions = "CreateSchedule DeleteSchedule GetSchedule UpdateSchedule";
        self.add("scheduler", actions, [here("scheduler", "schedule/${AWS::StackName}/*")]);
        self.add("iam", "PassRole", ["!GetAtt SchedulerRole.Arn".to_owned()]);
    }
}

fn with_queue() -> impl Iterator<Item = Function> {
    Function::all().filter(|function| function.queue().is_some())
}

fn queue(function: Function) -> String {
    format!("!GetAtt {}Queue.Arn", logical(function))
}

fn dead(function: Function) -> String {
    format!("!GetAtt {}DeadLetters.Arn", logical(function))
}

fn here(service: &str, name: &str) -> String {
    format!("!Sub arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{name}")
}

fn secret(name: &str) -> String {
    here("secretsmanager", &format!("secret:${{AWS::StackName}}/*/{name}-??????"))
}

fn expected(function: Function) -> May {
    let customers = "C#*";
    let both = "C#* DEPLOYMENT";
    let mut role = Expected::of_all(function);
    match function {
        Function::Step(step) => {
            let row = step.spec();
            role.table("DeleteItem GetItem PutItem Query UpdateItem", customers);
            if row.needs.contains(&Need::Content) {
                role.table("ConditionCheckItem", customers);
            }
            role.works_off_its_queue(function);
            let next = successors(step).into_iter().map(Function::Step);
            role.add("sqs", "SendMessage", next.chain([Function::Notify]).map(queue));
            if row.needs.iter().any(|need| *need != Need::Script) {
                role.signs_in();
            }
        }
        Function::Notify => {
            role.table("GetItem PutItem Query UpdateItem", customers);
            role.works_off_its_queue(function);
            role.add("sqs", "SendMessage", [queue(function)]);
            role.signs_in();
            role.add("secretsmanager", "GetSecretValue", [secret("webhook")]);
        }
        Function::StartWave => {
            role.table("GetItem PutItem Query", both);
            role.keeps_dead_letters(function);
            role.sends_anywhere();
            role.switches_polling();
            role.plans();
        }
        Function::StartFromFile => {
            role.table("DeleteItem GetItem PutItem Query UpdateItem", both);
            role.keeps_dead_letters(function);
            role.sends_anywhere();
            role.switches_polling();
            role.signs_in();
            let files = "!Sub arn:${AWS::Partition}:s3:::${WaveFiles}/*.csv".to_owned();
            role.add("s3", "GetObject GetObjectVersion", [files]);
        }
        Function::Tick => {
            role.table("DeleteItem GetItem PutItem Query", both);
            role.listing();
            role.sends_anywhere();
            role.switches_polling();
            role.plans();
        }
        Function::Sweep => {
            role.table("GetItem PutItem Query", both);
            role.listing();
            role.sends_anywhere();
            role.switches_polling();
            role.plans();
        }
        Function::CollectDeadLetters => {
            role.table("Query UpdateItem", "DEPLOYMENT");
            let all = Function::all().filter(|function| function.dead_letters().is_some());
            role.add("sqs", "DeleteMessage ReceiveMessage", all.map(dead));
        }
        Function::RollUpUsage => {
            role.table("GetItem PutItem Query", customers);
            role.listing();
        }
        Function::PublishChanges => {
            let actions = "DescribeStream GetRecords GetShardIterator ListStreams";
            role.add("dynamodb", actions, ["!GetAtt Table.StreamArn".to_owned()]);
            role.add("events", "PutEvents", ["!GetAtt Bus.Arn".to_owned()]);
            role.keeps_dead_letters(function);
        }
        Function::Api => {
            role.table("DeleteItem GetItem PutItem Query", both);
            role.sends_anywhere();
            role.switches_polling();
            role.plans();
            let again = ["start-wave", "start-from-file"];
            let again = again.map(|name| {
                here("lambda", &format!("function:${{AWS::StackName}}-control-{name}"))
            });
            role.add("lambda", "InvokeFunction", again);
        }
    }
    role.0
}

/// Each role holds what its row of the catalogue needs, and nothing else. That it is enough is shown in the
/// local cloud, whose gate asks these roles before every request.
#[test]
fn each_role_may_do_what_its_function_does_and_nothing_else() {
    for function in Function::all() {
        let found = may(&format!("{}Role", logical(function)));
        let expected = expected(function);
        let more: Vec<_> = found.difference(&expected).collect();
        let less: Vec<_> = expected.difference(&found).collect();
        let name = function.handler();
        assert!(
            more.is_empty() && less.is_empty(),
            "{name}: too much {more:?}, too little {less:?}"
        );
    }
    let whole = page();
    assert!(!whole.contains("ManagedPolicyArns"), "no managed policies");
    assert!(!whole.contains("Action: \"*\"") && !whole.contains("dynamodb:*"), "no wild cards");
}

/// Entra takes 20 federated credentials an application: one role speaks for all functions, to Entra
/// only, and only functions of this stack that ask tenants may take it.
#[test]
fn one_role_signs_in_to_tenants_for_all_functions() {
    assert_eq!(page().matches("sts:GetWebIdentityToken").count(), 1);
    let template = template();
    let identity = property(&template, "TenantIdentityRole", "Policies").to_yaml();
    assert!(identity.contains("api://AzureADTokenExchange"), "{identity}");
    let trust = property(&template, "TenantIdentityRole", "AssumeRolePolicyDocument").to_yaml();
    // A stack's name has no slash: what lies in this folder is this stack's.
    assert!(trust.contains(":role/crosswave/${AWS::StackName}/*"), "{trust}");
    for function in Function::all() {
        let role = format!("{}Role", logical(function));
        let folder = Node::Call("!Sub", Box::new("/crosswave/${AWS::StackName}/".into()));
        assert_eq!(property(&template, &role, "Path"), folder, "{role}");
        let asks = may(&role).iter().any(|(action, _)| action == "sts:AssumeRole");
        assert_eq!(asks, function.asks_tenants(), "{}", function.handler());
    }
    let asking = CATALOGUE.iter().filter(|row| Function::Step(row.step).asks_tenants()).count();
    assert!(asking > 20, "so many credentials would not do");
}

/// Schedules call the functions that run by the clock and the one that starts waves; those of another
/// account call nothing.
#[test]
fn schedules_call_what_they_are_for() {
    let called = PERIODIC.iter().map(|(function, _)| *function).chain([Function::StartWave]);
    let arn = |function| {
        here("lambda", &format!("function:${{AWS::StackName}}-{}", crate::slug(function)))
    };
    let expected: May =
        called.map(|function| ("lambda:InvokeFunction".to_owned(), arn(function))).collect();
    assert_eq!(may("SchedulerRole"), expected);
    let trust = property(&template(), "SchedulerRole", "AssumeRolePolicyDocument").to_yaml();
    assert!(trust.contains("aws:SourceAccount: !Ref AWS::AccountId"), "{trust}");
}
