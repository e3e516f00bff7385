//! The whole simulated world and what happens in it by itself as time passes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    config::{Config, Lag},
    directory::{Side, Stamp, Tenant, View},
    faults::FaultState,
    log::RequestLog,
    mail::MailState,
    random::Rng,
    throttle::Budgets,
};

/// Something that the service does later by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A licence with Exchange takes effect.
    ProvisionMailbox { tenant: Uuid, user: Uuid },
    /// A personal site comes into being.
    ProvisionDrive { tenant: Uuid, user: Uuid },
}

/// Everything.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) random: Rng,
    /// Goes into the signature of tokens.
    pub(crate) token_key: String,
    pub(crate) tenants: BTreeMap<Uuid, Tenant>,
    pub(crate) mail: MailState,
    pub(crate) faults: FaultState,
    pub(crate) budgets: Budgets,
    pub(crate) log: RequestLog,
    agenda: BTreeMap<(Timestamp, u64), Event>,
    agenda_count: u64,
}

impl World {
    pub(crate) fn new(config: Config, seed: u64) -> Self {
        let mut random = Rng::new(seed);
        let token_key = random.hex(16);
        Self {
            config,
            random,
            token_key,
            tenants: BTreeMap::new(),
            mail: MailState::default(),
            faults: FaultState::default(),
            budgets: Budgets::default(),
            log: RequestLog::default(),
            agenda: BTreeMap::new(),
            agenda_count: 0,
        }
    }

    /// Notes a write on a server, with the lags that it will have.
    pub(crate) fn stamp(&mut self, view: View, now: Timestamp) -> Stamp {
        let lags = self.config.lags.clone();
        let mut after = |lag: Lag| later(now, self.random.lag(lag));
        Stamp {
            view,
            now,
            same_side: after(lags.directory),
            other_side: after(lags.forward_sync),
            released: after(lags.address_release),
        }
    }

    /// Puts something on the agenda.
    pub(crate) fn schedule(&mut self, now: Timestamp, lag: Lag, event: Event) {
        let due = later(now, self.random.lag(lag));
        self.agenda_count = self.agenda_count.saturating_add(1);
        self.agenda.insert((due, self.agenda_count), event);
    }

    /// Does what is due.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        while let Some(entry) = self.agenda.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let due = entry.key().0;
            match entry.remove() {
                Event::ProvisionMailbox { tenant, user } => {
                    crate::licensing::provision_mailbox(self, tenant, user, due);
                }
                Event::ProvisionDrive { tenant, user } => {
                    crate::drive::provision(self, tenant, user, due);
                }
            }
        }
    }

    /// The server that answers a request: the anchor's, likely, or any.
    pub(crate) fn choose_server(&mut self, side: Side, anchor: Option<&str>) -> View {
        let servers = u64::from(self.config.rules.directory_servers.max(1));
        let draw = self.random.below(servers);
        let anchored = self.random.chance(self.config.rules.anchor_hits);
        let server = match anchor {
            Some(anchor) if anchored => {
                let sum = anchor
                    .to_lowercase()
                    .bytes()
                    .fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
                sum.checked_rem(servers).unwrap_or(0)
            }
            _ => draw,
        };
        View { side, server: u8::try_from(server).unwrap_or(0) }
    }
}

/// A moment later, at the end of time at the latest.
pub(crate) fn later(now: Timestamp, after: std::time::Duration) -> Timestamp {
    let span = jiff::SignedDuration::try_from(after).unwrap_or(jiff::SignedDuration::MAX);
    now.checked_add(span).unwrap_or(Timestamp::MAX)
}
