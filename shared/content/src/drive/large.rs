//! Large files: fragment by fragment through an upload session that another process can go on with.
//!
//! The checkpoint holds the session, how far it is, and the hash so far. While one fragment is
//! uploaded the next is downloaded, so two fragments are in memory at most.

use bytes::Bytes;
use tenant::{
    Class, SecretText, TenantError,
    graph::drive::{DriveItem, Placement, UploadTarget, Uploaded},
};

use super::{
    DriveCopy,
    clash::Settled,
    files::{Clash, Load, Outcome},
    fragments::{content_range, fragment, next_expected},
    half_known::same_content,
    row::Row,
    small::{Spent, arrived, replace_place, whole},
};
use crate::{
    QuickXorHash,
    checkpoint::Transfer,
    unit::{Step, Stop, Unit, judge, pause},
};

/// A commit after so many fragments, so that a killed process repeats few.
const FRAGMENTS_PER_COMMIT: u32 = 8;

impl Unit<'_> {
    /// Copies one large file, or goes on with it.
    pub(super) async fn large_file(
        &mut self,
        copy: &mut DriveCopy<'_>,
        row: &Row,
        place: usize,
        ours: bool,
    ) -> Step {
        let ids = [row.id.clone()].into();
        let known = copy.files.find(&ids).await?.remove(&row.id);
        if let Some(known) = &known
            && known.source_tag == row.content()
            && known.target_tag == row.placement()
        {
            self.no_longer_bad_file(copy, &row.id);
            return Ok(());
        }
        let resumed = self.changes_step().transfer;
        let resumed = resumed.filter(|at| at.row == place && at.tag == row.content());
        let ours = ours || resumed.is_some();
        let Some(mut load) = self.load(copy, row, known, ours).await? else { return Ok(()) };
        let placed = match &resumed {
            None => self.large_file_placed(copy, &load).await?,
            Some(_) => None,
        };
        let mut outcome = match placed {
            Some(outcome) => outcome,
            None => self.transferred(copy, &load, place, resumed).await?,
        };
        if let Some(again) = self.placed_again(copy, &load, &outcome).await? {
            load = again;
            outcome = match self.large_file_placed(copy, &load).await? {
                Some(outcome) => outcome,
                None => self.transferred(copy, &load, place, None).await?,
            };
        }
        if let Outcome::Clash(clash) = outcome {
            outcome = match self.settle(copy, &load, clash).await? {
                Settled::Done(outcome) => outcome,
                // It is sent once more, to a place that is free now or over a copy that is ours.
                Settled::Again(load) => self.transferred(copy, &load, place, None).await?,
            };
        }
        let outcome = self.with_half_known(copy, &load, outcome).await?;
        self.with_changes(|step| step.transfer = None);
        self.file_done(copy, &load, outcome)
    }

    /// Renames, moves or dates a large file's copy. `None`: its content is to be copied as well.
    async fn large_file_placed(
        &mut self,
        copy: &mut DriveCopy<'_>,
        load: &Load,
    ) -> Step<Option<Outcome>> {
        for _ in 0..2 {
            let mut spent = Spent::default();
            let placed = replace_place(self.job, &copy.target, load, &mut spent).await;
            self.spend(spent.requests);
            if let Some(moved) = spent.moved {
                copy.files.put(&moved);
            }
            match placed {
                Ok(Some(Outcome::Clash(clash))) => match self.settle(copy, load, clash).await? {
                    Settled::Done(outcome) => return Ok(Some(outcome)),
                    Settled::Again(_) => {}
                },
                Ok(outcome) => return Ok(outcome),
                Err(error) => return Ok(Some(Outcome::Refused(error))),
            }
        }
        Ok(Some(Outcome::NameTaken))
    }

    /// How a transfer ended; what only asks for a pause stops the unit, and it goes on from where it is.
    async fn transferred(
        &mut self,
        copy: &mut DriveCopy<'_>,
        load: &Load,
        place: usize,
        resumed: Option<Transfer>,
    ) -> Step<Outcome> {
        match self.transfer(copy, load, place, resumed).await {
            Ok(outcome) => Ok(outcome),
            Err(Interrupted::Stop(stop)) => Err(stop),
            Err(Interrupted::Refused(error)) if error.is_already_exists() => {
                // The session ends before it begins: what lies there is not ours.
                Ok(Outcome::Clash(Clash::Copied { ours: false }))
            }
            Err(Interrupted::Refused(error)) if pause(&error).is_some() => {
                Err(judge("copying a large file", error))
            }
            Err(Interrupted::Refused(error)) => Ok(Outcome::Refused(error)),
        }
    }

    async fn transfer(
        &mut self,
        copy: &mut DriveCopy<'_>,
        load: &Load,
        place: usize,
        resumed: Option<Transfer>,
    ) -> Result<Outcome, Interrupted> {
        let row = &load.row;
        // Two fragments at most: one on its way in, one on its way out.
        let _held = self.job.source.hold(self.job.settings.fragment().saturating_mul(2)).await?;
        let mut at = match resumed {
            Some(at) => match self.resume(at.clone()).await? {
                Some(at) => at,
                // Its last fragment may have arrived, and the process died before it was told.
                None => return self.at_place(copy, load, place, &at).await,
            },
            None => self.begin(copy, load, place).await?,
        };
        let mut since_commit = 0;
        let source = self.job.source.graph();
        self.spend(1);
        let mut url = match source.download_url(&copy.source, &row.id).await {
            Err(error) if error.is_not_found() => return Ok(Outcome::SourceGone),
            url => url?,
        };
        let mut ahead: Option<(u64, Bytes)> = None;
        loop {
            self.with_changes(|step| step.transfer = Some(at.clone()));
            self.within_budget()?;
            if since_commit >= FRAGMENTS_PER_COMMIT {
                self.commit_drive(copy).await?;
                since_commit = 0;
            }
            let size = self.job.settings.fragment();
            let Some((start, end)) = fragment(at.offset, row.size, size) else {
                // The session has all bytes and has not said so: its last reply was lost.
                return self.at_place(copy, load, place, &at).await;
            };
            let bytes = match ahead.take() {
                Some((from, bytes)) if from == start => Some(bytes),
                _ => self.download(copy, row, &mut url, (start, end)).await?,
            };
            let Some(bytes) = bytes else { return self.give_up(&at).await };
            let session = SecretText::new(at.upload_url.clone());
            let range = content_range(start, end, row.size);
            let target = self.job.target.graph();
            let upload = Box::pin(target.upload_fragment(&session, &range, bytes.clone()));
            let following = fragment(end, row.size, size);
            let download = Box::pin(async {
                match following {
                    Some((start, end)) => Some((start, whole(&source, &url, start, end).await)),
                    None => None,
                }
            });
            let (sent, next) = futures_util::future::join(upload, download).await;
            self.spend(1 + usize::from(following.is_some()));
            if let Some((from, Ok(Some(bytes)))) = next {
                ahead = Some((from, bytes));
            }
            since_commit += 1;
            match sent {
                Ok(Uploaded::Done(item)) => {
                    let hash = hashed(&at, &bytes).map(|hash| hash.finish());
                    return Ok(judged(load, &item, hash.as_deref()));
                }
                Ok(Uploaded::More(ranges)) => {
                    let expected = next_expected(&ranges).unwrap_or(end);
                    at = advanced(at, &bytes, end, expected);
                }
                Err(error) => match error.class {
                    // A lost reply, or a fragment that the session has already: ask it.
                    Class::RangeNotSatisfiable | Class::UnknownOutcome => {
                        let expected = self.expected(&session).await?;
                        match expected {
                            Some(expected) => at = advanced(at, &bytes, end, expected),
                            None => return self.at_place(copy, load, place, &at).await,
                        }
                    }
                    Class::NotFound | Class::Gone => {
                        return self.at_place(copy, load, place, &at).await;
                    }
                    // A session that ends with 409 has not put its file there: somebody else has.
                    Class::AlreadyExists => {
                        let load = &Load { ours: false, ..load.clone() };
                        return self.at_place(copy, load, place, &at).await;
                    }
                    _ => return Err(error.into()),
                },
            }
        }
    }

    /// Downloads a part of a file. The address is good for minutes only; a new one is asked for once.
    async fn download(
        &mut self,
        copy: &DriveCopy<'_>,
        row: &Row,
        url: &mut SecretText,
        (start, end): (u64, u64),
    ) -> Result<Option<Bytes>, Interrupted> {
        let source = self.job.source.graph();
        self.spend(1);
        match whole(&source, url, start, end).await {
            Ok(bytes) => Ok(bytes),
            Err(error) if pause(&error).is_some() => Err(error.into()),
            Err(_expired) => {
                self.spend(2);
                *url = source.download_url(&copy.source, &row.id).await?;
                Ok(whole(&source, url, start, end).await?)
            }
        }
    }

    /// Opens a session for a file, over its copy if there is one.
    async fn begin(
        &mut self,
        copy: &mut DriveCopy<'_>,
        load: &Load,
        place: usize,
    ) -> Result<Transfer, Interrupted> {
        let row = &load.row;
        let target = self.job.target.graph();
        let new = UploadTarget::New(Placement { parent: &load.parent, name: &row.name });
        let known = load.known.as_ref().map(|known| known.target.as_str());
        let aim = known.map_or(new, UploadTarget::Over);
        self.spend(1);
        let dates = row.dates();
        let mut opened = target.create_upload_session(&copy.target, aim, row.size, &dates).await;
        if known.is_some() && opened.as_ref().is_err_and(TenantError::is_not_found) {
            // Deleted in the target: it comes anew.
            self.spend(1);
            opened = target.create_upload_session(&copy.target, new, row.size, &dates).await;
        }
        let session = match opened {
            Ok(session) => session,
            Err(error) => return Err(error.into()),
        };
        let transfer = Transfer {
            row: place,
            tag: row.content(),
            upload_url: session.url.expose().to_owned(),
            offset: 0,
            hash: Some(QuickXorHash::default().state()),
        };
        self.with_changes(|step| step.transfer = Some(transfer.clone()));
        self.commit_drive(copy).await?;
        Ok(transfer)
    }

    /// Asks a session of an earlier unit how far it is; `None` when it is gone.
    async fn resume(&mut self, mut at: Transfer) -> Result<Option<Transfer>, Interrupted> {
        let session = SecretText::new(at.upload_url.clone());
        match self.expected(&session).await? {
            Some(expected) => {
                if expected != at.offset {
                    at.hash = None;
                }
                at.offset = expected;
                Ok(Some(at))
            }
            None => Ok(None),
        }
    }

    async fn expected(&mut self, session: &SecretText) -> Result<Option<u64>, Interrupted> {
        self.spend(1);
        match self.job.target.graph().upload_state(session).await {
            Ok(ranges) => Ok(next_expected(&ranges)),
            Err(error) if matches!(error.class, Class::NotFound | Class::Gone) => Ok(None),
            Err(error) => Err(Interrupted::Stop(judge("asking an upload session", error))),
        }
    }

    /// The session is gone or the place is taken: what lies there decides.
    async fn at_place(
        &mut self,
        copy: &mut DriveCopy<'_>,
        load: &Load,
        place: usize,
        at: &Transfer,
    ) -> Result<Outcome, Interrupted> {
        let row = &load.row;
        let here = Placement { parent: &load.parent, name: &row.name };
        let target = self.job.target.graph();
        self.spend(1);
        let there = match target.drive_item_at(&copy.target, here).await {
            Ok(there) => Some(there),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error.into()),
        };
        let known = load.known.as_ref().map(|known| &known.target);
        match there {
            Some(there) if known == Some(&there.id) && same_content(row, &there) => {
                return Ok(Outcome::Updated(there.id));
            }
            Some(there) if known != Some(&there.id) => {
                // Only a last fragment can have put it there, and at most so many were sent uncommitted.
                let uncommitted = u64::from(FRAGMENTS_PER_COMMIT.saturating_add(1));
                let sent = self.job.settings.fragment().saturating_mul(uncommitted);
                let ours = load.ours && at.offset.saturating_add(sent) >= row.size;
                return Ok(Outcome::Clash(Clash::Copied { ours }));
            }
            _ => {}
        }
        self.begin(copy, load, place).await?;
        Err(Interrupted::Stop(Stop::Wait {
            after: std::time::Duration::from_secs(5),
            why: "an upload session ended early; the file is sent again".to_owned(),
        }))
    }

    /// The source changed: the session is given up.
    async fn give_up(&mut self, at: &Transfer) -> Result<Outcome, Interrupted> {
        self.spend(1);
        let session = SecretText::new(at.upload_url.clone());
        match self.job.target.graph().cancel_upload(&session).await {
            // Whether it is gone or not: it expires by itself.
            Ok(()) | Err(_) => Ok(Outcome::SourceChanged),
        }
    }
}

