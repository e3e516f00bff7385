//! What an anchor's item holds, and its form.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound::{Included, Unbounded},
};

use ports::{Key, Record, StoreError};

use super::Anchor;
use crate::dynamo::{
    item::{self, Item, Mark},
    value::{deflate, inflate},
};

/// Anchor and riders in the form below, bytes; or [`SHORT`] in its place.
const PACK: &str = "p";
/// The same, deflated.
const SHORT: &str = "q";
/// Bytes of an anchor's item in which riders have room. Each commit writes them all: more of them cost
/// more than moving those away that are at rest.
const ROOM: usize = 3_500;
/// Riders move away until so many bytes are left.
const LEFT: usize = 1_500;
/// The same before it is deflated.
const LENGTH: usize = 128 * 1024;
/// A longer rider moves first: it would be written again and again.
const LONG: usize = 4_096;
/// More items of their own than this are not listed.
const LISTED: usize = 400;
/// In the place of their number, when they are not.
const UNLISTED: u32 = u32::MAX;

/// A record in an anchor's item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rider {
    pub(super) version: u64,
    pub(super) value: Vec<u8>,
}

/// Records that have items of their own, by sort key. A rider's is older than the rider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Apart {
    /// These.
    Listed(BTreeSet<String>),
    /// Any.
    Unlisted,
}

impl Default for Apart {
    fn default() -> Self {
        Self::Listed(BTreeSet::new())
    }
}

impl Apart {
    /// Whether a record may have an item of its own.
    pub(super) fn may_hold(&self, sort: &str) -> bool {
        match self {
            Self::Listed(all) => all.contains(sort),
            Self::Unlisted => true,
        }
    }

    /// Whether some record under a prefix may have one.
    pub(super) fn may_hold_under(&self, prefix: &str) -> bool {
        match self {
            Self::Listed(all) => {
                let first = all.range::<str, _>((Included(prefix), Unbounded)).next();
                first.is_some_and(|first| first.starts_with(prefix))
            }
            Self::Unlisted => true,
        }
    }

    fn add(&mut self, sort: &str) {
        if let Self::Listed(all) = self {
            all.insert(sort.to_owned());
            if all.len() > LISTED {
                *self = Self::Unlisted;
            }
        }
    }

    /// The record's item is removed.
    pub(super) fn remove(&mut self, sort: &str) {
        if let Self::Listed(all) = self {
            all.remove(sort);
        }
    }
}

/// An anchor and its riders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    /// The anchor's own version; 0 when only its riders are there.
    pub(super) version: u64,
    pub(super) value: Vec<u8>,
    /// By sort key.
    pub(super) riders: BTreeMap<String, Rider>,
    /// The partition's other items.
    pub(super) apart: Apart,
}

/// The anchor of an item. One that was written before there were riders has none.
pub(super) fn anchor(key: &Key, item: &Item) -> Result<Anchor, StoreError> {
    let damaged =
        || StoreError::Damaged(format!("{}/{} has unreadable riders", key.partition, key.sort));
    let mark = Mark::of(item).ok_or_else(damaged)?;
    let bytes = |name: &str| item.get(name).and_then(|value| value.as_b().ok());
    let packed = match (bytes(PACK), bytes(SHORT)) {
        (Some(pack), None) => Some(pack.as_ref().to_vec()),
        (None, Some(short)) => Some(inflate(short.as_ref()).ok_or_else(damaged)?),
        _ => None,
    };
    let Some(packed) = packed else {
        let Record { version, value, .. } = item::record(item.clone())?;
        let content = Content { version, value, riders: BTreeMap::new(), apart: Apart::Unlisted };
        return Ok(Anchor { mark, content });
    };
    let version = item.get(item::VERSION).and_then(|version| version.as_n().ok());
    let version = version.and_then(|version| version.parse().ok()).ok_or_else(damaged)?;
    let content = Content::unpack(version, &packed).ok_or_else(damaged)?;
    Ok(Anchor { mark, content })
}

impl Content {
    /// The item, without its key and mark.
    pub(super) fn item(&self) -> Item {
        let packed = self.pack();
        let short = deflate(&packed);
        let (name, bytes) = short.as_deref().map_or((PACK, &*packed), |short| (SHORT, short));
        Item::from([
            (item::VERSION.to_owned(), item::number(self.version)),
            (name.to_owned(), item::bytes(bytes)),
        ])
    }

