//! Thresholds for one's own metrics, in a file: what a build has to meet.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Comparison, Decide, Rule};
use crate::{
    error::{Error, Result},
    read,
};

/// A file of gates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateFile {
    /// Version of the file format: 1.
    pub format: u32,
    /// One per metric, perhaps several.
    pub gate: Vec<MetricGate>,
}

/// One gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricGate {
    /// Name of the metric, as reports show it.
    pub metric: String,
    /// In the unit of the metric; shares from 0 to 1.
    pub threshold: f64,
    /// `>=`, `<=` or `<`.
    pub comparison: Comparison,
    /// `bound` (a proof, the default) or `point`.
    #[serde(default)]
    pub decide: Decide,
}

impl MetricGate {
    /// The rule of it.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        Rule { threshold: self.threshold, comparison: self.comparison, decide: self.decide }
    }
}

impl GateFile {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// A usage error naming file and field.
    pub fn read(path: &Path) -> Result<Self> {
        let file: Self = read::toml(path)?;
        file.check().map_err(|error| error.within(path.display()))?;
        Ok(file)
    }

    fn check(&self) -> Result<()> {
        if self.format != 1 {
            return Err(Error::usage(format!("format: {}, this version reads 1", self.format)));
        }
        if self.gate.is_empty() {
            return Err(Error::usage("gate: none, so that everything would pass"));
        }
        match self.gate.iter().position(|gate| !gate.threshold.is_finite()) {
            Some(index) => Err(Error::usage(format!("gate[{index}].threshold: not a finite number"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<GateFile> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("gates.toml");
        std::fs::write(&path, text).expect("written");
        GateFile::read(&path)
    }

    #[test]
    fn a_gate_reads_as_people_write_it_and_decides_by_the_bound() {
        let gates =
            read("format = 1\n[[gate]]\nmetric = \"facts/accuracy\"\nthreshold = 0.6\ncomparison = \">=\"\n");
        assert_eq!(gates.expect("a gate file").gate[0].rule(), Rule::at_least(0.6));
    }

    #[test]
    fn a_file_that_would_let_everything_pass_is_refused() {
        let message = |text| read(text).expect_err("refused").to_string();
        assert!(message("format = 1\ngate = []\n").ends_with("gate: none, so that everything would pass"));
        let nan = "format = 1\n[[gate]]\nmetric = \"m\"\nthreshold = nan\ncomparison = \"<\"\n";
        assert!(message(nan).ends_with("gate[0].threshold: not a finite number"));
    }
}
