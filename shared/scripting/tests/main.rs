//! The script host through its public interface.

mod anti;
mod attacks;
mod generated;
mod mapping;
mod policy;
mod scripts;
mod shipped;
mod support;
mod trial;
mod worker;

/// As every program that runs scripts.
#[global_allocator]
static ALLOCATOR: scripting::MeteredAllocator = scripting::MeteredAllocator;