    /// Takes out the riders for which there is no room, at most so many. Those at rest go before those
    /// that were `touched`.
    pub(super) fn overflow(
        &mut self,
        most: usize,
        touched: impl Fn(&str) -> bool,
    ) -> Vec<(String, Rider)> {
        let packed = self.pack();
        let size = deflate(&packed).map_or(packed.len(), |short| short.len());
        if size <= ROOM && packed.len() <= LENGTH {
            return Vec::new();
        }
        let mut order: Vec<(bool, bool, usize, String)> = self
            .riders
            .iter()
            .map(|(sort, rider)| {
                let length = rider.value.len();
                (length > LONG, !touched(sort), length, sort.clone())
            })
            .collect();
        order.sort_by(|one, other| other.cmp(one));
        // What a byte takes when it is deflated is the same for all, near enough.
        let mut left = packed.len();
        let mut out = Vec::new();
        for (_, _, _, sort) in order.into_iter().take(most) {
            if left <= LENGTH && left.saturating_mul(size) <= LEFT.saturating_mul(packed.len()) {
                break;
            }
            if let Some(rider) = self.riders.remove(&sort) {
                self.apart.add(&sort);
                left = left.saturating_sub(rider.value.len() + sort.len());
                out.push((sort, rider));
            }
        }
        out
    }

    fn pack(&self) -> Vec<u8> {
        let mut packed = Vec::new();
        put(&mut packed, &self.value);
        match &self.apart {
            Apart::Unlisted => packed.extend(UNLISTED.to_le_bytes()),
            Apart::Listed(all) => {
                let count = u32::try_from(all.len()).unwrap_or(UNLISTED);
                packed.extend(count.to_le_bytes());
                for sort in all {
                    put(&mut packed, sort.as_bytes());
                }
            }
        }
        for (sort, rider) in &self.riders {
            put(&mut packed, sort.as_bytes());
            packed.extend(rider.version.to_le_bytes());
            put(&mut packed, &rider.value);
        }
        packed
    }

    fn unpack(version: u64, mut packed: &[u8]) -> Option<Self> {
        let value = take(&mut packed)?.to_vec();
        let (count, rest) = packed.split_first_chunk::<4>()?;
        packed = rest;
        let apart = match u32::from_le_bytes(*count) {
            UNLISTED => Apart::Unlisted,
            count => {
                let all: Option<BTreeSet<_>> = (0..count).map(|_| text(&mut packed)).collect();
                Apart::Listed(all?)
            }
        };
        let mut riders = BTreeMap::new();
        while !packed.is_empty() {
            let sort = text(&mut packed)?;
            let (version, rest) = packed.split_first_chunk::<8>()?;
            packed = rest;
            let value = take(&mut packed)?.to_vec();
            riders.insert(sort, Rider { version: u64::from_le_bytes(*version), value });
        }
        Some(Self { version, value, riders, apart })
    }
}

fn put(packed: &mut Vec<u8>, bytes: &[u8]) {
    // No record is longer than this holds (`ports::MAX_RECORD_BYTES`).
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    packed.extend(length.to_le_bytes());
    packed.extend(bytes);
}

fn text(packed: &mut &[u8]) -> Option<String> {
    String::from_utf8(take(packed)?.to_vec()).ok()
}

fn take<'a>(packed: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = packed.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (bytes, rest) = rest.split_at_checked(length)?;
    *packed = rest;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(riders: usize, length: usize) -> Content {
        let noise = |seed: usize| -> Vec<u8> {
            let mut state = u64::try_from(seed).unwrap() + 1;
            let byte = |_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
                state.to_be_bytes()[0]
            };
            (0..length).map(byte).collect()
        };
        let rider = |n: usize| Rider { version: 3, value: noise(n * 7_919) };
        Content {
            version: 7,
            value: b"the checkpoint".to_vec(),
            riders: (0..riders).map(|n| (format!("F/{n:03}"), rider(n))).collect(),
            apart: Apart::Listed((0..riders / 2).map(|n| format!("F/{n:03}")).collect()),
        }
    }

    #[test]
    fn what_is_packed_comes_back_as_it_was() {
        for content in [content(0, 0), content(1, 0), content(5, 30), content(40, 900)] {
            assert_eq!(Content::unpack(7, &content.pack()), Some(content));
        }
        let unlisted = Content { apart: Apart::Unlisted, ..content(2, 9) };
        assert_eq!(Content::unpack(7, &unlisted.pack()), Some(unlisted));
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let packed = content(3, 50).pack();
        for cut in 0..packed.len() {
            if let Some(content) = Content::unpack(7, &packed[..cut]) {
                assert!(content.riders.len() < 3, "{cut}");
            }
        }
    }

    #[test]
    fn riders_at_rest_make_room_and_long_ones_first() {
        let mut content = content(8, 800);
        content.riders.insert("W/m".to_owned(), content.riders["F/000"].clone());
        content.riders.get_mut("W/m").unwrap().value = content.riders["F/000"].value.repeat(9);
        let out = content.overflow(99, |sort| sort == "F/001" || sort == "W/m");
        let names: Vec<&str> = out.iter().map(|(sort, _)| sort.as_str()).collect();
        assert_eq!(names[0], "W/m", "long, though it was touched");
        assert!(content.riders.contains_key("F/001"));
        assert!(out.iter().all(|(sort, _)| content.apart.may_hold(sort)));
        assert!(content.apart.may_hold_under("W/") && !content.apart.may_hold_under("X/"));
        assert_eq!(out.len() + content.riders.len(), 9);
        assert!(content.overflow(99, |_| false).is_empty(), "there is room now");
    }
}
