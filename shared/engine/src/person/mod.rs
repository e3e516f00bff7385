//! A person across both tenants: attributes, mapping, and the difference that is written.
//!
//! Steps of all three phases share it: read, map, compare, write only the difference (GEN-6).

mod attributes;
mod contact;
mod edit;
mod mapping;
mod matching;
mod unique_values;
mod update;

pub use attributes::{SourceEntry, attributes_of};
pub use contact::{ContactPlace, ContactReceipt, ensure_contact, find_contact};
pub use edit::RecipientEdit;
pub use mapping::{Mapped, map_contact, map_user, policy_of};
pub use matching::{Match, find_match};
pub use update::{UpdateOutcome, update_user};
