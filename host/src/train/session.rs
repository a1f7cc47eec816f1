//! One worker with a model and an adapter in training.
//!
//! A worker that dies is replaced when it is next asked. What needs no adapter is then asked again, once: the same
//! question has the same answer. A step is never asked again: the caller goes back to a checkpoint, because an adapter
//! that was half way through a step is nothing that can be known.

use realign_engine_abi::{
    message::{GenerateRow, Generated, Load, ModelInfo, Reply, Request, TokenizeInput, Tokenized},
    train::{
        Divergence, Example, KlRow, LogProbs, StepReport, TrainBegin, TrainSave, TrainStep, TrainingInfo,
    },
};

use crate::{
    engine::{
        backend::Identity,
        launch::Launch,
        model_digest,
        pool::{describe, refusal, start_same, start_worker},
        process::WorkerProcess,
        texts,
    },
    error::{Error, Result},
};

/// Why a call has no answer.
#[derive(Debug)]
pub enum Lost {
    /// The worker died, and the adapter with it; the text says how.
    Worker(String),
    /// Asking again would not help.
    Final(Error),
}

impl From<Error> for Lost {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Stepped {
    /// It was taken.
    Done(StepReport),
    /// Something was not finite, and nothing was changed.
    Diverged(Divergence),
}

/// One worker with a model and an adapter in training.
#[derive(Debug)]
pub struct Session {
    launch: Launch,
    load: Load,
    worker: Option<WorkerProcess>,
    model: ModelInfo,
    subject: Identity,
    engine: Identity,
}

impl Session {
    /// Starts a worker and loads the model.
    ///
    /// # Errors
    /// A file cannot be read, the worker cannot be started, or the engine refuses the model.
    pub fn open(launch: Launch, load: Load) -> Result<Self> {
        let (mut worker, model) = start_worker(&launch, &load)?;
        let engine = model_digest::engine(&describe(&mut worker)?);
        let subject = model_digest::subject(&load, &model)?;
        Ok(Self { launch, load, worker: Some(worker), model, subject, engine })
    }

    /// The loaded model.
    #[must_use]
    pub const fn model(&self) -> &ModelInfo {
        &self.model
    }

    /// The model's part of an identity.
    #[must_use]
    pub const fn subject(&self) -> &Identity {
        &self.subject
    }

    /// The engine's part of an identity.
    #[must_use]
    pub const fn engine(&self) -> &Identity {
        &self.engine
    }

    /// Process id of the worker, for supervision from outside.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.worker.as_ref().map(WorkerProcess::pid)
    }

    /// Tokens of texts, in their order.
    ///
    /// # Errors
    /// The engine refuses a text, or fails twice.
    pub fn tokenize(&mut self, texts: Vec<TokenizeInput>) -> Result<Vec<Tokenized>> {
        let count = texts.len();
        let mut tokens = Vec::with_capacity(count);
        for request in texts::requests(texts) {
            match self.ask(&request)? {
                Reply::Tokens(more) => tokens.extend(more),
                _ => return Err(odd("the tokens of texts")),
            }
        }
        if tokens.len() == count { Ok(tokens) } else { Err(odd("the tokens of every text")) }
    }

    /// Asks something that needs no adapter; a dead worker is replaced and asked once more.
    ///
    /// # Errors
    /// An engine's error, or a second death (exit 21).
    pub fn ask(&mut self, request: &Request) -> Result<Reply> {
        let first = self.call(request);
        let second = if let Err(Lost::Worker(_)) = first { self.call(request) } else { first };
        second.map_err(|lost| match lost {
            Lost::Final(error) => error,
            Lost::Worker(cause) => {
                Error::engine(format!("the engine worker died twice while training was prepared: {cause}"))
            }
        })
    }

    /// Puts an adapter on the model, fresh or from a checkpoint.
    ///
    /// # Errors
    /// The worker died, or the engine refuses the adapter.
    pub fn begin(&mut self, begin: &TrainBegin) -> Result<TrainingInfo, Lost> {
        match self.call(&Request::TrainBegin(begin.clone()))? {
            Reply::Training(info) => Ok(info),
            _ => Err(odd("an adapter").into()),
        }
    }

    /// Takes or measures a step.
    ///
    /// # Errors
    /// The worker died, or the engine refuses the step.
    pub fn step(&mut self, step: TrainStep) -> Result<Stepped, Lost> {
        let rows: Vec<usize> = step.batches.iter().flatten().map(|row| row.example.answers.len()).collect();
        match self.call(&Request::TrainStep(step))? {
            Reply::Step(report) if report.logprobs.iter().map(Vec::len).eq(rows) => Ok(Stepped::Done(report)),
            Reply::Diverged(divergence) => Ok(Stepped::Diverged(divergence)),
            _ => Err(odd("a report with every answer of the step").into()),
        }
    }

    /// Writes adapter and optimiser into an existing empty folder.
    ///
    /// # Errors
    /// The worker died, or the engine cannot write.
    pub fn save(&mut self, save: TrainSave) -> Result<(), Lost> {
        match self.call(&Request::TrainSave(save))? {
            Reply::Saved => Ok(()),
            _ => Err(odd("a saved adapter").into()),
        }
    }

    /// Multiplies the adapter in everything that is asked until the next such request.
    ///
    /// # Errors
    /// The worker died, or the engine refuses the factor.
    pub fn set_factor(&mut self, factor: f32) -> Result<(), Lost> {
        match self.call(&Request::AdapterFactor(factor))? {
            Reply::Scaled => Ok(()),
            _ => Err(odd("a scaled adapter").into()),
        }
    }

    /// Continues prompts with the adapter as it is.
    ///
    /// # Errors
    /// The worker died, or the engine refuses a prompt.
    pub fn generate(&mut self, rows: Vec<GenerateRow>) -> Result<Vec<Generated>, Lost> {
        let count = rows.len();
        match self.call(&Request::Generate(rows))? {
            Reply::Texts(texts) if texts.len() == count => Ok(texts),
            _ => Err(odd("a response to every prompt").into()),
        }
    }

    /// Divergence from the model without the adapter, at each token of each response.
    ///
    /// # Errors
    /// The worker died, or the engine refuses a row.
    pub fn kl(&mut self, rows: Vec<KlRow>) -> Result<Vec<Vec<f32>>, Lost> {
        let lengths: Vec<usize> =
            rows.iter().map(|row| row.response.len() + usize::from(row.ended)).collect();
        match self.call(&Request::Kl(rows))? {
            Reply::Kl(values) if values.iter().map(Vec::len).eq(lengths) => Ok(values),
            _ => Err(odd("the divergence at every token").into()),
        }
    }

    fn call(&mut self, request: &Request) -> Result<Reply, Lost> {
        let mut worker = match self.worker.take() {
            Some(worker) => worker,
            None => start_same(&self.launch, &self.load, &self.model)?,
        };
        match worker.call(request, &mut |_| {}) {
            Ok(reply) => {
                self.worker = Some(worker);
                match reply {
                    Reply::Error(error) => Err(refusal(error).into()),
                    reply => Ok(reply),
                }
            }
            Err(death) => Err(Lost::Worker(death.cause)),
        }
    }
}

/// The request for log-probabilities of examples without the adapter.
#[must_use]
pub fn reference_request(examples: Vec<Example>) -> Request {
    Request::LogProbs(LogProbs { adapted: false, examples })
}

fn odd(what: &str) -> Error {
    Error::engine(format!("the engine did not answer with {what}"))
}
