//! Verification of a mailbox, folder by folder.

use std::collections::BTreeMap;

use tenant::{
    Graph,
    graph::mailbox_content::{MailboxAddress, MailboxItem},
};

use super::{Difference, DifferenceReason, VerifiedPlace, VerifyReport, places::Places};
use crate::{
    BadItem, Workload,
    mailbox::{FolderRow, Folders, Side},
    map::{Entry, ItemMap},
    quick_xor_hash,
    store::{decode, keys},
    unit::{Step, Unit},
};

/// Most bytes of an exported sample.
const SAMPLE_BYTES: usize = 16 * 1024 * 1024;
/// Larger items are not sampled.
const SAMPLE_ITEM: u64 = 4 * 1024 * 1024;

/// Both mailboxes.
struct Pair {
    workload: Workload,
    source: MailboxAddress,
    target: MailboxAddress,
}

impl Unit<'_> {
    pub(super) async fn verify_mailbox(&mut self, workload: Workload, places: &mut Places) -> Step {
        let Some(source) = self.mailbox_id(workload, Side::Source).await? else { return Ok(()) };
        let Some(target) = self.mailbox_id(workload, Side::Target).await? else { return Ok(()) };
        let pair = Pair { workload, source, target };
        let folders = Folders::load(self.state.store, &self.state.partition, workload).await?;
        let first = if places.at.0 == workload { places.at.1 } else { 0 };
        for row in folders.rows.range(first..).map(|(_, row)| row) {
            self.within_budget()?;
            let mut report = VerifyReport::default();
            let place = folders.path(row.ordinal);
            if let Some(reason) = &row.left_out {
                if row.items > 0 {
                    report.differences.push(Difference {
                        workload,
                        place,
                        id: row.source.clone(),
                        name: row.name.clone(),
                        reason: DifferenceReason::NotCopied,
                        detail: reason.clone(),
                    });
                }
            } else {
                self.verify_folder(&pair, row, place, &mut report).await?;
            }
            places.keep(self.job, (workload, row.ordinal), report).await?;
        }
        Ok(())
    }

    async fn verify_folder(
        &mut self,
        pair: &Pair,
        row: &FolderRow,
        place: String,
        report: &mut VerifyReport,
    ) -> Step {
        let workload = pair.workload;
        let source = self.job.source.graph();
        let target = self.job.target.graph();
        let held = row.held_by.as_ref().unwrap_or(&pair.source);
        let here = self.items_of(&source, held, &row.source).await?;
        let there = self.items_of(&target, &pair.target, &row.target).await?;
        let (store, partition) = (self.state.store, self.state.partition.clone());
        let map = ItemMap::open(store, &partition, keys::map(workload, row.ordinal)).await?;
        let mapped = map.all().await?;
        let mut bad = BTreeMap::new();
        let prefix = keys::bad_items(workload, row.ordinal);
        for record in store.query_all(&partition, &prefix).await? {
            let item: BadItem = decode(&record.key.sort, &record.value)?;
            bad.insert(item.id.clone(), item);
        }
        let mut verified = VerifiedPlace::new(workload, place.clone());
        verified.source_items = here.len() as u64;
        verified.source_bytes = here.values().filter_map(|item| item.size).sum();
        verified.target_items = there.len() as u64;
        verified.target_bytes = there.values().filter_map(|item| item.size).sum();
        let mut differ = |id: &str, name: Option<String>, reason, detail: String| {
            let (id, name) = (id.to_owned(), name.unwrap_or_default());
            let place = place.clone();
            report.differences.push(Difference { workload, place, id, name, reason, detail });
        };
        for (id, item) in &here {
            if let Some((reason, detail)) = judge_item(item, &mapped, &bad, &there) {
                differ(id, item.kind.clone(), reason, detail);
            }
        }
        for id in mapped.keys().filter(|id| !here.contains_key(*id)) {
            let detail = "the next sync deletes its copy".to_owned();
            differ(id, None, DifferenceReason::GoneFromSource, detail);
        }
        let copies: std::collections::BTreeSet<&str> =
            mapped.values().map(|entry| entry.target.as_str()).collect();
        let own = there.keys().filter(|id| !copies.contains(id.as_str()));
        verified.target_only = own.count() as u64;
        let unchanged = |entry: &&Entry| {
            let same_here = here.get(&entry.source).is_some_and(|item| {
                item.change_key.as_deref() == Some(entry.source_tag.as_str())
                    && item.size.unwrap_or(0) <= SAMPLE_ITEM
            });
            let same_there = there
                .get(&entry.target)
                .is_some_and(|item| item.change_key.as_deref() == Some(entry.target_tag.as_str()));
            same_here && same_there
        };
        let sound: Vec<&Entry> = mapped.values().filter(unchanged).collect();
        let step = sound.len().div_ceil(self.job.settings.sample.max(1)).max(1);
        for entry in sound.into_iter().step_by(step).take(self.job.settings.sample) {
            let (a, b) = self.sample(pair, held, entry).await?;
            verified.sampled += 1;
            if a.is_none() || a != b {
                let detail = "the exported contents have different hashes".to_owned();
                differ(&entry.source, None, DifferenceReason::ContentDiffers, detail);
            }
        }
        report.places.push(verified);
        Ok(())
    }

    async fn items_of(
        &mut self,
        graph: &Graph,
        mailbox: &MailboxAddress,
        folder: &str,
    ) -> Step<BTreeMap<String, MailboxItem>> {
        let mut items = BTreeMap::new();
        let mut link: Option<String> = None;
        loop {
            let call = graph.mailbox_items(mailbox, folder, link.as_deref(), &[]);
            let Some(page) = self.ask_optional("listing a folder's items", call).await? else {
                return Ok(items);
            };
            items.extend(page.value.into_iter().map(|item| (item.id.clone(), item)));
            link = page.next_link;
            if link.is_none() {
                return Ok(items);
            }
        }
    }

    /// The hashes of original and copy.
    async fn sample(
        &mut self,
        pair: &Pair,
        held: &MailboxAddress,
        entry: &Entry,
    ) -> Step<(Option<String>, Option<String>)> {
        let source = self.job.source.graph();
        let target = self.job.target.graph();
        let ids = [entry.source.as_str()];
        let call = source.export_mailbox_items(held, &ids, SAMPLE_BYTES);
        let here = self.ask("exporting a sample from the source", call).await?;
        let ids = [entry.target.as_str()];
        let call = target.export_mailbox_items(&pair.target, &ids, SAMPLE_BYTES);
        let there = self.ask("exporting a sample from the target", call).await?;
        let hash = |items: Vec<tenant::graph::mailbox_content::ExportedItem>| {
            let data = items.into_iter().next()?.outcome.ok()?;
            Some(quick_xor_hash(&data.data))
        };
        Ok((hash(here), hash(there)))
    }
}

/// Why an item of the source is not in the target as it is now.
fn judge_item(
    item: &MailboxItem,
    mapped: &BTreeMap<String, Entry>,
    bad: &BTreeMap<String, BadItem>,
    there: &BTreeMap<String, MailboxItem>,
) -> Option<(DifferenceReason, String)> {
    if let Some(bad) = bad.get(&item.id) {
        return Some((DifferenceReason::BadItem, format!("{}; {}", bad.reason, bad.advice)));
    }
    let Some(entry) = mapped.get(&item.id) else {
        let detail = "new in the source; the next sync copies it".to_owned();
        return Some((DifferenceReason::ChangedSince, detail));
    };
    if item.change_key.as_deref() != Some(entry.source_tag.as_str()) {
        let detail = "changed in the source; the next sync copies it".to_owned();
        return Some((DifferenceReason::ChangedSince, detail));
    }
    if !there.contains_key(&entry.target) {
        let detail = "somebody deleted or moved the copy".to_owned();
        return Some((DifferenceReason::DeletedInTarget, detail));
    }
    None
}
