//! Verification of a drive: both sides enumerated, compared by the item map, size and hash.

use std::collections::BTreeMap;

use tenant::{Graph, graph::drive::DriveItem};

use super::{Difference, DifferenceReason, VerifiedPlace, VerifyReport};
use crate::{
    BadItem, Workload,
    drive::{
        FILES, FOLDERS,
        row::{Kind, Row, is_office},
    },
    map::{Entry, ItemMap},
    store::{decode, keys},
    unit::{Step, Unit},
};

const DRIVE: Workload = Workload::OneDrive;

impl Unit<'_> {
    pub(super) async fn verify_drive(&mut self, report: &mut VerifyReport) -> Step {
        let job = self.job;
        let (source, target) = (job.source.graph(), job.target.graph());
        let call = source.user_drive(&job.subject.source_user);
        let Some(here) = self.ask_optional("finding the source's OneDrive", call).await? else {
            return Ok(());
        };
        let call = target.user_drive(&job.subject.target_user);
        let Some(there) = self.ask_optional("finding the target's OneDrive", call).await? else {
            return Ok(());
        };
        let here = self.entries(&source, &here.id).await?;
        let there = self.entries(&target, &there.id).await?;
        let (store, partition) = (self.state.store, self.state.partition.clone());
        let files = ItemMap::open(store, &partition, keys::map(DRIVE, FILES)).await?.all().await?;
        let folders = ItemMap::open(store, &partition, keys::map(DRIVE, FOLDERS)).await?;
        let folders = folders.all().await?;
        let mut bad = BTreeMap::new();
        for record in store.query_all(&partition, &keys::bad_items(DRIVE, FILES)).await? {
            let item: BadItem = decode(&record.key.sort, &record.value)?;
            bad.insert(item.id.clone(), item);
        }
        let mut verified = VerifiedPlace::new(DRIVE, DRIVE.title().to_owned());
        (verified.source_items, verified.source_bytes) = totals(&here);
        (verified.target_items, verified.target_bytes) = totals(&there);
        for (id, item) in &here {
            let row = Row::of(item);
            let known = files.get(id).or_else(|| folders.get(id));
            let (found, compared) = judge_entry(&row, known, bad.get(id), &there);
            verified.sampled += u64::from(compared);
            if let Some((reason, detail)) = found {
                let (place, name) = (DRIVE.title().to_owned(), row.name);
                let id = id.clone();
                let difference = Difference { workload: DRIVE, place, id, name, reason, detail };
                report.differences.push(difference);
            }
        }
        for (id, entry) in files.iter().filter(|(id, _)| !here.contains_key(*id)) {
            let name = there.get(&entry.target).and_then(|item| item.name.clone());
            report.differences.push(Difference {
                workload: DRIVE,
                place: DRIVE.title().to_owned(),
                id: id.clone(),
                name: name.unwrap_or_default(),
                reason: DifferenceReason::GoneFromSource,
                detail: "the next sync deletes its copy".to_owned(),
            });
        }
        let copies: std::collections::BTreeSet<&str> =
            files.values().chain(folders.values()).map(|entry| entry.target.as_str()).collect();
        let own = there.keys().filter(|id| !copies.contains(id.as_str()));
        verified.target_only = own.count() as u64;
        report.places.push(verified);
        Ok(())
    }

    /// Everything in a drive but its root, by id.
    async fn entries(&mut self, graph: &Graph, drive: &str) -> Step<BTreeMap<String, DriveItem>> {
        let mut entries = BTreeMap::new();
        let mut link: Option<String> = None;
        loop {
            let call = graph.drive_delta(drive, link.as_deref(), self.job.settings.page_size);
            let page = self.ask("listing a OneDrive", call).await?;
            for item in page.value {
                if item.deleted.is_some() {
                    entries.remove(&item.id);
                } else if item.root.is_none() {
                    entries.insert(item.id.clone(), item);
                }
            }
            link = page.next_link;
            if link.is_none() {
                return Ok(entries);
            }
        }
    }
}

fn totals(entries: &BTreeMap<String, DriveItem>) -> (u64, u64) {
    let files = entries.values().filter(|item| item.file.is_some());
    let bytes = files.filter_map(|item| item.size).sum();
    (entries.len() as u64, bytes)
}

/// Why an entry of the source is not in the target as it is now, and whether hashes were compared.
fn judge_entry(
    row: &Row,
    known: Option<&Entry>,
    bad: Option<&BadItem>,
    there: &BTreeMap<String, DriveItem>,
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
    let same = row.kind == Kind::Folder || entry.source_tag == row.content();
    if !same || entry.target_tag != row.placement() {
        let detail = "changed in the source; the next sync copies it".to_owned();
        return (Some((DifferenceReason::ChangedSince, detail)), false);
    }
    let Some(copy) = there.get(&entry.target) else {
        let detail = "somebody deleted the copy".to_owned();
        return (Some((DifferenceReason::DeletedInTarget, detail)), false);
    };
    // SharePoint may rewrite Office files on upload, so theirs say nothing.
    let (Some(here), Some(hash)) = (&row.hash, copy.quick_xor_hash()) else {
        return (None, false);
    };
    if here != hash && !is_office(&row.name) {
        let detail = "the hashes are not the same".to_owned();
        return (Some((DifferenceReason::ContentDiffers, detail)), true);
    }
    (None, true)
}
