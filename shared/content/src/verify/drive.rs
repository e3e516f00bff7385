//! Verification of a drive: both sides enumerated page by page, compared by the item map and by hash.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use ports::{Change, Key};
use tenant::{
    TenantClient,
    graph::drive::{Drive, DriveItem},
};

use super::{
    DifferenceReason,
    listing::{Listing, Phase, Prints, UNTOLD},
    no_target,
    places::Places,
};
use crate::{
    BadItem, ContentError, Workload,
    drive::{
        FILES, FOLDERS, no_drive,
        row::{Kind, Row, is_office, name_of},
    },
    map::{ItemMap, Print, fingerprint},
    store::{decode, keys},
    unit::{Step, Unit, judge},
};

const DRIVE: Workload = Workload::OneDrive;

impl Unit<'_> {
    pub(super) async fn verify_drive(&mut self, places: &mut Places) -> Step {
        let job = self.job;
        let Some(here) = self.drive_of(job.source, &job.subject.source_user).await? else {
            return Ok(());
        };
        let Some(there) = self.drive_of(job.target, &job.subject.target_user).await? else {
            let report = no_target(DRIVE, &here.id);
            return Ok(places.keep_report(job, (DRIVE, 0), &report).await?);
        };
        let mut listing = places.listing(job, (DRIVE, 0), DRIVE.title().to_owned()).await?;
        if let Err(stop) = self.compare_drives((&here.id, &there.id), &mut listing).await {
            places.suspend(job, listing).await?;
            return Err(stop);
        }
        if listing.skipped {
            let key = Key::new(job.partition.clone(), keys::skipped(DRIVE));
            job.store.commit(&[Change::put(key, Vec::new())]).await.map_err(ContentError::from)?;
        }
        Ok(places.keep(job, listing).await?)
    }

    async fn drive_of(&mut self, client: &TenantClient, user: &str) -> Step<Option<Drive>> {
        self.spend(1);
        match client.graph().user_drive(user).await {
            Ok(drive) => Ok(Some(drive)),
            Err(error) if no_drive(&error) => Ok(None),
            Err(error) => Err(judge("finding a OneDrive", error)),
        }
    }

    /// Whether something that was never copied has been there since before the last round began, so that the
    /// source's changes must have left it out; `detail` says so then.
    fn is_older_than_copy(&self, row: &Row, detail: &mut String) -> bool {
        let begun = self.state.checkpoint.progress.started;
        let changed: Option<Timestamp> = row.modified.parse().ok();
        let older = changed.zip(begun).is_some_and(|(changed, begun)| changed < begun);
        if older {
            "it was left out of the source's changes; the next sync lists everything anew and copies it"
                .clone_into(detail);
        }
        older
    }

    /// Goes through both drives, the target's pages first.
    async fn compare_drives(&mut self, (here, there): (&str, &str), listing: &mut Listing) -> Step {
        let (store, partition) = (self.state.store, self.state.partition.clone());
        let files = ItemMap::open(store, &partition, keys::map(DRIVE, FILES)).await?;
        let folders = ItemMap::open(store, &partition, keys::map(DRIVE, FOLDERS)).await?;
        let mut copied = files.prints().await?;
        copied.extend(folders.prints().await?);
        let mut bad = BTreeMap::new();
        for record in store.query_all(&partition, &keys::bad_items(DRIVE, FILES)).await? {
            let item: BadItem = decode(&record.key.sort, &record.value)?;
            bad.insert(item.id.clone(), item);
        }
        let (source, target) = (self.job.source.graph(), self.job.target.graph());
        let size = self.job.settings.page_size;
        loop {
            let (graph, drive) = match listing.phase {
                Phase::Target => (&target, there),
                Phase::Source => (&source, here),
                Phase::Done => break,
            };
            self.within_budget()?;
            let call = graph.drive_delta(drive, listing.link.as_deref(), size);
            let page = self.ask("listing a OneDrive", call).await?;
            let shown = |item: &&DriveItem| item.deleted.is_none() && item.root.is_none();
            for item in page.value.iter().filter(shown) {
                let bytes = item.size.filter(|_| item.file.is_some()).unwrap_or(0);
                if listing.phase == Phase::Target {
                    listing.in_target(&item.id, item.quick_xor_hash(), bytes);
                    continue;
                }
                if !listing.here.has(&item.id) {
                    let row = Row::of(item);
                    let copy = copied.get(&fingerprint(&item.id));
                    let (found, compared) =
                        judge_entry(&row, copy, bad.get(&item.id), &listing.there);
                    listing.place.sampled += u64::from(compared);
                    if let Some(mut found) = found {
                        if copy.is_none() && found.0 == DifferenceReason::ChangedSince {
                            listing.skipped |= self.is_older_than_copy(&row, &mut found.1);
                        }
                        listing.differ(&item.id, &row.name, found);
                    }
                }
                listing.in_source(&item.id, bytes);
            }
            listing.turn(page.next_link);
        }
        listing
            .gone(&files, &BTreeSet::new(), |entry| name_of(&entry.target_tag).to_owned())
            .await?;
        listing.count_own(&copied.values().map(|copy| copy.target).collect());
        Ok(())
    }
}

/// Why an entry of the source is not in the target as it is now, and whether hashes were compared.
fn judge_entry(
    row: &Row,
    known: Option<&Print>,
    bad: Option<&BadItem>,
    there: &Prints,
) -> (Option<(DifferenceReason, String)>, bool) {
    if let Some(bad) = bad {
        let detail = format!("{}; {}", bad.reason, bad.advice);
        return (Some((DifferenceReason::BadItem, detail)), false);
    }
    if let Some(reason) = row.kind.left_out() {
        return (Some((DifferenceReason::NotCopied, reason.to_owned())), false);
    }
    let Some(entry) = known else {
        let detail = "new in the source; the next sync copies it".to_owned();
        return (Some((DifferenceReason::ChangedSince, detail)), false);
    };
    let same = row.kind == Kind::Folder || entry.source_tag == fingerprint(&row.content());
    if !same || entry.target_tag != fingerprint(&row.placement()) {
        let detail = "changed in the source; the next sync copies it".to_owned();
        return (Some((DifferenceReason::ChangedSince, detail)), false);
    }
    let Some(hash) = there.state(entry.target) else {
        let detail = "somebody deleted the copy".to_owned();
        return (Some((DifferenceReason::DeletedInTarget, detail)), false);
    };
    // SharePoint may rewrite Office files on upload, so theirs say nothing.
    let Some(here) = row.hash.as_ref().filter(|_| hash != UNTOLD) else { return (None, false) };
    if fingerprint(here) != hash && !is_office(&row.name) {
        let detail = "the hashes are not the same".to_owned();
        return (Some((DifferenceReason::ContentDiffers, detail)), true);
    }
    (None, true)
}