/// Why a transfer did not come to an outcome.
enum Interrupted {
    Stop(Stop),
    Refused(TenantError),
}

impl From<Stop> for Interrupted {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<TenantError> for Interrupted {
    fn from(error: TenantError) -> Self {
        Self::Refused(error)
    }
}

/// The hash after one more fragment.
fn hashed(at: &Transfer, bytes: &[u8]) -> Option<QuickXorHash> {
    let mut hash = QuickXorHash::resume(at.hash.as_deref()?)?;
    if hash.length() != at.offset {
        return None;
    }
    hash.update(bytes);
    Some(hash)
}

/// The transfer after a fragment that ended at `end`, when the session expects `expected` next.
fn advanced(at: Transfer, bytes: &[u8], end: u64, expected: u64) -> Transfer {
    let hash = if expected == end {
        hashed(&at, bytes).map(|hash| hash.state())
    } else if expected == at.offset {
        at.hash.clone()
    } else {
        None
    };
    Transfer { offset: expected, hash, ..at }
}

fn judged(load: &Load, item: &DriveItem, sent: Option<&str>) -> Outcome {
    let row = &load.row;
    if let (Some(sent), Some(told)) = (sent, &row.hash)
        && sent != told
    {
        return Outcome::SourceChanged;
    }
    let expected = sent.or(row.hash.as_deref());
    if expected.is_some_and(|hash| !arrived(row, item, hash)) {
        return Outcome::Differs(item.id.clone());
    }
    let id = item.id.clone();
    if load.known.is_some() { Outcome::Updated(id) } else { Outcome::Created(id) }
}
