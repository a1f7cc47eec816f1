//! A step that several processes take together.
//!
//! Each has its own share of the step's rows, some of them perhaps none. Two exchanges make one step of it: first
//! the counts, because losses are normalised over everybody's tokens and rows; then the gradients with their
//! losses. Whoever cannot go on says so in the next exchange instead of leaving the others waiting, and then nobody
//! changes anything. Every rank ends with the same bits.

use realign_engine_abi::train::Divergence;

use crate::{
    error::{Error, Result},
    raw::group::Group,
    train::step::{Counts, Sum, Work},
};

/// What one process has done of a step.
pub(super) enum Part {
    /// Its share of the sums.
    Done(Sum),
    /// Something was not finite.
    Diverged(Divergence),
}

/// Agrees on what losses are divided by.
///
/// # Errors
/// This rank's own error, or that another has one.
pub(super) fn agree(group: Option<&Group>, planned: Result<Work>) -> Result<Work> {
    let Some(group) = group else { return planned };
    let counts = planned.as_ref().map(|work| work.counts).unwrap_or_default();
    let refused = f32::from(u8::from(planned.is_err()));
    #[expect(clippy::cast_possible_truncation, reason = "counts far below 2^24")]
    let own = [counts.tokens as f32, counts.rows as f32, counts.anchors as f32, refused];
    let [tokens, rows, anchors, refused] = group.sum(&own)?[..] else {
        return Err(Error::internal("counts were lost between the ranks"));
    };
    let mut work = planned?;
    if refused > 0.0 {
        return Err(Error::request("another rank refused its share of the step"));
    }
    work.counts = Counts { tokens: tokens.into(), rows: rows.into(), anchors: anchors.into() };
    Ok(work)
}

/// Adds up what all have done.
///
/// # Errors
/// This rank's own error, or that another has one.
pub(super) fn join(group: Option<&Group>, part: Result<Part>, empty: Sum) -> Result<Part> {
    let Some(group) = group else { return part };
    let (mut sum, state) = match &part {
        Ok(Part::Done(sum)) => (sum.clone(), [0.0, 0.0]),
        Ok(Part::Diverged(_)) => (empty, [1.0, 0.0]),
        Err(_) => (empty, [0.0, 1.0]),
    };
    let mut numbers = state.to_vec();
    sum.write(&mut numbers);
    let numbers = group.sum(&numbers)?;
    let part = part?;
    if numbers[1] > 0.0 {
        return Err(Error::request("another rank failed on its share of the step"));
    }
    if let Part::Diverged(_) = part {
        return Ok(part);
    }
    if numbers[0] > 0.0 {
        let what = "something on another rank".to_owned();
        return Ok(Part::Diverged(Divergence { batch: None, what }));
    }
    sum.read(&numbers[2..]);
    Ok(Part::Done(sum))
}
