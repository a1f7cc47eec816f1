//! How well a score tells two groups of texts apart: the area under the receiver operating characteristic.
//!
//! The area is the chance that a positive scores above a negative, ties counting half (Hanley and `McNeil` 1982). Its
//! variance is that of `DeLong`, `DeLong` and Clarke-Pearson (1988), carried over to clusters by Obuchowski (1997): with
//! the placements `V10(x)`, the share of negatives below a positive, and `V01(y)`, the share of positives above a
//! negative, summed by cluster over m positives and n negatives,
//!
//! ```text
//! var = S10 / m + S01 / n + 2 S11 / (m n)
//! S10 = I10 / ((I10 - 1) m) sum_c (V10_c - m_c A)^2     S01 likewise     S11 = I / (I - 1) sum_c (V10_c - m_c A)(V01_c - n_c A)
//! ```
//!
//! where I10, I01 and I count the clusters with positives, with negatives and all. The difference of two scores on the
//! same texts has the same form, with the differences of their placements.
//!
//! # Choices
//!
//! - The interval is made on the logit scale, so that it stays inside of 0 to 1, with Student's t at
//!   `min(I10, I01) - 1` degrees of freedom.
//! - Perfect separation has no variance. As for shares, no bound is stronger than flawless data from as many clusters
//!   could make it: `alpha^(1 / min(I10, I01))` from below, its mirror image from above. A difference is never
//!   known better than that either.

use std::collections::BTreeMap;

use super::{CONFIDENCE, Evidence, ONE_SIDED_ALPHA, quantile};
use crate::model::Estimate;

/// Variances below this are rounding errors of zero.
const NO_VARIANCE: f64 = 1e-18;

/// One text: its cluster and its score, which is finite.
pub type Scored<'a> = (&'a str, f64);

/// An area with its variance.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Area {
    value: f64,
    variance: f64,
    n: usize,
    clusters: usize,
    /// Clusters of the side that has fewer.
    fewer: usize,
}

/// Placements of every text of both sides under one score.
struct Placements {
    positives: Vec<f64>,
    negatives: Vec<f64>,
}

/// Sums of one cluster: texts and placements of either side.
#[derive(Default)]
struct Cluster {
    positives: f64,
    above: f64,
    negatives: f64,
    below: f64,
}

/// Area under the curve of `positives` against `negatives`, between 0 and 1; one half is no better than chance.
///
/// `None` where one side has fewer than two clusters.
#[must_use]
pub fn auc(positives: &[Scored<'_>], negatives: &[Scored<'_>]) -> Option<Evidence> {
    area(positives, negatives, &placements(positives, negatives))?.evidence()
}

/// The area alone; `None` where one side is empty.
#[must_use]
pub fn value(positives: &[f64], negatives: &[f64]) -> Option<f64> {
    if positives.is_empty() || negatives.is_empty() {
        return None;
    }
    let unnamed = |side: &[f64]| side.iter().map(|score| ("", *score)).collect::<Vec<Scored<'static>>>();
    let placed = placements(&unnamed(positives), &unnamed(negatives));
    Some(placed.positives.iter().sum::<f64>() / positives.len() as f64)
}

/// Area of the first score minus that of the second, between -1 and 1. Both see the same texts in the same order.
///
/// `None` as for [`auc`], and where the scores do not belong to as many texts.
#[must_use]
pub fn difference(first: [&[Scored<'_>]; 2], second: [&[Scored<'_>]; 2]) -> Option<Evidence> {
    if first[0].len() != second[0].len() || first[1].len() != second[1].len() {
        return None;
    }
    let (mut found, other) = (placements(first[0], first[1]), placements(second[0], second[1]));
    for (one, two) in found.positives.iter_mut().zip(other.positives) {
        *one -= two;
    }
    for (one, two) in found.negatives.iter_mut().zip(other.negatives) {
        *one -= two;
    }
    let area = area(first[0], first[1], &found)?;
    let error = area.variance.sqrt();
    let reach = |alpha: f64| {
        (quantile::t_upper(alpha, (area.fewer - 1) as f64) * error).max(1.0 - area.flawless(alpha))
    };
    let (two_sided, one_sided) = (reach((1.0 - CONFIDENCE) / 2.0), reach(ONE_SIDED_ALPHA));
    let at = |offset: f64| (area.value + offset).clamp(-1.0, 1.0);
    Evidence {
        estimate: Estimate {
            value: area.value,
            low: at(-two_sided),
            high: at(two_sided),
            n: area.n,
            clusters: area.clusters,
        },
        lower: at(-one_sided),
        upper: at(one_sided),
        effective_n: None,
        long_tail: false,
    }
    .finite()
}

