//! Sharded or separate, and why.
//!
//! # The rule
//!
//! Scoring and generation exchange nothing, so each machine takes its share at its own pace: **separate**.
//!
//! Training on several workers needs their gradients in every step: **sharded**, each rank with its own rows. A ring
//! sends the adapter's gradients round twice, so a step costs `2 x adapter bytes / link` on top of computing (a little
//! more than the `2 (N - 1) / N` that a ring needs, which is on the safe side). From the fewest ranks to the most, more
//! ranks are taken where that exchange takes at most [`SYNC_SHARE`] of the computing, and where training as a whole
//! becomes more than [`GAIN`] faster. Where one rank is left nothing is exchanged: **separate**, and the other machines
//! are free for jobs of their own.
//!
//! The model itself is never split: a machine whose memory it does not fit gets no work.

use std::fmt::Write as _;

use serde::Serialize;

use super::{calibration::Task, sweep::GAIN};

/// Most of a step's computing that exchanging gradients may cost.
pub const SYNC_SHARE: f64 = 0.2;

/// How work is placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One training over several ranks, gradients exchanged in every step.
    Sharded,
    /// Batches or jobs that know nothing of each other.
    Separate,
}

/// Some ranks that might train together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranks {
    /// How many.
    pub count: usize,
    /// Tokens of a step, over all ranks.
    pub step_tokens: f64,
    /// Tokens per second of all ranks together, exchange left out.
    pub rate: f64,
    /// Seconds of exchanging gradients in a step; 0 for one rank.
    pub sync: f64,
}

impl Ranks {
    /// Seconds of computing in a step.
    #[must_use]
    pub fn computing(&self) -> f64 {
        self.step_tokens / self.rate
    }

    /// Tokens per second, exchange included.
    #[must_use]
    pub fn effective(&self) -> f64 {
        self.step_tokens / (self.computing() + self.sync)
    }

    fn is_cheap(&self) -> bool {
        self.sync <= SYNC_SHARE * self.computing()
    }

    /// What exchanging costs, in words.
    fn cost(&self) -> String {
        format!(
            "exchanging gradients among {} ranks costs {} a step against {} of computing ({:.0} %, the limit is {:.0} %)",
            self.count,
            seconds(self.sync),
            seconds(self.computing()),
            100.0 * self.sync / self.computing(),
            100.0 * SYNC_SHARE
        )
    }
}

/// Of a task that exchanges nothing.
#[must_use]
pub fn without_sync(task: Task, machines: usize) -> (Kind, String) {
    let what = match task {
        Task::Score => "scoring",
        Task::Generate => "generation",
        Task::Train => "one worker's training",
    };
    let how = if machines > 1 {
        "so each machine takes its share at its own pace"
    } else {
        "so the machine's workers take batches at their own pace"
    };
    (Kind::Separate, format!("{what} needs no gradients exchanged and the model fits, {how}"))
}

/// Which of several choices to train with, from the fewest ranks to the most; there is at least one, and the first
/// has one rank. Gives its index, the kind and the reason in one sentence.
///
/// # Panics
/// If there is no choice.
#[must_use]
pub fn train(choices: &[Ranks]) -> (usize, Kind, String) {
    let mut best = 0;
    for (index, ranks) in choices.iter().enumerate().skip(1) {
        if ranks.is_cheap() && ranks.effective() > choices[best].effective() * (1.0 + GAIN) {
            best = index;
        }
    }
    let (chosen, largest) = (&choices[best], choices.last().expect("at least one choice"));
    if chosen.count > 1 {
        let gain = 100.0 * (chosen.effective() / choices[0].effective() - 1.0);
        let mut reason =
            format!("{}, which makes training {gain:.0} % faster than one worker", chosen.cost());
        if largest.count > chosen.count {
            let _ = write!(
                reason,
                "; among {} ranks it would cost {} a step ({:.0} %)",
                largest.count,
                seconds(largest.sync),
                100.0 * largest.sync / largest.computing()
            );
        }
        return (best, Kind::Sharded, reason);
    }
    let reason = if largest.count == 1 {
        "one worker trains, so there are no gradients to exchange".into()
    } else if largest.is_cheap() {
        format!(
            "{}, but training becomes no more than {:.0} % faster, so the fastest worker trains alone",
            largest.cost(),
            100.0 * GAIN
        )
    } else {
        format!("{}, so the fastest worker trains alone", largest.cost())
    };
    (best, Kind::Separate, reason)
}

