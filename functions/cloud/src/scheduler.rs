//! The scheduler's double: one-time schedules of a group, each in its own time zone, fired at least
//! once. MiniStack's own takes every time for UTC.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use catalogue::Function;
use http::{Method, StatusCode};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use ports::Clock;
use serde_json::{Value, json};
use system::SystemClock;
use tokio::sync::Notify;

use crate::{
    fleet::Fleet,
    serve::{Answer, refusal, spawn, text},
};

/// Without a schedule it looks again after so long.
const LOOK: Duration = Duration::from_mins(1);

#[derive(Clone, Debug)]
struct Planned {
    at: Timestamp,
    input: Value,
}

/// The schedules of one cloud.
#[derive(Default)]
pub(crate) struct Scheduler {
    planned: Mutex<BTreeMap<String, Planned>>,
    fired: Mutex<Vec<String>>,
    changed: Notify,
}

impl Scheduler {
    /// Answers a request of the REST API: `/schedules/NAME`.
    pub(crate) fn answer(&self, method: &Method, path: &str, body: &Value) -> Answer {
        let name = path.trim_start_matches("/schedules/").to_owned();
        let mut planned = self.planned();
        let there = planned.contains_key(&name);
        let missing = || refusal(StatusCode::NOT_FOUND, "ResourceNotFoundException", &name);
        match *method {
            Method::POST if there => refusal(StatusCode::CONFLICT, "ConflictException", &name),
            Method::PUT | Method::DELETE if !there => missing(),
            Method::POST | Method::PUT => match Planned::of(body) {
                Ok(one) => {
                    planned.insert(name, one);
                    self.changed.notify_waiters();
                    text(StatusCode::OK, json!({ "ScheduleArn": "local" }).to_string())
                }
                Err(why) => refusal(StatusCode::BAD_REQUEST, "ValidationException", &why),
            },
            Method::DELETE => {
                planned.remove(&name);
                text(StatusCode::OK, "{}")
            }
            _ => refusal(StatusCode::BAD_REQUEST, "ValidationException", "the method"),
        }
    }

    /// What is planned: names and times.
    pub(crate) fn all(&self) -> BTreeMap<String, Timestamp> {
        self.planned().iter().map(|(name, one)| (name.clone(), one.at)).collect()
    }

    /// The names of the schedules that have fired, in order.
    pub(crate) fn fired(&self) -> Vec<String> {
        self.fired.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fires what is due from now on. A service that delivers at least once delivers twice now and
    /// then; this one always does.
    pub(crate) fn begin(self: &Arc<Self>, fleet: &Arc<Fleet>) {
        let (here, fleet) = (Arc::clone(self), Arc::clone(fleet));
        spawn(async move {
            loop {
                let changed = here.changed.notified();
                let now = SystemClock.now();
                let next = here.all().into_iter().min_by_key(|(_, at)| *at);
                let pause = next.as_ref().map_or(LOOK, |(_, at)| {
                    Duration::try_from(at.duration_since(now)).unwrap_or_default()
                });
                if !pause.is_zero() {
                    tokio::select! {
                        () = SystemClock.sleep(pause) => {}
                        () = changed => {}
                    }
                    continue;
                }
                // Gone before it is delivered: the start itself plans the next one by this name.
                let due = next.and_then(|(name, _)| Some((here.planned().remove(&name)?, name)));
                let Some((one, name)) = due else { continue };
                for _ in 0..2 {
                    // A start that fails is made by the tick.
                    drop(fleet.invoke(Function::StartWave, &one.input).await);
                }
                here.fired.lock().unwrap_or_else(PoisonError::into_inner).push(name);
            }
        });
    }

    fn planned(&self) -> MutexGuard<'_, BTreeMap<String, Planned>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Planned {
    /// A schedule as it is put; the words of the service for one that it would not take.
    fn of(body: &Value) -> Result<Self, String> {
        let expression = text_of(body, "ScheduleExpression");
        let local = expression.strip_prefix("at(").and_then(|rest| rest.strip_suffix(')'));
        let local: DateTime = local
            .and_then(|local| local.parse().ok())
            .ok_or_else(|| format!("Invalid Schedule Expression {expression}."))?;
        let zone = text_of(body, "ScheduleExpressionTimezone");
        let zone = TimeZone::get(zone).map_err(|error| error.to_string())?;
        let at = zone.to_timestamp(local).map_err(|error| error.to_string())?;
        if body.get("FlexibleTimeWindow").is_none() {
            return Err("FlexibleTimeWindow is missing".to_owned());
        }
        let target = body.get("Target").ok_or("Target is missing")?;
        for name in ["Arn", "RoleArn"] {
            if text_of(target, name).is_empty() {
                return Err(format!("Target.{name} is missing"));
            }
        }
        let input = serde_json::from_str(text_of(target, "Input"));
        Ok(Self { at, input: input.map_err(|error| error.to_string())? })
    }
}

/// A member's text; nothing where there is none.
fn text_of<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
