//! Schedules of EventBridge Scheduler: one a wave. The store holds the truth, a schedule is its
//! projection: putting it twice is putting it once, and one that is missing is put again.

use http::Method;
use jiff::civil::DateTime;
use serde_json::{Value, json};

use crate::{
    Caller, Operation,
    call::{Ask, AwsError},
};

/// What a schedule starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleTarget {
    /// The ARN of the queue or function.
    pub arn: String,
    /// The ARN of the role that the scheduler takes to reach it.
    pub role: String,
    /// The ARN of the queue for what could not be delivered in a day.
    pub dead_letters: Option<String>,
}

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSchedule {
    /// Its name in the group: letters, digits, `-`, `_` and `.`, at most 64.
    pub name: String,
    /// When, in the words of the service: [`NewSchedule::at`] or `cron(…)`.
    pub expression: String,
    /// The IANA name of the time zone that the expression is in.
    pub time_zone: String,
    /// What the target is sent.
    pub input: String,
}

impl NewSchedule {
    /// The expression of one local time; such a schedule removes itself afterwards.
    pub fn at(local: DateTime) -> String {
        format!("at({})", local.strftime("%Y-%m-%dT%H:%M:%S"))
    }

    fn is_once(&self) -> bool {
        self.expression.starts_with("at(")
    }
}

/// The schedules of a group, all with one target.
#[derive(Clone)]
pub struct Schedules {
    caller: Caller,
    group: String,
    target: ScheduleTarget,
}

impl Schedules {
    /// The schedules of this group.
    pub fn new(caller: Caller, group: impl Into<String>, target: ScheduleTarget) -> Self {
        Self { caller, group: group.into(), target }
    }

    /// Makes a schedule, or makes the one of that name as this one is.
    pub async fn put(&self, schedule: &NewSchedule) -> Result<(), AwsError> {
        let create = self.ask(schedule, Operation::CreateSchedule, Method::POST);
        match self.caller.ask(&create).await {
            Err(error) if error.is("ConflictException") => {
                let update = self.ask(schedule, Operation::UpdateSchedule, Method::PUT);
                self.caller.ask(&update).await.map(drop)
            }
            outcome => outcome.map(drop),
        }
    }

    /// Removes a schedule; one that is not there, or was over, is removed already.
    pub async fn delete(&self, name: &str) -> Result<(), AwsError> {
        let path = format!("/schedules/{name}?groupName={}", self.group);
        let delete = Operation::DeleteSchedule;
        let ask = Ask::rest("scheduler", delete, Method::DELETE, path, None);
        match self.caller.ask(&ask).await {
            Err(error) if error.is("ResourceNotFoundException") => Ok(()),
            outcome => outcome.map(drop),
        }
    }

    fn ask(&self, schedule: &NewSchedule, operation: Operation, method: Method) -> Ask {
        let mut target = json!({
            "Arn": self.target.arn,
            "RoleArn": self.target.role,
            "Input": schedule.input,
            "RetryPolicy": { "MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86_400 },
        });
        if let (Some(arn), Some(target)) = (&self.target.dead_letters, target.as_object_mut()) {
            target.insert("DeadLetterConfig".to_owned(), json!({ "Arn": arn }));
        }
        let body: Value = json!({
            "GroupName": self.group,
            "ScheduleExpression": schedule.expression,
            "ScheduleExpressionTimezone": schedule.time_zone,
            "FlexibleTimeWindow": { "Mode": "OFF" },
            "ActionAfterCompletion": if schedule.is_once() { "DELETE" } else { "NONE" },
            "State": "ENABLED",
            "Target": target,
        });
        let path = format!("/schedules/{}", schedule.name);
        Ask::rest("scheduler", operation, method, path, Some(&body))
    }
}
