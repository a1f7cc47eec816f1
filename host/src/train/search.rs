//! The largest adapter under the limit.
//!
//! An adapter may be multiplied by any factor; the divergence grows with it, about quadratically near 0. The search looks
//! for the largest factor in (0, 1] that can be expected to hold: the whole adapter first, then a secant in
//! (log factor, log bound), at most [`MOST`] measurements in all. Every factor is measured on responses sampled with it,
//! with the same random numbers, so that neighbouring factors differ by little else.
//!
//! A search picks the luckiest of several measurements. That is why what it found is measured once more, on prompts
//! that it has not seen, and only that measurement counts. It is made once, so the search must not aim at the limit
//! itself, where it would fail every other time. It aims where the confirmation's own bound is expected to meet the limit
//! in 19 of 20 cases: with `h` the distance of the search's one-sided 95 % bound from its estimate, `h' = h
//! sqrt(families searched / families that confirm)` is what the confirmation's will be, the two estimates differ by up to
//! `sqrt(h^2 + h'^2)`, and so the bound that is **foreseen** is `estimate + h' + sqrt(h^2 + h'^2)`.

use serde::{Deserialize, Serialize};

use crate::{metrics::Kl, model::Estimate};

/// Most measurements of a search.
pub const MOST: usize = 5;
/// Where the secant aims, as a share of the limit: close below it.
const AIM: f64 = 0.97;
/// A bound that is foreseen between this share of the limit and the limit ends the search.
const CLOSE: f64 = 0.9;
/// How far below the smallest known factor the next one may be.
const FARTHEST: f64 = 20.0;
/// Slope that is assumed while one measurement is known.
const QUADRATIC: f64 = 2.0;

/// The divergence at one factor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// What the adapter is multiplied by.
    pub factor: f32,
    /// What was measured.
    pub kl: Kl,
    /// The upper bound that a confirmation is foreseen to have, in 19 of 20 cases at most.
    pub foreseen: f64,
    /// Trait adherence under this factor on the dev families that `[watch]` asks.
    pub adherence: Option<Estimate>,
}

/// The upper bound that a confirmation on so many families is foreseen to have.
fn foreseen(kl: &Kl, confirming: usize) -> f64 {
    let value = kl.evidence.estimate.value;
    let own = kl.evidence.upper - value;
    let other = own * (kl.evidence.estimate.clusters as f64 / confirming.max(1) as f64).sqrt();
    value + other + own.hypot(other)
}

/// Measures factors until the largest one that can be expected to hold is close to the limit; `confirming` is the number
/// of families that the confirmation has. The points come in the order in which they were measured; the answer is the
/// largest factor whose foreseen bound met the limit, if any did.
///
/// # Errors
/// The first of `measure`.
pub fn search<E>(
    limit: f64,
    confirming: usize,
    mut measure: impl FnMut(f32) -> Result<Kl, E>,
) -> Result<(Option<f32>, Vec<Point>), E> {
    let mut points: Vec<Point> = Vec::new();
    let mut next = Some(1.0);
    while let Some(factor) = next.filter(|_| points.len() < MOST) {
        let kl = measure(factor)?;
        points.push(Point { factor, kl, foreseen: foreseen(&kl, confirming), adherence: None });
        next = next_factor(limit, &points);
    }
    let under = points.iter().filter(|point| point.foreseen <= limit);
    let best = under.map(|point| point.factor).max_by(f32::total_cmp);
    Ok((best, points))
}

