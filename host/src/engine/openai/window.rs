//! How many requests may be under way: additive increase, multiplicative decrease, as TCP finds its rate.
//!
//! Every success adds 1/limit, so that a whole round of them adds one. A push-back (429, 5xx, no answer in time) halves the
//! limit, once for everything that was sent before it. Nothing of this reaches a result: answers are put back in order.

/// Requests under way at the beginning.
const FIRST: f64 = 4.0;

/// The limit and the round in which it stands.
#[derive(Debug)]
pub(super) struct Window {
    limit: f64,
    most: f64,
    round: u64,
}

impl Window {
    /// One that never allows more than `most`, which is at least 1.
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1) as f64;
        Self { limit: FIRST.min(most), most, round: 0 }
    }

    /// How many requests may be under way, at least 1.
    pub(super) fn limit(&self) -> usize {
        // Truncation is meant; the value lies between 1 and `most`.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1..=most")]
        let limit = self.limit as usize;
        limit
    }

    /// What a request carries to say before which push-backs it was sent.
    pub(super) const fn round(&self) -> u64 {
        self.round
    }

    /// A request was answered.
    pub(super) fn succeeded(&mut self) {
        self.limit = (self.limit + 1.0 / self.limit).min(self.most);
    }

    /// The server pushed back on a request that was sent in `round`.
    pub(super) fn pushed_back(&mut self, round: u64) {
        if round == self.round {
            self.limit = (self.limit / 2.0).max(1.0);
            self.round += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_round_of_successes_adds_one_and_a_push_back_halves() {
        let mut window = Window::new(64);
        assert_eq!(window.limit(), 4);
        for _ in 0..5 {
            window.succeeded();
        }
        assert_eq!(window.limit(), 5);
        window.pushed_back(window.round());
        assert_eq!(window.limit(), 2);
    }

    #[test]
    fn push_backs_on_one_round_count_once() {
        let mut window = Window::new(64);
        let round = window.round();
        window.pushed_back(round);
        window.pushed_back(round);
        assert_eq!(window.limit(), 2);
        window.pushed_back(window.round());
        assert_eq!(window.limit(), 1);
    }

    proptest! {
        #[test]
        fn the_limit_stays_between_one_and_the_most(most in 1_usize..40, events in prop::collection::vec(any::<bool>(), 0..300)) {
            let mut window = Window::new(most);
            for success in events {
                if success { window.succeeded() } else { window.pushed_back(window.round()) }
                prop_assert!((1..=most).contains(&window.limit()));
            }
        }
    }
}
