//! The copier alone in a process of its own, so that its time and memory are its own and not the
//! simulator's. `bench` starts it and hands it its task on stdin.

use std::{
    fs,
    io::Read,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use content::{
    ContentError, CopyJob, CopyMode, CopySettings, CopySubject, CopySummary, Principals,
    SourcePrincipal, Translation, UnitOutcome,
};
use embedded::{Embedded, OsRandom, SystemClock};
use ports::{Clock, Random, Transport};
use serde::{Deserialize, Serialize};
use tenant::{
    ClientId, Credential, Endpoints, LimitSettings, Limits, Rate, ReqwestTransport, SecretText,
    TenantClient, TenantConfig, TenantId, TransportSettings,
};
use url::Url;

use super::tally::{Tallied, Tally};
use crate::{exit::Exit, failure::Failure, output::Output};

/// The store's partition of the copy.
const PARTITION: &str = "C#bench#copy";

/// What is to be copied, and where the tenants are. Holds the secrets of simulated tenants, so it
/// goes through a pipe and no command line.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Task {
    /// Where the simulator is; none for Microsoft's own addresses, through the proxy.
    pub(super) base: Option<Url>,
    /// The simulator's proxy.
    pub(super) proxy: Option<Url>,
    /// The simulator's authority, PEM.
    pub(super) trusted: Option<String>,
    /// The source.
    pub(super) source: Account,
    /// The target.
    pub(super) target: Account,
    /// Copy the mailbox.
    pub(super) mailbox: bool,
    /// Copy the drive.
    pub(super) drive: bool,
    /// The database; one that is there goes on.
    pub(super) state: PathBuf,
    /// Only what changed.
    pub(super) delta: bool,
    /// The round's name.
    pub(super) round: String,
}

/// One side.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Account {
    /// The tenant.
    pub(super) tenant: String,
    /// The application.
    pub(super) client: String,
    /// Its secret.
    pub(super) secret: String,
    /// The person's object id.
    pub(super) user: String,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Copied {
    /// How long the round took.
    pub(super) seconds: f64,
    /// The process's memory before the copy began, in KiB.
    pub(super) idle_kib: u64,
    /// The most that it had, in KiB.
    pub(super) peak_kib: u64,
    /// What it asked of the store.
    pub(super) tally: Tally,
    /// The copier's summary.
    pub(super) summary: CopySummary,
}

/// Runs a task in a process of its own.
pub(super) fn spawn(task: &Task) -> Result<Copied, Failure> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["bench", "copier"])
        .env_remove("HTTPS_PROXY")
        .env_remove("HTTP_PROXY")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(stdin) = child.stdin.take() {
        serde_json::to_writer(stdin, task).map_err(Failure::internal)?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(Failure::internal("the copier's process failed; it says why above"));
    }
    serde_json::from_slice(&output.stdout).map_err(Failure::internal)
}

/// `bench copier`: reads a task, copies, prints what came of it.
pub(crate) async fn run() -> Result<Exit, Failure> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let task: Task = serde_json::from_str(&text)
        .map_err(|error| Failure::input(format!("bench copier is started by bench: {error}")))?;
    let copied = copy(&task).await?;
    let text = serde_json::to_string(&copied).map_err(Failure::internal)?;
    Output::print(&text)?;
    Ok(Exit::Done)
}

async fn copy(task: &Task) -> Result<Copied, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let settings = TransportSettings {
        proxy: task.proxy.clone(),
        trusted: task.trusted.clone(),
        ..TransportSettings::default()
    };
    let transport: Arc<dyn Transport> =
        Arc::new(ReqwestTransport::new(&settings).map_err(Failure::internal)?);
    let limits = Arc::new(Limits::new(unpaced()));
    let client = |account: &Account| -> Result<TenantClient, Failure> {
        let tenant = TenantId::parse(&account.tenant).map_err(Failure::internal)?;
        let id = ClientId::parse(&account.client).map_err(Failure::internal)?;
        let secret = Credential::Secret(SecretText::from(account.secret.clone()));
        let mut config = TenantConfig::new(tenant, id, secret);
        if let Some(base) = &task.base {
            config = config.with_endpoints(endpoints(base)?);
        }
        let transport = Arc::clone(&transport);
        let (clock, random) = (Arc::clone(&clock), Arc::clone(&random));
        Ok(TenantClient::new(config, transport, clock, random, Arc::clone(&limits)))
    };
    let (source, target) = (client(&task.source)?, client(&task.target)?);
    let database = Embedded::open(&task.state)?;
    let store = Tallied::new(database.store());
    let job = CopyJob {
        source: &source,
        target: &target,
        store: &store,
        clock: &*clock,
        partition: PARTITION.to_owned(),
        subject: CopySubject {
            source_user: task.source.user.clone(),
            target_user: task.target.user.clone(),
            mailbox: task.mailbox,
            archive: false,
            drive: task.drive,
            permissions: true,
        },
        principals: &Nobody,
        settings: CopySettings::default(),
    };
    let idle_kib = memory("VmRSS:");
    let began = clock.now();
    let summary = until_finished(&job, task, &*clock).await?;
    let seconds = clock.now().duration_since(began).as_secs_f64();
    let tally = store.settle(&*database.store(), PARTITION).await.map_err(Failure::internal)?;
    Ok(Copied { seconds, idle_kib, peak_kib: memory("VmHWM:"), tally, summary })
}

async fn until_finished(
    job: &CopyJob<'_>,
    task: &Task,
    clock: &dyn Clock,
) -> Result<CopySummary, Failure> {
    let mode = if task.delta { CopyMode::Delta } else { CopyMode::Initial };
    loop {
        match Box::pin(job.run_unit(mode, &task.round)).await.map_err(Failure::internal)? {
            UnitOutcome::Finished(summary) => return Ok(summary),
            UnitOutcome::More(_) => {}
            UnitOutcome::Wait { after, why } => {
                Output::note(format!("the copier waits {} s: {why}", after.as_secs()));
                clock.sleep(after).await;
            }
        }
    }
}

/// Budgets too wide to be felt: what is measured is the copier, not the vendor's limits. The limit
/// of requests in flight to one mailbox stays.
fn unpaced() -> LimitSettings {
    let wide = Rate::new(1_000_000, Duration::from_secs(1));
    LimitSettings {
        mailbox_requests: wide,
        mailbox_upload_kilobytes: wide,
        drive_units: wide,
        ..LimitSettings::default()
    }
}

fn endpoints(base: &Url) -> Result<Endpoints, Failure> {
    let at = |name: &str| base.join(&format!("{name}/")).map_err(Failure::internal);
    Ok(Endpoints::new(at("login")?, at("graph")?, at("outlook")?))
}

/// A line of the process's own status, in KiB; 0 where the system does not tell.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or_default()
}

/// Nobody is matched: no permission is copied here.
struct Nobody;

#[async_trait]
impl Principals for Nobody {
    async fn translate(&self, _principal: &SourcePrincipal) -> Result<Translation, ContentError> {
        Ok(Translation::Unmatched)
    }

    async fn awaited(&self, _principal: &SourcePrincipal) -> Result<(), ContentError> {
        Ok(())
    }
}
