//! The same tree with rclone: drive to drive, through the simulator's proxy and TLS, as we do it here
//! too.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use embedded::SystemClock;
use http::{HeaderMap, Method};
use ports::{Clock, HttpRequest};
use serde_json::Value;
use simulator::{Credentials, DriveFill};

use super::{
    Aim, Figure,
    figures::{fill_drive, kinds, small},
    number,
    stage::{Person, Round, Stage, Way, What},
};
use crate::{
    failure::Failure,
    output::{Output, line},
};

/// Small files of the tree.
const FILES: u32 = 500;
/// Large files of the tree, and their bytes.
const LARGE: (u32, u64) = (2, 256_000_000);

/// How rclone is run.
pub(super) struct Rclone {
    /// The program.
    pub(super) program: String,
    /// Files at the same time, for copying and for checking.
    pub(super) transfers: u32,
}

/// Copies the same tree with rclone and with the copier, at each latency; nothing where rclone is
/// not installed.
pub(super) async fn compare(
    stage: &Stage,
    rclone: &Rclone,
    latencies: &[u64],
) -> Result<Vec<Figure>, Failure> {
    let Some(version) = rclone.version() else {
        Output::note(format!("`{}` is not installed: nothing to compare with", rclone.program));
        return Ok(Vec::new());
    };
    Output::note(format!("comparing with {version}"));
    let mut figures = Vec::new();
    for latency in latencies {
        figures.extend(at(stage, rclone, Duration::from_millis(*latency)).await?);
    }
    Ok(figures)
}

async fn at(stage: &Stage, rclone: &Rclone, latency: Duration) -> Result<Vec<Figure>, Failure> {
    let (large_files, large_bytes) = LARGE;
    let tree = DriveFill {
        least_files: FILES + large_files,
        most_files: FILES + large_files,
        large_files,
        large_bytes,
        ..small(FILES)
    };
    // Two people whose drives hold trees of the same shape.
    let (theirs, ours) = (stage.somebody()?, stage.somebody()?);
    for person in [theirs, ours] {
        fill_drive(stage, person, &tree)?;
    }
    let text = format!("{} ms of added latency", latency.as_millis());
    Output::note(format!("{FILES} small and {large_files} large files with {text}"));
    let config = rclone.configure(stage, theirs).await?;
    // Old rclone sends its token to download addresses too; OneDrive for Business lets it.
    stage.simulator().configure(|config| config.content.download_refuses_token = false);
    stage.set_latency(latency);
    let peer = stage.watch(|| rclone.copy(stage, &config));
    stage.simulator().configure(|config| config.content.download_refuses_token = true);
    let own = stage.copy(ours, What::Drive, Round::FIRST, Way::Proxy);
    stage.set_latency(Duration::ZERO);
    let ((seconds, peer), (copied, asked)) = (peer?, own?);
    for (who, person) in [("rclone", theirs), ("the copier", ours)] {
        if let Some(line) = stage.differences(person, What::Drive)?.first() {
            return Err(Failure::internal(format!("what {who} copied differs: {line}")));
        }
    }
    kinds("rclone", &peer);
    kinds("the copier", &asked);
    Ok(vec![
        Figure::new(format!("rclone, {text}"), seconds, "s"),
        Figure::new(format!("the copier, {text}"), copied.seconds, "s"),
        Figure::new(format!("as fast as rclone, {text}"), seconds / copied.seconds, "times")
            .aim(Aim::AtLeast(1.5)),
        Figure::new(
            format!("requests of rclone's, {text}"),
            number(asked.requests) / number(peer.requests),
            "times",
        )
        .aim(Aim::AtMost(0.5)),
    ])
}

impl Rclone {
    fn version(&self) -> Option<String> {
        let output = Command::new(&self.program).arg("version").output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        text.lines().next().map(str::to_owned)
    }

    /// Writes a configuration with both drives of a person and tokens of the simulator's.
    async fn configure(&self, stage: &Stage, person: &Person) -> Result<PathBuf, Failure> {
        let path = stage.folder().join("rclone.conf");
        let mut text = String::new();
        let [source, target] = stage.tenants();
        for (name, tenant, upn) in
            [("source", source, &person.from), ("target", target, &person.to)]
        {
            let token = token(stage, tenant).await?;
            let drive = drive(stage, &token, upn).await?;
            let token = serde_json::json!({
                "access_token": token, "token_type": "Bearer", "refresh_token": "",
                // It is not renewed within a run.
                "expiry": "2099-01-01T00:00:00Z",
            });
            let drive = format!("drive_id = {drive}\ndrive_type = business");
            let section = format!("[{name}]\ntype = onedrive\ntoken = {token}\n{drive}\n");
            line(&mut text, section);
        }
        fs::write(&path, text)?;
        fs::write(authority(&path), stage.trusted())?;
        Ok(path)
    }

    /// Copies one drive onto the other; gives the seconds.
    fn copy(&self, stage: &Stage, config: &Path) -> Result<f64, Failure> {
        let transfers = self.transfers.to_string();
        let began = SystemClock.now();
        let output = Command::new(&self.program)
            .args(["copy", "source:", "target:", "--create-empty-src-dirs"])
            .arg("--config")
            .arg(config)
            .arg("--ca-cert")
            .arg(authority(config))
            .args(["--transfers", &transfers, "--checkers", &transfers])
            // The largest fragment that OneDrive takes, of those that rclone takes.
            .args(["--onedrive-chunk-size", "50M", "--retries", "1"])
            .env("HTTPS_PROXY", stage.proxy().as_str())
            .output()?;
        let seconds = SystemClock.now().duration_since(began).as_secs_f64();
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            let last = text.lines().last().unwrap_or_default();
            return Err(Failure::internal(format!("rclone failed: {last}")));
        }
        Ok(seconds)
    }
}

fn authority(config: &Path) -> PathBuf {
    config.with_extension("pem")
}

/// Signs the migration app in.
async fn token(stage: &Stage, tenant: &Credentials) -> Result<String, Failure> {
    let url = format!("https://login.microsoftonline.com/{}/oauth2/v2.0/token", tenant.tenant_id);
    let body = format!(
        "client_id={}&client_secret={}&grant_type=client_credentials\
         &scope=https://graph.microsoft.com/.default",
        tenant.client_id, tenant.client_secret
    );
    let reply = ask(stage, Method::POST, &url, HeaderMap::new(), body).await?;
    text(&reply, "access_token")
}

/// The id of a person's drive.
async fn drive(stage: &Stage, token: &str, upn: &str) -> Result<String, Failure> {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().map_err(Failure::internal)?);
    let url = format!("https://graph.microsoft.com/v1.0/users/{upn}/drive");
    let reply = ask(stage, Method::GET, &url, headers, String::new()).await?;
    text(&reply, "id")
}

async fn ask(
    stage: &Stage,
    method: Method,
    url: &str,
    headers: HeaderMap,
    body: String,
) -> Result<Value, Failure> {
    let request = HttpRequest {
        method,
        url: url.parse().map_err(Failure::internal)?,
        headers,
        body: body.into(),
        tail: None,
        timeout: Duration::from_secs(10),
    };
    let reply = stage.simulator().handle(&request).map_err(Failure::internal)?;
    let body = reply.read(1 << 20).await.map_err(Failure::internal)?;
    serde_json::from_slice(&body).map_err(Failure::internal)
}

fn text(reply: &Value, name: &str) -> Result<String, Failure> {
    let found = reply.get(name).and_then(Value::as_str).map(str::to_owned);
    found.ok_or_else(|| Failure::internal(format!("the simulator's reply has no {name}")))
}
