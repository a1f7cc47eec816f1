//! Rule, evidence, verdict.
//!
//! A [`Rule`] is written down before anything runs. [`decide()`] holds evidence against it and answers for every
//! input: nothing measured is `insufficient`, and a number that is not a number never passes.

pub mod decide;
pub mod file;
pub mod profile;
pub mod rule;

pub use crate::stats::Evidence;
pub use decide::{Decision, decide};
pub use file::GateFile;
pub use profile::{Profile, Thresholds};
pub use rule::{Comparison, Decide, Rule};
