//! The spread of a ratio of sums over clusters, few and unequal ones too.
//!
//! Cluster c has residual `r_c = sum (a - R b)` and leverage `h_c = sum_c b / sum b`. Large clusters pull the ratio towards
//! themselves, which makes their residuals too small, and a few of them decide the spread, which makes it less certain than
//! their number says. Both are put right as Bell and `McCaffrey` (2002) do for regressions ("CR2"):
//!
//! - `z_c = r_c / sqrt(1 - h_c)`, and the standard error is `sqrt(sum z_c^2) / sum b`.
//! - Degrees of freedom are Satterthwaite's, `(tr M)^2 / tr M^2`, with M the covariance of the z under the model of
//!   [`super::working`].
//!
//! Where all clusters weigh the same this is the usual `C / (C - 1) sum r_c^2` with C - 1 degrees of freedom.

use super::working::{self, Cluster};

/// Spread of one ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    pub(super) standard_error: f64,
    /// From 1 to one less than clusters.
    pub(super) df: f64,
}

/// Spread of a ratio over two clusters or more; `total` is the sum of b.
pub(super) fn spread(clusters: &[Cluster], total: f64) -> Spread {
    let squares: f64 = clusters.iter().map(|cluster| cluster.residual.powi(2) / cluster.left(total)).sum();
    Spread { standard_error: squares.sqrt() / total.abs(), df: degrees_of_freedom(clusters, total) }
}

/// `M = diag(d) + p v' + v p'`, so that both traces are sums over clusters.
fn degrees_of_freedom(clusters: &[Cluster], total: f64) -> f64 {
    let variances = working::variances(clusters, total);
    let whole: f64 = variances.iter().sum();
    let (mut d1, mut d2, mut dpv, mut pp, mut pv, mut vv) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (cluster, variance) in clusters.iter().zip(variances) {
        let scale = 1.0 / cluster.left(total);
        let d = scale * variance;
        let p = scale.sqrt() * cluster.size / total;
        let v = whole * p / 2.0 - scale.sqrt() * variance;
        d1 += d;
        d2 += d * d;
        dpv += d * p * v;
        pp += p * p;
        pv += p * v;
        vv += v * v;
    }
    let trace = d1 + 2.0 * pv;
    let square = d2 + 4.0 * dpv + 2.0 * (pp * vv + pv * pv);
    let found = trace * trace / square;
    let most = (clusters.len() - 1) as f64;
    if found.is_finite() { found.clamp(1.0, most) } else { most }
}
