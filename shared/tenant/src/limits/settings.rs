//! The numbers.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    budget::Budget,
    scope::{Draw, Lane, Scope},
};

/// So many units in so long a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub units: u32,
    /// In how long.
    pub period: Duration,
}

impl Rate {
    /// A rate.
    pub const fn new(units: u32, period: Duration) -> Self {
        Self { units, period }
    }
}

/// The numbers. The defaults are the vendor's published ones for the smallest tenants
/// ("Microsoft Graph throttling limits", "Avoid getting throttled or blocked in SharePoint
/// Online"); where none is published, a careful guess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitSettings {
    /// How long a call may wait inside before it is refused with `Throttled`.
    pub wait_max: Duration,
    /// Directory reads, in resource units per tenant.
    pub directory_units: Rate,
    /// Directory writes per tenant.
    pub directory_writes: Rate,
    /// Invitations per tenant.
    pub invitations: Rate,
    /// Teams requests per tenant.
    pub teams: Rate,
    /// Requests to one mailbox.
    pub mailbox_requests: Rate,
    /// Kilobytes uploaded to one mailbox.
    pub mailbox_upload_kilobytes: Rate,
    /// Requests to one mailbox at the same time.
    pub mailbox_concurrency: usize,
    /// SharePoint and OneDrive resource units per tenant, for the smallest tenants. Larger ones have a
    /// multiple of it, by their licences.
    pub drive_units: Rate,
    /// The same over a day.
    pub drive_units_a_day: Rate,
    /// Requests to the drives of a tenant at the same time. Not published.
    pub drive_concurrency: usize,
    /// Exchange cmdlets at the same time per tenant. Not published.
    pub exchange_concurrency: usize,
    /// Bytes of content in memory at the same time, over everybody who copies in this process.
    pub content_bytes: u64,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            wait_max: Duration::from_secs(2),
            directory_units: Rate::new(3_500, Duration::from_secs(10)),
            directory_writes: Rate::new(3_000, Duration::from_secs(150)),
            invitations: Rate::new(150, Duration::from_secs(5)),
            teams: Rate::new(30, Duration::from_secs(1)),
            mailbox_requests: Rate::new(10_000, Duration::from_mins(10)),
            mailbox_upload_kilobytes: Rate::new(150_000, Duration::from_mins(5)),
            mailbox_concurrency: 4,
            drive_units: Rate::new(1_200, Duration::from_mins(1)),
            drive_units_a_day: Rate::new(1_200_000, Duration::from_hours(24)),
            drive_concurrency: 64,
            exchange_concurrency: 8,
            content_bytes: 128 * 1024 * 1024,
        }
    }
}

impl LimitSettings {
    /// The same budgets in shorter time: 60 makes a minute a second. For simulators that scale
    /// their windows likewise.
    #[must_use]
    pub fn faster(mut self, times: u32) -> Self {
        let times = times.max(1);
        for rate in [
            &mut self.directory_units,
            &mut self.directory_writes,
            &mut self.invitations,
            &mut self.teams,
            &mut self.mailbox_requests,
            &mut self.mailbox_upload_kilobytes,
            &mut self.drive_units,
            &mut self.drive_units_a_day,
        ] {
            rate.period /= times;
        }
        self
    }

    /// How many requests of a lane may be in flight, where that is bounded.
    pub(super) fn concurrency(&self, lane: &Lane) -> Option<usize> {
        match lane {
            Lane::Mailbox { .. } => Some(self.mailbox_concurrency),
            Lane::Exchange => Some(self.exchange_concurrency),
            Lane::Drive { .. } => Some(self.drive_concurrency),
            Lane::Login | Lane::Directory { .. } | Lane::Invitations | Lane::Teams => None,
        }
    }

    /// Lets a budget infer from silence that it is larger: only SharePoint tells before it refuses, and its
    /// tiers are so far apart.
    pub(super) fn listen(&self, budget: &mut Budget, scope: &Scope, rate: Rate, now: Timestamp) {
        if *scope == Scope::Drive {
            let step = self.drive_units.units;
            budget.listen(rate, step, step.saturating_mul(HIGHEST_TIER), now);
        }
    }

    /// What a request draws on, uploads excepted. The first is the budget of its lane. The units of
    /// SharePoint that are `known` from its replies count more than what the licences suggest.
    pub(super) fn draws(
        &self,
        lane: &Lane,
        write: bool,
        weight: u32,
        licences: Option<u32>,
        known: Option<u32>,
    ) -> Vec<Draw> {
        let draw = |scope, rate, units| Draw { scope, rate, units };
        match lane {
            // No published numbers: fences only.
            Lane::Login => vec![draw(Scope::Login, FENCE, 0)],
            Lane::Exchange => vec![draw(Scope::Exchange, FENCE, 0)],
            Lane::Directory { units } => {
                let mut draws = vec![draw(Scope::Directory, self.directory_units, (*units).max(1))];
                if write {
                    draws.push(draw(Scope::DirectoryWrites, self.directory_writes, weight));
                }
                draws
            }
            Lane::Invitations => vec![draw(Scope::Invitations, self.invitations, weight)],
            Lane::Teams => vec![draw(Scope::Teams, self.teams, weight)],
            Lane::Drive { units } => {
                let units = (*units).max(1);
                let tier = licences.map_or(1, sharepoint_tier);
                let minute = self.drive_units.units;
                let here = known.unwrap_or_else(|| minute.saturating_mul(tier)).max(1);
                // A day has the same multiple of the smallest tenant's units.
                let day = u64::from(self.drive_units_a_day.units) * u64::from(here);
                let day = u32::try_from(day / u64::from(minute.max(1))).unwrap_or(u32::MAX);
                let of = |rate: Rate, units: u32| Rate { units, ..rate };
                vec![
                    draw(Scope::Drive, of(self.drive_units, here), units),
                    draw(Scope::DriveDay, of(self.drive_units_a_day, day.max(1)), units),
                ]
            }
            Lane::Mailbox { mailbox } => {
                vec![draw(Scope::Mailbox(mailbox.clone()), self.mailbox_requests, weight)]
            }
        }
    }
}

/// A rate of which nothing is drawn.
const FENCE: Rate = Rate::new(u32::MAX, Duration::from_mins(1));

/// The largest tenants have so many times the smallest one's budget.
const HIGHEST_TIER: u32 = 5;

/// How many times the smallest tenant's budget SharePoint gives a tenant with so many licences, by the
/// day and by the minute alike ("Avoid getting throttled or blocked in SharePoint Online").
pub fn sharepoint_tier(licences: u32) -> u32 {
    match licences {
        0..=1_000 => 1,
        1_001..=5_000 => 2,
        5_001..=15_000 => 3,
        15_001..=50_000 => 4,
        _ => HIGHEST_TIER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sharepoints_budget_grows_with_the_licences_of_the_tenant() {
        let settings = LimitSettings::default();
        let units = |licences| {
            let settings = settings.clone();
            move |known| {
                let draws = settings.draws(&Lane::Drive { units: 2 }, false, 1, licences, known);
                draws.iter().map(|draw| draw.rate.units).collect::<Vec<_>>()
            }
        };
        assert_eq!(units(None)(None), [1_200, 1_200_000]);
        assert_eq!(units(Some(1_001))(None), [2_400, 2_400_000]);
        assert_eq!(units(Some(60_000))(None), [6_000, 6_000_000]);
        assert_eq!(units(Some(60_000))(Some(2_400)), [2_400, 2_400_000], "what it says itself");
    }
}
