//! Counts the bytes that each thread holds, so that a script's memory has a limit.
#![expect(
    unsafe_code,
    reason = "an allocator is an unsafe trait; this one only counts and passes on"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    // Constant initialisers and no destructors: safe to touch while a thread starts and ends.
    static LIVE: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

/// An allocator, the system's or another one, with a count of live bytes for each thread.
///
/// A program that runs scripts installs it, once, in its `main.rs`:
/// ```
/// #[global_allocator]
/// static ALLOCATOR: scripting::MeteredAllocator = scripting::MeteredAllocator::system();
/// ```
/// Without it the memory limit of a [`Budget`](crate::Budget) is not enforced, only the limits on
/// the size of single values.
#[derive(Clone, Copy, Debug, Default)]
pub struct MeteredAllocator<A = System>(A);

impl MeteredAllocator {
    /// Over the system's allocator.
    pub const fn system() -> Self {
        Self(System)
    }
}

impl<A> MeteredAllocator<A> {
    /// Over an allocator of the program's choice.
    pub const fn over(allocator: A) -> Self {
        Self(allocator)
    }
}

#[expect(clippy::cast_possible_wrap, reason = "no allocation has 2^63 bytes")]
fn count(bytes: usize, sign: i64) {
    // Memory may be freed by another thread than took it, so a thread's count may be negative.
    // A thread that is ending has no counters any more, and nobody reads them.
    let counted = LIVE.try_with(|live| {
        let now = live.get().wrapping_add(sign * bytes as i64);
        live.set(now);
        now
    });
    if let Ok(now) = counted
        && sign > 0
    {
        // The same thread, so the counter is still there.
        PEAK.try_with(|peak| peak.set(peak.get().max(now))).unwrap_or_default();
    }
}

// SAFETY: every call goes unchanged to the allocator beneath, whose guarantees are kept.
unsafe impl<A: GlobalAlloc> GlobalAlloc for MeteredAllocator<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: the caller's obligations are the same.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: the caller's obligations are the same.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        // SAFETY: the caller's obligations are the same.
        unsafe { self.0.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(layout.size(), -1);
        count(size, 1);
        // SAFETY: the caller's obligations are the same.
        unsafe { self.0.realloc(pointer, layout, size) }
    }
}

/// Bytes that this thread holds now.
pub(super) fn live() -> i64 {
    LIVE.get()
}

/// The most bytes that this thread held since [`reset_peak`].
pub(super) fn peak() -> i64 {
    PEAK.get()
}

/// Begins a new measurement.
pub(super) fn reset_peak() {
    PEAK.set(LIVE.get());
}
