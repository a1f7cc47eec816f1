//! Planned batches over several workers that hold the same model.
//!
//! A worker that dies, or hangs until it is taken for dead, is replaced, the model is loaded again, and its batch is tried once more. A second death
//! on the same batch ends the run, but not before every batch that another worker had begun has reached the
//! sink: nothing that was finished is lost. An engine's own error is not retried, because it would come again.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError, mpsc},
    thread,
};

use realign_engine_abi::message::{
    EngineError, EngineInfo, ErrorKind, Event, Load, ModelInfo, Reply, Request,
};

use super::{
    capacity::workers_that_fit,
    interrupt::interrupted,
    launch::Launch,
    process::{Death, WorkerProcess},
};
use crate::{
    error::{Error, Result},
    exit::Exit,
};

/// Told of each finished batch, by its place in the plan, in the order in which they finish.
pub type Sink<'a> = dyn FnMut(usize, &Reply) -> Result<()> + 'a;

/// Told how far batches under way have come: place in the plan, units done, units in all. A batch that is tried again
/// begins again.
pub type Watch<'a> = dyn FnMut(usize, u64, u64) + 'a;

/// What a worker's thread tells.
enum Told {
    Event(usize, Event),
    End(usize, Result<Reply>),
}

/// Workers with one model.
#[derive(Debug)]
pub struct Pool {
    launch: Launch,
    load: Load,
    model: ModelInfo,
    engine: EngineInfo,
    /// One place per worker; empty until it is needed, and after a death.
    places: Vec<Option<WorkerProcess>>,
    /// How many of the places are used.
    used: usize,
}

impl Pool {
    /// Starts one worker, loads the model and decides how many workers there may be: `workers`, or as many as
    /// fit. The others start when there are batches for them.
    ///
    /// # Errors
    /// The worker does not start, or the engine refuses the model.
    pub fn open(launch: Launch, load: &Load, workers: Option<usize>) -> Result<Self> {
        let (mut first, model) = start_worker(&launch, load)?;
        let engine = describe(&mut first)?;
        let count = workers.unwrap_or_else(|| workers_that_fit(model.parameters, &engine.device)).max(1);
        let places = std::iter::once(Some(first)).chain((1..count).map(|_| None)).collect();
        Ok(Self { launch, load: load.clone(), model, engine, places, used: count })
    }

    /// From now on uses at most so many workers, at least one; changes no result.
    pub fn use_at_most(&mut self, workers: usize) {
        self.used = workers.clamp(1, self.places.len());
    }

    /// Ends the workers, so that another model has the memory. They start again when there are batches for them.
    pub fn rest(&mut self) {
        self.places.iter_mut().for_each(|place| *place = None);
    }

    /// How many workers are used at most.
    #[must_use]
    pub const fn used(&self) -> usize {
        self.used
    }

    /// The loaded model.
    #[must_use]
    pub const fn model(&self) -> &ModelInfo {
        &self.model
    }

    /// The engine.
    #[must_use]
    pub const fn engine(&self) -> &EngineInfo {
        &self.engine
    }

    /// How many workers there may be.
    #[must_use]
    pub const fn workers(&self) -> usize {
        self.places.len()
    }

    /// Runs every batch and returns the replies in the order of the plan. `sink` sees each reply as it comes, and
    /// `watch` what happens in between.
    ///
    /// # Errors
    /// The first of: a batch whose worker died twice (exit 21), an engine's error, a sink's error. No further
    /// batch is begun after it; those under way are finished and handed to the sink first.
    pub fn run(
        &mut self,
        batches: &[Request],
        sink: &mut Sink<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<Vec<Reply>> {
        let queue = Queue::new(batches);
        let worth_starting = batches.len().clamp(1, self.used);
        let starter = Starter { launch: &self.launch, load: &self.load, model: &self.model };
        let (tell, told) = mpsc::channel();
        thread::scope(|scope| {
            for place in &mut self.places[..worth_starting] {
                let (queue, starter, tell) = (&queue, &starter, tell.clone());
                scope.spawn(move || work(queue, starter, place, &tell));
            }
            drop(tell);
            collect(&queue, &told, sink, watch)
        })
    }
}

/// What one worker's thread does: takes batches until there are none left or something failed.
fn work(
    queue: &Queue<'_>,
    starter: &Starter<'_>,
    place: &mut Option<WorkerProcess>,
    tell: &mpsc::Sender<Told>,
) {
    while let Some((index, request)) = queue.take() {
        // A listener that is gone shows at the end of the batch.
        let mut on_event = |event: &Event| drop(tell.send(Told::Event(index, event.clone())));
        let first = starter.attempt(place, request, &mut on_event);
        let second = match first {
            Err(death) if !death.interrupted => starter.attempt(place, request, &mut on_event),
            first => first,
        };
        let result = second.unwrap_or_else(|death| {
            Err(died(&death, &format!("twice on batch {} of {}", index + 1, queue.planned)))
        });
        if result.is_err() {
            queue.stop();
        }
        if tell.send(Told::End(index, result)).is_err() {
            return;
        }
    }
}

/// Hands replies to the sink until all threads have ended, and keeps the first error.
fn collect(
    queue: &Queue<'_>,
    told: &mpsc::Receiver<Told>,
    sink: &mut Sink<'_>,
    watch: &mut Watch<'_>,
) -> Result<Vec<Reply>> {
    let mut replies: Vec<Option<Reply>> = (0..queue.planned).map(|_| None).collect();
    let mut failure = None;
    for told in told {
        let (index, result) = match told {
            Told::Event(index, Event::Progress { done, total }) => {
                watch(index, done, total);
                continue;
            }
            Told::End(index, result) => (index, result),
        };
        match result.and_then(|reply| sink(index, &reply).map(|()| reply)) {
            Ok(reply) => replies[index] = Some(reply),
            Err(error) => {
                queue.stop();
                failure.get_or_insert(error);
            }
        }
    }
    match failure {
        Some(error) => Err(error),
        None => Ok(replies.into_iter().flatten().collect()),
    }
}

/// Batches that nobody has begun.
struct Queue<'a> {
    waiting: Mutex<VecDeque<(usize, &'a Request)>>,
    planned: usize,
}

impl<'a> Queue<'a> {
    fn new(batches: &'a [Request]) -> Self {
        Self { waiting: Mutex::new(batches.iter().enumerate().collect()), planned: batches.len() }
    }

