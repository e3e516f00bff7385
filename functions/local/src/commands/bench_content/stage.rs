//! Two simulated tenants with people who exist in both, served in plain and as a proxy.

use std::{cell::Cell, collections::BTreeMap, fs, path::PathBuf, sync::Arc, time::Duration};

use embedded::{OsRandom, SystemClock};
use ports::Random;
use rehearsal::serve;
use simulator::{
    Authority, Config, Credentials, Front, Lag, Part, Population, Profile, Rehearsal, Simulator,
};
use url::Url;

use super::copier::{Account, Copied, Task, spawn};
use crate::failure::Failure;

/// People of the source; one in eight has a mailbox in the target too, and each measurement takes one.
const PEOPLE: usize = 200;

/// A person in both tenants.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// The sign-in name in the source.
    pub(super) from: String,
    /// The one in the target.
    pub(super) to: String,
    source_id: String,
    target_id: String,
}

/// Which part of a person's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The primary mailbox.
    Mailbox,
    /// The OneDrive.
    Drive,
}

/// How the copier reaches the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Plain HTTP, on the simulator's own addresses.
    Plain,
    /// TLS through the proxy, under Microsoft's addresses: as other clients do.
    Proxy,
}

/// What both tenants were asked while something ran. Signing in is left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// Requests.
    pub(super) requests: u64,
    /// SharePoint resource units.
    pub(super) units: u64,
    /// Requests by their kind.
    pub(super) kinds: BTreeMap<String, u64>,
}

/// The tenants, and a folder that is gone when this is dropped.
pub(super) struct Stage {
    rehearsal: Rehearsal,
    authority: Authority,
    plain: Url,
    proxy: Url,
    folder: PathBuf,
    people: Vec<Person>,
    next: Cell<usize>,
}

