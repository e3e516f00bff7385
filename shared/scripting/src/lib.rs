//! The script host: customers' mappings and notifications in Rhai, checked, tested, safe.
//!
//! A script is pure. It sees a person, a run and its own tables, and decides attributes or
//! messages; the engine writes them later, or not at all. It sees no port: no clock, no network,
//! no store. Everything here is synchronous.
//!
//! ```
//! use std::sync::Arc;
//! use scripting::{Attributes, Mapping, RunContext, Step, UserInput};
//!
//! let user = UserInput {
//!     source_id: "1".into(),
//!     source: Attributes::new()
//!         .with("displayName", "Anna Smith")
//!         .with("userPrincipalName", "anna.smith@contoso.com")
//!         .with("mailNickname", "anna.smith"),
//!     target: Attributes::new(),
//! };
//! let run = Arc::new(RunContext {
//!     project: "contoso".into(),
//!     wave: "first".into(),
//!     step: Step::Prepare,
//!     now: "2026-11-22T09:00:00Z".parse().unwrap(),
//!     source_domains: vec!["contoso.com".into()],
//!     target_domains: vec!["fabrikam.com".into()],
//!     default_domain: "fabrikam.com".into(),
//!     domain_map: Default::default(),
//!     matches: Default::default(),
//! });
//! let patch = Mapping::standard().map_user(&user, &run).unwrap();
//! assert_eq!(patch.text("displayName"), Some("Anna Smith"));
//! assert_eq!(patch.preferences("userPrincipalName")[0], "anna.smith@fabrikam.com");
//! ```

/// Adds formatted text to a string, which cannot fail.
macro_rules! put {
    ($out:expr, $($text:tt)*) => {
        std::fmt::Write::write_fmt($out, format_args!($($text)*)).unwrap_or_default()
    };
}

mod attributes;
mod call;
mod check;
mod choices;
mod code;
mod context;
mod defaults;
mod diagnostic;
mod entry;
mod errors;
mod fault;
pub mod functions;
mod handles;
mod library;
mod locate;
mod mapping;
mod notice;
mod notifications;
mod patch;
mod places;
pub mod policy;
pub mod preview;
pub mod reference;
mod results;
mod sandbox;
mod script;
mod shared;
mod suggest;
pub mod testing;
mod trial;
pub mod worker;

pub use attributes::{
    AttributeName, AttributeSpec, AttributeValue, Attributes, Format, Kind, Refusal, Writer, find,
    schema, schema_hash, suggest, validate,
};
pub use choices::{AT_CREATION, Choice, ChoiceOption, nothing_free, space_of};
pub use code::{Code, UnknownCode};
pub use context::{Event, EventKind, RunContext, Step, UserInput};
pub use defaults::{MAPPING, MAPPING_NAME, NOTIFY, NOTIFY_NAME};
pub use diagnostic::{Diagnostic, ScriptError, Severity};
pub use entry::Entry;
pub use library::{FileContent, Library, LibraryFile};
pub use mapping::Mapping;
pub use notice::{Attachment, Channel, Notice, Notices, Recipient};
pub use notifications::Notifications;
pub use patch::{
    Assigned, Assignment, Cost, LinkedCandidates, MatchKey, Preferences, Remark, SECRET, Selected,
    UserPatch, Verdict,
};
pub use sandbox::{Budget, MeteredAllocator};
pub use script::{API_VERSION, DataSet, RHAI_VERSION, Script, ScriptOptions};
pub use testing::sample_run;
pub use trial::{Trial, TrialInput, TrialOutcome, sample_user, try_script};
pub use worker::{WorkerPool, Workers};

/// SHA-256 of a text, in hexadecimal: the name of a data set's content.
pub fn hash_of(text: &str) -> String {
    use sha2::{Digest, Sha256};
    hex(&Sha256::digest(text.as_bytes()))
}

/// Bytes as lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        put!(&mut hex, "{byte:02x}");
    }
    hex
}
