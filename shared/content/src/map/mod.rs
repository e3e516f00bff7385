//! The item map: which target item is the copy of which source item, and of which state of it.
//!
//! Rows are packed into segments (see [`codec`]). The last segment of a group grows with the
//! commits of a unit until it is [`TAIL_BYTES`] large; full ones are merged once a group is done.
//! A later row of the same source id replaces an earlier one; a row without a target id removes it.
//! A group is one folder of a mailbox, or a kind of item of a drive: what one delta looks up.

pub(crate) mod codec;

use std::collections::{BTreeMap, BTreeSet};

use codec::{Packer, Rows};
use ports::{Change, Key, Query, Record, Store};

use crate::{ContentError, store::damaged};

/// A tail that is this large is full: small enough to be rewritten with each commit, large enough to
/// keep records few.
const TAIL_BYTES: usize = 12 * 1024;
/// A merged segment is at most this large; the store takes 400 KB less some room.
const SEGMENT_BYTES: usize = 380_000;
/// Segments merged in one commit.
const MERGE_RECORDS: usize = 60;
/// Fewer segments are not worth a merge.
const MERGE_MIN: usize = 8;

/// What the map holds of one source item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The source's id.
    pub(crate) source: String,
    /// The state that was copied: a change key, or a file's hash and size.
    pub(crate) source_tag: String,
    /// The target's id; empty in a row that removes.
    pub(crate) target: String,
    /// The copy's state: a change key, or where a file was put.
    pub(crate) target_tag: String,
}

/// An [`Entry`] as fingerprints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Print {
    pub(crate) source_tag: u64,
    pub(crate) target: u64,
    pub(crate) target_tag: u64,
}

/// One group of the map, open for looking up and appending.
pub(crate) struct ItemMap<'a> {
    store: &'a dyn Store,
    partition: String,
    prefix: String,
    /// Hashes of all source ids of live rows: most questions are answered without reading.
    known: BTreeSet<u64>,
    /// Those of them whose last row removes.
    removed: BTreeSet<u64>,
    tail: Packer<4>,
    tail_number: u32,
    tail_changed: bool,
    full: Vec<(u32, Vec<u8>)>,
    segments: usize,
}

