//! A job on measured machines: who does how much, and when it is done.
//!
//! # The model behind it
//!
//! - A machine's rate is what was measured with as many workers as were best and as fit: a worker needs what it was
//!   seen to hold with the best batch, and workers together get 0.6 of the memory that was free when the machine was
//!   measured.
//! - For a model of another size, time per token and memory per worker are taken in proportion to its parameters.
//! - The interval of a finish is that of the rates. It covers the spread of the repeats, nothing else: neither another
//!   load on the machine nor a model that behaves otherwise.

mod share;

use serde::Serialize;

pub use self::share::{Share, Span};
use super::{
    calibration::{Calibration, Task},
    decide::{self, Kind, Ranks},
    split::split,
};
use crate::error::{Error, Result};

/// Bytes per second of exchanging gradients between workers of one machine: 2 x 1.8 MB in 14 ms were measured over
/// the loopback device with MLX's ring and two ranks.
pub const LOOPBACK: f64 = 2.0 * 1.8e6 / 0.014;
/// Bytes per second of a link of 1 Gbit/s.
pub const GIGABIT: f64 = 1e9 / 8.0;
/// Gradients are f32.
const GRADIENT_BYTES: f64 = 4.0;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Job {
    /// Which task.
    pub task: Task,
    /// How many tokens of it.
    pub tokens: u64,
    /// Weights of the model; those of the measured one if none.
    pub parameters: Option<u64>,
    /// Bytes per second between machines.
    pub link: f64,
}

/// A machine that may take part.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// What to call it.
    pub name: &'a str,
    /// What was measured there.
    pub calibration: &'a Calibration,
}

/// Where a job goes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Placement {
    /// Which task.
    pub task: Task,
    /// How many tokens of it.
    pub tokens: u64,
    /// Weights of the model.
    pub parameters: u64,
    /// Weights of the model that was measured; rates are in proportion where they differ.
    pub measured_parameters: u64,
    /// Sharded or separate.
    pub placement: Kind,
    /// Why, in one sentence.
    pub reason: String,
    /// When everything is done.
    pub finish: Span,
    /// In the order of the candidates.
    pub machines: Vec<Share>,
}

