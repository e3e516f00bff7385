//! The environment of a function: the only place that reads it.

use catalogue::Function;

/// What the template and Lambda tell a function.
pub(crate) struct Config {
    /// Which function this is.
    pub(crate) function: Function,
    /// The table.
    pub(crate) table: String,
    /// What every queue's URL begins with.
    pub(crate) queues: String,
    /// The stack's name.
    pub(crate) stack: String,
    /// The region.
    pub(crate) region: String,
    /// The role's credentials: key, secret, session token.
    pub(crate) credentials: (String, String, Option<String>),
    /// A double's address, for all services.
    pub(crate) endpoint: Option<String>,
    /// The ids of the event source mappings of all queues.
    pub(crate) mappings: Vec<String>,
    /// The role that signs in to tenants where no secret is stored.
    pub(crate) identity_role: Option<String>,
    /// The bus.
    pub(crate) bus: Option<String>,
    /// The bucket of files that start waves.
    pub(crate) wave_files: Option<String>,
    /// Webhooks may go to private addresses.
    pub(crate) private_webhooks: bool,
    /// Where starts that lie ahead are planned.
    pub(crate) schedules: Option<Schedules>,
}

/// The waves' own schedules.
pub(crate) struct Schedules {
    /// Their group.
    pub(crate) group: String,
    /// The ARN of the role that the scheduler takes.
    pub(crate) role: String,
    /// The ARN of the function that starts waves.
    pub(crate) target: String,
}

/// Reads the environment; says in words what is missing.
pub(crate) fn read() -> Result<Config, String> {
    let handler = needed("_HANDLER")?;
    let function = Function::of_handler(&handler).ok_or_else(|| {
        format!("there is no function `{handler}`; the Handler setting names one of the catalogue")
    })?;
    let mappings = variable("CROSSWAVE_MAPPINGS").unwrap_or_default();
    Ok(Config {
        function,
        table: needed("CROSSWAVE_TABLE")?,
        queues: needed("CROSSWAVE_QUEUES")?,
        stack: needed("CROSSWAVE_STACK")?,
        region: needed("AWS_REGION")?,
        credentials: (
            needed("AWS_ACCESS_KEY_ID")?,
            needed("AWS_SECRET_ACCESS_KEY")?,
            variable("AWS_SESSION_TOKEN"),
        ),
        endpoint: variable("AWS_ENDPOINT_URL"),
        mappings: mappings.split_whitespace().map(str::to_owned).collect(),
        identity_role: variable("CROSSWAVE_IDENTITY_ROLE"),
        bus: variable("CROSSWAVE_BUS"),
        wave_files: variable("CROSSWAVE_WAVE_FILES"),
        private_webhooks: variable("CROSSWAVE_PRIVATE_WEBHOOKS").is_some_and(|on| on == "true"),
        schedules: schedules(),
    })
}

fn schedules() -> Option<Schedules> {
    Some(Schedules {
        group: variable("CROSSWAVE_SCHEDULE_GROUP")?,
        role: variable("CROSSWAVE_SCHEDULE_ROLE")?,
        target: variable("CROSSWAVE_SCHEDULE_TARGET")?,
    })
}

fn needed(name: &str) -> Result<String, String> {
    variable(name).ok_or_else(|| format!("the environment variable {name} is not set"))
}

#[expect(clippy::disallowed_methods, reason = "this is the edge where configuration is read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
