//! Where the work stands, and whether it is over: for the process that does it and for those that
//! watch.

use std::collections::BTreeSet;

use content::Forecast;
use control::waves;
use engine::notify::NOTIFICATION_QUEUE;
use jiff::SignedDuration;
use model::{UserId, UserState};

use crate::{
    failure::Failure,
    host::{REPORT, interrupted},
    session::Session,
};

/// When the work ends by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// When these users have no job that can go on by itself.
    Settled(BTreeSet<UserId>),
    /// When nothing is in flight and no schedule lies ahead.
    Idle,
    /// Never.
    Stopped,
}

/// How the work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// As asked.
    Done,
    /// By Ctrl-C; the rest is in the database.
    Interrupted,
}

/// Where the work stands, for whoever watches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Users who are watched.
    pub(crate) people: usize,
    /// Those without a job in flight.
    pub(crate) settled: usize,
    /// Those who are parked.
    pub(crate) parked: usize,
    /// Those at a gate.
    pub(crate) at_gate: usize,
    /// The other users' jobs.
    pub(crate) others_in_flight: usize,
    /// Messages that have been handled since the loop began: steps, and their waits and retries.
    pub(crate) handled: u64,
    /// How far the copies of those are who are watched.
    pub(crate) copies: Forecast,
}

impl Standing {
    /// Where the work of a session's project stands; `handled` is the host loop's to know.
    pub(crate) async fn of(session: &Session, until: &Until) -> Result<Self, Failure> {
        let (host, scope) = (&session.host, session.scope());
        let mut standing = Self::default();
        let mut in_flight = Vec::new();
        for user in scope.users(host).await? {
            let user = user.value;
            let watched = match until {
                Until::Settled(users) => users.contains(&user.id),
                Until::Idle | Until::Stopped => true,
            };
            if !watched {
                standing.others_in_flight += usize::from(user.job.is_some());
                continue;
            }
            standing.people += 1;
            standing.settled += usize::from(user.job.is_none());
            standing.parked += usize::from(user.state.is_error());
            standing.at_gate += usize::from(user.state == UserState::WaitingForUser);
            if user.job.is_some() {
                in_flight.push(user);
            }
        }
        standing.copies = control::copies(host, &scope, &in_flight).await?.all;
        Ok(standing)
    }

    /// Whether the work is over, when nothing is in hand.
    pub(crate) async fn is_over(&self, session: &Session, until: &Until) -> Result<bool, Failure> {
        let resting = self.settled + self.at_gate == self.people;
        let notifications = session.place.next_due(NOTIFICATION_QUEUE).await?;
        let now = session.host.clock.now();
        let told = notifications.is_none_or(|due| due > now + SignedDuration::from_secs(5));
        match until {
            Until::Settled(_) => Ok(resting && told),
            Until::Idle => {
                let planned = waves::list(&session.host, &session.scope()).await?;
                Ok(resting && told && planned.iter().all(|wave| wave.next.is_empty()))
            }
            Until::Stopped => Ok(false),
        }
    }
}

/// Watches the process that works, until the work is over. `None` when that process ended first:
/// then somebody else must do the rest.
pub(crate) async fn watch(
    session: &Session,
    until: &Until,
    mut show: impl FnMut(&Standing),
) -> Result<Option<Ended>, Failure> {
    let look = async || {
        let standing = Standing::of(session, until).await?;
        let over = standing.is_over(session, until).await?;
        Ok::<_, Failure>((standing, over))
    };
    let mut interrupt = Box::pin(interrupted());
    loop {
        match look().await {
            Ok((standing, over)) => {
                show(&standing);
                if over {
                    return Ok(Some(Ended::Done));
                }
            }
            Err(_lost) if session.place.is_abandoned() => return Ok(None),
            Err(failure) => return Err(failure),
        }
        tokio::select! {
            () = session.host.clock.sleep(REPORT) => {}
            () = &mut interrupt => return Ok(Some(Ended::Interrupted)),
        }
    }
}
