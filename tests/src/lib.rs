//! What the tests of the whole system share.
//!
//! [`wire`] judges HTTP: every request that the client sends to Microsoft Graph, and every reply
//! that the simulator gives, against Microsoft's own description of Graph.

pub mod wire;
pub mod world;
