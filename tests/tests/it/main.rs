//! Stories: the specification, told through the whole system.

mod stories;
