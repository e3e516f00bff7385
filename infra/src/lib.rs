//! The template of a deployment, derived from the catalogue: `infra/template.yaml`.
//!
//! Everything that depends on a step comes from its row. The committed file is what is deployed; a
//! test says when it is stale.

mod data;
mod event;
mod function;
mod names;
mod node;
mod parameters;
mod role;
mod schedule;
mod watch;

use catalogue::Function;

pub use self::{
    function::{
        BATCH, MAX_RECEIVES, RETRIES, STREAM_RETRIES, VISIBILITY_TIMEOUTS, batch, copies, memory,
        slug, window,
    },
    names::logical,
    node::Node,
    role::sends_to,
    schedule::{PERIODIC, minutes},
};
use self::{
    names::tag_map,
    node::{attribute, list, map, reference, sub, when},
};

const HEAD: &str = "\
# Generated from shared/catalogue by infra/src; `UPDATE=1 cargo test -p crosswave-infra` writes it
# again. infra/README.md says how it is deployed.
";

/// The template as a value.
pub fn template() -> Node {
    map([
        ("AWSTemplateFormatVersion", "2010-09-09".into()),
        ("Transform", "AWS::Serverless-2016-10-31".into()),
        (
            "Description",
            "Crosswave: moves the people of one Microsoft 365 tenant into another".into(),
        ),
        ("Parameters", parameters::parameters()),
        ("Rules", parameters::rules()),
        ("Conditions", parameters::conditions()),
        ("Globals", globals()),
        ("Resources", Node::Map(resources())),
        ("Outputs", outputs()),
    ])
}

/// The text of the committed file.
pub fn page() -> String {
    format!("{HEAD}{}", template().to_yaml())
}

/// The template with only the resources of these types, for a double that knows no others.
pub fn only(types: &[&str]) -> String {
    let kept = resources().into_iter().filter(|(_, resource)| {
        let Some(Node::Text(kind)) = resource.get("Type") else { return false };
        types.contains(&kind.as_str())
    });
    map([
        ("AWSTemplateFormatVersion", "2010-09-09".into()),
        ("Parameters", parameters::parameters()),
        ("Conditions", parameters::conditions()),
        ("Resources", Node::Map(kept.collect())),
    ])
    .to_yaml()
}

fn globals() -> Node {
    let queues =
        "https://sqs.${AWS::Region}.${AWS::URLSuffix}/${AWS::AccountId}/${AWS::StackName}-";
    let variables = map([
        ("CROSSWAVE_TABLE", reference("Table")),
        ("CROSSWAVE_QUEUES", sub(queues)),
        ("CROSSWAVE_STACK", reference("AWS::StackName")),
        ("CROSSWAVE_PRIVATE_WEBHOOKS", reference("PrivateWebhooks")),
        ("CROSSWAVE_IDENTITY_ROLE", attribute(role::TENANT_IDENTITY, "Arn")),
    ]);
    map([(
        "Function",
        map([
            ("Runtime", "provided.al2023".into()),
            ("Architectures", list(["arm64"])),
            ("Tracing", when("Traced", "Active".into(), "PassThrough".into())),
            ("Environment", map([("Variables", variables)])),
        ]),
    )])
}

fn resources() -> Vec<(String, Node)> {
    let named = |name: &str, node: Node| (name.to_owned(), node);
    let mut all = vec![
        named("Table", data::table()),
        named("Key", data::key()),
        named("Bus", event::bus()),
        named("Waves", schedule::group()),
        named(
            "SchedulerRole",
            role::scheduler_role(&[
                Function::StartWave,
                Function::Tick,
                Function::Sweep,
                Function::CollectDeadLetters,
                Function::RollUpUsage,
            ]),
        ),
    ];
    all.extend(event::start_rule());
    all.extend(event::file_rule());
    all.push(named(role::TENANT_IDENTITY, role::tenant_identity()));
    all.extend(schedule::schedules());
    all.push(named("HttpApi", http_api()));
    all.push(named("Alarms", watch::topic()));
    all.push(named("AlarmMail", watch::subscription()));
    all.extend(watch::summary());
    all.push(named("Budget", watch::budget()));
    all.push(named("Dashboard", watch::dashboard()));
    for function in Function::all() {
        all.extend(function::resources(function));
    }
    all.push(named("ChangesMapping", function::stream_mapping()));
    all
}

/// Who calls the API signs with an identity of the account.
fn http_api() -> Node {
    let auth = map([("EnableIamAuthorizer", true.into()), ("DefaultAuthorizer", "AWS_IAM".into())]);
    map([
        ("Auth", auth),
        (
            "DefaultRouteSettings",
            map([("ThrottlingBurstLimit", 50_u64.into()), ("ThrottlingRateLimit", 25_u64.into())]),
        ),
        ("Tags", tag_map("api")),
    ])
    .into_resource("AWS::Serverless::HttpApi")
}

fn outputs() -> Node {
    let output = |description: &str, value: Node| {
        map([("Description", description.into()), ("Value", value)])
    };
    map([
        ("Api", output("The address of the API", attribute("HttpApi", "ApiEndpoint"))),
        ("Table", output("The table, which outlives the stack", reference("Table"))),
        (
            role::TENANT_IDENTITY,
            output(
                "The role that signs in to tenants where no secret is stored",
                attribute(role::TENANT_IDENTITY, "Arn"),
            ),
        ),
        ("Bus", output("The bus of starts and changes", reference("Bus"))),
    ])
}

#[cfg(test)]
mod tests;
