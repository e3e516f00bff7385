//! What a function may ask, read from its role in the template.

use std::collections::BTreeMap;

use catalogue::{Function, table::PARTITION};
use infra::Node;
use serde_json::Value;

use crate::stack::{STACK, WAVE_FILES};

/// Where a request to the table names a partition, or a listing: the partition of an index.
const LEADING: [&str; 4] = [PARTITION, ":p", ":pk", ":l"];

/// One statement of a role.
#[derive(Clone, Debug, Default)]
struct Statement {
    actions: Vec<String>,
    /// Logical ids, patterns of names, or `*`.
    resources: Vec<String>,
    /// Patterns of partitions; empty for no condition.
    partitions: Vec<String>,
}

/// Every function's role.
pub(crate) struct Policies {
    roles: BTreeMap<Function, Vec<Statement>>,
    /// Audiences and most seconds of the tokens of the role that signs in to tenants.
    identity: (Vec<String>, u64),
    /// Logical ids by the names of queues.
    queues: BTreeMap<String, String>,
}

/// A request that a role does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denied(pub(crate) String);

impl Policies {
    /// Reads the template.
    pub(crate) fn of_template() -> Self {
        let template = infra::template();
        let resources = template.get("Resources");
        let role = |function: Function| {
            let role = resources?.get(&format!("{}Role", infra::logical(function)))?;
            let Node::List(policies) = role.get("Properties")?.get("Policies")? else {
                return None;
            };
            let mut statements = Vec::new();
            for policy in policies {
                let Some(Node::List(all)) = policy.get("PolicyDocument")?.get("Statement") else {
                    continue;
                };
                statements.extend(all.iter().map(statement));
            }
            Some(statements)
        };
        let roles = Function::all().map(|one| (one, role(one).unwrap_or_default())).collect();
        let mut queues = BTreeMap::new();
        if let Some(Node::Map(entries)) = resources {
            for (id, resource) in entries {
                let name = resource.get("Properties").and_then(|all| all.get("QueueName"));
                if let Some(Node::Call("!Sub", name)) = name
                    && let Node::Text(name) = &**name
                {
                    queues.insert(name.replace("${AWS::StackName}", STACK), id.clone());
                }
            }
        }
        let identity = resources.and_then(identity).unwrap_or_default();
        Self { roles, identity, queues }
    }

    /// Whether a function may do this with that body.
    pub(crate) fn check(
        &self,
        function: Function,
        action: &str,
        body: &Value,
    ) -> Result<(), Denied> {
        let resource = self.resource(action, body);
        let partitions = partitions(action, body);
        let statements = self.roles.get(&function).map(Vec::as_slice).unwrap_or_default();
        let allowed = statements.iter().any(|statement| {
            statement.actions.iter().any(|allowed| allowed == action)
                && statement.resources.iter().any(|pattern| matches(pattern, &resource))
                && (statement.partitions.is_empty()
                    || partitions.iter().all(|partition| {
                        statement.partitions.iter().any(|pattern| matches(pattern, partition))
                    }))
        });
        if allowed {
            return Ok(());
        }
        let function = function.handler();
        let of = if partitions.is_empty() { String::new() } else { format!(" {partitions:?}") };
        Err(Denied(format!(
            "User: the role of {function} is not authorized to perform: {action} on resource: \
             {resource}{of}"
        )))
    }

    /// Whether the role that speaks for all functions may ask for a token for this audience, of so many
    /// seconds: what the conditions of its policy say.
    pub(crate) fn check_identity(&self, audience: &str, seconds: u32) -> Result<(), Denied> {
        let (audiences, most) = &self.identity;
        if audiences.iter().any(|one| one == audience) && u64::from(seconds) <= *most {
            return Ok(());
        }
        Err(Denied(format!(
            "User: the role TenantIdentityRole is not authorized to perform: \
             sts:GetWebIdentityToken for {audience}, {seconds} seconds"
        )))
    }

