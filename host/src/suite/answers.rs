//! Asks of evaluators, answered by the model.
//!
//! An ask comes from an untrusted component. One that cannot be understood is answered with an error in its own
//! body and costs its sample; it never stops the run.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    engine::{
        backend::{Backend, Progress},
        query::{GenerateQuery, Prompt, ScoreAnswer, ScoreQuery},
    },
    error::Result,
    ids::Seed,
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
    /// Unique name of the evaluator in the suite; request ids start with it.
    pub scope: &'a str,
    /// Seed of the run.
    pub seed: Seed,
    /// What is deployed in front of every conversation; raw text has no place for it.
    pub system: Option<ChatMessage>,
    /// Told how far the model has come.
    pub progress: &'a mut Progress<'p>,
}

/// Body of `choose`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Choose {
    prompt: String,
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

/// What an ask became.
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
    /// The engine or the store failed.
    pub fn answer(&mut self, asks: &[Ask]) -> Result<Vec<Answer>> {
        let (mut scores, mut generations) = (Vec::new(), Vec::new());
        let planned: Vec<Planned> = asks
            .iter()
            .map(|ask| self.plan(ask, &mut scores, &mut generations).unwrap_or_else(Planned::Refused))
            .collect();
        let likelihoods = self.backend.score(&scores, Some(self.store), self.progress)?;
        let generated = self.backend.generate(&generations, Some(self.store), self.progress)?;
        let body = |plan: &Planned| match plan {
            Planned::Refused(message) => json!({ "error": message }),
            Planned::Loglikelihood { score, bytes } => {
                let answer = &likelihoods[*score];
                json!({ "logprob": answer.logprob[0], "tokens": answer.tokens[0], "bytes": bytes })
            }
            Planned::Choose { conditional, unconditional, bytes } => {
                let choices = choices(
                    &likelihoods[*conditional],
                    unconditional.map(|index| &likelihoods[index]),
                    bytes,
                );
                json!({ "choices": choices })
            }
            Planned::Generate { generation } => {
                let answer = &generated[*generation];
                json!({ "text": answer.text, "tokens": answer.tokens, "finish": answer.finish })
            }
        };
        Ok(asks
            .iter()
            .zip(&planned)
            .map(|(ask, plan)| Answer { id: ask.id.clone(), body: body(plan).to_string() })
            .collect())
    }

    /// A conversation as it is deployed: behind the system prompt, unless it brings its own.
    fn deployed(&self, messages: Vec<ChatMessage>) -> Vec<ChatMessage> {
        let own = messages.first().is_some_and(|message| message.role == "system");
        self.system.iter().filter(|_| !own).cloned().chain(messages).collect()
    }

    /// Turns one ask into queries; the error is what the evaluator is told.
    fn plan(
        &self,
        ask: &Ask,
        scores: &mut Vec<ScoreQuery>,
        generations: &mut Vec<GenerateQuery>,
    ) -> Result<Planned, String> {
        let id = format!("{}/{}", self.scope, ask.id);
        let invalid = |error: serde_json::Error| format!("ask body of kind `{}`: {error}", ask.kind);
        match ask.kind.as_str() {
            "choose" => {
                let asked: Choose = serde_json::from_str(&ask.body).map_err(invalid)?;
                if asked.choices.is_empty() || asked.choices.iter().any(String::is_empty) {
                    return Err("ask body of kind `choose`: choices: empty".into());
                }
                let bytes = asked.choices.iter().map(String::len).collect();
                let conditional = scores.len();
                scores.push(ScoreQuery {
                    id: id.clone(),
                    context: asked.prompt,
                    continuations: asked.choices.clone(),
                });
                let unconditional = asked.unconditional.then(|| {
                    scores.push(ScoreQuery {
                        id: format!("{id}#unconditional"),
                        context: String::new(),
                        continuations: asked.choices,
                    });
                    scores.len() - 1
                });
                Ok(Planned::Choose { conditional, unconditional, bytes })
            }
            "loglikelihood" => {
                let asked: Loglikelihood = serde_json::from_str(&ask.body).map_err(invalid)?;
                if asked.text.is_empty() {
                    return Err("ask body of kind `loglikelihood`: text: empty".into());
                }
                let bytes = asked.text.len();
                scores.push(ScoreQuery::whole_text(id, asked.text));
                Ok(Planned::Loglikelihood { score: scores.len() - 1, bytes })
            }
            "generate" => {
                let asked: Generate = serde_json::from_str(&ask.body).map_err(invalid)?;
                if !(1..=MAX_TOKENS).contains(&asked.max_tokens) {
                    return Err(format!(
                        "ask body of kind `generate`: max_tokens: {}, from 1 to {MAX_TOKENS} are allowed",
                        asked.max_tokens
                    ));
                }
                generations.push(GenerateQuery {
                    id,
                    prompt: match asked.prompt {
                        AskedPrompt::Raw(text) => Prompt::Raw(text),
                        AskedPrompt::Messages { messages } => Prompt::Messages(self.deployed(messages)),
                    },
                    max_tokens: asked.max_tokens,
                    temperature: asked.temperature.max(0.0),
                    seed: self.seed.derive(&asked.seed.to_string()),
                    stop: asked.stop,
                });
                Ok(Planned::Generate { generation: generations.len() - 1 })
            }
            other => Err(format!("ask kind `{other}` is not known to this host")),
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
