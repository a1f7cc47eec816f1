//! What to do where a gate is not passed: the workflow's table of common issues, applied to what was measured.

use serde::{Deserialize, Serialize};

use super::{judged, optimise::KL};
use crate::{model::Verdict, suite::record::Metric};

/// One row of the table that applies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// What is wrong.
    pub issue: String,
    /// How it was seen.
    pub seen: String,
    /// What helps.
    pub remedy: String,
}

/// The rows that apply to a set of gates; an undecided gate asks for more evidence and not for another training.
#[must_use]
pub fn remedies(metrics: &[Metric]) -> Vec<Remedy> {
    metrics.iter().filter_map(of).collect()
}

fn of(metric: &Metric) -> Option<Remedy> {
    let verdict = metric.verdict.filter(|verdict| *verdict != Verdict::Pass)?;
    let (issue, remedy) = match metric.name.as_str() {
        "adherence" => {
            ("trait inconsistency", "strengthen the persona data; define the weakest traits more clearly")
        }
        "consistency" => (
            "the persona does not hold in every context",
            "add pairs from the weakest context kind; keep late turns and pressure in the data",
        ),
        "style-variance" | judged::STYLE_MATCH => {
            ("high style variance", "more and steadier style examples; one prompt throughout")
        }
        "over-characterisation" => ("over-characterisation", "balance persona rows with general rows"),
        KL => ("model drift", "reduce the learning rate; strengthen the KL penalty; take fewer steps"),
        "retention" => ("capability loss", "roll back; adjust the balance of the training data"),
        _ => return None,
    };
    let seen = format!("{}: {}", metric.name, metric.reason);
    let remedy = match verdict {
        Verdict::Inconclusive => format!("measure on more families before training again; then: {remedy}"),
        Verdict::Insufficient => format!("too little was measured to say: add scenarios; then: {remedy}"),
        Verdict::NoHeadroom => {
            "choose benchmarks that the model before training is clearly better than chance at".into()
        }
        _ => remedy.into(),
    };
    Some(Remedy { issue: issue.into(), seen, remedy })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::persona_run::plain;

    fn gate(name: &str, verdict: Verdict) -> Metric {
        Metric { verdict: Some(verdict), ..plain(name.into(), "test/1", None) }
    }

    #[test]
    fn only_gates_that_are_not_passed_ask_for_a_remedy() {
        let found = remedies(&[gate("kl", Verdict::Pass), gate("adherence", Verdict::Fail)]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].issue, "trait inconsistency");
    }

    #[test]
    fn an_undecided_gate_asks_for_evidence_first() {
        let found = remedies(&[gate("consistency", Verdict::Inconclusive)]);
        assert!(found[0].remedy.starts_with("measure on more families"), "{found:?}");
    }
}
