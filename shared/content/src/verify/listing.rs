//! One folder or drive in hand: both sides listed page by page, each remembered by fingerprints, so that a
//! place of any size is compared in bounded memory and over as many units as it takes.

use std::collections::{BTreeMap, BTreeSet};

use ports::{Change, Key};
use serde::{Deserialize, Serialize};

use super::{Difference, DifferenceReason, VerifiedPlace, VerifyReport};
use crate::{
    ContentError, CopyJob, Workload,
    map::{ItemMap, fingerprint},
    store::damaged,
};

/// Differences of one place that are listed.
const LISTED: usize = 200;
/// Fingerprints in one record, of 16 bytes each: below what the store takes.
const PER_RECORD: usize = 20_000;

/// The state of what has none: a drive's items without a hash.
pub(super) const UNTOLD: u64 = 0;

/// What is listed next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// The target.
    Target,
    /// The source, compared with what the target has shown.
    Source,
    /// Both have been.
    Done,
}

/// A place in hand.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Listing {
    /// Which: workload and folder.
    pub(super) of: (Workload, u32),
    pub(super) phase: Phase,
    /// The next page.
    pub(super) link: Option<String>,
    /// Items so far whose content may be compared.
    pub(super) sound: usize,
    pub(super) place: VerifiedPlace,
    /// Whether the changes that the last copies were told left something out.
    #[serde(default)]
    pub(super) skipped: bool,
    differences: Vec<Difference>,
    more_differences: u64,
    /// What the target has shown: ids, and in which state.
    pub(super) there: Prints,
    /// What the source has shown.
    pub(super) here: Prints,
}

impl Listing {
    pub(super) fn new(of: (Workload, u32), place: String) -> Self {
        Self {
            of,
            phase: Phase::Target,
            link: None,
            sound: 0,
            place: VerifiedPlace::new(of.0, place),
            skipped: false,
            differences: Vec::new(),
            more_differences: 0,
            there: Prints::new("VT/"),
            here: Prints::new("VH/"),
        }
    }

    /// Goes on with the next page, or with what comes after the last.
    pub(super) fn turn(&mut self, link: Option<String>) {
        self.link = link;
        self.phase = match self.phase {
            phase if self.link.is_some() => phase,
            Phase::Target => Phase::Source,
            Phase::Source | Phase::Done => Phase::Done,
        };
    }

    /// Counts an item of the target; its state is what a copy of it is compared by.
    pub(super) fn in_target(&mut self, id: &str, state: Option<&str>, bytes: u64) {
        if self.there.insert(id, state) {
            self.place.target_items += 1;
            self.place.target_bytes += bytes;
        }
    }

    /// Counts an item of the source.
    pub(super) fn in_source(&mut self, id: &str, bytes: u64) {
        if self.here.insert(id, None) {
            self.place.source_items += 1;
            self.place.source_bytes += bytes;
        }
    }

    pub(super) fn differ(&mut self, id: &str, name: &str, found: (DifferenceReason, String)) {
        if self.differences.len() >= LISTED {
            self.more_differences += 1;
            // What is known already makes room for what is not.
            let known = self.differences.iter().rposition(|listed| listed.reason.is_reported());
            let Some(known) = known.filter(|_| !found.0.is_reported()) else { return };
            self.differences.remove(known);
        }
        let ((workload, _), (reason, detail)) = (self.of, found);
        let (place, id, name) = (self.place.place.clone(), id.to_owned(), name.to_owned());
        self.differences.push(Difference { workload, place, id, name, reason, detail });
    }

