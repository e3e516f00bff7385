//! A file of users that somebody put in the deployment's bucket starts their wave.
//!
//! Its key says for whom: `CUSTOMER/PROJECT/WAVE/ACTION/NAME.csv`. So whoever may write below
//! `CUSTOMER/` only, which is the bucket's policy to say, starts that customer's waves only: nothing in
//! the file or the event names another. The columns are those of `crosswave import`; all users go into
//! the wave.
//!
//! A version of a file is taken once. Its record is made before it is read and holds the time for which
//! the wave is started; an event that comes again finds the record and goes on where it stands.

use async_trait::async_trait;
use aws::{AwsError, Object};
use control::{ControlError, Scope, users_file, waves};
use engine::{
    Host,
    records::{Batch, Loaded, load, load_all},
};
use jiff::Timestamp;
use model::{Action, Keys, Stored, WaveId};
use ports::CommitError;
use serde::{Deserialize, Serialize};

use crate::{Deployment, FunctionError, due::name_of, plan::PLANNED, polling};

/// The largest file in bytes.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// The most lines of a file: as many users as one invocation takes in with time to spare.
const MOST_LINES: usize = 20_000;

/// The deployment's bucket of files.
#[async_trait]
pub trait Files: Send + Sync {
    /// The bucket's name, if the deployment has one.
    fn bucket(&self) -> Option<&str>;

    /// Reads a file of at most so many bytes.
    async fn read(&self, object: &Object, most: usize) -> Result<Vec<u8>, AwsError>;
}

/// A version of a file, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaveFile {
    /// Its key in the bucket.
    pub file: String,
    /// Its version, where the bucket keeps versions.
    pub version: Option<String>,
    /// The wave that it starts.
    pub wave: WaveId,
    /// What is done with the wave.
    pub action: Action,
    /// The time for which the wave is started.
    pub planned: Timestamp,
    /// How far it is.
    #[serde(flatten)]
    pub state: FileState,
}

impl Stored for WaveFile {
    const KIND: &'static str = "file of users";
}

/// How far a file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum FileState {
    /// It is being read; nobody is in the wave by it yet, or some are.
    Reading,
    /// All its users are in the wave.
    Imported {
        /// How many.
        rows: usize,
    },
    /// The wave is started.
    Started {
        /// Users that were started.
        users: u32,
        /// Users that were refused.
        refused: usize,
    },
    /// Nothing of it was applied, and nothing was started.
    Refused {
        /// Why, in words.
        why: String,
    },
}

impl FileState {
    fn is_over(&self) -> bool {
        matches!(self, Self::Started { .. } | Self::Refused { .. })
    }
}

/// What S3 tells of a file that was put ("Amazon S3 event notification: Object Created").
#[derive(Debug, Deserialize)]
pub(crate) struct FileEvent {
    source: String,
    detail: Detail,
}

#[derive(Debug, Deserialize)]
struct Detail {
    bucket: Bucket,
    object: Put,
}

#[derive(Debug, Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Put {
    key: String,
    size: usize,
    #[serde(default)]
    etag: Option<String>,
    #[serde(default)]
    version_id: Option<String>,
    /// Orders what was put under one key; the same each time an event comes.
    #[serde(default)]
    sequencer: Option<String>,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Taken {
    /// The file has a record in its project.
    File(WaveFile),
    /// It belongs to no project here.
    Nobodys {
        /// Why, in words.
        refused: String,
    },
}

/// Whose a file is, and what it starts.
struct Aim {
    scope: Scope,
    wave: WaveId,
    action: Action,
}

/// Why a file is not applied.
enum Fault {
    /// It is wrong; it stays so.
    Wrong(String),
    /// Something else failed; the event comes again.
    Failed(FunctionError),
}

impl From<ControlError> for Fault {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::File(faults) => Self::Wrong(faults.to_string()),
            ControlError::Input(text) => Self::Wrong(text),
            other => Self::Failed(other.into()),
        }
    }
}

/// Takes the file of an event in, and starts its wave.
pub(crate) async fn start_from_file(
    deployment: &Deployment,
    event: FileEvent,
) -> Result<Taken, FunctionError> {
    let host = &deployment.host;
    let aim = match aim(deployment.files.bucket(), &event) {
        Ok(aim) => aim,
        Err(why) => return Ok(nobodys(&event, why)),
    };
    match aim.scope.load_project(host).await {
        Ok(_) => {}
        Err(ControlError::Input(why)) => return Ok(nobodys(&event, why)),
        Err(error) => return Err(error.into()),
    }
    let mut file = begin(host, &aim, &event).await?;
    if file.value.state == FileState::Reading {
        let state = match import(deployment, &aim, &event.detail).await {
            Ok(rows) => FileState::Imported { rows },
            Err(Fault::Wrong(why)) => FileState::Refused { why },
            Err(Fault::Failed(error)) => return Err(error),
        };
        file = proceed(host, &aim, &event, file, state).await?;
    }
    if !file.value.state.is_over() {
        // Polling first: once a baton is sent, somebody must look.
        polling::on(deployment).await?;
        let at = (file.value.planned, false);
        let run = waves::start_run_at(host, &aim.scope, &aim.wave, aim.action, at).await?;
        let done = waves::expand(host, &aim.scope, &run).await?;
        let state = FileState::Started { users: done.started, refused: done.refused.len() };
        file = proceed(host, &aim, &event, file, state).await?;
    }
    tracing::info!(file = file.value.file, state = ?file.value.state, "a file of users");
    Ok(Taken::File(file.value))
}

