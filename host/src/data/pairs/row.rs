//! A line of the file of pairs, as `train preference` reads it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::judged::Judged;
use crate::{model::ChatMessage, persona::scenarios::Scenario, suite::load::Suite};

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairRow {
    /// Of the scenario.
    pub id: String,
    /// Scenario family: training refuses rows of dev and test families.
    pub family: String,
    /// What the model is deployed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The conversation up to the user's last turn.
    pub prompt: Vec<ChatMessage>,
    /// The answer that shows more of the persona.
    pub chosen: String,
    /// The other one.
    pub rejected: String,
    /// Why.
    pub notes: Notes,
}

/// Why a pair is one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Notes {
    /// Context kind of the scenario.
    pub kind: String,
    /// By how much of the choosing traits the answers differ.
    pub margin: f64,
    /// Traits of the chosen answer: 1 where it shows what the persona asks for.
    pub chosen: BTreeMap<String, u8>,
    /// Traits of the rejected answer.
    pub rejected: BTreeMap<String, u8>,
    /// Traits whose detectors chose.
    pub chosen_by: Vec<String>,
    /// Where both answers come from, where that is not the deployed model alone.
    #[serde(flatten)]
    pub sources: Option<Sources>,
}

/// Where the answers of a pair come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sources {
    /// Of the chosen answer: a source, and which wrong persona or dropped trait.
    pub chosen_from: String,
    /// Of the rejected answer.
    pub rejected_from: String,
}

/// The line of a pair; `better` and `worse` are places of samples. Its prompt is the deployed one, whatever made the
/// answers; `named` puts their sources into its notes.
#[must_use]
pub fn row(
    suite: &Suite,
    scenario: &Scenario,
    judged: &Judged,
    better: usize,
    worse: usize,
    named: bool,
) -> PairRow {
    let score = |sample| judged.candidate(sample).score.unwrap_or(0.0);
    let shown = |sample| {
        judged.shown(sample).into_iter().map(|(trait_id, shown)| (trait_id.to_owned(), shown)).collect()
    };
    let from = |sample: usize| judged.origins[sample].to_string();
    let choosing = judged.traits.iter().filter(|judged| !judged.held_out);
    PairRow {
        id: scenario.id.clone(),
        family: scenario.family.clone(),
        system: suite.system(suite.file.deploy_prompt).map(|message| message.content),
        prompt: scenario.messages.clone(),
        chosen: judged.samples[better].response.trim().to_owned(),
        rejected: judged.samples[worse].response.trim().to_owned(),
        notes: Notes {
            kind: scenario.kind.clone(),
            margin: score(better) - score(worse),
            chosen: shown(better),
            rejected: shown(worse),
            chosen_by: choosing.map(|judged| judged.trait_id.clone()).collect(),
            sources: named.then(|| Sources { chosen_from: from(better), rejected_from: from(worse) }),
        },
    }
}
