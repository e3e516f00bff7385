//! The program as a person and a shell see it: commands, messages, exit codes, and what is left when
//! it is killed. The tenants are simulated and served on this machine.

#![expect(clippy::unwrap_used, reason = "a test fails where its set-up fails")]

mod bad_input;
mod beside;
mod killed;
mod script_json;
mod scripts;
mod tenants;
