//! The loop: step after step, with what has to happen between them.
//!
//! After the step with number n, in this order: divergence is measured and the guard acts, validation rows are measured,
//! the line is logged, a checkpoint is written, and the suite that watches is run with it. Everything that a later step depends on is in the checkpoint, so that
//! a run that was killed anywhere takes the same steps again. A worker that dies sends the run back to its last
//! checkpoint; a second death without a checkpoint in between ends it.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use realign_engine_abi::train::StepReport;

use super::{
    checkpoint::{self, Kept, Retention},
    controller::next_weight,
    failure,
    folder::Folder,
    job::Job,
    log::{Line, Log},
    loss_guard,
    references::References,
    reward::reward,
    session::{Lost, Session, Stepped},
    state::{State, Validated},
    watch::Watcher,
};
use crate::{
    error::{Error, Result},
    ids::Seed,
};

mod guard;
mod watched;

/// What a run tells on its way.
#[derive(Debug)]
pub enum Notice<'a> {
    /// A step was taken.
    Step {
        /// What it gave.
        line: &'a Line,
        /// How many there are.
        total: usize,
    },
    /// Something else is under way: what, done, total.
    Stage(&'a str, usize, usize),
    /// Something worth knowing happened.
    Note(String),
}

/// Told of what happens.
pub type Observer<'a> = dyn FnMut(Notice<'_>) + 'a;

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// After its last step, or where the guard left it.
    Finished(State),
    /// Because it was asked to; a checkpoint is there.
    Interrupted(State),
}

/// Trains from the last checkpoint to the end.
///
/// # Errors
/// Exit 21 where a loss or a gradient is not finite, where a loss explodes, and where the worker dies twice without a
/// checkpoint in between; exit 23 where something cannot be written; what `watcher` reports.
pub fn run(
    job: &Job,
    session: &mut Session,
    folder: &Folder,
    watcher: &mut Watcher<'_>,
    stop: &AtomicBool,
    observer: &mut Observer<'_>,
) -> Result<End> {
    // A step that was asked for is brought to its end and into a checkpoint.
    session.hold_interrupts(true);
    let end = until_the_end(job, session, folder, watcher, stop, observer);
    session.hold_interrupts(false);
    end
}

fn until_the_end(
    job: &Job,
    session: &mut Session,
    folder: &Folder,
    watcher: &mut Watcher<'_>,
    stop: &AtomicBool,
    observer: &mut Observer<'_>,
) -> Result<End> {
    let mut died_at = None;
    let mut references = References::open(job, folder)?;
    loop {
        let state = match checkpoint::list(folder, &job.digest)?.pop() {
            Some(Kept { state, .. }) => state,
            None => State::new(job.digest.clone(), job.file.kl.as_ref().map_or(0.0, |kl| kl.weight)),
        };
        let from = (state.attempt, state.step);
        let references = &mut references;
        let mut run = Run { job, session, folder, watcher, references, state, saved: None, observer };
        match run.go(stop) {
            Ok(end) => return Ok(end),
            Err(Lost::Final(error)) => return Err(error),
            Err(Lost::Worker(cause)) if died_at == Some(from) => {
                return Err(Error::engine(format!(
                    "the engine worker died twice after step {}: {cause}",
                    from.1
                ))
                .hint("checkpoints are kept: run it again to go on where it stopped"));
            }
            Err(Lost::Worker(cause)) if !session.restarts() => {
                return Err(Error::engine(format!("the engine worker died after step {}: {cause}", from.1))
                    .hint("checkpoints are kept: start all ranks again with the same command to go on"));
            }
            Err(Lost::Worker(cause)) => {
                let newest = checkpoint::list(folder, &job.digest)?.pop();
                observer(Notice::Note(format!(
                    "the engine worker died ({cause}); going on from step {}",
                    newest.map_or(0, |kept| kept.state.step)
                )));
                died_at = Some(from);
            }
        }
    }
}

struct Run<'a, 'w, 'o> {
    job: &'a Job,
    session: &'a mut Session,
    folder: &'a Folder,
    watcher: &'a mut Watcher<'w>,
    references: &'a mut References,
    state: State,
    /// The last state that is in a checkpoint: rollbacks and step.
    saved: Option<(u32, u32)>,
    observer: &'a mut Observer<'o>,
}

