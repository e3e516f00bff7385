//! The addresses of many small files, asked for before the first is copied: twenty a request, where
//! one by one each file would cost two requests more.

use futures_util::{StreamExt, future::BoxFuture, stream};
use tenant::{
    SecretText, TenantError,
    graph::{
        BATCH_MAX,
        drive::{NewUpload, Placement, UploadSession, UploadTarget},
    },
};

use super::files::Load;
use crate::{CopyJob, unit::patient};

/// Requests of this kind in flight.
const LANES: usize = 4;

/// Where a file's content comes from and goes to; what was not asked for is asked for when it is
/// needed.
#[derive(Default)]
pub(super) struct Addresses {
    pub(super) download: Option<Result<SecretText, TenantError>>,
    pub(super) session: Option<Result<UploadSession, TenantError>>,
}

/// How much was asked.
#[derive(Clone, Copy, Default)]
pub(super) struct Asked {
    /// Requests.
    pub(super) outer: usize,
    /// Requests inside them.
    pub(super) inner: usize,
}

/// What one request of several gives.
enum Given {
    Downloads(Vec<Result<SecretText, TenantError>>),
    Sessions(Vec<Result<UploadSession, TenantError>>),
}

/// The files that a request was for, and what it gave.
type Answer<'p> = Result<(&'p [usize], Given), TenantError>;

/// Asks for the addresses of the files whose content has to be copied.
pub(super) async fn ask(
    job: &CopyJob<'_>,
    source: &str,
    target: &str,
    loads: &[Load],
) -> Result<(Vec<Addresses>, Asked), TenantError> {
    let mut addresses: Vec<Addresses> = loads.iter().map(|_| Addresses::default()).collect();
    let wanted: Vec<usize> =
        loads.iter().enumerate().filter(|(_, load)| has_content(load)).map(|(at, _)| at).collect();
    if wanted.len() < 2 {
        return Ok((addresses, Asked::default()));
    }
    let mut calls: Vec<BoxFuture<'_, Answer<'_>>> = Vec::new();
    for part in wanted.chunks(BATCH_MAX) {
        calls.push(Box::pin(downloads(job, source, loads, part)));
        calls.push(Box::pin(sessions(job, target, loads, part)));
    }
    let asked = Asked { outer: calls.len(), inner: wanted.len() * 2 };
    let given: Vec<_> = stream::iter(calls).buffered(LANES).collect().await;
    for given in given {
        let (part, given) = given?;
        match given {
            Given::Downloads(urls) => {
                for (at, url) in part.iter().zip(urls) {
                    addresses.get_mut(*at).map(|it| it.download.insert(url));
                }
            }
            Given::Sessions(sessions) => {
                for (at, session) in part.iter().zip(sessions) {
                    addresses.get_mut(*at).map(|it| it.session.insert(session));
                }
            }
        }
    }
    Ok((addresses, asked))
}

/// Empty files have no session, and what only moved is not copied.
fn has_content(load: &Load) -> bool {
    let same = |known: &crate::map::Entry| known.source_tag == load.row.content();
    load.row.size > 0 && !load.known.as_ref().is_some_and(same)
}

async fn downloads<'p>(
    job: &CopyJob<'_>,
    drive: &str,
    loads: &[Load],
    part: &'p [usize],
) -> Answer<'p> {
    let ids: Vec<&str> = of(loads, part).map(|load| load.row.id.as_str()).collect();
    let graph = job.source.graph();
    let urls = patient(job, || graph.download_urls(drive, &ids)).await?;
    Ok((part, Given::Downloads(urls)))
}

async fn sessions<'p>(
    job: &CopyJob<'_>,
    drive: &str,
    loads: &[Load],
    part: &'p [usize],
) -> Answer<'p> {
    let upload = |load| {
        let Load { row, parent, known, .. }: &Load = load;
        let target = match known {
            Some(known) => UploadTarget::Over(&known.target),
            None => UploadTarget::New(Placement { parent, name: &row.name }),
        };
        NewUpload { target, size: row.size, dates: row.dates() }
    };
    let uploads: Vec<NewUpload<'_>> = of(loads, part).map(upload).collect();
    // Twenty sessions are seconds of SharePoint's budget.
    let graph = job.target.graph();
    let sessions = patient(job, || graph.create_upload_sessions(drive, &uploads)).await?;
    Ok((part, Given::Sessions(sessions)))
}

fn of<'l>(loads: &'l [Load], part: &[usize]) -> impl Iterator<Item = &'l Load> {
    part.iter().filter_map(|at| loads.get(*at))
}