fn seconds(value: f64) -> String {
    if value < 0.1 { format!("{:.1} ms", 1e3 * value) } else { format!("{value:.1} s") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ONE: Ranks = Ranks { count: 1, step_tokens: 512.0, rate: 100.0, sync: 0.0 };

    fn two(rate: f64, sync: f64) -> Ranks {
        Ranks { count: 2, step_tokens: 1_024.0, rate, sync }
    }

    #[test]
    fn a_cheap_exchange_that_pays_is_sharded() {
        let (index, kind, reason) = train(&[ONE, two(160.0, 0.08)]);
        assert_eq!((index, kind), (1, Kind::Sharded));
        insta::assert_snapshot!(reason, @"exchanging gradients among 2 ranks costs 80.0 ms a step against 6.4 s of computing (1 %, the limit is 20 %), which makes training 58 % faster than one worker");
    }

    #[test]
    fn the_reason_says_what_more_ranks_would_have_cost() {
        let four = Ranks { count: 4, step_tokens: 2_048.0, rate: 400.0, sync: 9.0 };
        let (index, kind, reason) = train(&[ONE, two(160.0, 0.08), four]);
        assert_eq!((index, kind), (1, Kind::Sharded));
        insta::assert_snapshot!(reason, @"exchanging gradients among 2 ranks costs 80.0 ms a step against 6.4 s of computing (1 %, the limit is 20 %), which makes training 58 % faster than one worker; among 4 ranks it would cost 9.0 s a step (176 %)");
    }

    #[test]
    fn an_exchange_that_eats_the_step_is_separate() {
        let (index, kind, reason) = train(&[ONE, two(200.0, 2.0)]);
        assert_eq!((index, kind), (0, Kind::Separate));
        insta::assert_snapshot!(reason, @"exchanging gradients among 2 ranks costs 2.0 s a step against 5.1 s of computing (39 %, the limit is 20 %), so the fastest worker trains alone");
    }

    #[test]
    fn more_ranks_that_bring_nothing_are_separate() {
        let (_, kind, reason) = train(&[ONE, two(104.0, 0.01)]);
        assert_eq!(kind, Kind::Separate);
        insta::assert_snapshot!(reason, @"exchanging gradients among 2 ranks costs 10.0 ms a step against 9.8 s of computing (0 %, the limit is 20 %), but training becomes no more than 5 % faster, so the fastest worker trains alone");
    }

    #[test]
    fn one_worker_has_nothing_to_exchange() {
        insta::assert_snapshot!(train(&[ONE]).2, @"one worker trains, so there are no gradients to exchange");
    }

    #[test]
    fn scoring_is_always_separate() {
        insta::assert_snapshot!(without_sync(Task::Score, 2).1, @"scoring needs no gradients exchanged and the model fits, so each machine takes its share at its own pace");
    }

    proptest! {
        #[test]
        fn what_is_chosen_is_never_slower_than_one_worker_and_never_over_the_limit(
            rate in 1.0_f64..1e4, sync in 0.0_f64..100.0, more in 1.0_f64..1e4,
        ) {
            let three = Ranks { count: 3, step_tokens: 1_536.0, rate: more, sync };
            let choices = [ONE, two(rate, sync), three];
            let (index, kind, _) = train(&choices);
            prop_assert!(choices[index].effective() >= ONE.effective());
            prop_assert!(choices[index].sync <= SYNC_SHARE * choices[index].computing());
            prop_assert_eq!(kind == Kind::Sharded, choices[index].count > 1);
        }
    }
}