impl<'a> ItemMap<'a> {
    /// Opens a group, reading its segments once.
    pub(crate) async fn open(
        store: &'a dyn Store,
        partition: &str,
        prefix: String,
    ) -> Result<Self, ContentError> {
        let mut map = Self {
            store,
            partition: partition.to_owned(),
            prefix,
            known: BTreeSet::new(),
            removed: BTreeSet::new(),
            tail: Packer::default(),
            tail_number: 0,
            tail_changed: false,
            full: Vec::new(),
            segments: 0,
        };
        let mut last: Option<Record> = None;
        let mut after = None;
        loop {
            let page = map.page(after).await?;
            for record in page.records {
                map.learn(&record)?;
                map.segments += 1;
                last = Some(record);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        if let Some(record) = last {
            let number = map.number(&record)?;
            if record.value.len() < TAIL_BYTES {
                let place = record.key.sort.clone();
                map.tail = Packer::resume(record.value)
                    .ok_or_else(|| damaged(&place, "the packed rows are cut off"))?;
                map.tail_number = number;
            } else {
                map.tail_number = number.saturating_add(1);
            }
        }
        Ok(map)
    }

    async fn page(&self, after: Option<String>) -> Result<ports::Page, ContentError> {
        let query = Query {
            partition: self.partition.clone(),
            prefix: self.prefix.clone(),
            after,
            limit: 16,
        };
        Ok(self.store.query(&query).await?)
    }

    fn number(&self, record: &Record) -> Result<u32, ContentError> {
        let digits = record.key.sort.strip_prefix(&self.prefix);
        digits
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| damaged(&record.key.sort, "the segment has no number"))
    }

    fn key(&self, number: u32) -> Key {
        Key::new(self.partition.clone(), format!("{}{number:08}", self.prefix))
    }

    fn learn(&mut self, record: &Record) -> Result<(), ContentError> {
        each(record, |[source, _, target, _]| self.note(source, target))
    }

    fn note(&mut self, source: &str, target: &str) {
        let source = fingerprint(source);
        if !target.is_empty() {
            self.known.insert(source);
            self.removed.remove(&source);
        } else if self.known.contains(&source) {
            // It stays known: a hash that another id shares would be lost with it, and a lost "maybe" would be a
            // wrong "certainly not".
            self.removed.insert(source);
        }
    }

    /// Whether a source id may be in the map; `false` is certain.
    pub(crate) fn may_know(&self, source: &str) -> bool {
        self.known.contains(&fingerprint(source))
    }

    /// How many live rows the group has.
    pub(crate) fn len(&self) -> usize {
        self.known.len().saturating_sub(self.removed.len())
    }

    /// Whether the group has a live row of a source id.
    pub(crate) fn holds(&self, source: &str) -> bool {
        self.may_know(source) && !self.removed.contains(&fingerprint(source))
    }

    /// Whether the group has any row.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The live rows of the source ids asked for. Reads segments only when there is something to
    /// find; holds no more than what was asked for.
    pub(crate) async fn find(
        &self,
        sources: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Entry>, ContentError> {
        let mut found = BTreeMap::new();
        if !sources.iter().any(|source| self.may_know(source)) {
            return Ok(found);
        }
        self.scan(|row| {
            if let [source, ..] = row
                && sources.contains(source)
            {
                take(&mut found, row);
            }
        })
        .await?;
        Ok(found)
    }

    /// Which of these target ids are copies that the map knows.
    pub(crate) async fn known_targets(
        &self,
        targets: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, ContentError> {
        // A row may be replaced by a later one: remember by source id which target is the live one.
        let mut live = BTreeMap::new();
        self.scan(|row| {
            let [source, _, target, _] = row;
            if targets.contains(target) || live.contains_key(source) {
                live.insert(source.clone(), target.clone());
            }
        })
        .await?;
        Ok(live.into_values().filter(|target| targets.contains(target)).collect())
    }

    /// The live row of the item whose copy this target is.
    pub(crate) async fn find_target(&self, target: &str) -> Result<Option<Entry>, ContentError> {
        let mut live = BTreeMap::new();
        self.scan(|row| {
            let [source, _, of, _] = row;
            // A later row may give the item another copy.
            if of == target || live.contains_key(source) {
                take(&mut live, row);
            }
        })
        .await?;
        Ok(live.into_values().find(|entry| entry.target == target))
    }

    /// The fingerprints of every live row, by that of its source id.
    pub(crate) async fn prints(&self) -> Result<BTreeMap<u64, Print>, ContentError> {
        self.live(|[_, source_tag, target, target_tag]| {
            let [source_tag, target, target_tag] =
                [source_tag, target, target_tag].map(|text| fingerprint(text));
            Print { source_tag, target, target_tag }
        })
        .await
    }

    /// What `part` takes of every live row, by the fingerprint of its source id: little memory for large groups.
    pub(crate) async fn live<T>(
        &self,
        part: impl Fn(&[String; 4]) -> T,
    ) -> Result<BTreeMap<u64, T>, ContentError> {
        let mut found = BTreeMap::new();
        self.scan(|row| {
            let [source, _, target, _] = row;
            if target.is_empty() {
                found.remove(&fingerprint(source));
            } else {
                found.insert(fingerprint(source), part(row));
            }
        })
        .await?;
        Ok(found)
    }

    /// The live rows whose source ids have one of these fingerprints.
    pub(crate) async fn find_prints(
        &self,
        sources: &BTreeSet<u64>,
    ) -> Result<BTreeMap<String, Entry>, ContentError> {
        let mut found = BTreeMap::new();
        if !sources.is_empty() {
            self.scan(|row| {
                if sources.contains(&fingerprint(&row[0])) {
                    take(&mut found, row);
                }
            })
            .await?;
        }
        Ok(found)
    }

    /// Every live row of the group. Needs memory for all of them: for folders.
    pub(crate) async fn all(&self) -> Result<BTreeMap<String, Entry>, ContentError> {
        let mut found = BTreeMap::new();
        self.scan(|row| take(&mut found, row)).await?;
        Ok(found)
    }

    /// Shows every row, earlier ones first, those not yet committed last.
    async fn scan(&self, mut visit: impl FnMut(&[String; 4])) -> Result<(), ContentError> {
        let mut after = None;
        loop {
            let page = self.page(after).await?;
            for record in &page.records {
                // The open tail and full segments not yet committed are read from memory below.
                if self.number(record)? < self.first_unsaved() {
                    each(record, &mut visit)?;
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let full = self.full.iter().map(|(_, bytes)| bytes.as_slice());
        for bytes in full.chain([self.tail.bytes()]) {
            let rows = Rows::new(bytes);
            each_row(rows, &mut visit).ok_or_else(|| damaged(&self.prefix, "the open segment"))?;
        }
        Ok(())
    }

    fn first_unsaved(&self) -> u32 {
        self.full.first().map_or(self.tail_number, |(number, _)| *number)
    }

    /// Appends a row; it is durable with the next commit of [`ItemMap::changes`].
    pub(crate) fn put(&mut self, entry: &Entry) {
        let row = [&*entry.source, &*entry.source_tag, &*entry.target, &*entry.target_tag];
        self.push(row);
    }

    /// Appends a row that removes a source id.
    pub(crate) fn remove(&mut self, source: &str) {
        self.push([source, "", "", ""]);
    }

    fn push(&mut self, row: [&str; 4]) {
        self.tail.push(&row);
        self.tail_changed = true;
        let [source, _, target, _] = row;
        self.note(source, target);
        if self.tail.bytes().len() >= TAIL_BYTES {
            let full = std::mem::take(&mut self.tail);
            self.full.push((self.tail_number, full.bytes().to_vec()));
            self.tail_number = self.tail_number.saturating_add(1);
        }
    }

    /// What to commit so that all rows are durable. The group has one writer, whom the checkpoint's
    /// version guards, so nothing is expected of the segments.
    pub(crate) fn changes(&self) -> Vec<Change> {
        let mut changes: Vec<Change> = self
            .full
            .iter()
            .map(|(number, bytes)| Change::put(self.key(*number), bytes.clone()))
            .collect();
        if self.tail_changed && self.tail.rows() > 0 {
            changes.push(Change::put(self.key(self.tail_number), self.tail.bytes().to_vec()));
        }
        changes
    }

    /// The changes were committed.
    pub(crate) fn committed(&mut self) {
        self.segments += self.full.len();
        self.full.clear();
        self.tail_changed = false;
    }

    /// Whether there are enough small segments for a merge.
    pub(crate) fn worth_merging(&self) -> bool {
        self.segments >= MERGE_MIN
    }

    /// Changes that merge the first small segments into one, dropping replaced rows; empty when there
    /// is nothing to gain. To be committed with nothing else of the map open.
    pub(crate) async fn merge(&self) -> Result<Vec<Change>, ContentError> {
        let mut after = None;
        let mut run: Vec<Record> = Vec::new();
        let mut bytes = 0;
        loop {
            let page = self.page(after).await?;
            for record in page.records {
                let size = record.value.len();
                let fits = bytes + size <= SEGMENT_BYTES && run.len() < MERGE_RECORDS;
                if !fits && run.len() >= MERGE_MIN {
                    return merged(&run);
                }
                if !fits {
                    run.clear();
                    bytes = 0;
                }
                bytes += size;
                run.push(record);
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        if run.len() >= MERGE_MIN { merged(&run) } else { Ok(Vec::new()) }
    }
}

fn merged(run: &[Record]) -> Result<Vec<Change>, ContentError> {
    // Rows keep their order and removals stay: rows before this run may be what they replace.
    let mut last: BTreeMap<String, [String; 4]> = BTreeMap::new();
    for record in run {
        each(record, |row| {
            let [source, ..] = row;
            last.insert(source.clone(), row.clone());
        })?;
    }
    let mut packer = Packer::<4>::default();
    for row in last.values() {
        packer.push(&row.each_ref().map(String::as_str));
    }
    let [first, rest @ ..] = run else { return Ok(Vec::new()) };
    let mut changes = vec![Change::put(first.key.clone(), packer.bytes().to_vec())];
    let delete = |record: &Record| Change::Delete {
        key: record.key.clone(),
        expect: ports::Expect::Anything,
    };
    changes.extend(rest.iter().map(delete));
    Ok(changes)
}

fn each(record: &Record, visit: impl FnMut(&[String; 4])) -> Result<(), ContentError> {
    each_row(Rows::new(&record.value), visit)
        .ok_or_else(|| damaged(&record.key.sort, "the packed rows are cut off"))
}

fn each_row(rows: Option<Rows<'_, 4>>, mut visit: impl FnMut(&[String; 4])) -> Option<()> {
    let mut rows = rows?;
    while rows.step()? {
        visit(rows.row());
    }
    Some(())
}

fn take(found: &mut BTreeMap<String, Entry>, row: &[String; 4]) {
    let [source, source_tag, target, target_tag] = row.clone();
    if target.is_empty() {
        found.remove(&source);
    } else {
        found.insert(source.clone(), Entry { source, source_tag, target, target_tag });
    }
}

/// FNV-1a, 64 bits: stable over versions, good enough to say "certainly not".
pub(crate) fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
