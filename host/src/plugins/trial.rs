//! Trying an evaluator out: its own examples, then what any evaluator in any language has to hold.
//!
//! - [`cases`]: `cases.toml` through the sandbox
//! - [`conformance`]: the checks
//! - [`texts`]: what they are tried on; [`schema`]: settings that a schema rules out
//!
//! Everything runs in the sandbox with the limits of a run. What an evaluator asks is answered by seeded noise.

pub mod cases;
pub mod conformance;
pub mod schema;
pub mod texts;

use std::path::Path;

use realign_plugin::cases::Cases;
use serde::Serialize;

use crate::{
    error::{Error, Result},
    ids::Digest,
    read,
    sandbox::{Kind, Sandbox},
};

/// What became of an evaluator's examples and of the checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trial {
    /// Id of the component.
    pub id: String,
    /// Its version.
    pub version: String,
    /// What it is for.
    pub kind: Kind,
    /// Digest of the component.
    pub sha256: Digest,
    /// Its examples.
    pub cases: Vec<CaseResult>,
    /// The checks.
    pub checks: Vec<Check>,
}

/// What became of one example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseResult {
    /// Its name.
    pub name: String,
    /// Where it differs from what was expected; empty if it does not.
    pub differences: Vec<String>,
}

/// What became of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// How it ended.
    pub status: Status,
    /// What was tried, or what went wrong.
    pub detail: String,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It holds.
    Held,
    /// It does not.
    Broken,
    /// There was nothing to try.
    Skipped,
}

impl Trial {
    /// Whether every example is as expected and no check is broken.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.cases.iter().all(|case| case.differences.is_empty())
            && self.checks.iter().all(|check| check.status != Status::Broken)
    }
}

/// Reads a `cases.toml`.
///
/// # Errors
/// A usage error naming file and line: unknown key, wrong type, another format, a case without exactly one input.
pub fn read_cases(path: &Path) -> Result<Cases> {
    let cases: Cases = read::toml(path)?;
    cases.check().map_err(|line| Error::usage(line).within(path.display()))?;
    Ok(cases)
}

/// Tries a component out.
///
/// # Errors
/// Exit 20 where the component is refused or the safety net stopped it twice.
pub fn run(wasm: &[u8], cases: Option<&Cases>, sandbox: &Sandbox) -> Result<Trial> {
    let evaluator = sandbox.load(wasm)?;
    let results = match cases {
        Some(cases) => cases::run(&evaluator, cases)?,
        None => Vec::new(),
    };
    let checks = conformance::run(wasm, &evaluator, cases, sandbox)?;
    let described = evaluator.description();
    Ok(Trial {
        id: described.id.clone(),
        version: described.version.clone(),
        kind: evaluator.kind(),
        sha256: evaluator.digest().clone(),
        cases: results,
        checks,
    })
}
