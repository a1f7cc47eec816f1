//! The workflow's checklists, ticked with evidence: what a run has shown before, during and after training.

use serde::{Deserialize, Serialize};

use super::record::PipelineRecord;
use crate::{
    model::Verdict,
    stages::{Stage, StageRecord},
};

/// One item of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Before, during or after training.
    pub list: List,
    /// What has to be done.
    pub what: String,
    /// Whether it is; `None` while the run has not come so far.
    pub done: Option<bool>,
    /// What that rests on.
    pub evidence: String,
}

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum List {
    /// Before training.
    Before,
    /// During training.
    During,
    /// After training.
    After,
}

/// Whether something is done, and what that rests on; `None` while the run has not come so far.
type Found = Option<(bool, String)>;

/// All three lists of a run.
#[must_use]
pub fn items(record: &PipelineRecord) -> Vec<Item> {
    let stage = |stage: Stage| record.stages.iter().find(|record| record.stage == stage);
    let check = |of: Stage, what: &str| checked(stage(of), what);
    let gate = |of: Stage, name: &str| gated(stage(of), name);
    let thresholds =
        Some((true, format!("profile {}, hashed into plan {}", record.file.thresholds, record.plan.short())));
    let last = if stage(Stage::Iterate).is_some() { Stage::Iterate } else { Stage::Optimise };
    let lists: [(List, &str, Found); 14] = [
        (List::Before, "base model trained and validated", gate(Stage::Sft, "perplexity")),
        (
            List::Before,
            "persona profile defined",
            check(Stage::Definition, "5 to 10 traits, each bound to a detector"),
        ),
        (
            List::Before,
            "core traits documented",
            check(Stage::Definition, "every trait is shown by examples"),
        ),
        (
            List::Before,
            "style guidelines established",
            check(Stage::Definition, "style guidelines and behavioural patterns are written down"),
        ),
        (List::Before, "thresholds understood", thresholds),
        (List::During, "consistency validated", gate(last, "consistency")),
        (List::During, "trait adherence measured", gate(last, "adherence")),
        (List::During, "style variance tracked", gate(last, "style-variance")),
        (List::During, "divergence monitored", gate(last, "kl")),
        (List::After, "all thresholds met", whole(stage(Stage::Release))),
        (List::After, "no capability lost", gate(Stage::Release, "retention")),
        (List::After, "consistency held on test", gate(Stage::Release, "consistency")),
        (List::After, "trait adherence validated on test", gate(Stage::Release, "adherence")),
        (
            List::After,
            "documented",
            stage(Stage::Release).map(|record| {
                let card = record.artefacts.get("model card");
                (card.is_some(), card.map_or_else(String::new, |card| card.path.display().to_string()))
            }),
        ),
    ];
    lists
        .into_iter()
        .map(|(list, what, found)| Item {
            list,
            what: what.into(),
            done: found.as_ref().map(|(done, _)| *done),
            evidence: found.map_or_else(String::new, |(_, evidence)| evidence),
        })
        .collect()
}

fn checked(stage: Option<&StageRecord>, what: &str) -> Found {
    let check = stage?.checks.iter().find(|check| check.what == what)?;
    Some((check.verdict == Verdict::Pass, check.evidence.clone()))
}

fn gated(stage: Option<&StageRecord>, name: &str) -> Found {
    let metric = stage?.metric(name)?;
    Some((metric.verdict == Some(Verdict::Pass), metric.reason.clone()))
}

fn whole(stage: Option<&StageRecord>) -> Found {
    let stage = stage?;
    let missed: Vec<String> = stage.not_passed().into_iter().map(|(name, _, _)| name).collect();
    let evidence =
        if missed.is_empty() { "every gate".into() } else { format!("not passed: {}", missed.join(", ")) };
    Some((stage.verdict() == Some(Verdict::Pass), evidence))
}