/// Every file of a project, with what came of it.
pub(crate) async fn list(host: &Host, scope: &Scope) -> Result<Vec<WaveFile>, FunctionError> {
    let partition = Keys::project_partition(&scope.customer, &scope.project);
    let files = load_all::<WaveFile>(&*host.store, &partition, Keys::FILES).await?;
    Ok(files.into_iter().map(|file| file.value).collect())
}

fn nobodys(event: &FileEvent, refused: String) -> Taken {
    let key = &event.detail.object.key;
    tracing::error!(file = key, why = refused, "a file of nobody's was put in the bucket");
    Taken::Nobodys { refused }
}

/// Reads whose the file is out of bucket and key.
fn aim(bucket: Option<&str>, event: &FileEvent) -> Result<Aim, String> {
    let Detail { bucket: Bucket { name }, object } = &event.detail;
    if event.source != "aws.s3" || bucket != Some(name.as_str()) {
        return Err(format!("the bucket `{name}` is not this deployment's"));
    }
    let parts: Vec<&str> = object.key.split('/').collect();
    let [customer, project, wave, action, file] = parts.as_slice() else {
        return Err(format!(
            "`{}` is not as expected: CUSTOMER/PROJECT/WAVE/ACTION/NAME.csv",
            object.key
        ));
    };
    let wrong = |text: String| format!("`{}`: {text}", object.key);
    // As the template's rule and role have it, small letters and all.
    if file.strip_suffix(".csv").is_none_or(str::is_empty) {
        return Err(wrong("a file of users is a CSV file, NAME.csv".to_owned()));
    }
    let read: Option<Action> = serde_json::from_value(serde_json::json!(action)).ok();
    let read = read.filter(|action| PLANNED.contains(action));
    let bad = |error: model::BadId| wrong(error.to_string());
    Ok(Aim {
        scope: Scope {
            customer: customer.parse().map_err(bad)?,
            project: project.parse().map_err(bad)?,
        },
        wave: wave.parse().map_err(bad)?,
        action: read
            .ok_or_else(|| wrong(format!("`{action}` is none of prepare, sync, cutover")))?,
    })
}

fn place(aim: &Aim, event: &FileEvent) -> (String, String) {
    let Put { key, version_id, sequencer, .. } = &event.detail.object;
    let version = version_id.as_deref().or(sequencer.as_deref()).unwrap_or_default();
    let partition = Keys::project_partition(&aim.scope.customer, &aim.scope.project);
    let name = name_of(&format!("{}\n{key}\n{version}", event.detail.bucket.name));
    (partition, format!("{}{name}", Keys::FILES))
}

/// The record of this version: as it stands, or made now.
async fn begin(
    host: &Host,
    aim: &Aim,
    event: &FileEvent,
) -> Result<Loaded<WaveFile>, FunctionError> {
    let place = place(aim, event);
    loop {
        if let Some(there) = load(&*host.store, place.clone()).await? {
            return Ok(there);
        }
        let file = WaveFile {
            file: event.detail.object.key.clone(),
            version: event.detail.object.version_id.clone(),
            wave: aim.wave.clone(),
            action: aim.action,
            planned: host.clock.now(),
            state: FileState::Reading,
        };
        let mut batch = Batch::new();
        batch.put(place.clone(), &file, 0)?;
        match batch.commit(&*host.store).await {
            // Whoever was first, the record is there.
            Ok(()) | Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Writes how far the file is; if another delivery of the event was ahead, what that one wrote counts.
async fn proceed(
    host: &Host,
    aim: &Aim,
    event: &FileEvent,
    file: Loaded<WaveFile>,
    state: FileState,
) -> Result<Loaded<WaveFile>, FunctionError> {
    let next = WaveFile { state, ..file.value };
    let mut batch = Batch::new();
    batch.put(place(aim, event), &next, file.version)?;
    match batch.commit(&*host.store).await {
        Ok(()) | Err(CommitError::Conflict { .. }) => begin(host, aim, event).await,
        Err(error) => Err(error.into()),
    }
}

/// Reads the file and puts its users into the wave; says how many.
async fn import(deployment: &Deployment, aim: &Aim, detail: &Detail) -> Result<usize, Fault> {
    let Put { key, size, etag, version_id, .. } = &detail.object;
    if *size > MOST_BYTES {
        let text = format!("{key} has {size} bytes; at most {MOST_BYTES} are read; split it");
        return Err(Fault::Wrong(text));
    }
    let host = &deployment.host;
    let project = aim.scope.load_project(host).await?;
    aim.scope.load_wave(host, &aim.wave).await?;
    let object = Object {
        bucket: detail.bucket.name.clone(),
        key: key.clone(),
        version: version_id.clone(),
        tag: etag.clone(),
    };
    let bytes = match deployment.files.read(&object, MOST_BYTES).await {
        Ok(bytes) => bytes,
        Err(gone) if GONE.iter().any(|code| gone.is(code)) => {
            return Err(Fault::Wrong(format!("{key} is not there any more, or not as it was put")));
        }
        Err(error) => return Err(Fault::Failed(FunctionError::File(error.to_string()))),
    };
    let lines = bytes.split(|byte| *byte == b'\n').count();
    if lines > MOST_LINES {
        let text = format!("{key} has {lines} lines; at most {MOST_LINES} are read; split it");
        return Err(Fault::Wrong(text));
    }
    let done = users_file::import_into(host, &project, &aim.wave, (key, &bytes)).await?;
    Ok(done.rows)
}

/// S3's codes for a file that was deleted or replaced since ("S3 error responses").
const GONE: [&str; 3] = ["NoSuchKey", "NoSuchVersion", "PreconditionFailed"];
