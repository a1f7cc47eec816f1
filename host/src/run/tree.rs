//! The workflow's decision tree, as a run walked it.

use serde::{Deserialize, Serialize};

use crate::{
    model::Verdict,
    stages::{Stage, StageRecord},
};

/// One question of the tree with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which stage asks.
    pub stage: Stage,
    /// What it asks.
    pub question: String,
    /// What was found.
    pub verdict: Verdict,
    /// Where it led.
    pub then: String,
}

const fn question(stage: Stage) -> &'static str {
    match stage {
        Stage::Sft => "baseline established?",
        Stage::Definition => "traits defined and measurable?",
        Stage::Pairs => "pairs that held-out evaluators tell apart, every trait covered?",
        Stage::Instrument => "persona found where it is, and nowhere else?",
        Stage::Optimise => "divergence under the limit, persona held on dev?",
        Stage::Iterate => "improving or stable, gates met on dev?",
        Stage::Release => "all gates on test, no regression?",
    }
}

/// The questions in their order, each with its answer; stages that were neither done nor kept from being reached are not
/// here.
#[must_use]
pub fn walk(stages: &[StageRecord], not_reached: &[Stage]) -> Vec<Step> {
    let done = stages.iter().enumerate().map(|(place, record)| {
        let verdict = record.verdict().unwrap_or(Verdict::Pass);
        let last = place + 1 == stages.len();
        let then = match (record.stage, verdict) {
            (Stage::Release, Verdict::Pass) => "deploy",
            (Stage::Release, _) => "reject",
            (_, Verdict::Pass) => "continue",
            _ if last && !not_reached.is_empty() => "stop",
            (Stage::Optimise, _) => "refine in stage 6",
            _ => "go on with a warning",
        };
        Step { stage: record.stage, question: question(record.stage).into(), verdict, then: then.into() }
    });
    let kept = not_reached.iter().map(|&stage| Step {
        stage,
        question: question(stage).into(),
        verdict: Verdict::NotReached,
        then: String::new(),
    });
    done.chain(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::Digest, stages::record::Check};

    fn stage(stage: Stage, verdict: Verdict) -> StageRecord {
        let mut record = StageRecord::new(stage, Digest::of(b""));
        record.checks.push(Check { what: "it".into(), verdict, evidence: String::new() });
        record
    }

    fn walked(stages: &[StageRecord], not_reached: &[Stage]) -> Vec<String> {
        walk(stages, not_reached)
            .into_iter()
            .map(|step| format!("{} {:?} {}", step.stage.number(), step.verdict, step.then))
            .collect()
    }

    #[test]
    fn a_stop_is_the_last_answer_and_what_lies_behind_it_is_not_reached() {
        let stages = [stage(Stage::Sft, Verdict::Pass), stage(Stage::Definition, Verdict::Fail)];
        assert_eq!(walked(&stages, &[Stage::Pairs]), ["1 Pass continue", "2 Fail stop", "3 NotReached "]);
    }

    #[test]
    fn a_permissive_run_goes_on_with_a_warning_and_still_rejects() {
        let stages = [stage(Stage::Pairs, Verdict::Inconclusive), stage(Stage::Release, Verdict::Fail)];
        assert_eq!(walked(&stages, &[]), ["3 Inconclusive go on with a warning", "7 Fail reject"]);
        assert_eq!(walked(&[stage(Stage::Release, Verdict::Pass)], &[]), ["7 Pass deploy"]);
    }
}
