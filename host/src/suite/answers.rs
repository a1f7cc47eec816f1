//! Asks of evaluators, answered by the model.
//!
//! An ask comes from an untrusted component. One that cannot be understood, or whose text does not fit the model, is
//! answered with an error in its own body and costs its sample; it never stops the run.
//!
//! An answer depends on the question alone. A request is named after what it asks, `SCOPE/SHA-256`, so the place of a
//! sample in its batch decides neither random numbers nor which recorded answer it finds, and a question that comes
//! twice is answered once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    engine::{
        backend::{Backend, Progress},
        kept::{keep_scores, keep_texts},
        openai::reach::Beyond,
        query::{GenerateAnswer, GenerateQuery, Prompt, ScoreAnswer, ScoreQuery},
    },
    error::{Error, Result},
    ids::{Digest, Seed},
    model::ChatMessage,
    sandbox::{Answer, Ask},
    store::Store,
};

/// Most tokens that an evaluator may ask for at once.
const MAX_TOKENS: u32 = 1024;

/// Answers asks of one evaluator.
pub struct Answerer<'a, 'p> {
    /// The model.
    pub backend: &'a mut Backend,
    /// Where finished batches are kept.
    pub store: &'a Store,
    /// The evaluator's place in the suite, as in `detector/brief`; request ids start with it.
    pub scope: &'a str,
    /// Seed of the run.
    pub seed: Seed,
    /// What is deployed in front of every conversation; raw text has no place for it.
    pub system: Option<ChatMessage>,
    /// Told how far the model has come.
    pub progress: &'a mut Progress<'p>,
    /// Why the model can never answer what was asked, where [`Self::answer`] ended with that.
    pub beyond: Option<Beyond>,
}

/// Body of `choose`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Choose {
    prompt: AskedPrompt,
    choices: Vec<String>,
    #[serde(default)]
    unconditional: bool,
}

/// Body of `loglikelihood`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Loglikelihood {
    text: String,
}

/// Body of `generate`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Generate {
    prompt: AskedPrompt,
    max_tokens: u32,
    #[serde(default)]
    temperature: f32,
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    stop: Vec<String>,
}

/// A prompt inside an ask: text as it is, or messages for the chat template.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum AskedPrompt {
    Raw(String),
    Messages { messages: Vec<ChatMessage> },
}

/// One choice in the answer to `choose`.
#[derive(Debug, Serialize)]
struct Choice {
    logprob: f64,
    tokens: usize,
    bytes: usize,
    greedy: bool,
    unconditional: Option<f64>,
}

/// What all asks of a batch need of the model.
#[derive(Default)]
struct Queries {
    scores: Vec<ScoreQuery>,
    generations: Vec<GenerateQuery>,
}

/// What an ask became; numbers are places in [`Queries`].
enum Planned {
    Choose { conditional: usize, unconditional: Option<usize>, bytes: Vec<usize> },
    Loglikelihood { score: usize, bytes: usize },
    Generate { generation: usize },
    Refused(String),
}

impl Answerer<'_, '_> {
    /// Answers all asks of one batch, in their order.
    ///
    /// # Errors
    /// Exit 2 where an ask is beyond the model, a server; the engine or the store failed.
    pub fn answer(&mut self, asks: &[Ask]) -> Result<Vec<Answer>> {
        let mut queries = Queries::default();
        let mut planned: BTreeMap<(&str, &str), Planned> = BTreeMap::new();
        for ask in asks {
            let plan = || self.plan(ask, &mut queries).unwrap_or_else(Planned::Refused);
            planned.entry((&ask.kind, &ask.body)).or_insert_with(plan);
        }
        let scores = self.scores(&queries.scores)?;
        let texts = self.texts(&queries.generations)?;
        let body = |ask: &Ask| {
            body(&planned[&(ask.kind.as_str(), ask.body.as_str())], &scores, &texts)
                .unwrap_or_else(|message| json!({ "error": message }))
        };
        Ok(asks.iter().map(|ask| Answer { id: ask.id.clone(), body: body(ask).to_string() }).collect())
    }

    /// One result per query; the inner error is for the evaluator.
    fn scores(&mut self, queries: &[ScoreQuery]) -> Result<Vec<Result<ScoreAnswer, String>>> {
        self.beyond = self.backend.beyond(queries);
        if let Some(Beyond { why, way_out }) = &self.beyond {
            return Err(Error::usage(format!("{}: {why}", self.scope)).hint(*way_out));
        }
        let misfits = self.backend.score_misfits(queries)?;
        let fitting = fitting(queries, &misfits);
        let answers = self.backend.score(&fitting, Some(self.store), self.progress)?;
        let answers = merged(answers, misfits);
        keep_scores(self.store, self.backend, queries, &answers)?;
        Ok(answers)
    }

    /// As [`Self::scores`].
    fn texts(&mut self, queries: &[GenerateQuery]) -> Result<Vec<Result<GenerateAnswer, String>>> {
        let misfits = self.backend.generate_misfits(queries)?;
        let fitting = fitting(queries, &misfits);
        let answers = self.backend.generate(&fitting, Some(self.store), self.progress)?;
        let answers = merged(answers, misfits);
        keep_texts(self.store, self.backend, queries, &answers)?;
        Ok(answers)
    }