/// The curve's corners from (0, 0) to (1, 1): share of negatives and of positives at or above each score.
///
/// Empty where one side is empty.
#[must_use]
pub fn curve(positives: &[f64], negatives: &[f64]) -> Vec<(f64, f64)> {
    if positives.is_empty() || negatives.is_empty() {
        return Vec::new();
    }
    let mut steps: Vec<(f64, f64, f64)> = positives.iter().map(|score| (*score, 0.0, 1.0)).collect();
    steps.extend(negatives.iter().map(|score| (*score, 1.0, 0.0)));
    steps.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut corners = vec![(0.0, 0.0)];
    let (mut x, mut y) = (0.0, 0.0);
    for (place, (score, negative, positive)) in steps.iter().enumerate() {
        (x, y) = (x + negative, y + positive);
        if steps.get(place + 1).is_none_or(|next| next.0.total_cmp(score).is_ne()) {
            corners.push((x / negatives.len() as f64, y / positives.len() as f64));
        }
    }
    corners
}

/// Of every text the share of the other side that it outranks, ties counting half.
fn placements(positives: &[Scored<'_>], negatives: &[Scored<'_>]) -> Placements {
    let sorted = |side: &[Scored<'_>]| {
        let mut scores: Vec<f64> = side.iter().map(|(_, score)| *score).collect();
        scores.sort_by(f64::total_cmp);
        scores
    };
    let (above, below) = (sorted(positives), sorted(negatives));
    // Sorted totally, -0 stands before 0; as scores they are equal, which comparison by < and <= sees.
    let half_ranked = |sorted: &[f64], score: f64| {
        let less = sorted.partition_point(|other| *other < score);
        let not_more = sorted.partition_point(|other| *other <= score);
        (less + not_more) as f64 / (2.0 * sorted.len() as f64)
    };
    Placements {
        positives: positives.iter().map(|(_, score)| half_ranked(&below, *score)).collect(),
        negatives: negatives.iter().map(|(_, score)| 1.0 - half_ranked(&above, *score)).collect(),
    }
}

fn area(positives: &[Scored<'_>], negatives: &[Scored<'_>], placed: &Placements) -> Option<Area> {
    let mut clusters: BTreeMap<&str, Cluster> = BTreeMap::new();
    for ((name, _), placement) in positives.iter().zip(&placed.positives) {
        let cluster = clusters.entry(name).or_default();
        cluster.positives += 1.0;
        cluster.above += placement;
    }
    for ((name, _), placement) in negatives.iter().zip(&placed.negatives) {
        let cluster = clusters.entry(name).or_default();
        cluster.negatives += 1.0;
        cluster.below += placement;
    }
    let with = |side: fn(&Cluster) -> f64| clusters.values().filter(|cluster| side(cluster) > 0.0).count();
    let (left, right) = (with(|cluster| cluster.positives), with(|cluster| cluster.negatives));
    if left < 2 || right < 2 {
        return None;
    }
    let (m, n) = (positives.len() as f64, negatives.len() as f64);
    let value = clusters.values().map(|cluster| cluster.above).sum::<f64>() / m;
    let (mut s10, mut s01, mut s11) = (0.0, 0.0, 0.0);
    for cluster in clusters.values() {
        let above = cluster.above - cluster.positives * value;
        let below = cluster.below - cluster.negatives * value;
        s10 += above * above;
        s01 += below * below;
        s11 += above * below;
    }
    let corrected = |count: usize| count as f64 / (count - 1) as f64;
    let variance = corrected(left) * s10 / (m * m)
        + corrected(right) * s01 / (n * n)
        + 2.0 * corrected(clusters.len()) * s11 / (m * n);
    Some(Area {
        value,
        variance: variance.max(0.0),
        n: positives.len() + negatives.len(),
        clusters: clusters.len(),
        fewer: left.min(right),
    })
}

impl Area {
    fn evidence(&self) -> Option<Evidence> {
        let (low, high) = self.bounds((1.0 - CONFIDENCE) / 2.0);
        let (lower, upper) = self.bounds(ONE_SIDED_ALPHA);
        let estimate = Estimate { value: self.value, low, high, n: self.n, clusters: self.clusters };
        Evidence { estimate, lower, upper, effective_n: None, long_tail: false }.finite()
    }

    /// Lower bound of the area that flawless data from as many clusters would give.
    fn flawless(&self, alpha: f64) -> f64 {
        alpha.powf(1.0 / self.fewer as f64)
    }

    /// Bounds that are each wrong with error `alpha`.
    fn bounds(&self, alpha: f64) -> (f64, f64) {
        let spread = self.value * (1.0 - self.value);
        let (low, high) = if self.variance < NO_VARIANCE || spread <= 0.0 {
            (self.value, self.value)
        } else {
            let reach = quantile::t_upper(alpha, (self.fewer - 1) as f64) * self.variance.sqrt() / spread;
            let logit = (self.value / (1.0 - self.value)).ln();
            let back = |x: f64| 1.0 / (1.0 + (-x).exp());
            (back(logit - reach), back(logit + reach))
        };
        let flawless = self.flawless(alpha);
        (low.min(flawless).min(self.value), high.max(1.0 - flawless).max(self.value))
    }
}

#[cfg(test)]
mod tests;