    /// Lists what was copied and is gone from the source. The copies of some, by their ids, are `kept`: the
    /// only ones of items that cannot be read where they are now.
    pub(super) async fn gone(
        &mut self,
        map: &ItemMap<'_>,
        kept: &BTreeSet<String>,
        name: impl Fn(&crate::map::Entry) -> String,
    ) -> Result<(), ContentError> {
        let copied = map.prints().await?;
        let gone = copied.keys().filter(|source| !self.here.all.contains_key(source));
        let gone: BTreeSet<u64> = gone.copied().collect();
        let open = self.differences.iter().filter(|listed| !listed.reason.is_reported());
        let room = LISTED.saturating_sub(open.count());
        let listed: BTreeSet<u64> = gone.iter().take(room).copied().collect();
        self.more_differences += gone.len().saturating_sub(listed.len()) as u64;
        // One that is listed in the place of another is counted there.
        for (id, entry) in map.find_prints(&listed).await? {
            let (reason, detail) = if kept.contains(&id) {
                let detail = "it cannot be read where it is now; this copy stays until it can";
                (DifferenceReason::BadItem, detail)
            } else {
                (DifferenceReason::GoneFromSource, "the next sync deletes its copy")
            };
            self.differ(&id, &name(&entry), (reason, detail.to_owned()));
        }
        Ok(())
    }

    /// Counts what the target has besides copies.
    pub(super) fn count_own(&mut self, copies: &BTreeSet<u64>) {
        let own = self.there.all.keys().filter(|id| !copies.contains(id));
        self.place.target_only = own.count() as u64;
    }

    pub(super) fn into_report(self) -> VerifyReport {
        let Self { place, differences, more_differences, .. } = self;
        VerifyReport { places: vec![place], differences, more_differences }
    }
}

/// Ids that a side has shown, and in which state, as fingerprints.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Prints {
    prefix: String,
    /// How many records hold those of earlier units.
    records: u32,
    #[serde(skip)]
    all: BTreeMap<u64, u64>,
    /// Those that are in no record yet.
    #[serde(skip)]
    fresh: Vec<(u64, u64)>,
}

impl Prints {
    fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), records: 0, all: BTreeMap::new(), fresh: Vec::new() }
    }

    /// `false`: it was there already. Listings repeat what changes meanwhile.
    fn insert(&mut self, id: &str, state: Option<&str>) -> bool {
        let print = (fingerprint(id), state.map_or(UNTOLD, fingerprint));
        self.fresh.push(print);
        self.all.insert(print.0, print.1).is_none()
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.all.contains_key(&fingerprint(id))
    }

    /// The state of the id with this fingerprint, or [`UNTOLD`]; `None`: it has not been shown.
    pub(super) fn state(&self, id: u64) -> Option<u64> {
        self.all.get(&id).copied()
    }

    fn keys(&self, job: &CopyJob<'_>) -> impl Iterator<Item = Key> {
        let (partition, prefix) = (job.partition.clone(), self.prefix.clone());
        (0..self.records).map(move |n| Key::new(partition.clone(), format!("{prefix}{n:06}")))
    }

    /// What to commit so that another unit can go on.
    pub(super) fn save(&mut self, job: &CopyJob<'_>) -> Vec<Change> {
        let mut changes = Vec::new();
        for part in self.fresh.chunks(PER_RECORD) {
            let pair = |(id, state): &(u64, u64)| [id.to_le_bytes(), state.to_le_bytes()].concat();
            let sort = format!("{}{:06}", self.prefix, self.records);
            let value = part.iter().flat_map(pair).collect::<Vec<u8>>();
            changes.push(Change::put(Key::new(job.partition.clone(), sort), value));
            self.records = self.records.saturating_add(1);
        }
        self.fresh.clear();
        changes
    }

    /// Reads what earlier units have saved.
    pub(super) async fn load(&mut self, job: &CopyJob<'_>) -> Result<(), ContentError> {
        for key in self.keys(job).collect::<Vec<_>>() {
            let Some(record) = job.store.get(&key).await? else {
                return Err(damaged(&key.sort, "a part of the verification is missing"));
            };
            let (halves, []) = record.value.as_chunks::<8>() else {
                return Err(damaged(&key.sort, "the fingerprints are cut off"));
            };
            let (pairs, _) = halves.as_chunks::<2>();
            self.all
                .extend(pairs.iter().map(|pair| <(u64, u64)>::from(pair.map(u64::from_le_bytes))));
        }
        Ok(())
    }

    /// What to commit once the place is done.
    pub(super) fn forget(&self, job: &CopyJob<'_>) -> Vec<Change> {
        let gone = |key| Change::Delete { key, expect: ports::Expect::Anything };
        self.keys(job).map(gone).collect()
    }
}
