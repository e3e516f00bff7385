//! Source side, in this order.

pub(crate) mod begin_second_delta; // S1
pub(crate) mod complete;
pub(crate) mod complete_second_delta; // S6
pub(crate) mod create_source_contact; // S5
pub(crate) mod hide_source_mailbox; // S3
pub(crate) mod notify_user; // S7
pub(crate) mod remove_app_access; // S8
pub(crate) mod set_store_and_forward; // S4
pub(crate) mod update_source_user; // S2 // S9
