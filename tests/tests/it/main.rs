//! Stories: the specification, told through the whole system.

mod layering;
mod statements;
mod stories;
