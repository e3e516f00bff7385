//! What goes wrong in a deployment: each with a clear message, and nothing lost.
