//! The client against a transport that plays a script: exact requests out, the services' literal
//! replies in.

mod codes;
mod exchange;
mod graph;
mod real_transport;
mod secrets;
mod support;
mod throttling;
mod token;
