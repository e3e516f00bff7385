//! The hourly roll-up of usage: what was counted and is in no hour yet goes into the hour that has
//! just ended. A closed hour never changes: late records go into a later one.

use std::collections::{BTreeMap, BTreeSet};

use catalogue::Meter;
use engine::{
    EngineError, Host,
    records::{Batch, load},
};
use futures_util::FutureExt;
use jiff::Timestamp;
use model::{CustomerId, Stored, UsageRecord};
use ports::CommitError;
use serde::{Deserialize, Serialize};

use crate::{Deployment, FunctionError, turns};

/// The records of one commit, each marked as counted beside the hour itself.
const PER_COMMIT: usize = 49;

/// What a customer used in one hour, of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hour {
    /// Whose.
    pub customer: CustomerId,
    /// Of what.
    pub meter: Meter,
    /// The hour's beginning.
    pub hour: Timestamp,
    /// How many users.
    pub quantity: u64,
}

impl Stored for Hour {
    const KIND: &'static str = "hour of usage";
}

/// A usage record that stands in an hour.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Counted {
    hour: Timestamp,
}

impl Stored for Counted {
    const KIND: &'static str = "counted usage";
}

/// What was rolled up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct RolledUp {
    pub(crate) users: usize,
    /// Customers of whom something failed, or took too long.
    #[serde(rename = "Neglected")]
    pub(crate) failed: usize,
}

/// Closes the present hour.
pub(crate) async fn roll_up(deployment: &Deployment) -> Result<RolledUp, FunctionError> {
    let scopes = deployment.projects.all().await?;
    let customers: BTreeSet<CustomerId> = scopes.into_iter().map(|scope| scope.customer).collect();
    let (host, mut all) = (&deployment.host, RolledUp::default());
    for customer in turns::in_turn(customers.into_iter().collect(), host) {
        match turns::apart(host, &customer, of_customer(host, &customer).boxed()).await {
            Some(users) => all.users += users,
            None => all.failed += 1,
        }
    }
    Ok(all)
}

async fn of_customer(host: &Host, customer: &CustomerId) -> Result<usize, FunctionError> {
    let usage = format!("C#{customer}#USAGE");
    let marks = format!("C#{customer}#COUNTED");
    let marked = host.store.query_all(&marks, "").await?;
    let marked: BTreeSet<String> = marked.into_iter().map(|record| record.key.sort).collect();
    let mut open: BTreeMap<String, Vec<(String, UsageRecord)>> = BTreeMap::new();
    for record in host.store.query_all(&usage, "").await? {
        if !marked.contains(&record.key.sort) {
            let used = UsageRecord::from_bytes(&record.value).map_err(EngineError::from)?;
            open.entry(format!("{:?}", used.meter)).or_default().push((record.key.sort, used));
        }
    }
    let hour = hour_of(host.clock.now());
    let mut users = 0;
    for (meter, records) in open {
        for part in records.chunks(PER_COMMIT) {
            users += close(host, customer, (&meter, hour), &marks, part).await?;
        }
    }
    Ok(users)
}

/// Adds records to an hour: the marks are new or nothing happens, so nobody is counted twice.
async fn close(
    host: &Host,
    customer: &CustomerId,
    (meter, hour): (&str, Timestamp),
    marks: &str,
    part: &[(String, UsageRecord)],
) -> Result<usize, FunctionError> {
    let Some((_, first)) = part.first() else { return Ok(0) };
    let place = (format!("C#{customer}#HOURS"), format!("{hour}#{meter}"));
    let there = load::<Hour>(&*host.store, place.clone()).await?;
    let version = there.as_ref().map_or(0, |there| there.version);
    let before = there.map_or(0, |there| there.value.quantity);
    let more = u64::try_from(part.len()).unwrap_or(u64::MAX);
    let quantity = before.saturating_add(more);
    let total = Hour { customer: customer.clone(), meter: first.meter, hour, quantity };
    let mut batch = Batch::new();
    batch.put(place, &total, version)?;
    for (sort, _) in part {
        batch.put((marks.to_owned(), sort.clone()), &Counted { hour }, 0)?;
    }
    match batch.commit(&*host.store).await {
        Ok(()) => Ok(part.len()),
        // Another roll-up was first.
        Err(CommitError::Conflict { .. }) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

fn hour_of(now: Timestamp) -> Timestamp {
    let second = now.as_second();
    Timestamp::from_second(second - second.rem_euclid(3_600)).unwrap_or(now)
}
