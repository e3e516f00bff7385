//! The copier against two simulated tenants: what arrives, what a crash leaves, what is reported.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on says so"
)]

mod bad_input;
mod budget;
mod crash;
mod crash_in_target;
mod drive;
mod drive_names;
mod endpoints;
mod folders;
mod later_changes;
mod listing;
mod mailbox;
mod rights;
mod support;
mod throttling;
mod uploads;
mod verify;
