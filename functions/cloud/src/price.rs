//! What it costs: the published prices, and what follows from them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Asked, CloudError, Figures};

/// The published prices, `infra/prices.toml`, as far as they depend on the work.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Prices {
    /// The day on which they were looked up.
    pub(crate) as_of: String,
    sqs: Requests,
    dynamodb: Units,
    lambda: Invocations,
    step_functions: Transitions,
}

#[derive(Clone, Debug, Deserialize)]
struct Requests {
    requests_million: f64,
}

#[derive(Clone, Debug, Deserialize)]
struct Units {
    write_million: f64,
    read_million: f64,
}

#[derive(Clone, Debug, Deserialize)]
struct Invocations {
    requests_million: f64,
    gigabyte_second: f64,
}

#[derive(Clone, Debug, Deserialize)]
struct Transitions {
    transitions_thousand: f64,
}

/// What one user needs in one phase, and what that costs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OfOneUser {
    /// The phase.
    pub(crate) title: String,
    /// Write units.
    pub(crate) writes: f64,
    /// Those of the copier's own state, a part of `writes`.
    pub(crate) copy_writes: f64,
    /// Those of the tenants' shared request budgets, a part of `writes`.
    pub(crate) budget_writes: f64,
    /// Read units.
    pub(crate) reads: f64,
    /// Requests to SQS, those of the mappings' pollers included.
    pub(crate) sqs: f64,
    /// Invocations.
    pub(crate) invocations: f64,
    /// Time of invocations times their memory, in GB and seconds. Waiting for the tenants is most of it, and
    /// they answer at once here.
    pub(crate) gigabyte_seconds: f64,
    /// Batons that were delivered: on Step Functions each is a state that is entered.
    pub(crate) deliveries: f64,
    /// USD for a thousand users.
    pub(crate) usd: f64,
    /// USD for a thousand users of what moves them from step to step: the job's record, read at each delivery
    /// and written, and its messages.
    pub(crate) moving_usd: f64,
    /// USD for a thousand users on Step Functions Standard: its transitions alone.
    pub(crate) step_functions_usd: f64,
}

const MILLION: f64 = 1e6;
const USERS: f64 = 1e3;

impl Prices {
    pub(crate) fn published() -> Result<Self, CloudError> {
        toml::from_str(include_str!("../../../infra/prices.toml"))
            .map_err(|error| CloudError::Deployment(format!("infra/prices.toml: {error}")))
    }

    /// The users' share of what was asked, phase by phase.
    pub(crate) fn of_one_user(&self, figures: &Figures) -> Vec<OfOneUser> {
        figures.phases.iter().map(|phase| self.of_phase(phase)).collect()
    }

    fn of_phase(&self, phase: &crate::Phase) -> OfOneUser {
        let people = u32::try_from(phase.people.max(1)).map_or(f64::MAX, f64::from);
        let sum = |of: fn(&Asked) -> f64| phase.asked.values().map(of).sum::<f64>() / people;
        let written = |kind: &str| {
            phase.written.get(kind).map_or(0.0, |written| count(written.units)) / people
        };
        let of_queues: f64 = phase
            .asked
            .iter()
            .filter(|(name, _)| name.contains("Message"))
            .map(|(_, asked)| count(asked.billed))
            .sum();
        let deliveries = phase.asked.get("ReceiveMessage").map_or(0, |asked| asked.messages);
        let (writes, reads) = (sum(|asked| asked.write), sum(|asked| asked.read));
        let (copy_writes, budget_writes) = (written("copy state"), written("budgets and fences"));
        let sqs = of_queues / people;
        let invocations = count(phase.invocations) / people;
        let deliveries = count(deliveries) / people;
        let price = |writes: f64, reads: f64| {
            USERS / MILLION
                * (writes * self.dynamodb.write_million
                    + reads * self.dynamodb.read_million
                    + sqs * self.sqs.requests_million)
        };
        let gigabyte_seconds = phase.gigabyte_seconds / people;
        let of_lambda = USERS
            * (invocations * self.lambda.requests_million / MILLION
                + gigabyte_seconds * self.lambda.gigabyte_second);
        OfOneUser {
            title: phase.title.clone(),
            usd: price(writes, reads) + of_lambda,
            moving_usd: price(written("job"), deliveries),
            step_functions_usd: deliveries * self.step_functions.transitions_thousand,
            writes,
            copy_writes,
            budget_writes,
            reads,
            sqs,
            invocations,
            gigabyte_seconds,
            deliveries,
        }
    }

    /// USD a month of a function that runs by the clock: `asked` for one invocation of so many
    /// milliseconds and MB.
    pub(crate) fn by_the_clock(
        &self,
        times: f64,
        asked: &BTreeMap<String, Asked>,
        (milliseconds, megabytes): (f64, f64),
    ) -> f64 {
        let of_queues = asked.iter().filter(|(name, _)| name.contains("Message"));
        let sqs: f64 = of_queues.map(|(_, asked)| count(asked.billed)).sum();
        let reads: f64 = asked.values().map(|asked| asked.read).sum();
        let writes: f64 = asked.values().map(|asked| asked.write).sum();
        let requests = sqs * self.sqs.requests_million
            + reads * self.dynamodb.read_million
            + writes * self.dynamodb.write_million
            + self.lambda.requests_million;
        let time = milliseconds / 1e3 * megabytes / 1024.0 * self.lambda.gigabyte_second;
        times * (requests / MILLION + time)
    }
}

/// A count as a number to reckon with: exact up to 2^32, far more than one rehearsal has.
fn count(number: u64) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}
