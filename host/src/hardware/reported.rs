//! What the project's seeds report of two machines: data, shown where nothing was measured, never computed with.

use serde::{Deserialize, Serialize};

/// The tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reported {
    /// Where they come from.
    pub source: String,
    /// One row per machine.
    #[serde(rename = "machine")]
    pub machines: Vec<ReportedMachine>,
    /// Where they contradict themselves.
    #[serde(rename = "contradiction")]
    pub contradictions: Vec<Contradiction>,
}

/// What is said of one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedMachine {
    /// Short name.
    pub name: String,
    /// What its processor calls itself.
    pub processor: String,
    /// 10^9 operations per second.
    pub gflops: f64,
    /// The same per core.
    pub gflops_per_core: f64,
    /// Examples scored per second; of which model and length is not said.
    pub examples_per_second: f64,
    /// Said to be the best.
    pub batch_size: u32,
    /// Share of work beside the other machine.
    pub share: f64,
    /// What it is said to be for.
    pub recommended_for: String,
}

/// Numbers that cannot all be true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contradiction {
    /// Which.
    pub note: String,
}

/// The tables that come with the program.
///
/// # Panics
/// If they do not parse, which a test rules out.
#[must_use]
pub fn reported() -> Reported {
    toml::from_str(include_str!("reported.toml")).expect("the built-in tables parse")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_contradict_themselves_as_their_notes_say() {
        let reported = reported();
        let [max, ultra] = &reported.machines[..] else { panic!("two machines") };
        let cores = |machine: &ReportedMachine| (machine.gflops / machine.gflops_per_core).round();
        assert_eq!((cores(max), cores(ultra)), (40.0, 81.0));
        let times = |of: fn(&ReportedMachine) -> f64| format!("{:.1}", of(max) / of(ultra));
        let faster = [
            times(|machine| machine.gflops),
            times(|machine| machine.examples_per_second),
            times(|machine| machine.share),
        ];
        assert_eq!(faster, ["2.8", "5.1", "1.9"]);
        assert_eq!(reported.contradictions.len(), 3);
    }
}