    /// A conversation as it is deployed: behind the system prompt, unless it brings its own.
    fn deployed(&self, messages: Vec<ChatMessage>) -> Vec<ChatMessage> {
        let own = messages.first().is_some_and(|message| message.role == "system");
        self.system.iter().filter(|_| !own).cloned().chain(messages).collect()
    }

    fn prompt(&self, asked: AskedPrompt) -> Prompt {
        match asked {
            AskedPrompt::Raw(text) => Prompt::Raw(text),
            AskedPrompt::Messages { messages } => Prompt::Messages(self.deployed(messages)),
        }
    }

    /// Turns one ask into queries; the error is what the evaluator is told.
    fn plan(&self, ask: &Ask, queries: &mut Queries) -> Result<Planned, String> {
        let question = Digest::of(format!("{}\n{}", ask.kind, ask.body).as_bytes());
        let id = format!("{}/{question}", self.scope);
        let invalid = |error: serde_json::Error| format!("ask body of kind `{}`: {error}", ask.kind);
        match ask.kind.as_str() {
            "choose" => {
                let asked: Choose = serde_json::from_str(&ask.body).map_err(invalid)?;
                if asked.choices.is_empty() || asked.choices.iter().any(String::is_empty) {
                    return Err("ask body of kind `choose`: choices: empty".into());
                }
                let bytes = asked.choices.iter().map(String::len).collect();
                let mut push = |id, context| {
                    let continuations = asked.choices.clone();
                    queries.scores.push(ScoreQuery { id, context, continuations });
                    queries.scores.len() - 1
                };
                let unconditional = asked
                    .unconditional
                    .then(|| push(format!("{id}#unconditional"), Prompt::Raw(String::new())));
                let conditional = push(id, self.prompt(asked.prompt));
                Ok(Planned::Choose { conditional, unconditional, bytes })
            }
            "loglikelihood" => {
                let asked: Loglikelihood = serde_json::from_str(&ask.body).map_err(invalid)?;
                if asked.text.is_empty() {
                    return Err("ask body of kind `loglikelihood`: text: empty".into());
                }
                let bytes = asked.text.len();
                queries.scores.push(ScoreQuery::whole_text(id, asked.text));
                Ok(Planned::Loglikelihood { score: queries.scores.len() - 1, bytes })
            }
            "generate" => {
                let asked: Generate = serde_json::from_str(&ask.body).map_err(invalid)?;
                if !(1..=MAX_TOKENS).contains(&asked.max_tokens) {
                    return Err(format!(
                        "ask body of kind `generate`: max_tokens: {}, from 1 to {MAX_TOKENS} are allowed",
                        asked.max_tokens
                    ));
                }
                queries.generations.push(GenerateQuery {
                    id,
                    prompt: self.prompt(asked.prompt),
                    max_tokens: asked.max_tokens,
                    temperature: asked.temperature.max(0.0),
                    seed: self.seed.derive(&asked.seed.to_string()),
                    stop: asked.stop,
                });
                Ok(Planned::Generate { generation: queries.generations.len() - 1 })
            }
            other => Err(format!("ask kind `{other}` is not known to this host")),
        }
    }
}

/// The queries that fit the model.
fn fitting<Q: Clone>(queries: &[Q], misfits: &[Option<Error>]) -> Vec<Q> {
    queries
        .iter()
        .zip(misfits)
        .filter(|(_, misfit)| misfit.is_none())
        .map(|(query, _)| query.clone())
        .collect()
}

/// Answers of the queries that fit, and why the others do not, in the order of all.
fn merged<A>(answers: Vec<A>, misfits: Vec<Option<Error>>) -> Vec<Result<A, String>> {
    let mut answers = answers.into_iter();
    let answer = |misfit: Option<Error>| match misfit {
        Some(error) => Err(error.to_string()),
        None => Ok(answers.next().expect("a back end answers every query")),
    };
    misfits.into_iter().map(answer).collect()
}

/// The body of one answer; the error is what the evaluator is told instead.
fn body(
    plan: &Planned,
    scores: &[Result<ScoreAnswer, String>],
    texts: &[Result<GenerateAnswer, String>],
) -> Result<Value, String> {
    match plan {
        Planned::Refused(message) => Err(message.clone()),
        Planned::Loglikelihood { score, bytes } => {
            let answer = scores[*score].as_ref().map_err(String::clone)?;
            Ok(json!({ "logprob": answer.logprob[0], "tokens": answer.tokens[0], "bytes": bytes }))
        }
        Planned::Choose { conditional, unconditional, bytes } => {
            let score = |index: usize| scores[index].as_ref().map_err(String::clone);
            let unconditional = unconditional.map(score).transpose()?;
            Ok(json!({ "choices": choices(score(*conditional)?, unconditional, bytes) }))
        }
        Planned::Generate { generation } => {
            let answer = texts[*generation].as_ref().map_err(String::clone)?;
            Ok(json!({ "text": answer.text, "tokens": answer.tokens, "finish": answer.finish }))
        }
    }
}

fn choices(conditional: &ScoreAnswer, unconditional: Option<&ScoreAnswer>, bytes: &[usize]) -> Vec<Choice> {
    bytes
        .iter()
        .enumerate()
        .map(|(index, bytes)| Choice {
            logprob: conditional.logprob[index],
            tokens: conditional.tokens[index],
            bytes: *bytes,
            greedy: conditional.greedy[index],
            unconditional: unconditional.map(|answer| answer.logprob[index]),
        })
        .collect()
}

#[cfg(test)]
mod tests;
