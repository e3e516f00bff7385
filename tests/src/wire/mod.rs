//! The judge's own tests, and every operation of the simulator under its eyes.

#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;
