//! The adapters for AWS, over the real SDK and the real wire, against a double of the services.

#![cfg(test)]

mod contracts;
mod queue_faults;
mod store_faults;
mod store_table;
mod support;
mod wire;
