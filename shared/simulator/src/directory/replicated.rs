//! Objects as several directory servers see them.
//!
//! A write shows at once on the server that took it, on the other servers of its side after the
//! directory lag, and on the other side (Graph against Exchange) after the forward sync. Until
//! then a server answers with what was there before: nothing for a new object, the object itself
//! for a deleted one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

/// The two services over one directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Graph,
    Exchange,
}

/// A directory server: whose side and which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) side: Side,
    pub(crate) server: u8,
}

/// A write: where, when, and when the others will show it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    /// The server that took the write.
    pub(crate) view: View,
    /// When.
    pub(crate) now: Timestamp,
    /// When the other servers of this side show it.
    pub(crate) same_side: Timestamp,
    /// When the other side shows it.
    pub(crate) other_side: Timestamp,
    /// When an address given up by this write is free.
    pub(crate) released: Timestamp,
}

impl Stamp {
    /// A write that all servers show at once: filling, and the service's own work.
    pub(crate) fn everywhere(now: Timestamp) -> Self {
        let view = View { side: Side::Exchange, server: 0 };
        Self { view, now, same_side: now, other_side: now, released: now }
    }
}

/// One object: what it is, and what the servers that lag behind still show, side by side.
#[derive(Clone, Debug)]
struct Replicated<T> {
    current: Option<T>,
    /// The server that took the last write and shows it at once.
    origin: View,
    graph: Behind<T>,
    exchange: Behind<T>,
}

/// What the servers of one side show until a moment.
#[derive(Clone, Debug)]
struct Behind<T> {
    shown: Option<T>,
    until: Timestamp,
}

impl<T: Clone> Replicated<T> {
    fn new(value: T, stamp: Stamp) -> Self {
        let until = |side| {
            if side == stamp.view.side { stamp.same_side } else { stamp.other_side }
        };
        Self {
            current: Some(value),
            origin: stamp.view,
            graph: Behind { shown: None, until: until(Side::Graph) },
            exchange: Behind { shown: None, until: until(Side::Exchange) },
        }
    }

    fn seen(&self, view: View, now: Timestamp) -> Option<&T> {
        let behind = match view.side {
            Side::Graph => &self.graph,
            Side::Exchange => &self.exchange,
        };
        if view == self.origin || now >= behind.until {
            self.current.as_ref()
        } else {
            behind.shown.as_ref()
        }
    }

    fn write(&mut self, value: Option<T>, stamp: Stamp) {
        let old = std::mem::replace(&mut self.current, value);
        for (side, behind) in [(Side::Graph, &mut self.graph), (Side::Exchange, &mut self.exchange)]
        {
            // A side that still waits for an earlier write gets this one with it.
            if stamp.now >= behind.until {
                let same = side == stamp.view.side;
                behind.until = if same { stamp.same_side } else { stamp.other_side };
                behind.shown = if behind.until > stamp.now { old.clone() } else { None };
            }
        }
        self.origin = stamp.view;
    }
}

/// All objects of one kind in a tenant, by id.
#[derive(Clone, Debug)]
pub(crate) struct Objects<T> {
    map: BTreeMap<Uuid, Replicated<T>>,
}

impl<T> Default for Objects<T> {
    fn default() -> Self {
        Self { map: BTreeMap::new() }
    }
}

impl<T: Clone> Objects<T> {
    /// The object as a server sees it.
    pub(crate) fn seen(&self, id: Uuid, view: View, now: Timestamp) -> Option<&T> {
        self.map.get(&id).and_then(|object| object.seen(view, now))
    }

    /// All objects as a server sees them, in the order of their ids.
    pub(crate) fn all_seen(&self, view: View, now: Timestamp) -> impl Iterator<Item = &T> {
        self.map.values().filter_map(move |object| object.seen(view, now))
    }

    /// The object as it is.
    pub(crate) fn get(&self, id: Uuid) -> Option<&T> {
        self.map.get(&id).and_then(|object| object.current.as_ref())
    }

    /// All objects as they are.
    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.map.values().filter_map(|object| object.current.as_ref())
    }

    /// Adds or replaces an object.
    pub(crate) fn put(&mut self, id: Uuid, value: T, stamp: Stamp) {
        match self.map.get_mut(&id) {
            Some(object) => object.write(Some(value), stamp),
            None => {
                self.map.insert(id, Replicated::new(value, stamp));
            }
        }
    }

    /// Changes an object in place, at once everywhere; `None` when it is not there.
    pub(crate) fn amend<R>(&mut self, id: Uuid, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let object = self.map.get_mut(&id)?;
        object.current.as_mut().map(change)
    }

    /// Removes an object.
    pub(crate) fn remove(&mut self, id: Uuid, stamp: Stamp) {
        if let Some(object) = self.map.get_mut(&id) {
            object.write(None, stamp);
        }
    }
}
