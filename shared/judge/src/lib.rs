//! The wire judge, for tests: is this request, is this reply, one that Microsoft Graph knows?
//!
//! The judge reads an OpenAPI 3.1 description of the part of Graph that Crosswave uses. It was
//! generated from Microsoft's own CSDL, so neither our client nor our simulator had a hand in it:
//! when both agree with each other and not with Graph, the judge says so.
//!
//! [`Judge`] checks single messages, [`JudgedTransport`] wraps any transport and judges everything
//! that passes through it, [`JudgedPort`] does so for tenants that are served on one port.

mod document;
mod finding;
mod judge;
mod opaque;
mod port;
mod schema;
mod template;
mod transport;

pub use document::{Document, DocumentError, MISSING_ALLOWED_VARIABLE, PATH_VARIABLE};
pub use finding::{Finding, Side};
pub use judge::Judge;
pub use port::JudgedPort;
pub use transport::JudgedTransport;