/// The factor to measure next; `None` where the search is over.
fn next_factor(limit: f64, points: &[Point]) -> Option<f32> {
    let upper = |point: &Point| point.foreseen.max(f64::MIN_POSITIVE);
    let low =
        points.iter().filter(|point| upper(point) <= limit).max_by(|a, b| a.factor.total_cmp(&b.factor));
    let high =
        points.iter().filter(|point| upper(point) > limit).min_by(|a, b| a.factor.total_cmp(&b.factor));
    // Without a factor over the limit the whole adapter is under it.
    let high = high?;
    if low.is_some_and(|low| upper(low) >= CLOSE * limit || low.factor >= high.factor) {
        return None;
    }
    let log = |point: &Point| (f64::from(point.factor).ln(), upper(point).ln());
    let newest = points.last()?;
    let other = match (low, points.len()) {
        (Some(low), _) if low.factor < newest.factor => Some(low),
        (_, 1) => None,
        _ => points.iter().rev().nth(1),
    };
    let (x, y) = log(newest);
    let slope = other.map_or(QUADRATIC, |other| {
        let (other_x, other_y) = log(other);
        // A secant through two noisy points may have any slope; divergence itself grows between these two.
        ((y - other_y) / (x - other_x)).clamp(0.5, 3.0)
    });
    let wanted = (x + ((AIM * limit).ln() - y) / slope).exp();
    let top = f64::from(high.factor);
    let bottom = low.map_or(0.0, |low| f64::from(low.factor));
    // Inside the bracket, or its geometric middle; and never far below what is known, where the secant knows nothing.
    let inside = wanted.is_finite() && wanted > bottom * 1.01 && wanted < top * 0.99;
    let fallback = if bottom > 0.0 { (bottom * top).sqrt() } else { top / 4.0 };
    let factor = if inside { wanted } else { fallback }.max(top / FARTHEST);
    #[expect(clippy::cast_possible_truncation, reason = "the engine takes single precision")]
    let factor = factor as f32;
    Some(factor)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;
    use crate::{model::Estimate, stats::Evidence};

    fn kl(value: f64) -> Kl {
        let estimate = Estimate { value, low: value * 0.8, high: value * 1.2, n: 20, clusters: 10 };
        let evidence = Evidence {
            estimate,
            lower: value * 0.85,
            upper: value * 1.15,
            effective_n: None,
            long_tail: false,
        };
        Kl { evidence, tokens: 100, p95: value, most: value, per_response: value }
    }

    /// What [`kl`] has its values multiplied by, where as many families confirm as were searched.
    const FORESEEN: f64 = 1.0 + 0.15 + 0.15 * std::f64::consts::SQRT_2;

    #[test]
    fn fewer_families_to_confirm_with_need_more_room() {
        assert!((foreseen(&kl(0.1), 10) - 0.1 * FORESEEN).abs() < 1e-12);
        let kl = Kl {
            evidence: Evidence {
                estimate: Estimate { clusters: 40, ..kl(0.1).evidence.estimate },
                ..kl(0.1).evidence
            },
            ..kl(0.1)
        };
        // A quarter of the families doubles the distance: 0.03, and the root of 0.015^2 + 0.03^2.
        assert!((foreseen(&kl, 10) - (0.1 + 0.03 + 0.033_541_019_662)).abs() < 1e-9);
    }

    fn along(limit: f64, curve: impl Fn(f64) -> f64) -> (Option<f32>, Vec<Point>) {
        search::<Infallible>(limit, 10, |factor| Ok(kl(curve(f64::from(factor))))).unwrap()
    }

    #[test]
    fn an_adapter_under_the_limit_is_taken_whole_after_one_measurement() {
        let (factor, points) = along(0.1, |s| 0.05 * s * s);
        assert_eq!((factor, points.len()), (Some(1.0), 1));
    }

    #[test]
    fn the_measured_curve_of_an_overfit_adapter_is_searched_to_within_a_tenth_of_the_limit() {
        // Factor and nats per token of the curve in the research notes, joined in logarithms.
        let known = [
            (0.01, 0.002),
            (0.05, 0.038),
            (0.10, 0.106),
            (0.15, 0.279),
            (0.25, 0.68),
            (0.5, 1.78),
            (1.0, 3.97),
        ];
        let curve = |s: f64| {
            let above = known.iter().position(|(factor, _)| *factor >= s).unwrap_or(known.len() - 1).max(1);
            let ((x0, y0), (x1, y1)): ((f64, f64), (f64, f64)) = (known[above - 1], known[above]);
            (y0.ln() + (y1.ln() - y0.ln()) * (s.ln() - x0.ln()) / (x1.ln() - x0.ln())).exp()
        };
        let (factor, points) = along(0.1, curve);
        assert!(points.len() <= MOST);
        let upper = FORESEEN * curve(f64::from(factor.unwrap()));
        assert!((0.08..=0.1).contains(&upper), "{upper} after {} measurements", points.len());
    }

    #[test]
    fn a_limit_that_nothing_meets_has_no_factor() {
        let (factor, points) = along(0.1, |_| 5.0);
        assert_eq!((factor, points.len()), (None, MOST));
    }

    proptest! {
        #[test]
        fn what_is_found_meets_the_limit_and_no_larger_measured_factor_does(
            scale in 1e-3_f64..50.0, power in 1.0_f64..2.5, limit in 0.01_f64..1.0,
        ) {
            let (factor, points) = along(limit, |s| scale * s.powf(power));
            prop_assert!(points.len() <= MOST);
            let meets = |point: &&Point| point.foreseen <= limit;
            let largest = points.iter().filter(meets).map(|point| point.factor).max_by(f32::total_cmp);
            prop_assert_eq!(factor, largest);
            // Smooth curves are always brought under the limit, and not far under it.
            let found = factor.expect("a factor is found");
            let upper = FORESEEN * scale * f64::from(found).powf(power);
            prop_assert!(found > 0.999 || upper > 0.6 * limit, "{} of {}", upper, limit);
        }

        #[test]
        fn factors_lie_in_the_unit_interval(values in prop::collection::vec(1e-4_f64..10.0, MOST)) {
            let mut values = values.into_iter();
            let (_, points) = search::<Infallible>(0.1, 10, |_| Ok(kl(values.next().unwrap()))).unwrap();
            prop_assert!(points.iter().all(|point| point.factor > 0.0 && point.factor <= 1.0));
        }
    }
}
