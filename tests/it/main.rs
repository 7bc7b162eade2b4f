//! The root package's integration tests: they run the binary as a user would.

mod documents;
mod fixtures;
mod readme;
mod support;
