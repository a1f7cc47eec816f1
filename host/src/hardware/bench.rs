//! Workers under load: the same processes that evaluate and train, timed.

use std::thread;

use realign_engine_abi::message::{Load, ModelInfo, Reply, Request};

use super::{
    calibration::Task,
    clock::timed,
    figure::Figure,
    machine::peak_memory,
    sweep::Point,
    workload::{self, Lengths},
};
use crate::{
    engine::{launch::Launch, pool::refusal, process::WorkerProcess},
    error::{Error, Result},
};

/// Workers with one model that do one task.
#[derive(Debug)]
pub struct Bench<'a> {
    launch: &'a Launch,
    load: &'a Load,
    task: Task,
    repeats: usize,
    workers: Vec<Worker>,
}

#[derive(Debug)]
struct Worker {
    process: WorkerProcess,
    model: ModelInfo,
    /// Numbers of the adapter that it trains; 0 where it does not.
    adapter_parameters: u64,
    /// Whether it has computed a batch: the first one pays for what is set up once.
    warm: bool,
}

impl<'a> Bench<'a> {
    /// Nothing runs yet. `repeats` is at least 2.
    #[must_use]
    pub const fn new(launch: &'a Launch, load: &'a Load, task: Task, repeats: usize) -> Self {
        Self { launch, load, task, repeats, workers: Vec::new() }
    }

    /// The model, as the first worker loaded it.
    ///
    /// # Errors
    /// As [`Self::measure`].
    pub fn model(&mut self) -> Result<&ModelInfo> {
        Ok(&self.first()?.model)
    }

    /// Numbers in the adapter that is trained; 0 for other tasks.
    ///
    /// # Errors
    /// As [`Self::measure`].
    pub fn adapter_parameters(&mut self) -> Result<u64> {
        Ok(self.first()?.adapter_parameters)
    }

    /// 10^9 operations per second of the engine's own matrix product.
    ///
    /// # Errors
    /// As [`Self::measure`].
    pub fn gflops(&mut self) -> Result<Figure> {
        let repeats = self.repeats;
        let worker = self.first()?;
        let measured = (0..repeats).map(|_| match worker.call(&Request::SelfTest)? {
            Reply::SelfTest(test) => Ok(test.gflops),
            _ => Err(Error::engine("the engine did not time itself when asked to")),
        });
        figure("matrix product", &measured.collect::<Result<Vec<f64>>>()?)
    }

    /// Tokens per second of `workers` workers with a batch of `rows` rows each, all at the same time. Workers that
    /// are not there yet are started, and the first batch of each is not counted. The point's size is the
    /// number of rows.
    ///
    /// # Errors
    /// Exit 21 where a worker cannot be started or dies, or the engine fails; bad input where it refuses the model.
    pub fn measure(&mut self, workers: usize, rows: usize, lengths: Lengths) -> Result<Point> {
        while self.workers.len() < workers {
            let worker = Worker::start(self.launch, self.load, self.task)?;
            self.workers.push(worker);
        }
        let request = workload::batch(self.task, lengths, rows, &self.workers[0].model);
        if self.workers.iter().any(|worker| !worker.warm) {
            self.round(workers, &request)?;
        }
        let mut rates = Vec::with_capacity(self.repeats);
        for _ in 0..self.repeats {
            let (tokens, seconds) = timed(|| self.round(workers, &request));
            rates.push(tokens? as f64 / seconds);
        }
        let peaks = self.workers.iter().filter_map(|worker| worker.process.pid()).map(peak_memory);
        Ok(Point {
            size: rows,
            tokens: workers * rows * lengths.counted(self.task),
            rate: figure(self.task.name(), &rates)?,
            peak_bytes: peaks.sum(),
        })
    }

    /// One batch for each of the first `workers` workers; tokens that count.
    fn round(&mut self, workers: usize, request: &Request) -> Result<u64> {
        let counted = |worker: &mut Worker| {
            let reply = worker.call(request)?;
            worker.warm = true;
            workload::counted(request, &reply)
                .ok_or_else(|| Error::engine("the engine's reply does not have the shape of its batch"))
        };
        thread::scope(|scope| {
            let running: Vec<_> =
                self.workers.iter_mut().take(workers).map(|worker| scope.spawn(|| counted(worker))).collect();
            let ended = running
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            // All of them are waited for before the first error counts.
            ended.collect::<Vec<Result<u64>>>().into_iter().sum()
        })
    }

    fn first(&mut self) -> Result<&mut Worker> {
        if self.workers.is_empty() {
            self.workers.push(Worker::start(self.launch, self.load, self.task)?);
        }
        Ok(&mut self.workers[0])
    }
}

impl Worker {
    fn start(launch: &Launch, load: &Load, task: Task) -> Result<Self> {
        let mut process = WorkerProcess::spawn(launch)?;
        let Reply::Model(model) = call(&mut process, &Request::Load(load.clone()))? else {
            return Err(Error::engine("the engine did not describe the model that it loaded"));
        };
        let mut worker = Self { process, model, adapter_parameters: 0, warm: false };
        if task == Task::Train {
            let begin = workload::begin_training(&worker.model);
            let Reply::Training(info) = worker.call(&begin)? else {
                return Err(Error::engine("the engine did not describe the adapter that it trains"));
            };
            worker.adapter_parameters = info.parameters;
        }
        Ok(worker)
    }

    fn call(&mut self, request: &Request) -> Result<Reply> {
        call(&mut self.process, request)
    }
}

fn call(process: &mut WorkerProcess, request: &Request) -> Result<Reply> {
    match process.call(request, &mut |_| {}) {
        Ok(Reply::Error(error)) => Err(refusal(error)),
        Ok(reply) => Ok(reply),
        Err(death) => {
            let message = format!("the engine worker died while it was timed: {}", death.cause);
            Err(Error::engine(message).hint("nothing was stored; run it again with more free memory"))
        }
    }
}

fn figure(what: &str, values: &[f64]) -> Result<Figure> {
    let figure = Figure::of(values).filter(Figure::is_sound);
    figure.ok_or_else(|| Error::engine(format!("{what}: the measured rates are no positive numbers")))
}
