//! What a run goes on from, beside the adapter and its optimiser.
//!
//! It holds everything that later steps depend on, and no clock.

use serde::{Deserialize, Serialize};

use super::{
    config::Export,
    watch::{Warning, Watched},
};
use crate::ids::Digest;

/// Version of the format.
pub const FORMAT: u32 = 1;

/// Where a run stands after a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// [`FORMAT`].
    pub format: u32,
    /// Digest of configuration, data and model.
    pub plan: Digest,
    /// How often the run has gone back to a checkpoint because of its divergence.
    pub attempt: u32,
    /// Steps taken.
    pub step: u32,
    /// Epoch of the next step, and its place there: the data cursor.
    pub cursor: (u32, u32),
    /// Whether the guard has ended training here.
    pub stopped: bool,
    /// What the schedule's rate is multiplied by.
    pub rate_factor: f64,
    /// What divergence costs in the next step.
    pub kl_weight: f64,
    /// The last losses, oldest first.
    pub recent_losses: Vec<f64>,
    /// Measurements of divergence on the model's own responses, oldest first.
    pub measured: Vec<Measured>,
    /// Validations, oldest first.
    pub validated: Vec<Validated>,
    /// What the guard did, oldest first.
    pub guarded: Vec<Guarded>,
    /// What the suite of `[watch]` said, oldest first.
    pub watched: Vec<Watched>,
}

/// One measurement of divergence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// After which step.
    pub step: u32,
    /// Nats per token.
    pub kl: f64,
    /// One-sided 95 % upper bound.
    pub upper: f64,
}

/// One validation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Validated {
    /// After which step.
    pub step: u32,
    /// Mean loss.
    pub loss: f64,
    /// Of pairs: mean reward of the chosen answer over the rejected one, and the share where it is positive.
    pub reward: Option<(f64, f64)>,
}

/// What the guard did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guarded {
    /// After which step the divergence was over the limit.
    pub step: u32,
    /// The step at which training went on: the same one, or that of a checkpoint.
    pub to: u32,
}

/// The step whose adapter comes out, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The step.
    pub step: u32,
    /// Why it is this one.
    pub why: Why,
}

/// Why a step's adapter comes out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It is the last one.
    #[default]
    Last,
    /// It has the lowest validation loss of those without a warning, over no limit where that was measured.
    LowestLoss,
    /// The last one has a warning; this is the latest that the suite saw without one.
    LatestWithoutWarning,
    /// It is the last one, and every step that the suite saw has a warning.
    EveryStepWarned,
}

impl State {
    /// Before the first step.
    #[must_use]
    pub fn new(plan: Digest, kl_weight: f64) -> Self {
        Self {
            format: FORMAT,
            plan,
            attempt: 0,
            step: 0,
            cursor: (0, 0),
            stopped: false,
            rate_factor: 1.0,
            kl_weight,
            recent_losses: Vec::new(),
            measured: Vec::new(),
            validated: Vec::new(),
            guarded: Vec::new(),
            watched: Vec::new(),
        }
    }

    /// Whether the last measurement was made at this very step and was not over the limit.
    #[must_use]
    pub fn is_known_good(&self, limit: f64) -> bool {
        self.measured.last().is_some_and(|last| last.step == self.step && last.kl <= limit)
    }

    /// The step with the lowest validation loss whose divergence, where it was measured, was not over the limit, and for
    /// which there is no warning. The earlier one of equals.
    #[must_use]
    pub fn best(&self, limit: Option<f64>) -> Option<Validated> {
        let fit = |step| !self.is_over(step, limit) && self.warnings(step).is_empty();
        let candidates = self.validated.iter().filter(|found| fit(found.step));
        candidates.min_by(|a, b| a.loss.total_cmp(&b.loss)).copied()
    }

    /// The step whose adapter comes out: the last one where `export` says so, else the best one, else the last one unless
    /// the suite warned of it. Then it is the latest step that the suite saw without a warning, before the others one
    /// that was not over the limit; the last one comes out only where there is none.
    #[must_use]
    pub fn choice(&self, limit: Option<f64>, export: Export) -> Choice {
        let last = Choice { step: self.step, why: Why::Last };
        if export == Export::Last {
            return last;
        }
        if let Some(best) = self.best(limit) {
            return Choice { step: best.step, why: Why::LowestLoss };
        }
        if self.warnings(self.step).is_empty() {
            return last;
        }
        match self.latest_without_warning(limit) {
            Some(step) => Choice { step, why: Why::LatestWithoutWarning },
            None => Choice { why: Why::EveryStepWarned, ..last },
        }
    }

