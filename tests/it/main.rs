//! The root package's integration tests: they run the binary as a user would.

mod architecture;
mod bad_input;
mod budget;
mod cache;
mod debug;
mod determinism;
mod documents;
mod facts;
mod fix;
mod fixtures;
mod formats;
mod generate;
mod owners;
mod practice;
mod readme;
mod server;
mod skimming;
mod support;
mod watch;
mod workflow;