impl Stage {
    /// Makes the tenants and serves them.
    pub(super) fn open() -> Result<Self, Failure> {
        let population = Population {
            archives: 0,
            holds: 0,
            guests: 0,
            shared_mailboxes: 0,
            existing_in_target: 1,
            content: false,
            ..Population::of(PEOPLE, Profile::Calm)
        };
        let config = Config::of(Profile::Calm);
        let rehearsal = Simulator::rehearsal_with(&population, 1, Arc::new(SystemClock), config);
        let authority = Authority::new().map_err(Failure::internal)?;
        let parse = |base: String| base.parse().map_err(Failure::internal);
        let plain = parse(serve(rehearsal.simulator.clone(), 0, Front::Plain)?)?;
        let front = Front::Proxy(authority.clone());
        let proxy = parse(serve(rehearsal.simulator.clone(), 0, front)?)?;
        let name = format!("crosswave-bench-{:016x}", OsRandom.next_u64());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder)?;
        let people = people(&rehearsal);
        Ok(Self { rehearsal, authority, plain, proxy, folder, people, next: Cell::new(0) })
    }

    /// The simulator.
    pub(super) fn simulator(&self) -> &Simulator {
        &self.rehearsal.simulator
    }

    /// The source and the target.
    pub(super) fn tenants(&self) -> [&Credentials; 2] {
        [&self.rehearsal.source, &self.rehearsal.target]
    }

    /// The proxy's address.
    pub(super) fn proxy(&self) -> &Url {
        &self.proxy
    }

    /// What a client of the proxy must trust, PEM.
    pub(super) fn trusted(&self) -> &str {
        self.authority.pem()
    }

    /// A folder for files of the run.
    pub(super) fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// Somebody of whom nothing has been copied yet, with empty mailboxes and drives.
    pub(super) fn somebody(&self) -> Result<&Person, Failure> {
        let at = self.next.replace(self.next.get() + 1);
        let person = self.people.get(at).ok_or_else(|| Failure::internal("nobody is left"))?;
        let [source, target] = self.tenants().map(|tenant| tenant.tenant_id);
        for (tenant, upn) in [(source, &person.from), (target, &person.to)] {
            self.simulator().provision_drive(tenant, upn).map_err(Failure::internal)?;
        }
        Ok(person)
    }

    /// Delays every reply so long.
    pub(super) fn set_latency(&self, latency: Duration) {
        let latency = Lag { least: latency, most: latency };
        self.simulator().configure(|config| config.faults.latency = latency);
    }

    /// Copies a part of a person's content, in a process of its own.
    pub(super) fn copy(
        &self,
        person: &Person,
        what: What,
        round: Round<'_>,
        way: Way,
    ) -> Result<(Copied, Asked), Failure> {
        let account = |of: &Credentials, user: &str| Account {
            tenant: of.tenant_id.to_string(),
            client: of.client_id.to_string(),
            secret: of.client_secret.clone(),
            user: user.to_owned(),
        };
        let [source, target] = self.tenants();
        let through = way == Way::Proxy;
        let task = Task {
            base: (!through).then(|| self.plain.clone()),
            proxy: through.then(|| self.proxy.clone()),
            trusted: through.then(|| self.trusted().to_owned()),
            source: account(source, &person.source_id),
            target: account(target, &person.target_id),
            mailbox: what == What::Mailbox,
            drive: what == What::Drive,
            state: self.folder.join(format!("{}.crosswave", person.source_id)),
            delta: round.delta,
            round: round.name.to_owned(),
        };
        self.watch(|| spawn(&task))
    }

    /// What is asked of the tenants while something runs.
    pub(super) fn watch<T>(
        &self,
        work: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<(T, Asked), Failure> {
        let before = self.simulator().counts();
        let done = work()?;
        let after = self.simulator().counts();
        let mut asked = Asked { units: after.drive_units - before.drive_units, ..Asked::default() };
        for (kind, count) in after.by_kind {
            let count = count - before.by_kind.get(&kind).copied().unwrap_or_default();
            if count > 0 && !kind.contains("/oauth2/") {
                asked.requests += count;
                asked.kinds.insert(kind, count);
            }
        }
        Ok((done, asked))
    }

    /// How a copy differs from its source, a line each.
    pub(super) fn differences(&self, person: &Person, what: What) -> Result<Vec<String>, Failure> {
        let [source, target] = self.tenants().map(|tenant| tenant.tenant_id);
        let simulator = self.simulator();
        let lines = match what {
            What::Mailbox => {
                simulator.mailbox_view(source, &person.from, Part::Primary).and_then(|from| {
                    let to = simulator.mailbox_view(target, &person.to, Part::Primary)?;
                    Ok(from.differences(&to, true))
                })
            }
            What::Drive => simulator
                .drive_view(source, &person.from)
                .and_then(|from| Ok(from.differences(&simulator.drive_view(target, &person.to)?))),
        };
        lines.map_err(Failure::internal)
    }
}

/// One round of a copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round<'a> {
    /// Its name; another name is another round.
    pub(super) name: &'a str,
    /// Only what changed.
    pub(super) delta: bool,
}

impl Round<'_> {
    /// The first copy.
    pub(super) const FIRST: Self = Self { name: "first", delta: false };
    /// The one after it.
    pub(super) const SECOND: Self = Self { name: "second", delta: true };
    /// The one after that.
    pub(super) const THIRD: Self = Self { name: "third", delta: true };
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What cannot be removed lies in the system's temporary folder.
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Everybody who has a mailbox on both sides.
fn people(rehearsal: &Rehearsal) -> Vec<Person> {
    let of = |tenant: &Credentials| rehearsal.simulator.recipients(tenant.tenant_id);
    let (here, there) = (of(&rehearsal.source), of(&rehearsal.target));
    let pair = |from: &simulator::RecipientView| {
        let to = there.iter().find(|to| to.alias == from.alias && to.mailbox.is_some())?;
        Some(Person {
            from: from.user_principal_name.clone(),
            to: to.user_principal_name.clone(),
            source_id: from.directory_id.to_string(),
            target_id: to.directory_id.to_string(),
        })
    };
    here.iter().filter(|from| from.kind == "UserMailbox").filter_map(pair).collect()
}
