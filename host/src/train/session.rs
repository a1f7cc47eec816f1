//! A model and an adapter in training: one worker, or several that train together.
//!
//! Several workers are one to everybody else: they take each step together and share the batches of a measurement; the
//! rest is asked of the first one alone. All of them hold the same adapter, to the last bit. A worker that dies is replaced when it is next asked, and
//! with it the others of its group, unless somebody else has started them. What needs no adapter is then asked again, once: the same
//! question has the same answer. A step is never asked again: the caller goes back to a checkpoint, because an adapter
//! that was half way through a step is nothing that can be known.

use realign_engine_abi::{
    message::{
        AdapterFile, EngineError, GenerateRow, Generated, Load, ModelInfo, Reply, Request, TokenizeInput,
        Tokenized,
    },
    train::{
        Divergence, Example, KlRow, LogProbs, StepReport, TrainBegin, TrainSave, TrainStep, TrainingInfo,
    },
};

use super::shard;
use crate::{
    engine::{
        backend::Identity,
        capacity::workers_that_fit,
        group::Group,
        interrupt::interrupted,
        launch::Launch,
        model_digest,
        pool::{check_same, refusal},
        process::Death,
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

/// A model and an adapter in training.
#[derive(Debug)]
pub struct Session {
    launch: Launch,
    load: Load,
    ranks: usize,
    group: Option<Group>,
    model: ModelInfo,
    subject: Identity,
    engine: Identity,
}

impl Session {
    /// Starts as many workers as there are to be ranks and loads the model.
    ///
    /// # Errors
    /// A file cannot be read, a worker cannot be started, or the engine refuses the model.
    pub fn open(launch: Launch, load: Load, ranks: u32) -> Result<Self> {
        let ranks = ranks as usize;
        let (mut group, model) = Group::start(&launch, &load, ranks)?;
        let engine = model_digest::engine(&group.describe()?);
        let subject = model_digest::subject(&load, &model)?;
        Ok(Self { launch, load, ranks, group: Some(group), model, subject, engine })
    }

    /// Starts `workers`, or as many as fit on this machine: for what does not depend on how many there are.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_fitting(launch: Launch, load: Load, workers: Option<usize>) -> Result<Self> {
        let alone = Self::open(launch.clone(), load.clone(), 1)?;
        let device = alone.engine.get("device").map_or("", String::as_str);
        let ranks = workers.unwrap_or_else(|| workers_that_fit(alone.model.parameters, device));
        match u32::try_from(ranks) {
            Ok(ranks @ 2..) => {
                drop(alone);
                Self::open(launch, load, ranks)
            }
            _ => Ok(alone),
        }
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

    /// Whether calls are from now on brought to their end although somebody wants everything to end: half a step would be
    /// lost.
    pub fn hold_interrupts(&self, held: bool) {
        self.launch.interrupt.hold(held);
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
        let replaced = self.restarts();
        let last = if replaced && matches!(first, Err(Lost::Worker(_))) { self.call(request) } else { first };
        last.map_err(|lost| match lost {
            Lost::Final(error) => error,
            Lost::Worker(cause) => {
                let died = if replaced { "died twice" } else { "died" };
                Error::engine(format!("the engine worker {died} while training was prepared: {cause}"))
            }
        })
    }

    /// Puts an adapter on the model, fresh or from a checkpoint.
    ///
    /// # Errors
    /// The worker died, or the engine refuses the adapter.
    pub fn begin(&mut self, begin: &TrainBegin) -> Result<TrainingInfo, Lost> {
        let replies = self.together(|group| group.begin(begin))?;
        let ranked = |(rank, reply)| match reply {
            Reply::Training(info) if info.rank == rank => Ok(info),
            _ => Err(odd("an adapter").into()),
        };
        let found = (0..).zip(replies).map(ranked).collect::<Result<Vec<_>, Lost>>()?;
        match found.as_slice() {
            [first, others @ ..] if others.iter().all(|info| info.steps == first.steps) => Ok(first.clone()),
            _ => Err(odd("one adapter on all ranks").into()),
        }
    }

    /// Takes or measures a step.
    ///
    /// # Errors
    /// The worker died, or the engine refuses the step.
    pub fn step(&mut self, step: &TrainStep) -> Result<Stepped, Lost> {
        let rows = step.batches.iter().flatten().map(|row| row.example.answers.len());
        let referred = |count: usize| if step.objective.needs_reference() { count } else { 0 };
        let shares = shard::split(step, self.ranks);
        let requests: Vec<Request> =
            shares.iter().map(|share| Request::TrainStep(share.step.clone())).collect();
        let (mut reports, mut diverged) = (Vec::new(), Vec::new());
        for reply in self.together(|group| group.ask(&requests))? {
            match reply {
                Reply::Step(report) => reports.push(report),
                Reply::Diverged(divergence) => diverged.push(divergence),
                _ => return Err(odd("a report of the step").into()),
            }
        }
        let of_all = |count: usize| count == self.ranks;
        let stepped = if of_all(reports.len()) {
            let report = shard::report(&shares, reports)
                .filter(|report| report.logprobs.iter().map(Vec::len).eq(rows.clone()))
                .filter(|report| report.references.iter().map(Vec::len).eq(rows.map(referred)));
            report.map(Stepped::Done)
        } else if of_all(diverged.len()) {
            shard::divergence(&shares, diverged).map(Stepped::Diverged)
        } else {
            None
        };
        stepped.ok_or_else(|| odd("one report with every answer of the step").into())
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

    /// Puts finished adapters on the model of every worker, in place of one that is trained.
    ///
    /// # Errors
    /// A worker died, or the engine refuses an adapter.
    pub fn adapt(&mut self, adapters: Vec<AdapterFile>) -> Result<(), Lost> {
        let requests = vec![Request::Adapt(adapters); self.ranks];
        let replies = self.together(|group| group.ask(&requests))?;
        if replies.iter().all(|reply| matches!(reply, Reply::Adapted)) {
            return Ok(());
        }
        Err(odd("an adapted model").into())
    }

    /// Another session of one worker, with the same model without the adapters in its weights; `None` where there are none.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn original(&self) -> Result<Option<(Self, Vec<AdapterFile>)>> {
        if self.load.adapters.is_empty() {
            return Ok(None);
        }
        let load = Load { adapters: Vec::new(), ..self.load.clone() };
        Ok(Some((Self::open(self.launch.clone(), load, 1)?, self.load.adapters.clone())))
    }

    /// Multiplies the adapter in everything that is asked until the next such request.
    ///
    /// # Errors
    /// The worker died, or the engine refuses the factor.
    pub fn set_factor(&mut self, factor: f32) -> Result<(), Lost> {
        let requests = vec![Request::AdapterFactor(factor); self.ranks];
        let replies = self.together(|group| group.ask(&requests))?;
        if replies.iter().all(|reply| matches!(reply, Reply::Scaled)) {
            return Ok(());
        }
        Err(odd("a scaled adapter").into())
    }

    /// Whether a worker that dies is replaced.
    #[must_use]
    pub fn restarts(&self) -> bool {
        self.launch.remote.as_ref().is_none_or(|remote| remote.restarts())
    }

    /// How many batches of [`Self::generate`] and [`Self::kl`] run at the same time.
    #[must_use]
    pub const fn ranks(&self) -> usize {
        self.ranks
    }

    /// Continues prompts with the adapter as it is: a batch for each rank, or for some of them. All hold the same adapter,
    /// so it does not matter which batch is whose.
    ///
    /// # Errors
    /// The worker died, or the engine refuses a prompt.
    pub fn generate(&mut self, batches: Vec<Vec<GenerateRow>>) -> Result<Vec<Vec<Generated>>, Lost> {
        let counts: Vec<usize> = batches.iter().map(Vec::len).collect();
        let requests: Vec<Request> = batches.into_iter().map(Request::Generate).collect();
        let texts = |(reply, count)| match reply {
            Reply::Texts(texts) if texts.len() == count => Ok(texts),
            _ => Err(odd("a response to every prompt").into()),
        };
        self.together(|group| group.ask(&requests))?.into_iter().zip(counts).map(texts).collect()
    }

    /// Divergence from the model without the adapter, at each token of each response; batches as for
    /// [`Self::generate`].
    ///
    /// # Errors
    /// The worker died, or the engine refuses a row.
    pub fn kl(&mut self, batches: Vec<Vec<KlRow>>) -> Result<Vec<Vec<Vec<f32>>>, Lost> {
        let length = |row: &KlRow| row.response.len() + usize::from(row.ended);
        let lengths: Vec<Vec<usize>> = batches.iter().map(|rows| rows.iter().map(length).collect()).collect();
        let requests: Vec<Request> = batches.into_iter().map(Request::Kl).collect();
        let values = |(reply, lengths): (Reply, Vec<usize>)| match reply {
            Reply::Kl(values) if values.iter().map(Vec::len).eq(lengths) => Ok(values),
            _ => Err(odd("the divergence at every token").into()),
        };
        self.together(|group| group.ask(&requests))?.into_iter().zip(lengths).map(values).collect()
    }

    /// Asks the first worker.
    fn call(&mut self, request: &Request) -> Result<Reply, Lost> {
        let mut replies = self.together(|group| group.ask(std::slice::from_ref(request)))?;
        replies.pop().ok_or_else(|| odd("anything").into())
    }

    /// Asks the group, started first where there is none.
    fn together(
        &mut self,
        ask: impl FnOnce(&mut Group) -> Result<Vec<Reply>, Death>,
    ) -> Result<Vec<Reply>, Lost> {
        let mut group = if let Some(group) = self.group.take() {
            group
        } else {
            let (group, loaded) = Group::start(&self.launch, &self.load, self.ranks)?;
            check_same(&self.load, &loaded, &self.model)?;
            group
        };
        let replies = ask(&mut group).map_err(|death| {
            if death.interrupted { Lost::Final(interrupted()) } else { Lost::Worker(death.cause) }
        })?;
        self.group = Some(group);
        match first_error(&replies) {
            Some(error) => Err(refusal(error).into()),
            None => Ok(replies),
        }
    }
}

/// The error of a group: what each rank says, where they do not say the same.
fn first_error(replies: &[Reply]) -> Option<EngineError> {
    let mut errors: Vec<&EngineError> = Vec::new();
    for reply in replies {
        if let Reply::Error(error) = reply
            && errors.iter().all(|known| known.message != error.message)
        {
            errors.push(error);
        }
    }
    let message = errors.iter().map(|error| error.message.as_str()).collect::<Vec<_>>().join("; ");
    let hint = errors.iter().map(|error| &error.hint).find(|hint| !hint.is_empty()).cloned();
    let kind = errors.first()?.kind;
    Some(EngineError { kind, message, hint: hint.unwrap_or_default() })
}

/// The request for log-probabilities of examples without the adapter.
#[must_use]
pub fn reference_request(examples: Vec<Example>) -> Request {
    Request::LogProbs(LogProbs { adapted: false, examples })
}

fn odd(what: &str) -> Error {
    Error::engine(format!("the engine did not answer with {what}"))
}
