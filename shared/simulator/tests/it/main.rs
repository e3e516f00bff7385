//! The simulator through its front door: every rule and wire shape by a test that names it.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "helpers of tests fail loudly")]
#![expect(clippy::needless_pass_by_value, reason = "json!(...) reads better without a borrow")]

mod bench;
mod directory;
mod envelope;
mod faults;
mod filling;
mod graph;
mod lag;
mod licence;
mod mail;
mod rights;
mod rules;
mod serving;
mod tokens;
