//! Samples judged by a component whose questions the model answers.
//!
//! What a detector or a style scorer asks is answered by the model under test, without the persona's system prompt:
//! responses that were made with the prompt, those of the control and the texts of the corpus must all meet the same
//! judge. Without a grant nothing is asked, and the model is not needed.

use super::{
    answers::Answerer,
    run::{Means, Observer},
};
use crate::{
    error::Result,
    ids::Seed,
    model::{Outcome, Sample},
    sandbox::Prepared,
};

/// Judges samples and has questions answered on the way.
pub struct Judge<'j, 'm, 'o> {
    /// Model and store.
    pub means: &'j mut Means<'m>,
    /// Seed of the run.
    pub seed: Seed,
    /// Told how far the answers have come.
    pub observer: &'j mut Observer<'o>,
}

impl Judge<'_, '_, '_> {
    /// One outcome per sample, in their order. `scope` is the component's place in the suite.
    ///
    /// # Errors
    /// The engine or the store failed, or the component timed out, which is exit 20; everything else that it does wrong
    /// is a failed outcome.
    pub fn outcomes(&mut self, prepared: &Prepared, scope: &str, samples: &[Sample]) -> Result<Vec<Outcome>> {
        let mut answerer = Answerer {
            backend: self.means.backend,
            store: self.means.store,
            scope,
            seed: self.seed.derive(scope),
            system: None,
            progress: &mut |done, total| (self.observer)(scope, done, total),
            beyond: None,
        };
        prepared.judge(samples, &mut |asks| answerer.answer(asks))
    }
}
