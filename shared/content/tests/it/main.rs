//! The copier against two simulated tenants: what arrives, what a crash leaves, what is reported.

mod crash;
mod drive;
mod mailbox;
mod support;
