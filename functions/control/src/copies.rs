//! How far the copies in flight are, per person and per wave, and when they will end.

use std::collections::BTreeMap;

use content::{Budgets, Forecast, last_round};
use engine::Host;
use model::{JobId, Keys, TenantFacts, User, UserId, WaveId};
use serde::Serialize;

use crate::{ControlError, Scope};

/// The copy of one person in flight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PersonCopy {
    /// The user.
    pub user: UserId,
    /// The sign-in name in the source.
    pub source: String,
    /// The wave.
    pub wave: Option<WaveId>,
    /// What is being copied.
    pub doing: String,
    /// How far it is.
    #[serde(flatten)]
    pub forecast: Forecast,
}

/// All copies in flight.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Copies {
    /// Person by person.
    pub people: Vec<PersonCopy>,
    /// Wave by wave; under the empty name those without a wave.
    pub waves: BTreeMap<String, Forecast>,
    /// All of them together.
    pub all: Forecast,
}

/// Looks at the copies of users whose job is in flight: of a sync, and of the deltas beside a cutover.
/// A user whose job has not begun to copy is not in it.
pub async fn copies<'u>(
    host: &Host,
    scope: &Scope,
    users: impl IntoIterator<Item = &'u User>,
) -> Result<Copies, ControlError> {
    let (now, budgets) = (host.clock.now(), budgets(host, scope).await?);
    let mut copies = Copies::default();
    for user in users {
        let Some(job) = &user.job else { continue };
        let partition = Keys::copy_partition(&scope.user(&user.id));
        let round = last_round(&*host.store, &partition).await?;
        let Some(round) = round.filter(|round| is_of(&round.id, job)) else { continue };
        let facts = &user.source.mailbox;
        let expected = (facts.items.unwrap_or_default(), facts.bytes.unwrap_or_default());
        let forecast = round.forecast(now, expected, &budgets);
        copies.all.add(&forecast);
        let wave = user.wave.as_ref().map(ToString::to_string).unwrap_or_default();
        copies.waves.entry(wave).or_default().add(&forecast);
        copies.people.push(PersonCopy {
            user: user.id.clone(),
            source: user.source.user_principal_name.clone(),
            wave: user.wave.clone(),
            doing: if round.finished { "done".to_owned() } else { round.progress.doing },
            forecast,
        });
    }
    for together in copies.waves.values_mut().chain([&mut copies.all]) {
        together.end_together(now, &budgets);
    }
    Ok(copies)
}

/// The budgets of the project's tenants: the smaller one's where they differ, since each file is read in one
/// and written in the other.
async fn budgets(host: &Host, scope: &Scope) -> Result<Budgets, ControlError> {
    let project = scope.load_project(host).await?;
    let tier = |tenant: &TenantFacts| tenant::sharepoint_tier(tenant.licences.unwrap_or_default());
    Ok(Budgets::published(tier(&project.source).min(tier(&project.target))))
}

/// Whether a round is of this job: rounds are named after the job or one of its branches.
fn is_of(round: &str, job: &JobId) -> bool {
    let rest = round.strip_prefix(job.as_str());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{store_project, tests::Desk};

    /// ERR-4: what SharePoint takes in a minute follows from the licences that the project states, by the
    /// published tiers: of the two tenants' the fewer, and the smallest tier where nothing is stated.
    #[tokio::test]
    async fn the_budget_of_an_estimate_follows_from_the_projects_licences() {
        // 1,200 resource units a minute and tier, six a file.
        let cases = [
            (None, None, 200),
            (Some(1_000), Some(1_000), 200),
            (Some(1_001), Some(5_000), 400),
            (Some(15_000), Some(5_001), 600),
            (Some(50_000), Some(50_000), 800),
            (Some(50_001), Some(90_000), 1_000),
            (Some(90_000), Some(1_001), 400),
            (Some(1_001), Some(90_000), 400),
            (Some(90_000), None, 200),
        ];
        for (source, target, files) in cases {
            let mut desk = Desk::new().await;
            (desk.project.source.licences, desk.project.target.licences) = (source, target);
            store_project(&desk.host, &desk.project).await.unwrap();
            let files_of = budgets(&desk.host, &desk.scope()).await.unwrap().files;
            let told = (files_of.amount, files_of.period);
            assert_eq!(told, (files, Duration::from_mins(1)), "{source:?}, {target:?}");
        }
    }
}