    /// What a request is about: a logical id, or a name.
    fn resource(&self, action: &str, body: &Value) -> String {
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        match action.split(':').next() {
            Some("dynamodb") => match text("IndexName") {
                "" => "Table".to_owned(),
                index => format!("${{Table.Arn}}/index/{index}"),
            },
            Some("events") => "Bus".to_owned(),
            Some("sqs") => {
                let name = text("QueueUrl").rsplit('/').next().unwrap_or_default();
                self.queues.get(name).cloned().unwrap_or_else(|| name.to_owned())
            }
            Some("sts") => text("RoleArn").rsplit('/').next().unwrap_or_default().to_owned(),
            Some("secretsmanager") => text("SecretId").to_owned(),
            Some("scheduler") => text("Name").to_owned(),
            Some("s3") => text("Object").to_owned(),
            Some("lambda") if action == "lambda:InvokeFunction" => text("FunctionName").to_owned(),
            _ => "*".to_owned(),
        }
    }
}

/// The conditions under which the role that signs in to tenants gets a token.
fn identity(resources: &Node) -> Option<(Vec<String>, u64)> {
    let role = resources.get("TenantIdentityRole")?.get("Properties")?;
    let Node::List(policies) = role.get("Policies")? else { return None };
    let Node::List(statements) = policies.first()?.get("PolicyDocument")?.get("Statement")? else {
        return None;
    };
    let conditions = statements.first()?.get("Condition")?;
    let audience = conditions.get("ForAllValues:StringEquals")?.get("sts:IdentityTokenAudience")?;
    let Node::Number(most) = conditions.get("NumericLessThanEquals")?.get("sts:DurationSeconds")?
    else {
        return None;
    };
    Some((texts(audience), *most))
}

/// The partitions that a request to the table touches.
fn partitions(action: &str, body: &Value) -> Vec<String> {
    if !action.starts_with("dynamodb:") {
        return Vec::new();
    }
    let mut found = Vec::new();
    keys(body, &mut found);
    found
}

/// Every value of the partition key, and of a query the value that it is compared with.
fn keys(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            for (name, inner) in entries {
                let text = inner.get("S").and_then(Value::as_str);
                match text {
                    Some(text) if LEADING.contains(&name.as_str()) => {
                        found.push(text.to_owned());
                    }
                    _ => keys(inner, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        _ => {}
    }
}

/// A pattern has one star at most.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => name.strip_prefix(start).is_some_and(|rest| rest.ends_with(end)),
        None => pattern == name,
    }
}

fn statement(node: &Node) -> Statement {
    if let Node::Call("!If", choice) = node {
        // Of what depends on a parameter only the bucket of files is deployed here: no key of the
        // account's own, no traces.
        return match &**choice {
            Node::List(parts) if parts.first() == Some(&Node::from("HasWaveFiles")) => {
                parts.get(1).map(statement).unwrap_or_default()
            }
            _ => Statement::default(),
        };
    }
    let leading = node
        .get("Condition")
        .and_then(|condition| condition.get("ForAllValues:StringLike"))
        .and_then(|condition| condition.get("dynamodb:LeadingKeys"));
    Statement {
        actions: node.get("Action").map(texts).unwrap_or_default(),
        resources: node.get("Resource").map(texts).unwrap_or_default(),
        partitions: leading.map(texts).unwrap_or_default(),
    }
}

/// The texts of a value; of `!GetAtt Name.Arn` the name, of a secret's ARN the secret's name.
fn texts(node: &Node) -> Vec<String> {
    match node {
        Node::Text(text) => vec![text.clone()],
        Node::List(items) => items.iter().flat_map(texts).collect(),
        Node::Call("!GetAtt", target) => texts(target)
            .into_iter()
            .map(|text| text.split('.').next().unwrap_or_default().to_owned())
            .collect(),
        Node::Call("!Sub", text) => texts(text)
            .into_iter()
            .map(|text| {
                let text = text.replace("${AWS::StackName}", STACK);
                let text = text.replace("${WaveFiles}", WAVE_FILES);
                let name = [":secret:", ":schedule/", ":function:", ":s3:::"]
                    .iter()
                    .find_map(|before| text.split_once(before));
                match name {
                    // What AWS puts behind a secret's name does not stand in a request.
                    Some((_, name)) => name.trim_end_matches("-??????").to_owned(),
                    None if text.contains(":event-source-mapping:") => "*".to_owned(),
                    None => text,
                }
            })
            .collect(),
        Node::Number(_) | Node::Bool(_) | Node::Map(_) | Node::Call(..) => Vec::new(),
    }
}
