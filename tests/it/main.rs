//! The root package's integration tests: they run the binary as a user would.

mod fixtures;
mod support;
