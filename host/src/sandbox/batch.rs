//! Batches: how many subjects cross the border at once, and finding the one that a batch fails on.
//!
//! A batch that fails is tried again as two halves, each in stores of its own, down to single subjects. So one bad
//! subject costs one cell. Where batches begin depends on the subjects alone, and so does every result.

use super::outcome::{code, failure};
use crate::{error::Result, model::Failure};

/// Most subjects in a batch.
pub const BATCH_SUBJECTS: usize = 256;

/// Most bytes of text in a batch; a subject that alone has more fails with the code `size`.
pub const BATCH_BYTES: usize = 4 << 20;

/// What came of a batch: one result per subject, or one reason for them all.
pub(super) type Attempt<R> = Result<Vec<R>, Failure>;

/// Runs all subjects in batches, `size` being the bytes of text of one. One result per subject, in order.
///
/// # Errors
/// What `attempt` returns as an error ends the run; an attempt that failed does not.
pub(super) fn run<T, R>(
    subjects: &[T],
    size: impl Fn(&T) -> usize,
    attempt: &mut dyn FnMut(&[T]) -> Result<Attempt<R>>,
) -> Result<Vec<Result<R, Failure>>> {
    let mut results = Vec::with_capacity(subjects.len());
    let mut rest = subjects;
    while let Some(first) = rest.first() {
        let (batch, behind) = rest.split_at(fitting(rest, &size));
        rest = behind;
        if size(first) > BATCH_BYTES {
            let message = format!("has {} bytes, {BATCH_BYTES} are allowed", size(first));
            results.push(Err(failure(code::SIZE, message)));
        } else {
            halve(batch, attempt, &mut results)?;
        }
    }
    Ok(results)
}

/// How many of `subjects` make the next batch; at least one.
fn fitting<T>(subjects: &[T], size: &impl Fn(&T) -> usize) -> usize {
    let mut bytes = 0_usize;
    let fits = |subject: &&T| {
        bytes = bytes.saturating_add(size(subject));
        bytes <= BATCH_BYTES
    };
    subjects.iter().take(BATCH_SUBJECTS).take_while(fits).count().max(1)
}

fn halve<T, R>(
    batch: &[T],
    attempt: &mut dyn FnMut(&[T]) -> Result<Attempt<R>>,
    results: &mut Vec<Result<R, Failure>>,
) -> Result<()> {
    match attempt(batch)? {
        Ok(batch) => results.extend(batch.into_iter().map(Ok)),
        Err(failure) if batch.len() == 1 => results.push(Err(failure)),
        Err(_) => {
            let (left, right) = batch.split_at(batch.len() / 2);
            halve(left, attempt, results)?;
            halve(right, attempt, results)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Subjects are their own sizes; those below 10 fail whatever batch they are in.
    fn judge(batch: &[usize]) -> Attempt<usize> {
        if batch.iter().any(|subject| *subject < 10) {
            Err(failure(code::TRAP, "poison"))
        } else {
            Ok(batch.to_vec())
        }
    }

    proptest! {
        #[test]
        fn bad_subjects_fail_alone_and_good_ones_keep_their_results(
            subjects in prop::collection::vec(prop_oneof![0_usize..20, 10..BATCH_BYTES + 2], 0..600)
        ) {
            let mut largest = (0, 0);
            let results = run(&subjects, |size| *size, &mut |batch| {
                let bytes = batch.iter().sum::<usize>();
                largest = (largest.0.max(batch.len()), largest.1.max(bytes));
                Ok(judge(batch))
            }).unwrap();
            prop_assert!(largest.0 <= BATCH_SUBJECTS && largest.1 <= BATCH_BYTES);
            prop_assert_eq!(results.len(), subjects.len());
            for (subject, result) in subjects.iter().zip(results) {
                match result {
                    Ok(got) => prop_assert_eq!(got, *subject),
                    Err(failure) if failure.code == code::SIZE => prop_assert!(*subject > BATCH_BYTES),
                    Err(_) => prop_assert!(*subject < 10),
                }
            }
        }
    }

    #[test]
    fn finding_one_bad_subject_takes_few_attempts() {
        let mut subjects = vec![10; BATCH_SUBJECTS];
        subjects[77] = 1;
        let mut attempts = 0;
        let results = run(&subjects, |_| 1, &mut |batch| {
            attempts += 1;
            Ok(judge(batch))
        });
        assert_eq!(results.unwrap().iter().filter(|result| result.is_err()).count(), 1);
        // The whole batch, then two halves at each of eight levels.
        assert_eq!(attempts, 17);
    }
}
