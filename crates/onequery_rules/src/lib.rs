//! Rules: questions over loop sites, answered with findings.
//!
//! A rule reads facts and reports; it never looks at source text and never repeats what a site already knows.

mod registry;
mod rules;
mod story;
mod triage;

pub use registry::{RULES, Rule, check};
pub use triage::{Policy, Triaged, triage};
