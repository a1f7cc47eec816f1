//! A model that can be asked, whatever answers for it.
//!
//! Answers come in the order of the queries. They depend on the queries and on the model, never on the number
//! of workers, on what is in the cache, or on an interruption.

use std::collections::BTreeMap;

use super::{
    kept::KeptModel,
    launch::Launch,
    model_ref::ModelRef,
    openai::{
        OpenAiModel,
        reach::{self, Beyond},
    },
    query::{GenerateAnswer, GenerateQuery, ScoreAnswer, ScoreQuery, check_unique},
    recorded::RecordedModel,
    workers::WorkerBackend,
};
use crate::{
    error::{Error, Result},
    store::Store,
};

/// Told how many rows of how many are answered.
pub type Progress<'a> = dyn FnMut(usize, usize) + 'a;

/// Part of an identity: names and values, as `compare` lists them.
pub type Identity = BTreeMap<String, String>;

/// Name of the back end of recorded responses.
const RECORDED: &str = "recorded";

/// A model that can be asked.
#[derive(Debug)]
pub enum Backend {
    /// Worker processes with an engine.
    Workers(Box<WorkerBackend>),
    /// A file of answers.
    Recorded(RecordedModel),
    /// What a stored run was answered.
    Kept(KeptModel),
    /// A server.
    OpenAi(Box<OpenAiModel>),
}

impl Backend {
    /// Makes a model ready. `launch` starts a worker, where workers are needed; `workers` is how many there may
    /// be, or as many as fit.
    ///
    /// # Errors
    /// The file cannot be read or is not a model, or no worker can be started.
    pub fn open(model: &ModelRef, launch: &Launch, workers: Option<usize>) -> Result<Self> {
        match model {
            ModelRef::Files(load) => {
                Ok(Self::Workers(Box::new(WorkerBackend::open(load, launch.clone(), workers)?)))
            }
            ModelRef::Recorded(path) => RecordedModel::open(path).map(Self::Recorded),
            ModelRef::OpenAi(address) => {
                OpenAiModel::open(address, launch.patience, workers, launch.interrupt.clone())
                    .map(|model| Self::OpenAi(Box::new(model)))
            }
        }
    }

    /// The subject's part of the identity. `model` is its name and `model-digest` the SHA-256 of its file; an
    /// engine adds `architecture`, `parameters`, `dtype`, `tokenizer` and `template`, and `adapter` where there is one. A
    /// server has no digest, but `server`.
    #[must_use]
    pub fn subject(&self) -> Identity {
        match self {
            Self::Workers(workers) => workers.subject().clone(),
            Self::Recorded(recorded) => {
                identity([("model", recorded.name()), ("model-digest", recorded.digest().to_string())])
            }
            Self::Kept(kept) => kept.subject().clone(),
            Self::OpenAi(server) => server.subject().clone(),
        }
    }

    /// The engine's part of the identity: `backend`, and for an engine `version`, `mlx`, `blas`, `device` and
    /// `batch-plan`.
    #[must_use]
    pub fn engine(&self) -> Identity {
        match self {
            Self::Workers(workers) => workers.engine().clone(),
            Self::Recorded(_) => identity([("backend", RECORDED.to_owned())]),
            Self::Kept(kept) => kept.engine().clone(),
            Self::OpenAi(server) => server.engine().clone(),
        }
    }

    /// Gives back the memory that the model takes, until it is asked again.
    pub fn rest(&mut self) {
        match self {
            Self::Workers(workers) => workers.rest(),
            Self::Recorded(_) | Self::Kept(_) | Self::OpenAi(_) => {}
        }
    }

    /// Whether the responses were made elsewhere, so that there is no model to ask in another way.
    #[must_use]
    pub fn made_elsewhere(&self) -> bool {
        self.engine().get("backend").is_some_and(|backend| backend == RECORDED)
    }

    /// Scores continuations. Finished batches are kept in `store` and found there again.
    ///
    /// # Errors
    /// Two queries share an id, a query does not fit the model, the engine fails twice, or the store fails.
    pub fn score(
        &mut self,
        queries: &[ScoreQuery],
        store: Option<&Store>,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<ScoreAnswer>> {
        check_unique(queries.iter().map(|query| query.id.as_str()))?;
        match self {
            Self::Workers(workers) => workers.score(queries, store, progress),
            Self::Recorded(recorded) => answer_all(queries, progress, |query| recorded.score(query)),
            Self::Kept(kept) => answer_all(queries, progress, |query| kept.score(query)),
            Self::OpenAi(server) => server.score(queries, store, progress),
        }
    }

    /// Continues prompts. Finished batches are kept in `store` and found there again.
    ///
    /// # Errors
    /// As for [`Self::score`].
    pub fn generate(
        &mut self,
        queries: &[GenerateQuery],
        store: Option<&Store>,
        progress: &mut Progress<'_>,
    ) -> Result<Vec<GenerateAnswer>> {
        check_unique(queries.iter().map(|query| query.id.as_str()))?;
        match self {
            Self::Workers(workers) => workers.generate(queries, store, progress),
            Self::Recorded(recorded) => answer_all(queries, progress, |query| recorded.generate(query)),
            Self::Kept(kept) => answer_all(queries, progress, |query| kept.generate(query)),
            Self::OpenAi(server) => server.generate(queries, store, progress),
        }
    }
}

impl Backend {
    /// Why one of the queries is beyond this model, whatever its text: servers do not score everything.
    #[must_use]
    pub fn beyond(&self, queries: &[ScoreQuery]) -> Option<Beyond> {
        reach::beyond(&self.engine(), queries)
    }

    /// For each query why it can never be scored: its text does not fit the model. Such a query would end
    /// [`Self::score`] for all.
    ///
    /// # Errors
    /// The engine failed.
    pub fn score_misfits(&mut self, queries: &[ScoreQuery]) -> Result<Vec<Option<Error>>> {
        match self {
            Self::Workers(workers) => workers.score_misfits(queries),
            Self::Recorded(_) => Ok(queries.iter().map(|_| None).collect()),
            Self::Kept(kept) => kept.misfits(queries),
            Self::OpenAi(server) => server.score_misfits(queries),
        }
    }

    /// As [`Self::score_misfits`], for [`Self::generate`].
    ///
    /// # Errors
    /// The engine failed.
    pub fn generate_misfits(&mut self, queries: &[GenerateQuery]) -> Result<Vec<Option<Error>>> {
        match self {
            Self::Workers(workers) => workers.generate_misfits(queries),
            Self::Recorded(_) | Self::OpenAi(_) => Ok(queries.iter().map(|_| None).collect()),
            Self::Kept(kept) => kept.misfits(queries),
        }
    }
}

pub(super) fn identity<const N: usize>(entries: [(&str, String); N]) -> Identity {
    entries.map(|(name, value)| (name.to_owned(), value)).into()
}

fn answer_all<Q, A>(
    queries: &[Q],
    progress: &mut Progress<'_>,
    answer: impl Fn(&Q) -> Result<A>,
) -> Result<Vec<A>> {
    let answers = queries.iter().map(answer).collect::<Result<Vec<A>>>()?;
    progress(queries.len(), queries.len());
    Ok(answers)
}

#[cfg(test)]
mod tests;
