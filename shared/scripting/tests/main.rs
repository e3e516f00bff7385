//! The script host through its public interface.

mod attacks;
mod mapping;
mod policy;
mod shipped;
mod support;
mod worker;

/// As every program that runs scripts.
#[global_allocator]
static ALLOCATOR: scripting::MeteredAllocator = scripting::MeteredAllocator;
