//! What the tests of the whole system share.
//!
//! The worlds of [`world`] are judged: every request that the client sends to Microsoft Graph, and
//! every reply that the simulator gives, against Microsoft's own description of Graph.

#[cfg(test)]
mod wire;
pub mod world;