    fn take(&self) -> Option<(usize, &'a Request)> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    fn stop(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Brings a worker's place to life.
struct Starter<'a> {
    launch: &'a Launch,
    load: &'a Load,
    model: &'a ModelInfo,
}

impl Starter<'_> {
    /// Asks the worker in `place`, started first if there is none. The outer error is a death, after which the
    /// place is empty; the inner one is final.
    fn attempt(
        &self,
        place: &mut Option<WorkerProcess>,
        request: &Request,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<Result<Reply>, Death> {
        let mut worker = match place.take() {
            Some(worker) => worker,
            None => match self.start() {
                Ok(worker) => worker,
                Err(error) => return Ok(Err(error)),
            },
        };
        let reply = worker.call(request, on_event)?;
        *place = Some(worker);
        Ok(match reply {
            Reply::Error(error) => Err(refusal(error)),
            reply => Ok(reply),
        })
    }

    fn start(&self) -> Result<WorkerProcess> {
        start_same(self.launch, self.load, self.model)
    }
}

/// Starts a worker with a model that was loaded before.
pub(crate) fn start_same(launch: &Launch, load: &Load, model: &ModelInfo) -> Result<WorkerProcess> {
    let (worker, loaded) = start_worker(launch, load)?;
    check_same(load, &loaded, model)?;
    Ok(worker)
}

/// Refuses a model that is another one than was loaded before from the same file.
pub(crate) fn check_same(load: &Load, loaded: &ModelInfo, before: &ModelInfo) -> Result<()> {
    if loaded == before {
        return Ok(());
    }
    Err(Error::bad_input(format!("model file {} changed during the run", load.model.display()))
        .hint("keep the file as it is and run it again"))
}

/// Starts a worker and loads a model.
pub(crate) fn start_worker(launch: &Launch, load: &Load) -> Result<(WorkerProcess, ModelInfo)> {
    load_model(WorkerProcess::spawn(launch)?, load)
}

/// Loads a model into a worker that was started.
pub(crate) fn load_model(mut worker: WorkerProcess, load: &Load) -> Result<(WorkerProcess, ModelInfo)> {
    match worker.call(&Request::Load(load.clone()), &mut |_| {}) {
        Ok(Reply::Model(model)) => Ok((worker, model)),
        Ok(Reply::Error(error)) => Err(refusal(error)),
        Ok(_) => Err(Error::engine("the engine did not describe the model that it loaded")),
        Err(death) => Err(died(&death, &format!("while it loaded {}", load.model.display()))),
    }
}

/// Asks a worker what its engine is.
pub(crate) fn describe(worker: &mut WorkerProcess) -> Result<EngineInfo> {
    match worker.call(&Request::Info, &mut |_| {}) {
        Ok(Reply::Engine(info)) => Ok(info),
        Ok(Reply::Error(error)) => Err(refusal(error)),
        Ok(_) => Err(Error::engine("the engine did not describe itself when asked to")),
        Err(death) => Err(died(&death, "while it described itself")),
    }
}

/// An engine's error as ours: the model's and the request's faults are bad input, a full disk is what it is anywhere,
/// and the rest is the engine's.
pub(crate) fn refusal(error: EngineError) -> Error {
    let ours = match error.kind {
        ErrorKind::Model | ErrorKind::Request => Error::bad_input(error.message),
        ErrorKind::Unwritable => Error::new(Exit::Unwritable, error.message),
        ErrorKind::Internal => Error::engine(error.message),
    };
    if error.hint.is_empty() { ours } else { ours.hint(error.hint) }
}

/// What a death means to whoever waited for the answer.
pub(crate) fn died(death: &Death, place: &str) -> Error {
    if death.interrupted {
        return interrupted();
    }
    Error::engine(format!("the engine worker died {place}: {}", death.cause))
        .hint("finished batches are kept: run it again to go on where it stopped")
}

#[cfg(test)]
mod tests;
