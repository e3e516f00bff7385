//! The script host through its public interface.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "a failed unwrap is a failed test; UPDATE and the wall clock are the tests' own"
)]

mod anti;
mod attacks;
mod callbacks;
mod compile;
mod contract;
mod fuzz;
mod generated;
mod guide;
mod mapping;
mod messages;
mod policy;
mod preview;
mod scripts;
mod shipped;
mod support;
mod trial;
mod worker;

/// As every program that runs scripts.
#[global_allocator]
static ALLOCATOR: scripting::MeteredAllocator = scripting::MeteredAllocator::system();
