//! The guard: divergence is measured on the way, and what is over the limit has consequences by a recorded rule.
//!
//! Either the rate is halved and the run goes on, or it goes back to the last checkpoint whose divergence is known to be
//! under the limit and goes on from there with half the rate. Both are written into the state, so that a run that is killed
//! and resumed does the same again.

use super::{
    super::{
        checkpoint,
        config::GuardRule,
        log::Line,
        session::Lost,
        state::{Guarded, Measured},
    },
    Notice, Run,
};
use crate::error::Error;

/// How often a run may go back before it stays where it is.
const MOST_ROLLBACKS: u32 = 5;

impl Run<'_, '_, '_> {
    /// Whether divergence over the limit sends the run back.
    pub(super) fn goes_back(&self) -> bool {
        self.job.file.kl.as_ref().is_some_and(|kl| kl.every.is_some() && kl.guard == GuardRule::Rollback)
    }

    /// Measures divergence on the model's own responses; whether it is over the limit.
    pub(super) fn measure(&mut self, number: u32, line: &mut Line) -> Result<bool, Lost> {
        let (Some((asked, _)), Some(limit)) = (&self.job.asked, self.job.limit()) else {
            return Ok(false);
        };
        let seed = self.seed(&format!("kl-{number}"));
        let observer = &mut self.observer;
        let (kl, _) = asked
            .measure(self.session, seed, &mut |done, total| observer(Notice::Stage("KL", done, total)))?;
        let (value, upper) = (kl.evidence.estimate.value, kl.evidence.upper);
        self.state.measured.push(Measured { step: number, kl: value, upper });
        (line.policy_kl, line.policy_kl_upper) = (Some(value), Some(upper));
        Ok(value > limit)
    }

    /// Acts where divergence is over the limit; whether the run has to go back.
    pub(super) fn guard(&mut self, line: &mut Line) -> bool {
        if self.goes_back() {
            return true;
        }
        let number = self.state.step;
        self.state.rate_factor /= 2.0;
        self.state.guarded.push(Guarded { step: number, to: number });
        line.guard_to = Some(number);
        (self.observer)(Notice::Note(format!(
            "step {number}: KL {:.3} is over the limit; the rate is halved",
            line.policy_kl.unwrap_or(0.0)
        )));
        false
    }

    /// Back to the last checkpoint whose divergence is known to be under the limit, and on with half the rate.
    pub(super) fn go_back(&mut self) -> Result<(), Lost> {
        let kept = checkpoint::list(self.folder, &self.job.digest)?;
        let Some(to) = checkpoint::good(&kept, self.job.limit()) else {
            return Err(Error::engine("no checkpoint is known to be under the limit").into());
        };
        let from = self.state.step;
        let mut state = to.state.clone();
        state.attempt = self.state.attempt + 1;
        state.rate_factor = self.state.rate_factor / 2.0;
        state.guarded.clone_from(&self.state.guarded);
        state.guarded.push(Guarded { step: from, to: state.step });
        state.stopped = state.attempt >= MOST_ROLLBACKS;
        checkpoint::go_back(&kept, to, &state)?;
        let path = to.path.clone();
        (self.observer)(Notice::Note(format!(
            "step {from}: KL is over the limit; back to step {} with half the rate{}",
            state.step,
            if state.stopped { "; training stays there" } else { "" }
        )));
        self.saved = Some((state.attempt, state.step));
        self.state = state;
        self.begin(Some(path))
    }
}
