//! Verification of a mailbox, folder by folder and page by page.

use std::collections::{BTreeMap, BTreeSet};

use tenant::graph::mailbox_content::{MailboxAddress, MailboxItem};

use super::{
    Difference, DifferenceReason, VerifyReport,
    listing::{Listing, Phase, Prints},
    no_target,
    places::Places,
    tree::TREE,
};
use crate::{
    BadItem, Workload,
    mailbox::{FolderRow, Folders, Side},
    map::{Entry, ItemMap, Print, fingerprint},
    pages, quick_xor_hash,
    store::{decode, keys},
    unit::{Step, Unit},
};

/// Most bytes of an exported sample.
const SAMPLE_BYTES: usize = 16 * 1024 * 1024;
/// Larger items are not sampled.
const SAMPLE_ITEM: u64 = 4 * 1024 * 1024;

/// Both mailboxes.
struct Pair {
    source: MailboxAddress,
    target: MailboxAddress,
}

/// A folder and what is known of its copies.
struct Folder<'a> {
    row: &'a FolderRow,
    /// The mailbox that holds it.
    held: &'a MailboxAddress,
    map: ItemMap<'a>,
    copied: BTreeMap<u64, Print>,
    bad: BTreeMap<String, BadItem>,
    /// Internet message ids that have reached the target's inbox by forwarding.
    by_mail: &'a BTreeSet<String>,
}

