//! The simulator through its front door: every rule and wire shape by a test that names it.

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
