//! The answers that pairs are made of.

use super::file::PairsFile;
use crate::{
    engine::query::{GenerateQuery, Prompt},
    error::Result,
    model::Sample,
    suite::{
        load::Suite,
        run::{Means, Observer},
    },
};

/// One answer, as far as choosing needs it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Share of the choosing evaluators' traits that it shows; `None` where it is empty, looping, cut off, or an evaluator
    /// failed on it: such an answer is on neither side of a pair.
    pub score: Option<f64>,
    /// Words between white space.
    pub words: usize,
}

/// `samples` answers to every scenario, one scenario after the other. Each has random numbers of its own, which hang on
/// the seed, the scenario and its number alone: more samples leave the first ones as they were.
///
/// # Errors
/// The engine or the store failed.
pub fn respond(
    file: &PairsFile,
    suite: &Suite,
    means: &mut Means<'_>,
    observer: &mut Observer<'_>,
) -> Result<Vec<Sample>> {
    let system = suite.system(suite.file.deploy_prompt);
    let numbered = || {
        suite.scenarios.iter().flat_map(|scenario| {
            (1..=file.samples).map(move |number| (scenario, format!("{}#{number}", scenario.id)))
        })
    };
    let queries: Vec<GenerateQuery> = numbered()
        .map(|(scenario, id)| GenerateQuery {
            id,
            prompt: Prompt::Messages(system.iter().chain(&scenario.messages).cloned().collect()),
            max_tokens: suite.file.decoding.max_tokens,
            temperature: file.temperature,
            seed: file.seed,
            stop: Vec::new(),
        })
        .collect();
    let mut progress = |done, total| observer("answers", done, total);
    let answers = means.backend.generate(&queries, Some(means.store), &mut progress)?;
    let sample = |((scenario, id), answer): (
        (&crate::persona::scenarios::Scenario, String),
        crate::engine::query::GenerateAnswer,
    )| Sample {
        id,
        family: scenario.family.clone(),
        kind: scenario.kind.clone(),
        prompt: scenario.messages.clone(),
        response: answer.text,
        finish: answer.finish,
    };
    Ok(numbered().zip(answers).map(sample).collect())
}
