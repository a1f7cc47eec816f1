//! One batch as it is: not halved where it fails, empty if it is empty, with answers in another order if wanted. The
//! conformance suite asks this of an evaluator; a run never does.

use super::{
    abi::Subjects,
    dialogue::{Answerer, Dialogue},
    evaluator::Prepared,
    types::Item,
};
use crate::{
    error::Result,
    model::{Failure, Outcome, Sample},
};

impl Prepared {
    /// Judges samples in one batch. `backward` hands answers over in the reverse order of the questions.
    ///
    /// The inner error is why the whole batch failed.
    ///
    /// # Errors
    /// As [`Prepared::judge`].
    pub fn judge_whole(
        &self,
        samples: &[Sample],
        backward: bool,
        answer: &mut Answerer<'_>,
    ) -> Result<Result<Vec<Outcome>, Failure>> {
        let texts: Vec<_> = samples.iter().map(|sample| Some(sample.response.as_str())).collect();
        Dialogue::new(self, answer).backward(backward).attempt(Subjects::Samples(samples), &texts)
    }

    /// Grades items in one batch, as [`Prepared::judge_whole`].
    ///
    /// # Errors
    /// As [`Prepared::grade`].
    pub fn grade_whole(
        &self,
        items: &[Item],
        backward: bool,
        answer: &mut Answerer<'_>,
    ) -> Result<Result<Vec<Outcome>, Failure>> {
        Dialogue::new(self, answer)
            .backward(backward)
            .attempt(Subjects::Items(items), &vec![None; items.len()])
    }
}
