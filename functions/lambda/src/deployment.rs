//! One deployment as a function sees it, and the choice of what a function does.

use std::sync::Arc;

use async_trait::async_trait;
use catalogue::Function;
use control::ControlError;
use engine::{EngineError, Host, Steps};
use jiff::Timestamp;
use ports::{CommitError, QueueError, StoreError};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use thiserror::Error;

use crate::{
    changes, dead,
    deliver::deliver,
    files::{self, Files},
    plan::Planner,
    projects::Projects,
    start, sweep, tick, usage,
};

/// Switches the polling of the queues: an empty queue that is polled costs money.
#[async_trait]
pub trait Switch: Send + Sync {
    /// Lets every queue be polled, or none. Says in words why it could not.
    async fn polling(&self, on: bool) -> Result<(), String>;
}

/// Calls functions as events do.
#[async_trait]
pub trait Calls: Send + Sync {
    /// Hands an event to a function; nobody waits for what comes of it. Says in words why it could not.
    async fn call(&self, function: Function, event: &Value) -> Result<(), String>;
}

/// Everything that a function works on. Cheap to clone.
#[derive(Clone)]
pub struct Deployment {
    /// Store, queue, clock, tenants, scripts.
    pub host: Host,
    /// The steps.
    pub steps: Arc<dyn Steps>,
    /// Switches polling.
    pub switch: Arc<dyn Switch>,
    /// Knows the starts that lie ahead.
    pub planner: Arc<dyn Planner>,
    /// The bucket of files that start waves.
    pub files: Arc<dyn Files>,
    /// Calls functions again that have failed.
    pub calls: Arc<dyn Calls>,
    /// Finds the projects.
    pub projects: Arc<dyn Projects>,
    /// Where changes are published.
    pub bus: Arc<dyn changes::Bus>,
    /// The stack's name, for metrics.
    pub stack: String,
}

/// Why an invocation failed as a whole. Lambda calls again, or keeps the event.
#[derive(Debug, Error)]
pub enum FunctionError {
    /// The event is not what this function takes.
    #[error("{function} does not understand its event: {text}")]
    Event {
        /// The function.
        function: &'static str,
        /// The parser's words.
        text: String,
    },
    /// What was asked for cannot be done.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// Polling could not be switched.
    #[error("the queues' polling could not be switched: {0}")]
    Switch(String),
    /// The scheduler did not take a start, or did not forget one.
    #[error("the scheduler: {0}")]
    Plan(String),
    /// A file could not be read.
    #[error("{0}")]
    File(String),
    /// A function could not be called again.
    #[error("an event could not be sent again: {0}")]
    Call(String),
}

impl From<EngineError> for FunctionError {
    fn from(error: EngineError) -> Self {
        Self::Control(error.into())
    }
}

impl From<StoreError> for FunctionError {
    fn from(error: StoreError) -> Self {
        Self::Control(error.into())
    }
}

impl From<CommitError> for FunctionError {
    fn from(error: CommitError) -> Self {
        Self::Control(error.into())
    }
}

impl From<QueueError> for FunctionError {
    fn from(error: QueueError) -> Self {
        Self::Control(error.into())
    }
}

impl Deployment {
    /// Does what the function does with an event. `until` is when the invocation is over.
    pub async fn run(
        &self,
        function: Function,
        event: Value,
        until: Timestamp,
    ) -> Result<Value, FunctionError> {
        let mut here = self.clone();
        here.host.identity.until = Some(until);
        match function {
            Function::Step(_) | Function::Notify => {
                let batch = read(function, event)?;
                answer(deliver(&here.host, &*here.steps, function, batch).await)
            }
            Function::StartWave => answer(start::start(&here, read(function, event)?).await?),
            Function::StartFromFile => {
                answer(files::start_from_file(&here, read(function, event)?).await?)
            }
            Function::Tick => answer(tick::tick(&here).await?),
            Function::Sweep => answer(sweep::sweep(&here).await?),
            Function::CollectDeadLetters => answer(dead::collect(&here.host).await?),
            Function::RollUpUsage => answer(usage::roll_up(&here).await?),
            Function::PublishChanges => {
                answer(changes::publish(&here, read(function, event)?).await)
            }
            Function::Api => answer(crate::api::answer(&here, read(function, event)?).await),
        }
    }
}

fn read<T: DeserializeOwned>(function: Function, event: Value) -> Result<T, FunctionError> {
    serde_json::from_value(event).map_err(|error| FunctionError::Event {
        function: function.handler(),
        text: error.to_string(),
    })
}

fn answer<T: Serialize>(answer: T) -> Result<Value, FunctionError> {
    serde_json::to_value(answer)
        .map_err(|error| FunctionError::Event { function: "the answer", text: error.to_string() })
}
