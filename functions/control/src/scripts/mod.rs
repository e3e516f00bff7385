//! Versions of a project's scripts: publishing, listing, going back, and what a wave has pinned.

mod book;
mod pages;
mod preview;
mod publish;
mod versions;

#[cfg(test)]
mod tests;

pub(crate) use self::preview::holds_back;
pub use self::{
    preview::{Asked, Previewed, Row, preview},
    publish::{Draft, Published, publish},
    versions::{VersionLine, load_mapping, pin, pin_wave, rollback, versions},
};