impl Unit<'_> {
    pub(super) async fn verify_mailbox(&mut self, workload: Workload, places: &mut Places) -> Step {
        let Some(source) = self.mailbox_id(workload, Side::Source).await? else { return Ok(()) };
        let Some(target) = self.mailbox_id(workload, Side::Target).await? else {
            let report = no_target(workload, &source.id);
            return Ok(places.keep_report(self.job, (workload, u32::MAX), &report).await?);
        };
        let pair = Pair { source, target };
        let folders = Folders::load(self.state.store, &self.state.partition, workload).await?;
        let by_mail = match workload {
            Workload::Mailbox => self.came_by_mail(&pair.target, &folders).await?,
            _ => BTreeSet::new(),
        };
        let first = if places.at.0 == workload { places.at.1 } else { 0 };
        for row in folders.rows.range(first..TREE.max(first)).map(|(_, row)| row) {
            self.within_budget()?;
            let (of, place) = ((workload, row.ordinal), folders.path(row.ordinal));
            if let Some(reason) = &row.left_out {
                let report = left_out(workload, row, place, reason);
                places.keep_report(self.job, of, &report).await?;
                continue;
            }
            let mut listing = places.listing(self.job, of, place).await?;
            if let Err(stop) = self.verify_folder(&pair, row, &by_mail, &mut listing).await {
                places.suspend(self.job, listing).await?;
                return Err(stop);
            }
            places.keep(self.job, listing).await?;
        }
        self.verify_tree(workload, &pair.source, &folders, places).await
    }

    /// Goes through a folder, the target's pages first.
    async fn verify_folder(
        &mut self,
        pair: &Pair,
        row: &FolderRow,
        by_mail: &BTreeSet<String>,
        listing: &mut Listing,
    ) -> Step {
        let (store, partition) = (self.state.store, self.state.partition.clone());
        let (workload, ordinal) = listing.of;
        let map = ItemMap::open(store, &partition, keys::map(workload, ordinal)).await?;
        let mut bad = BTreeMap::new();
        for record in store.query_all(&partition, &keys::bad_items(workload, ordinal)).await? {
            let item: BadItem = decode(&record.key.sort, &record.value)?;
            bad.insert(item.id.clone(), item);
        }
        let held = row.held_by.as_ref().unwrap_or(&pair.source);
        let copied = map.prints().await?;
        let folder = Folder { row, held, map, copied, bad, by_mail };
        let (source, target) = (self.job.source.graph(), self.job.target.graph());
        loop {
            let (graph, mailbox, id) = match listing.phase {
                Phase::Target => (&target, &pair.target, &row.target),
                Phase::Source => (&source, held, &row.source),
                Phase::Done => break,
            };
            self.within_budget()?;
            let call = graph.mailbox_items(mailbox, id, listing.link.as_deref(), &[]);
            let page = self.ask_optional("listing a folder's items", call).await?;
            let (items, next) = page.map_or_else(Default::default, |it| (it.value, it.next_link));
            if listing.phase == Phase::Target {
                for item in items {
                    let bytes = item.size.unwrap_or(0);
                    listing.in_target(&item.id, item.change_key.as_deref(), bytes);
                }
            } else {
                self.compare_items(pair, &folder, listing, &items).await?;
            }
            listing.turn(next);
        }
        let mut kept = BTreeSet::new();
        for record in store.query_all(&partition, &keys::kept_in(workload, ordinal)).await? {
            let rows = pages::unpack::<2>(&record.key.sort, &record.value)?;
            kept.extend(rows.into_iter().map(|[_, id]| id));
        }
        listing.gone(&folder.map, &kept, |_| String::new()).await?;
        listing.count_own(&folder.copied.values().map(|copy| copy.target).collect());
        Ok(())
    }

    /// Compares a page of the source. What stops it leaves the listing as it was.
    async fn compare_items(
        &mut self,
        pair: &Pair,
        folder: &Folder<'_>,
        listing: &mut Listing,
        items: &[MailboxItem],
    ) -> Step {
        let sample = self.job.settings.sample;
        let all = usize::try_from(folder.row.items).unwrap_or(usize::MAX);
        let step = all.div_ceil(sample.max(1)).max(1);
        let room = sample.saturating_sub(usize::try_from(listing.place.sampled).unwrap_or(sample));
        let mut sound = listing.sound;
        let (mut found, mut chosen) = (Vec::new(), BTreeSet::new());
        for item in items.iter().filter(|item| !listing.here.has(&item.id)) {
            let copy = folder.copied.get(&fingerprint(&item.id));
            if let Some(why) = judge_item(item, copy, folder.bad.get(&item.id), &listing.there) {
                if copy.is_none() && self.has_come_by_mail(folder, item).await? {
                    continue;
                }
                found.push((item, why));
            } else if can_be_sampled(item, copy, &listing.there) {
                if sound.is_multiple_of(step) && chosen.len() < room {
                    chosen.insert(item.id.clone());
                }
                sound += 1;
            }
        }
        let mut differ = Vec::new();
        for (id, entry) in folder.map.find(&chosen).await? {
            let (a, b) = self.sample(pair, folder.held, &entry).await?;
            if a.is_none() || a != b {
                differ.push(id);
            }
        }
        listing.sound = sound;
        listing.place.sampled += chosen.len() as u64;
        for (item, why) in found {
            listing.differ(&item.id, item.kind.as_deref().unwrap_or_default(), why);
        }
        for id in differ {
            let detail = "the exported contents have different hashes".to_owned();
            listing.differ(&id, "", (DifferenceReason::ContentDiffers, detail));
        }
        for item in items {
            listing.in_source(&item.id, item.size.unwrap_or(0));
        }
        Ok(())
    }

    /// Whether the target has received an item of the source by forwarding, which needs no copy then.
    async fn has_come_by_mail(&mut self, folder: &Folder<'_>, item: &MailboxItem) -> Step<bool> {
        if folder.by_mail.is_empty() || folder.bad.contains_key(&item.id) {
            return Ok(false);
        }
        let id = self.message_id(folder.held, &folder.row.source, &item.id).await?;
        Ok(id.is_some_and(|id| folder.by_mail.contains(&id)))
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

/// A folder that is not copied on purpose.
fn left_out(workload: Workload, row: &FolderRow, place: String, reason: &str) -> VerifyReport {
    let (id, name, detail) = (row.source.clone(), row.name.clone(), reason.to_owned());
    let reason = DifferenceReason::NotCopied;
    let difference = Difference { workload, place, id, name, reason, detail };
    let differences = if row.items > 0 { vec![difference] } else { Vec::new() };
    VerifyReport { differences, ..VerifyReport::default() }
}

/// Why an item of the source is not in the target as it is now.
fn judge_item(
    item: &MailboxItem,
    copy: Option<&Print>,
    bad: Option<&BadItem>,
    there: &Prints,
) -> Option<(DifferenceReason, String)> {
    if let Some(bad) = bad {
        return Some((DifferenceReason::BadItem, format!("{}; {}", bad.reason, bad.advice)));
    }
    let Some(copy) = copy else {
        let detail = "new in the source; the next sync copies it".to_owned();
        return Some((DifferenceReason::ChangedSince, detail));
    };
    if fingerprint(item.change_key.as_deref().unwrap_or_default()) != copy.source_tag {
        let detail = "changed in the source; the next sync copies it".to_owned();
        return Some((DifferenceReason::ChangedSince, detail));
    }
    if there.state(copy.target).is_none() {
        let detail = "somebody deleted or moved the copy".to_owned();
        return Some((DifferenceReason::DeletedInTarget, detail));
    }
    None
}

/// Whether nobody has touched the copy, it did not come by mail, and the item is small enough to be exported
/// for a comparison.
fn can_be_sampled(item: &MailboxItem, copy: Option<&Print>, there: &Prints) -> bool {
    let untouched = copy.is_some_and(|it| there.state(it.target) == Some(it.target_tag));
    untouched && item.size.unwrap_or(0) <= SAMPLE_ITEM
}