/// Places a job.
///
/// # Errors
/// Usage where there is no machine, or none whose memory the model fits; bad input where the machines were measured
/// with different models.
pub fn place(job: &Job, candidates: &[Candidate<'_>]) -> Result<Placement> {
    let Some(first) = candidates.first() else {
        return Err(Error::usage("no machine is named").hint("measure one: realign calibrate"));
    };
    let model = &first.calibration.model;
    if let Some(other) = candidates.iter().find(|other| other.calibration.model.digest != model.digest) {
        let message = format!(
            "machines {} and {} were measured with different models: {} and {}",
            first.name, other.name, model.name, other.calibration.model.name
        );
        return Err(
            Error::bad_input(message).hint("measure both with one model file: realign calibrate --model")
        );
    }
    let parameters = job.parameters.unwrap_or(model.parameters);
    let mut machines: Vec<Share> =
        candidates.iter().map(|candidate| Share::of(job.task, parameters, candidate)).collect();
    if !machines.iter().any(Share::fits) {
        return Err(nothing_fits(job.task, parameters, &machines));
    }
    let (placement, reason, sync) = match job.task {
        Task::Score | Task::Generate => {
            let (kind, reason) =
                decide::without_sync(job.task, machines.iter().filter(|found| found.fits()).count());
            (kind, reason, None)
        }
        Task::Train => train(job, parameters, first.calibration, &mut machines),
    };
    let rates: Vec<f64> = machines.iter().map(Share::working_rate).collect();
    for (machine, tokens) in machines.iter_mut().zip(split(job.tokens, &rates)) {
        machine.take(tokens, job.tokens);
    }
    let finish = match sync {
        // Every rank waits for the others in every step, so all of them are done together.
        Some((step_tokens, sync)) => together(job.tokens, step_tokens, sync, &mut machines),
        None => Span::latest(machines.iter().filter_map(|machine| machine.finish)),
    };
    Ok(Placement {
        task: job.task,
        tokens: job.tokens,
        parameters,
        measured_parameters: model.parameters,
        placement,
        reason,
        finish,
        machines,
    })
}

/// Decides who trains, and takes the work from everyone else. Where gradients are exchanged also gives the tokens of
/// a step and the seconds that the exchange costs.
fn train(
    job: &Job,
    parameters: u64,
    measured: &Calibration,
    machines: &mut [Share],
) -> (Kind, String, Option<(f64, f64)>) {
    let growth = parameters as f64 / measured.model.parameters as f64;
    let bytes = measured.adapter_parameters as f64 * GRADIENT_BYTES * growth;
    let exchange = |link: f64| 2.0 * bytes / link;
    let usable: Vec<usize> = (0..machines.len()).filter(|&index| machines[index].fits()).collect();
    let by = |rate: fn(&Share) -> f64| {
        usable
            .iter()
            .copied()
            .max_by(|&a, &b| rate(&machines[a]).total_cmp(&rate(&machines[b])).then(b.cmp(&a)))
    };
    // `place` has made sure that at least one fits.
    let quickest = by(Share::alone_rate).unwrap_or(0);
    let strongest = by(Share::working_rate).unwrap_or(0);
    let ranks = |members: &[usize], link: f64| Ranks {
        count: members.iter().map(|&index| machines[index].workers).sum(),
        step_tokens: members.iter().map(|&index| machines[index].step_tokens()).sum(),
        rate: members.iter().map(|&index| machines[index].working_rate()).sum(),
        sync: exchange(link),
    };
    let alone = &machines[quickest];
    let mut choices =
        vec![Ranks { count: 1, step_tokens: alone.batch_tokens as f64, rate: alone.alone_rate(), sync: 0.0 }];
    let mut members = vec![vec![quickest]];
    if machines[strongest].workers > 1 {
        choices.push(ranks(&[strongest], LOOPBACK));
        members.push(vec![strongest]);
    }
    if usable.len() > 1 {
        choices.push(ranks(&usable, job.link));
        members.push(usable.clone());
    }
    let (chosen, kind, reason) = decide::train(&choices);
    for (index, machine) in machines.iter_mut().enumerate() {
        if !members[chosen].contains(&index) {
            machine.leave_free();
        } else if kind == Kind::Separate {
            machine.work_alone();
        }
    }
    let sync = (kind == Kind::Sharded).then(|| (choices[chosen].step_tokens, choices[chosen].sync));
    (kind, reason, sync)
}

/// When ranks that wait for each other are done.
fn together(tokens: u64, step_tokens: f64, sync: f64, machines: &mut [Share]) -> Span {
    let working = || machines.iter().filter(|machine| machine.tokens > 0);
    let sum = |rate: fn(&Share) -> f64| working().map(rate).sum::<f64>();
    let rates = [sum(|share| share.rate.mean), sum(|share| share.rate.high), sum(|share| share.rate.low)];
    let exchanging = (tokens as f64 / step_tokens).ceil() * sync;
    let finish = Span::over(tokens, rates).later(exchanging);
    for machine in machines.iter_mut().filter(|machine| machine.tokens > 0) {
        machine.finish = Some(finish);
    }
    finish
}

fn nothing_fits(task: Task, parameters: u64, machines: &[Share]) -> Error {
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    let needed = machines.iter().map(|machine| machine.needed_bytes).min().unwrap_or(0);
    let most = machines.iter().filter_map(|machine| machine.memory_bytes).max().unwrap_or(0);
    Error::usage(format!(
        "no machine has memory for {} with {parameters} parameters: a worker needs {}, the most that workers may use is {}",
        task.name(),
        gigabytes(needed),
        gigabytes(most)
    ))
    .hint("a model is not split over machines: name a machine with more memory, or a smaller model")
}

#[cfg(test)]
mod tests;
