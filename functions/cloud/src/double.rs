//! MiniStack, the double of AWS: installed under target/tools, one process a cloud.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Method};
use ports::{Clock, HttpRequest, Transport};
use system::SystemClock;
use tenant::{ReqwestTransport, TransportSettings};
use tokio::process::{Child, Command};
use url::Url;

use crate::CloudError;

/// The version that the figures and tests were made with.
const VERSION: &str = "1.5.33";
/// The region of the local cloud; the double has all.
pub(crate) const REGION: &str = "us-east-1";
/// The double's account.
pub(crate) const ACCOUNT: &str = "000000000000";
/// It is there within a second or two.
const START: Duration = Duration::from_secs(60);

/// The running double.
pub(crate) struct Double {
    process: Child,
    folder: PathBuf,
    base: String,
    transport: ReqwestTransport,
}

impl Double {
    /// Installs it if it is not there, and starts it.
    pub(crate) async fn start(tools: &Path, folder: PathBuf) -> Result<Self, CloudError> {
        let program = install(tools).await?;
        let port = free_port()?;
        let log = fs::File::create(folder.join("ministack.log"))?;
        let process = Command::new(program)
            .current_dir(&folder)
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("LOG_LEVEL", "WARNING")
            .env("TMPDIR", &folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let transport = ReqwestTransport::new(&TransportSettings::default());
        let transport = transport.map_err(|error| CloudError::Double(error.to_string()))?;
        let base = format!("http://127.0.0.1:{port}");
        let mut double = Self { process, folder, base, transport };
        double.wait().await?;
        Ok(double)
    }

    /// Where it is.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The HTTP client with which everything here is asked.
    pub(crate) fn transport(&self) -> &ReqwestTransport {
        &self.transport
    }

    /// The folder of this cloud: logs, and whatever the double keeps.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    async fn wait(&mut self) -> Result<(), CloudError> {
        let began = SystemClock.now();
        let health = format!("{}/_ministack/health", self.base);
        loop {
            if self.get(&health).await.is_ok() {
                return Ok(());
            }
            let ended = self.process.try_wait()?;
            let waited = Duration::try_from(SystemClock.now().duration_since(began));
            if ended.is_some() || waited.is_ok_and(|waited| waited > START) {
                let log = fs::read_to_string(self.folder.join("ministack.log")).unwrap_or_default();
                let tail: Vec<&str> = log.lines().rev().take(5).collect();
                return Err(CloudError::Double(format!("it does not start: {}", tail.join(" | "))));
            }
            SystemClock.sleep(Duration::from_millis(100)).await;
        }
    }

    async fn get(&self, url: &str) -> Result<(), CloudError> {
        self.send(Method::GET, url, HeaderMap::new(), String::new()).await.map(|_| ())
    }

    /// Asks a service of the query protocol.
    pub(crate) async fn query(&self, service: &str, form: &str) -> Result<String, CloudError> {
        let mut headers = authorization(service)?;
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert("content-type", kind);
        self.send(Method::POST, &format!("{}/", self.base), headers, form.to_owned()).await
    }

    /// Asks a service of the JSON protocol.
    pub(crate) async fn json(
        &self,
        service: &str,
        target: &str,
        body: &serde_json::Value,
    ) -> Result<serde_json::Value, CloudError> {
        let mut headers = authorization(service)?;
        headers.insert("content-type", HeaderValue::from_static("application/x-amz-json-1.1"));
        let value = |text: &str| {
            HeaderValue::from_str(text).map_err(|error| CloudError::Double(error.to_string()))
        };
        headers.insert("x-amz-target", value(target)?);
        let url = format!("{}/", self.base);
        let text = self.send(Method::POST, &url, headers, body.to_string()).await?;
        serde_json::from_str(&text)
            .map_err(|error| CloudError::Double(format!("{target}: {error}")))
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: String,
    ) -> Result<String, CloudError> {
        let url: Url =
            url.parse().map_err(|error| CloudError::Double(format!("{url}: {error}")))?;
        let timeout = Duration::from_secs(60);
        let body = body.into();
        let request = HttpRequest { method, url, headers, body, tail: None, timeout };
        let double = |error: ports::TransportError| CloudError::Double(error.to_string());
        let reply = self.transport.send(request).await.map_err(double)?;
        let status = reply.status;
        let bytes = reply.read(16 * 1024 * 1024).await.map_err(double)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if status.is_success() { Ok(text) } else { Err(CloudError::Double(text)) }
    }
}

/// What tells the double which service is asked; it looks at no signature.
fn authorization(service: &str) -> Result<HeaderMap, CloudError> {
    let text = format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, \
         SignedHeaders=host, Signature=none"
    );
    let value = HeaderValue::from_str(&text);
    let value = value.map_err(|error| CloudError::Double(error.to_string()))?;
    let mut headers = HeaderMap::new();
    headers.insert("authorization", value);
    Ok(headers)
}

/// A port that nobody has at this moment.
fn free_port() -> std::io::Result<u16> {
    let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// The program, installed once.
async fn install(tools: &Path) -> Result<PathBuf, CloudError> {
    let place = tools.join(format!("ministack-{VERSION}"));
    let program = place.join("bin/ministack");
    if place.join("complete").exists() {
        return Ok(program);
    }
    fs::create_dir_all(tools)?;
    run(Command::new("python3").args(["-m", "venv"]).arg(&place)).await?;
    let package = format!("ministack=={VERSION}");
    run(Command::new(place.join("bin/pip")).args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        &package,
    ]))
    .await?;
    fs::write(place.join("complete"), VERSION)?;
    Ok(program)
}

async fn run(command: &mut Command) -> Result<(), CloudError> {
    let failed = |why: String| CloudError::Tool {
        what: "MiniStack cannot be installed".to_owned(),
        why,
        advice: "it needs python3 with venv, and the package index",
    };
    let ended = command.stdin(Stdio::null()).output().await;
    let ended = ended.map_err(|error| failed(error.to_string()))?;
    if ended.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&ended.stderr).trim().to_owned()))
}
