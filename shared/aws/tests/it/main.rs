//! The adapters for AWS, over the real SDK and the real wire, against a double of the services.

#![cfg(test)]

mod account;
mod contracts;
mod events;
mod objects;
mod permissions;
mod queue_faults;
mod secrets;
mod store_anchor;
mod store_faults;
mod store_table;
mod support;
mod wire;
