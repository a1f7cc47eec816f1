//! The answers that pairs are made of.

use super::{
    file::PairsFile,
    source::{self, Origin},
};
use crate::{
    engine::{
        backend::Backend,
        query::{GenerateAnswer, GenerateQuery, Prompt},
    },
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

/// All answers: one scenario after the other, in each one source after the other, `samples` of each.
#[derive(Debug)]
pub struct Answers {
    /// The answers.
    pub samples: Vec<Sample>,
    /// Where each comes from.
    pub origins: Vec<Origin>,
}

/// Opens the model without its adapters.
pub type OpenBare<'a> = dyn FnMut() -> Result<Backend> + 'a;

/// One request for an answer.
struct Asked {
    scenario: usize,
    origin: Origin,
    query: GenerateQuery,
}

/// Answers from every source to every scenario. Each has random numbers of its own, which hang on the seed, the scenario,
/// the source and its number alone: more samples leave the first ones as they were.
///
/// Where `bare` is given, it answers without the persona, first, while the other model's workers are at rest: the two are
/// never in memory at once.
///
/// # Errors
/// The engine or the store failed, or the bare model does not open.
pub fn respond(
    file: &PairsFile,
    suite: &Suite,
    bare: Option<&mut OpenBare<'_>>,
    means: &mut Means<'_>,
    observer: &mut Observer<'_>,
) -> Result<Answers> {
    let asked = asked(file, suite);
    let apart = |place: &usize| bare.is_some() && asked[*place].origin.source.asks_bare();
    let (first, rest): (Vec<usize>, Vec<usize>) = (0..asked.len()).partition(apart);
    let mut answers: Vec<Option<GenerateAnswer>> = asked.iter().map(|_| None).collect();
    let mut ask = |backend: &mut Backend, label: &str, places: &[usize]| -> Result<()> {
        let queries: Vec<GenerateQuery> = places.iter().map(|&place| asked[place].query.clone()).collect();
        let mut progress = |done, total| observer(label, done, total);
        let found = backend.generate(&queries, Some(means.store), &mut progress)?;
        for (&place, answer) in places.iter().zip(found) {
            answers[place] = Some(answer);
        }
        Ok(())
    };
    if let Some(open) = bare
        && !first.is_empty()
    {
        means.backend.rest();
        ask(&mut open()?, "answers without persona", &first)?;
    }
    ask(means.backend, "answers", &rest)?;

    let mut samples = Vec::with_capacity(asked.len());
    let mut origins = Vec::with_capacity(asked.len());
    for (asked, answer) in asked.into_iter().zip(answers.into_iter().flatten()) {
        let scenario = &suite.scenarios[asked.scenario];
        samples.push(Sample {
            id: asked.query.id,
            family: scenario.family.clone(),
            kind: scenario.kind.clone(),
            prompt: scenario.messages.clone(),
            response: answer.text,
            finish: answer.finish,
        });
        origins.push(asked.origin);
    }
    Ok(Answers { samples, origins })
}

/// Every request, in the order of [`Answers`].
fn asked(file: &PairsFile, suite: &Suite) -> Vec<Asked> {
    let mut all = Vec::new();
    for (place, scenario) in suite.scenarios.iter().enumerate() {
        for source in file.sources() {
            for number in 1..=file.samples {
                let (system, origin) = source::system(source, suite, &file.wrong_personas, place, number);
                let messages = system.iter().chain(&scenario.messages).cloned().collect();
                let query = GenerateQuery {
                    id: source.request(&scenario.id, number),
                    prompt: Prompt::Messages(messages),
                    max_tokens: suite.file.decoding.max_tokens,
                    temperature: file.temperature,
                    seed: file.seed,
                    stop: Vec::new(),
                };
                all.push(Asked { scenario: place, origin, query });
            }
        }
    }
    all
}
