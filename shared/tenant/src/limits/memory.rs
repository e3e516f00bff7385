//! The bytes of content that a process may hold at a time, over all its workers.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Content is counted in pieces of this many bytes.
const PIECE: u64 = 4 * 1024;

/// A pool of bytes. Whoever reads content into memory holds its size in the meantime.
#[derive(Debug)]
pub(super) struct Memory {
    pieces: Arc<Semaphore>,
    all: u32,
}

/// Bytes that are held; given back when dropped.
#[derive(Debug)]
pub struct Held {
    _pieces: OwnedSemaphorePermit,
}

impl Memory {
    pub(super) fn new(bytes: u64) -> Self {
        let most = u64::try_from(Semaphore::MAX_PERMITS).unwrap_or(u64::MAX);
        let all = u32::try_from((bytes / PIECE).clamp(1, most)).unwrap_or(u32::MAX);
        Self { pieces: Arc::new(Semaphore::new(usize::try_from(all).unwrap_or(1))), all }
    }

    /// How many pieces so many bytes are. What is larger than the pool is all of it: it goes alone.
    fn pieces(&self, bytes: u64) -> u32 {
        u32::try_from(bytes.div_ceil(PIECE)).unwrap_or(u32::MAX).min(self.all)
    }

    pub(super) fn try_hold(&self, bytes: u64) -> Option<Held> {
        let pieces = Arc::clone(&self.pieces).try_acquire_many_owned(self.pieces(bytes)).ok()?;
        Some(Held { _pieces: pieces })
    }

    pub(super) async fn hold(&self, bytes: u64) -> Option<Held> {
        let pieces = Arc::clone(&self.pieces).acquire_many_owned(self.pieces(bytes)).await.ok()?;
        Some(Held { _pieces: pieces })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_larger_than_the_pool_goes_alone() {
        let memory = Memory::new(10 * PIECE);
        let all = memory.try_hold(u64::MAX).unwrap();
        assert!(memory.try_hold(1).is_none());
        drop(all);
        let small: Vec<Held> = (0..10).filter_map(|_| memory.try_hold(PIECE)).collect();
        assert_eq!(small.len(), 10);
        assert!(memory.try_hold(1).is_none());
    }
}
