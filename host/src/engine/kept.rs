//! Answers that an evaluation was given, kept one by one, so that it can be scored again without its model.
//!
//! The cache of batches serves a model that is asked again, and needs its tokenizer to find anything. What is kept here is
//! found by the question itself: the key is a digest over engine, model and query. A question that did not fit the model
//! is kept with what its asker was told.

use serde::{Deserialize, Serialize};

use super::{
    backend::{Backend, Identity},
    query::{GenerateAnswer, GenerateQuery, ScoreAnswer, ScoreQuery},
};
use crate::{
    error::{Error, Result},
    ids::Digest,
    store::Store,
};

/// Version of the key and of what is stored under it.
const VERSION: u32 = 1;

/// A model of which nothing is left but its answers.
#[derive(Debug)]
pub struct KeptModel {
    store: Store,
    subject: Identity,
    engine: Identity,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kept {
    Text(GenerateAnswer),
    Scores(ScoreAnswer),
    Refused(String),
}

/// Keeps texts, each with its query, or why the query was refused.
///
/// # Errors
/// The store cannot be written.
pub fn keep_texts(
    store: &Store,
    backend: &Backend,
    queries: &[GenerateQuery],
    answers: &[Result<GenerateAnswer, String>],
) -> Result<()> {
    keep(store, backend, queries, answers, Kept::Text)
}

/// As [`keep_texts`], for scores.
///
/// # Errors
/// The store cannot be written.
pub fn keep_scores(
    store: &Store,
    backend: &Backend,
    queries: &[ScoreQuery],
    answers: &[Result<ScoreAnswer, String>],
) -> Result<()> {
    keep(store, backend, queries, answers, Kept::Scores)
}

fn keep<Q: Serialize, A: Clone>(
    store: &Store,
    backend: &Backend,
    queries: &[Q],
    answers: &[Result<A, String>],
    kind: impl Fn(A) -> Kept,
) -> Result<()> {
    if matches!(backend, Backend::Kept(_)) {
        return Ok(());
    }
    let model = model(&backend.subject(), &backend.engine());
    let entries = queries.iter().zip(answers).map(|(query, answer)| {
        let kept = answer.clone().map_or_else(Kept::Refused, &kind);
        (key(&model, query), serde_json::to_string(&kept).expect("answers serialise to JSON"))
    });
    store.put_batches(entries)
}

fn model(subject: &Identity, engine: &Identity) -> Digest {
    Digest::of_json(&(subject, engine))
}

fn key<Q: Serialize>(model: &Digest, query: &Q) -> Digest {
    Digest::of_json(&("answer", VERSION, model, query))
}

impl KeptModel {
    /// The answers that a model gave, as `store` has them. `subject` and `engine` are the model's own parts of the
    /// identity.
    #[must_use]
    pub const fn new(store: Store, subject: Identity, engine: Identity) -> Self {
        Self { store, subject, engine }
    }

    /// The model's part of the identity.
    #[must_use]
    pub const fn subject(&self) -> &Identity {
        &self.subject
    }

    /// The engine's part of the identity.
    #[must_use]
    pub const fn engine(&self) -> &Identity {
        &self.engine
    }

    /// What was answered.
    ///
    /// # Errors
    /// Bad input where nothing is kept for the query.
    pub fn generate(&self, query: &GenerateQuery) -> Result<GenerateAnswer> {
        match self.find(query)? {
            Some(Kept::Text(answer)) => Ok(answer),
            _ => Err(missing(&query.id)),
        }
    }

    /// What was answered.
    ///
    /// # Errors
    /// Bad input where nothing is kept for the query.
    pub fn score(&self, query: &ScoreQuery) -> Result<ScoreAnswer> {
        match self.find(query)? {
            Some(Kept::Scores(answer)) => Ok(answer),
            _ => Err(missing(&query.id)),
        }
    }

    /// For each query why it was refused.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn misfits<Q: Serialize>(&self, queries: &[Q]) -> Result<Vec<Option<Error>>> {
        let refused = |query| -> Result<Option<Error>> {
            Ok(match self.find(query)? {
                Some(Kept::Refused(message)) => Some(Error::bad_input(message)),
                _ => None,
            })
        };
        queries.iter().map(refused).collect()
    }

    fn find<Q: Serialize>(&self, query: &Q) -> Result<Option<Kept>> {
        let payload = self.store.get_batch(&key(&model(&self.subject, &self.engine), query))?;
        Ok(payload.and_then(|payload| serde_json::from_str(&payload).ok()))
    }
}

fn missing(id: &str) -> Error {
    Error::bad_input(format!("no answer is kept for request {id:?}")).hint(
        "only evaluations that this version made keep every answer; evaluate again under another --name",
    )
}
