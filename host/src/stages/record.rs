//! What a stage leaves behind. It holds no clock, and no path but those within the run's folder.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::Stage;
use crate::{
    ids::Digest,
    model::Verdict,
    suite::record::{Metric, worst},
};

/// Version of the record; raised when an old reader would misread a new one.
pub const FORMAT: u32 = 1;

/// What a stage leaves behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// [`FORMAT`].
    pub format: u32,
    /// Which stage.
    pub stage: Stage,
    /// Digest of the plan and of the records before it.
    pub inputs: Digest,
    /// Its numbers; those with a verdict are gates.
    pub metrics: Vec<Metric>,
    /// What is no number.
    pub checks: Vec<Check>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// What it made, by name.
    pub artefacts: BTreeMap<String, Artefact>,
    /// Stored evaluations, by what they are of; `realign compare` reads them.
    pub runs: BTreeMap<String, String>,
}

/// A file or an adapter's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artefact {
    /// Within the run's folder.
    pub path: PathBuf,
    /// Of the file's bytes, or of the adapter's weights and settings.
    pub digest: Digest,
}

/// Something that holds or does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What has to hold.
    pub what: String,
    /// Whether it does.
    pub verdict: Verdict,
    /// What that rests on.
    pub evidence: String,
}

impl Check {
    /// A check that is decided by looking.
    pub fn of(what: impl Into<String>, holds: bool, evidence: impl Into<String>) -> Self {
        let verdict = if holds { Verdict::Pass } else { Verdict::Fail };
        Self { what: what.into(), verdict, evidence: evidence.into() }
    }
}

impl StageRecord {
    /// An empty record.
    #[must_use]
    pub const fn new(stage: Stage, inputs: Digest) -> Self {
        Self {
            format: FORMAT,
            stage,
            inputs,
            metrics: Vec::new(),
            checks: Vec::new(),
            notes: Vec::new(),
            artefacts: BTreeMap::new(),
            runs: BTreeMap::new(),
        }
    }

    /// Digest of everything in the record.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }

    /// The worst of its gates and checks; `None` where it has none.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        if self.checks.iter().any(|check| check.verdict == Verdict::Fail) {
            return Some(Verdict::Fail);
        }
        let failed = self.checks.iter().map(|check| check.verdict).find(|verdict| *verdict != Verdict::Pass);
        let gates = worst(&self.metrics);
        match (gates, failed) {
            (Some(Verdict::Fail), _) => Some(Verdict::Fail),
            (_, Some(failed)) => Some(failed),
            (Some(gates), None) => Some(gates),
            (None, None) => (!self.checks.is_empty()).then_some(Verdict::Pass),
        }
    }

    /// A number by its name.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// The gates and checks that are not passed, each with its reason.
    #[must_use]
    pub fn not_passed(&self) -> Vec<(String, Verdict, String)> {
        let gates = self.metrics.iter().filter_map(|metric| {
            let verdict = metric.verdict.filter(|verdict| *verdict != Verdict::Pass)?;
            Some((metric.name.clone(), verdict, metric.reason.clone()))
        });
        let checks = self.checks.iter().filter(|check| check.verdict != Verdict::Pass);
        gates.chain(checks.map(|check| (check.what.clone(), check.verdict, check.evidence.clone()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(verdict: Verdict) -> Check {
        Check { what: "traits".into(), verdict, evidence: String::new() }
    }

    #[test]
    fn a_stage_passes_only_if_every_gate_and_every_check_does() {
        let mut record = StageRecord::new(Stage::Sft, Digest::of(b""));
        assert_eq!(record.verdict(), None);
        record.checks.push(check(Verdict::Pass));
        assert_eq!(record.verdict(), Some(Verdict::Pass));
        record.checks.push(check(Verdict::Insufficient));
        assert_eq!(record.verdict(), Some(Verdict::Insufficient));
        record.checks.push(check(Verdict::Fail));
        assert_eq!(record.verdict(), Some(Verdict::Fail));
    }
}