    /// The latest step that the suite saw without a warning, before the others one that was not over the limit. An
    /// adapter before the first step is none.
    #[must_use]
    pub fn latest_without_warning(&self, limit: Option<f64>) -> Option<u32> {
        let fit = |found: &&Watched| found.step > 0 && found.warnings.is_empty();
        let steps = || self.watched.iter().rev().filter(fit).map(|found| found.step);
        steps().find(|&step| !self.is_over(step, limit)).or_else(|| steps().next())
    }

    /// What the suite warned of after a step.
    #[must_use]
    pub fn warnings(&self, step: u32) -> &[Warning] {
        self.watched.iter().find(|found| found.step == step).map_or(&[], |found| &found.warnings)
    }

    /// Whether divergence was measured after a step and was over the limit.
    fn is_over(&self, step: u32, limit: Option<f64>) -> bool {
        self.measured.iter().any(|found| found.step == step && limit.is_some_and(|limit| found.kl > limit))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn watched(step: u32, warned: bool) -> Watched {
        let warnings =
            if warned { vec![Warning::CapabilityLost("facts/accuracy".into())] } else { Vec::new() };
        Watched { step, run: "run".into(), numbers: BTreeMap::new(), changes: BTreeMap::new(), warnings }
    }

    fn chosen(warned: &[(u32, bool)], over: &[u32]) -> (u32, Why) {
        let mut state = State::new(Digest::of(b""), 0.0);
        state.step = warned.last().unwrap().0;
        state.watched = warned.iter().map(|&(step, warned)| watched(step, warned)).collect();
        state.measured = over.iter().map(|&step| Measured { step, kl: 0.3, upper: 0.4 }).collect();
        let choice = state.choice(Some(0.1), Export::Best);
        assert_eq!(state.choice(Some(0.1), Export::Last), Choice { step: state.step, why: Why::Last });
        (choice.step, choice.why)
    }

    #[test]
    fn without_validation_a_warned_last_step_gives_way_to_the_latest_without_a_warning() {
        assert_eq!(chosen(&[(0, false), (10, false), (20, false)], &[]), (20, Why::Last));
        let warned = [(0, false), (10, false), (20, false), (30, true)];
        assert_eq!(chosen(&warned, &[]), (20, Why::LatestWithoutWarning));
        assert_eq!(chosen(&warned, &[20]), (10, Why::LatestWithoutWarning), "20 is over the limit");
        assert_eq!(chosen(&warned, &[10, 20]), (20, Why::LatestWithoutWarning), "the search scales it");
    }

    #[test]
    fn where_every_step_has_a_warning_the_last_comes_out_and_never_the_one_before_training() {
        assert_eq!(chosen(&[(0, false), (10, true), (20, true)], &[]), (20, Why::EveryStepWarned));
    }

    #[test]
    fn the_best_step_is_not_one_whose_divergence_is_over_the_limit() {
        let validated = |step, loss| Validated { step, loss, reward: None };
        let mut state = State::new(Digest::of(b""), 0.0);
        state.validated = vec![validated(10, 2.0), validated(20, 1.0), validated(30, 1.0)];
        state.measured = vec![Measured { step: 20, kl: 0.3, upper: 0.4 }];
        assert_eq!(state.best(Some(0.1)).unwrap().step, 30);
        assert_eq!(state.best(None).unwrap().step, 20, "the earlier of equals");
    }

    #[test]
    fn the_best_step_is_not_one_with_a_warning() {
        let validated = |step, loss| Validated { step, loss, reward: None };
        let mut state = State::new(Digest::of(b""), 0.0);
        state.validated = vec![validated(10, 2.0), validated(20, 1.0)];
        state.watched = vec![watched(20, true)];
        assert_eq!(state.best(None).unwrap().step, 10);
        assert_eq!(state.choice(None, Export::Best), Choice { step: 10, why: Why::LowestLoss });
    }

    #[test]
    fn a_step_is_known_to_be_good_only_by_its_own_measurement() {
        let mut state = State::new(Digest::of(b""), 0.0);
        assert!(!state.is_known_good(0.1));
        state.step = 20;
        state.measured = vec![Measured { step: 20, kl: 0.1, upper: 0.4 }];
        assert!(state.is_known_good(0.1));
        state.step = 21;
        assert!(!state.is_known_good(0.1));
    }

    #[test]
    fn every_number_survives_being_written() {
        let mut state = State::new(Digest::of(b""), 0.1 + 0.2);
        state.recent_losses = vec![1.0 / 3.0, f64::MIN_POSITIVE, 1e300];
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state);
    }
}
