//! Rules: questions over loop sites, answered with findings.
//!
//! A rule reads facts and reports; it never looks at source text and never repeats what a site already knows. What is shown of
//! the findings is decided in `triage`.

mod backlog;
mod baseline;
mod directives;
mod identity;
pub mod owners;
mod registry;
mod rules;
mod story;
mod triage;

pub use backlog::{Evidence, backlog, route};
pub use baseline::{Baseline, Entry};
pub use directives::is_about_comments;
pub use registry::{Found, check, nearest, rule, rules};
pub use triage::{Mandate, Policy, Triaged, triage};
