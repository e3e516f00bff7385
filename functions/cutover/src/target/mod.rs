//! Target side, in this order.

pub(crate) mod await_outlook_cutover;
pub(crate) mod begin_first_delta; // T1
pub(crate) mod clear_contact_legacy_dn; // T6
pub(crate) mod complete_first_delta; // T9
mod contact;
pub(crate) mod hide_contact; // T5
pub(crate) mod remove_forwarding; // T4
pub(crate) mod stamp_contact_x500; // T7
pub(crate) mod stamp_source_x500; // T8
pub(crate) mod unhide_target_mailbox; // T3
pub(crate) mod update_target_user; // T2 // T10
