use catalogue::{CATALOGUE, Function};

use super::*;

mod readme;
mod roles;
mod watch;

#[test]
#[expect(clippy::disallowed_methods, reason = "a test may ask whether it is to write the file")]
fn the_committed_template_is_fresh() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/template.yaml");
    let page = page();
    if std::env::var("UPDATE").is_ok() {
        std::fs::write(path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == page, "{path} is stale: run UPDATE=1 cargo test -p crosswave-infra");
}

fn property(template: &Node, id: &str, name: &str) -> Node {
    let resource = template.get("Resources").and_then(|all| all.get(id)).cloned();
    let resource = resource.unwrap_or_else(|| panic!("the template has no {id}"));
    let value = resource.get("Properties").and_then(|all| all.get(name)).cloned();
    value.unwrap_or_else(|| panic!("{id} has no {name}"))
}

#[test]
fn every_step_is_a_function_with_a_queue_a_role_and_alarms_of_its_own() {
    let template = template();
    for row in &CATALOGUE {
        let function = Function::Step(row.step);
        let stem = logical(function);
        assert_eq!(property(&template, &format!("{stem}Function"), "Handler"), Node::from(row.id));
        let timeout = row.timeout.as_secs();
        assert_eq!(property(&template, &format!("{stem}Function"), "Timeout"), Node::from(timeout));
        let visibility = property(&template, &format!("{stem}Queue"), "VisibilityTimeout");
        assert_eq!(visibility, Node::from(6 * timeout));
        for (id, name) in [
            ("Queue", "RedrivePolicy"),
            ("DeadLetters", "QueueName"),
            ("Mapping", "FunctionResponseTypes"),
            ("Role", "Policies"),
            ("Logs", "RetentionInDays"),
            ("TooOld", "Threshold"),
            ("Dead", "Threshold"),
        ] {
            property(&template, &format!("{stem}{id}"), name);
        }
    }
}

/// Lambda refuses names of more than 64 characters, SQS of more than 80; a stack's name may have 24.
#[test]
fn names_leave_room_for_the_stacks_name() {
    for function in Function::all() {
        assert!(slug(function).len() + 25 <= 64, "{}", slug(function));
        let queue = function.queue().unwrap_or_default();
        assert!(queue.len() + "-dead".len() + 25 <= 80, "{queue}");
    }
}

/// The data outlives a mistake: it can be brought back to any second, is not deleted with the stack or
/// by hand, and is encrypted with the account's own key where that is wanted.
#[test]
fn the_table_is_kept_whatever_happens_to_the_stack() {
    let template = template();
    let table = |name: &str| property(&template, "Table", name).to_yaml();
    assert!(table("PointInTimeRecoverySpecification").contains("Enabled: true"));
    assert_eq!(property(&template, "Table", "DeletionProtectionEnabled"), Node::from(true));
    assert_eq!(property(&template, "Table", "BillingMode"), Node::from("PAY_PER_REQUEST"));
    assert!(table("SSESpecification").contains("!Ref Key"));
    let resource = template.get("Resources").and_then(|all| all.get("Table")).unwrap();
    for name in ["DeletionPolicy", "UpdateReplacePolicy"] {
        assert_eq!(resource.get(name), Some(&Node::from("Retain")), "{name}");
    }
}

/// Traces are exported where the parameter says so, by every function: Lambda samples, and each role may
/// hand its part to X-Ray.
#[test]
fn traces_are_exported_where_they_are_asked_for() {
    let template = template();
    let globals = template.get("Globals").and_then(|all| all.get("Function")).unwrap();
    let tracing = globals.get("Tracing").unwrap();
    assert_eq!(*tracing, when("Traced", "Active".into(), "PassThrough".into()));
    for function in Function::all() {
        let role = property(&template, &format!("{}Role", logical(function)), "Policies").to_yaml();
        assert!(role.contains("- Traced\n"), "{role}");
        assert!(role.contains("xray:PutTraceSegments"), "{role}");
        let own = template.get("Resources").and_then(|all| {
            all.get(&format!("{}Function", logical(function)))?.get("Properties")?.get("Tracing")
        });
        assert_eq!(own, None, "no function has a setting of its own");
    }
}

/// A change that cannot be published does not hold up the others until the stream forgets them all: it is
/// tried alone, given up, and kept where the collector finds it.
#[test]
fn the_stream_gives_up_what_cannot_be_published_and_says_so() {
    let template = template();
    let of = |name: &str| property(&template, "ChangesMapping", name);
    assert_eq!(of("BisectBatchOnFunctionError"), Node::from(true));
    assert_eq!(of("MaximumRetryAttempts"), Node::from(STREAM_RETRIES));
    // The stream keeps a record for a day.
    assert_eq!(of("MaximumRecordAgeInSeconds"), Node::from(6 * 3_600));
    let queue = "!GetAtt ControlPublishChangesDeadLetters.Arn";
    assert!(of("DestinationConfig").to_yaml().contains(queue));
    // Lambda puts it there with the function's role; the collector takes it out.
    for (role, action) in [
        ("ControlPublishChangesRole", "sqs:SendMessage"),
        ("ControlCollectDeadLettersRole", "sqs:ReceiveMessage"),
    ] {
        let role = property(&template, role, "Policies").to_yaml();
        assert!(role.contains(queue) && role.contains(action), "{role}");
    }
}
