//! One machine's part of a job.

use serde::Serialize;

use super::Candidate;
use crate::{
    engine::capacity::{BYTES_PER_WEIGHT, PEAK_OVER_WEIGHTS},
    hardware::{
        calibration::{Task, fitting, usable},
        figure::Figure,
    },
};

/// Memory of a training worker over the size of its weights, where it was not measured: 1.06 GB were held for
/// weights of 0.54 GB.
const TRAINING_OVER_WEIGHTS: f64 = 2.0;

/// Seconds with the interval of the rates behind them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Span {
    /// At the mean rate.
    pub seconds: f64,
    /// At the upper end of the rate's interval.
    pub low: f64,
    /// At the lower end of the rate's interval; none where that is 0.
    pub high: Option<f64>,
}

/// One machine's part of a job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Share {
    /// What it is called.
    pub machine: String,
    /// Its processor.
    pub processor: String,
    /// Workers that it runs; 0 where it takes no part.
    pub workers: usize,
    /// Padded tokens of a batch that was best there. Scoring and generation have batches of their own rule.
    pub batch_tokens: usize,
    /// Tokens per second of all its workers.
    pub rate: Figure,
    /// Tokens per second of one of its workers.
    pub alone: Figure,
    /// Bytes that a worker needs.
    pub needed_bytes: u64,
    /// Bytes that workers may use; none where it is not known.
    pub memory_bytes: Option<u64>,
    /// Tokens that it gets.
    pub tokens: u64,
    /// The same as a share of the job.
    pub share: f64,
    /// When it is done; none where it gets nothing.
    pub finish: Option<Span>,
    /// Why it takes no part, if so.
    pub note: Option<String>,
}

impl Share {
    /// What a machine could do, before work is given out.
    pub(super) fn of(task: Task, parameters: u64, candidate: &Candidate<'_>) -> Self {
        let calibration = candidate.calibration;
        let measured = calibration.task(task);
        let batch = measured.batch.best();
        let growth = parameters as f64 / calibration.model.parameters as f64;
        let over_weights = if task == Task::Train { TRAINING_OVER_WEIGHTS } else { PEAK_OVER_WEIGHTS };
        let needed = batch
            .peak_bytes
            .map_or(parameters as f64 * BYTES_PER_WEIGHT * over_weights, |peak| peak as f64 * growth);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and saturating"
        )]
        let needed_bytes = needed.ceil() as u64;
        let memory_bytes = calibration.available_bytes.map(usable);
        let fit = fitting(memory_bytes, Some(needed_bytes), usize::MAX);
        let working = measured.workers.best_within(fit);
        let fits = fit > 0;
        Self {
            machine: candidate.name.to_owned(),
            processor: calibration.machine.processor.clone(),
            workers: if fits { working.size } else { 0 },
            batch_tokens: batch.tokens,
            rate: working.rate.scaled(1.0 / growth),
            alone: measured.workers.best_within(1).rate.scaled(1.0 / growth),
            needed_bytes,
            memory_bytes,
            tokens: 0,
            share: 0.0,
            finish: None,
            note: (!fits).then(|| "the model does not fit its memory".into()),
        }
    }

    /// Whether the model fits at least once.
    pub(super) fn fits(&self) -> bool {
        self.workers > 0
    }

    /// Tokens per second that it works with; 0 where it takes no part.
    pub(super) fn working_rate(&self) -> f64 {
        if self.fits() { self.rate.mean } else { 0.0 }
    }

    /// The same with one worker.
    pub(super) fn alone_rate(&self) -> f64 {
        if self.fits() { self.alone.mean } else { 0.0 }
    }

    /// Tokens of one training step with a batch for each worker.
    pub(super) fn step_tokens(&self) -> f64 {
        (self.workers * self.batch_tokens) as f64
    }

    /// Takes its part of a job.
    pub(super) fn take(&mut self, tokens: u64, of: u64) {
        self.tokens = tokens;
        self.share = tokens as f64 / of.max(1) as f64;
        let rates = [self.rate.mean, self.rate.high, self.rate.low];
        self.finish = (tokens > 0).then(|| Span::over(tokens, rates));
    }

    /// Takes no part, although it could.
    pub(super) fn leave_free(&mut self) {
        if self.fits() {
            self.workers = 0;
            self.note = Some("free for other jobs".into());
        }
    }

    /// Works with one worker.
    pub(super) fn work_alone(&mut self) {
        self.workers = 1;
        self.rate = self.alone;
    }
}

impl Span {
    /// Of some tokens at the mean, highest and lowest rate.
    pub(super) fn over(tokens: u64, [mean, high, low]: [f64; 3]) -> Self {
        let tokens = tokens as f64;
        Self { seconds: tokens / mean, low: tokens / high, high: (low > 0.0).then(|| tokens / low) }
    }

    /// The same so many seconds later.
    pub(super) fn later(self, seconds: f64) -> Self {
        Self {
            seconds: self.seconds + seconds,
            low: self.low + seconds,
            high: self.high.map(|high| high + seconds),
        }
    }

    /// When the last of them is done: the latest of each end, which is on the safe side for the upper one.
    pub(super) fn latest(spans: impl Iterator<Item = Self>) -> Self {
        let none = Self { seconds: 0.0, low: 0.0, high: Some(0.0) };
        spans.fold(none, |latest, span| Self {
            seconds: latest.seconds.max(span.seconds),
            low: latest.low.max(span.low),
            high: latest.high.zip(span.high).map(|(a, b)| a.max(b)),
        })
    }
}
