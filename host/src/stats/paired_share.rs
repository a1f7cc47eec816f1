//! The difference of two shares of the same items.
//!
//! [`tango`] is the score interval of Tango (1998). It needs only the items that changed, holds its level for few
//! items and for none that changed, and is as exact as its score test. For clustered items [`clustered_tango`] takes
//! it at an effective number of items, as [`super::proportion`] does for one share:
//!
//! - The design effect is the clustered variance of the sum of differences over its variance as if items were independent,
//!   `g + l - (g - l)^2 / n` with g gained, l lost. To both is added one change more that takes w items along ([`unseen`]): `w^2`
//!   and w. Where nothing changed this leaves n over w items, as many as there are clusters if they are of one size.
//! - The effective number is n over the design effect, times `(t_{n-1} / t_{C-1})^2` for having estimated the variance
//!   from C clusters, and never more than n.

use super::{Interval, mean, quantile, unseen};

/// Halvings of the unit interval: enough for every bit of a double that matters.
const HALVINGS: usize = 60;

/// Interval of the difference `(gained - lost) / n` for independent items, two-sided.
///
/// The set of all d whose score statistic `(g - l - n d) / sqrt(n (2 q + d (1 - d)))` lies within the normal quantile,
/// where q is the constrained estimate of the chance to lose an item (Tango 1998, equation 4); its ends are found by
/// bisection. Counts need not be whole, so that effective sizes can be used. `None` if n is not positive.
#[must_use]
pub fn tango(gained: f64, lost: f64, n: f64, confidence: f64) -> Option<Interval> {
    if n.is_nan() || n <= 0.0 || gained < 0.0 || lost < 0.0 || gained + lost > n * (1.0 + 1e-9) {
        return None;
    }
    let z = quantile::normal(0.5 + confidence / 2.0);
    let value = ((gained - lost) / n).clamp(-1.0, 1.0);
    let outside = |d: f64| score(gained, lost, n, d).abs() > z;
    Some(Interval { low: edge(value, -1.0, outside), high: edge(value, 1.0, outside) })
}

/// Interval of the mean difference of clustered items whose differences are -1, 0 or 1, two-sided.
///
/// Exactly [`tango`] where every cluster holds one item. `None` if there is no item.
#[must_use]
pub fn clustered_tango(clusters: &[Vec<f64>], confidence: f64) -> Option<Interval> {
    let items = || clusters.iter().flatten();
    let n = items().count();
    let filled = clusters.iter().filter(|cluster| !cluster.is_empty()).count();
    let gained = items().filter(|value| **value > 0.0).count() as f64;
    let lost = items().filter(|value| **value < 0.0).count() as f64;
    if n == filled {
        return tango(gained, lost, n as f64, confidence);
    }
    let size = n as f64;
    let effective = effective_items(clusters, gained, lost, n, filled, confidence).min(size);
    let scale = effective / size;
    tango(gained * scale, lost * scale, effective, confidence)
}

/// Independent items that would say as much.
fn effective_items(
    clusters: &[Vec<f64>],
    gained: f64,
    lost: f64,
    n: usize,
    filled: usize,
    confidence: f64,
) -> f64 {
    if filled < 2 {
        return filled as f64;
    }
    let size = n as f64;
    let more = unseen::reach(clusters) as f64;
    let independent = gained + lost - (gained - lost).powi(2) / size;
    let clustered = mean::clustered(clusters).map_or(0.0, |mean| (mean.standard_error * size).powi(2));
    let alike = size * (independent + more) / (clustered + more * more);
    if clustered <= 0.0 {
        return alike;
    }
    let tail = (1.0 - confidence) / 2.0;
    let uncertainty = quantile::t_upper(tail, (n - 1) as f64) / quantile::t_upper(tail, (filled - 1) as f64);
    alike * uncertainty.powi(2)
}

/// Tango's score statistic for the difference `d`.
fn score(gained: f64, lost: f64, n: f64, d: f64) -> f64 {
    // The constrained estimate solves `2 n q^2 + linear q + constant = 0`.
    let linear = -gained - lost + (2.0 * n - gained + lost) * d;
    let constant = -lost * d * (1.0 - d);
    let q = ((linear * linear - 8.0 * n * constant).max(0.0).sqrt() - linear) / (4.0 * n);
    let variance = n * (2.0 * q + d * (1.0 - d));
    let distance = gained - lost - n * d;
    if variance <= 0.0 {
        return if distance.abs() < 1e-12 { 0.0 } else { distance.signum() * f64::INFINITY };
    }
    distance / variance.sqrt()
}

/// Where `outside` begins on the way from `inside` to `limit`; the limit itself if it never does.
fn edge(inside: f64, limit: f64, outside: impl Fn(f64) -> bool) -> f64 {
    let (mut near, mut far) = (inside, limit);
    if !outside(far) {
        return far;
    }
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(near, far);
        if outside(middle) {
            far = middle;
        } else {
            near = middle;
        }
    }
    f64::midpoint(near, far)
}

#[cfg(test)]
mod tests;
