//! To come.

pub mod functions;