impl Run<'_, '_, '_> {
    fn go(&mut self, stop: &AtomicBool) -> Result<End, Lost> {
        let begun = checkpoint::path(self.folder, self.state.step);
        let resume = begun.is_dir().then_some(begun);
        let fresh = resume.is_none();
        self.begin(resume)?;
        if fresh {
            self.save()?;
        }
        self.saved = Some((self.state.attempt, self.state.step));
        // Killed between a checkpoint and what the suite said of it, a run asks again.
        self.watch(stop)?;
        let mut log = Log::open(self.folder, self.state.attempt, self.state.step)?;
        while !self.state.stopped && (self.state.step as usize) < self.job.steps.len() {
            if stop.load(Ordering::SeqCst) {
                self.save()?;
                return Ok(End::Interrupted(self.state.clone()));
            }
            let saved = self.saved;
            self.step(&mut log)?;
            self.watch(stop)?;
            // Only now is it known which steps may come out.
            if self.saved != saved {
                self.prune()?;
            }
        }
        self.save()?;
        if self.watch_is_due() {
            return Ok(End::Interrupted(self.state.clone()));
        }
        Ok(End::Finished(self.state.clone()))
    }

    fn begin(&mut self, resume: Option<std::path::PathBuf>) -> Result<(), Lost> {
        let info = self.session.begin(&self.job.begin(resume))?;
        if info.steps != u64::from(self.state.step) {
            let message = format!(
                "the engine's optimiser has taken {} steps, the checkpoint says {}",
                info.steps, self.state.step
            );
            return Err(Error::bad_input(message).hint("remove the newest checkpoint's folder").into());
        }
        Ok(())
    }

    /// Writes a checkpoint of the state, unless it is there.
    fn save(&mut self) -> Result<(), Lost> {
        let now = (self.state.attempt, self.state.step);
        if self.saved == Some(now) {
            return Ok(());
        }
        checkpoint::write(self.folder, &self.state, self.session)?;
        self.saved = Some(now);
        Ok(())
    }

    /// Removes checkpoints that nothing needs any more.
    fn prune(&self) -> Result<()> {
        let retention = Retention {
            newest: self.job.file.checkpoint.keep as usize,
            limit: self.job.limit(),
            goes_back: self.goes_back(),
        };
        checkpoint::prune(self.folder, &self.job.digest, retention)
    }

    /// One step and everything that follows it.
    fn step(&mut self, log: &mut Log) -> Result<(), Lost> {
        let begun = Instant::now();
        let number = self.state.step + 1;
        let rate = self.job.schedule.rate(number) * self.state.rate_factor;
        let mut step = self.job.step(number, rate, self.state.kl_weight);
        self.references.fill(self.job, self.session, number, &mut step)?;
        let report = match self.session.step(&step)? {
            Stepped::Done(report) => report,
            Stepped::Diverged(divergence) => {
                let what = format!("{} is not finite", divergence.what);
                return Err(self.stopped(number, &what, divergence.batch).into());
            }
        };
        if let Some(what) = failure::exploded(&self.state.recent_losses, report.loss) {
            return Err(self.stopped(number, &what, None).into());
        }
        self.references.keep(self.job, self.session, (number, &step), &report.references)?;
        let took = begun.elapsed();
        let pair = reward(&step, &report);
        let mut line = self.line(number, rate, &report, pair);
        self.advance(number, &report);

        let last = number as usize == self.job.steps.len();
        let due = |every: u32| number.is_multiple_of(every) || last;
        let mut over = false;
        if let Some(every) = self.job.file.kl.as_ref().and_then(|kl| kl.every)
            && due(every)
        {
            over = self.measure(number, &mut line)?;
        }
        if let Some(validation) = &self.job.file.validation
            && due(validation.every)
        {
            self.validate(number, &mut line)?;
        }
        let back = over && self.guard(&mut line);
        log.push(&mut line, took)?;
        (self.observer)(Notice::Step { line: &line, total: self.job.steps.len() });
        if back {
            return self.go_back();
        }
        let good = self.goes_back() && self.job.limit().is_some_and(|limit| self.state.is_known_good(limit));
        let best = self.state.best(self.job.limit()).is_some_and(|best| best.step == number);
        if due(self.job.file.checkpoint.every) || good || best {
            self.save()?;
        }
        Ok(())
    }

    fn line(&self, number: u32, rate: f64, report: &StepReport, pair: Option<(f64, f64)>) -> Line {
        Line {
            attempt: self.state.attempt,
            step: number,
            epoch: self.job.steps[number as usize - 1].epoch,
            loss: report.loss,
            rate,
            gradient_norm: report.gradient_norm,
            tokens: report.tokens,
            scored_tokens: report.scored_tokens,
            margin: pair.map(|(margin, _)| margin),
            reward_accuracy: pair.map(|(_, accuracy)| accuracy),
            anchor_kl: report.kl,
            kl_weight: report.kl.map(|_| self.state.kl_weight),
            ..Line::default()
        }
    }

    /// The state after a step.
    fn advance(&mut self, number: u32, report: &StepReport) {
        let state = &mut self.state;
        state.step = number;
        state.cursor = self.job.steps.get(number as usize).map_or_else(
            || (self.job.steps[number as usize - 1].epoch + 1, 0),
            |next| (next.epoch, next.place),
        );
        loss_guard::remember(&mut state.recent_losses, report.loss);
        if let (Some(kl), Some(settings)) = (report.kl, &self.job.file.kl)
            && let Some(target) = settings.target
        {
            state.kl_weight = next_weight(state.kl_weight, kl, target, settings.horizon);
        }
    }

    fn validate(&mut self, number: u32, line: &mut Line) -> Result<(), Lost> {
        let Some(step) = self.job.validation() else { return Ok(()) };
        let report = match self.session.step(&step)? {
            Stepped::Done(report) if report.loss.is_finite() => report,
            _ => {
                return Err(Error::engine(format!("the validation loss after step {number} is not finite"))
                    .hint("the last checkpoint is good; lower optimiser.rate and train into another --output")
                    .into());
            }
        };
        let reward = reward(&step, &report);
        self.state.validated.push(Validated { step: number, loss: report.loss, reward });
        line.validation_loss = Some(report.loss);
        Ok(())
    }

    fn stopped(&self, number: u32, what: &str, batch: Option<usize>) -> Error {
        let kept = self.saved.map_or(0, |(_, step)| step);
        failure::stopped(number, what, &self.job.ids(number), batch, kept)
    }

    fn seed(&self, purpose: &str) -> Seed {
        self.job.file.seed.derive(purpose)
    }
}
