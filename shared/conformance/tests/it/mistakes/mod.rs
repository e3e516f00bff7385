//! Adapters with one mistake each: the suite must name the clause that it breaks, and the
//! differential test must find it.

mod queues;
mod stores;
mod transports;
