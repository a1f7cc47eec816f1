//! Larger and larger, until it no longer pays.
//!
//! # The rule
//!
//! Sizes are tried in ascending order. A sweep ends when two sizes one after the other were each less than
//! [`GAIN`] faster than the best before them; when the next size would need more memory than there is, by the
//! growth from the last size to this one; when one call takes too long to go on; or when there is no larger size.
//! The best size is the smallest whose mean rate is within [`GAIN`] of the highest: more than that costs memory and
//! buys noise.

use serde::{Deserialize, Serialize};

use super::figure::Figure;
use crate::error::Result;

/// Below this a gain is none.
pub const GAIN: f64 = 0.05;

/// One size that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Rows in a batch, or workers.
    pub size: usize,
    /// Tokens of one call: padded tokens of the batch, or of the batches of all workers.
    pub tokens: usize,
    /// Tokens per second.
    pub rate: Figure,
    /// The most memory that the workers held until then, in bytes; none where the system does not say.
    pub peak_bytes: Option<u64>,
}

/// Why a sweep ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// Two sizes brought next to nothing.
    Plateau,
    /// The next size would not fit in memory.
    Memory,
    /// A call took too long to try a larger one.
    Patience,
    /// There is no larger size.
    Largest,
}

/// All sizes that were tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// In ascending order of size; at least one.
    pub points: Vec<Point>,
    /// Why there are no more.
    pub stop: Stop,
}

/// What a sweep must not exceed.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes of memory; none where it is not known.
    pub memory: Option<u64>,
    /// Seconds of one call.
    pub seconds: f64,
}

/// Tries sizes in ascending order; there is at least one.
///
/// # Errors
/// Whatever `measure` gives.
pub fn run(
    sizes: &[usize],
    bounds: Bounds,
    measure: &mut dyn FnMut(usize) -> Result<Point>,
) -> Result<Sweep> {
    let mut points: Vec<Point> = Vec::new();
    for &size in sizes {
        points.push(measure(size)?);
        if let Some(stop) = verdict(&points, bounds) {
            return Ok(Sweep { points, stop });
        }
    }
    Ok(Sweep { points, stop: Stop::Largest })
}

/// Whether to stop after the last point.
fn verdict(points: &[Point], bounds: Bounds) -> Option<Stop> {
    if let [before @ .., one, two] = points
        && let Some(best) = before.iter().map(|point| point.rate.mean).reduce(f64::max)
        && one.rate.mean < best * (1.0 + GAIN)
        && two.rate.mean < best.max(one.rate.mean) * (1.0 + GAIN)
    {
        return Some(Stop::Plateau);
    }
    let last = points.last()?;
    if let (Some(peak), Some(limit)) = (last.peak_bytes, bounds.memory) {
        // Twice the rows take twice the memory that rows take: the next step costs twice the last one.
        let growth = match points {
            [.., before, _] => 2 * peak.saturating_sub(before.peak_bytes.unwrap_or(peak)),
            _ => 0,
        };
        if peak.saturating_add(growth) > limit {
            return Some(Stop::Memory);
        }
    }
    (last.tokens as f64 / last.rate.mean > bounds.seconds).then_some(Stop::Patience)
}

impl Sweep {
    /// The smallest size within [`GAIN`] of the fastest.
    ///
    /// # Panics
    /// If there is no point, which [`run`] never gives and reading a file refuses.
    #[must_use]
    pub fn best(&self) -> &Point {
        let fastest = self.points.iter().map(|point| point.rate.mean).fold(0.0, f64::max);
        let enough = |point: &&Point| point.rate.mean * (1.0 + GAIN) >= fastest;
        self.points.iter().find(enough).expect("a sweep has at least one point")
    }

    /// The best of the points whose size is at most `size`; the first if none is.
    #[must_use]
    pub fn best_within(&self, size: usize) -> &Point {
        let best = self.best();
        if best.size <= size {
            return best;
        }
        let within = self.points.iter().filter(|point| point.size <= size);
        within.max_by(|a, b| a.rate.mean.total_cmp(&b.rate.mean)).unwrap_or(&self.points[0])
    }
}

/// 1, 2, 4 and so on up to `most`, and `most` itself.
#[must_use]
pub fn doubling(most: usize) -> Vec<usize> {
    let mut sizes: Vec<usize> = std::iter::successors(Some(1_usize), |size| size.checked_mul(2))
        .take_while(|size| *size < most)
        .collect();
    sizes.push(most.max(1));
    sizes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hardware::samples::figure;

    const FREE: Bounds = Bounds { memory: None, seconds: f64::INFINITY };

    /// A sweep over sizes whose rates are known.
    fn over(rates: &[f64], bounds: Bounds, peak: fn(usize) -> u64) -> Sweep {
        let sizes: Vec<usize> = (0..rates.len()).map(|index| 1 << index).collect();
        let mut rates = rates.iter();
        let mut measure = |size| {
            let rate = figure(*rates.next().unwrap());
            Ok(Point { size, tokens: 100 * size, rate, peak_bytes: Some(peak(size)) })
        };
        run(&sizes, bounds, &mut measure).unwrap()
    }

    #[test]
    fn two_sizes_without_gain_end_it_and_the_smallest_good_one_is_best() {
        let sweep = over(&[100.0, 180.0, 183.0, 186.0, 999.0], FREE, |_| 0);
        assert_eq!((sweep.stop, sweep.points.len(), sweep.best().size), (Stop::Plateau, 4, 2));
    }

    #[test]
    fn one_size_without_gain_does_not_end_it() {
        let sweep = over(&[100.0, 101.0, 150.0, 300.0], FREE, |_| 0);
        assert_eq!((sweep.stop, sweep.points.len(), sweep.best().size), (Stop::Largest, 4, 8));
    }

    #[test]
    fn it_ends_before_memory_does() {
        let bounds = Bounds { memory: Some(1_000), ..FREE };
        // 400 + 60 per row: 8 rows would take 880, 16 rows 1 360.
        let sweep = over(&[1.0, 2.0, 4.0, 8.0, 16.0], bounds, |rows| 400 + 60 * rows as u64);
        assert_eq!((sweep.stop, sweep.points.last().unwrap().size), (Stop::Memory, 8));
    }

    #[test]
    fn a_call_that_takes_too_long_ends_it() {
        let sweep = over(&[100.0, 150.0, 190.0, 250.0], Bounds { seconds: 2.0, ..FREE }, |_| 0);
        assert_eq!((sweep.stop, sweep.points.len()), (Stop::Patience, 3));
    }

    #[test]
    fn a_smaller_number_of_workers_has_its_own_rate() {
        let sweep = over(&[100.0, 190.0, 360.0], FREE, |_| 0);
        assert_eq!(sweep.best_within(3).size, 2);
        assert_eq!(sweep.best_within(0).size, 1);
        assert_eq!(sweep.best_within(99).size, 4);
    }

    #[test]
    fn sizes_double_and_end_with_the_most() {
        assert_eq!(doubling(1), [1]);
        assert_eq!(doubling(2), [1, 2]);
        assert_eq!(doubling(12), [1, 2, 4, 8, 12]);
        assert_eq!(doubling(0), [1]);
    }

    proptest! {
        #[test]
        fn the_best_size_is_never_more_than_the_gain_behind(rates in prop::collection::vec(1.0_f64..1e4, 1..8)) {
            let sweep = over(&rates, FREE, |_| 0);
            for point in &sweep.points {
                prop_assert!(sweep.best().rate.mean * (1.0 + GAIN) >= point.rate.mean);
            }
        }
    }
}
