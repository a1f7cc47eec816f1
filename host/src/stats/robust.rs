//! The spread of a ratio of sums over clusters, few and unequal ones too.
//!
//! Cluster c has residual `r_c = sum (a - R b)` and leverage `h_c = sum_c b / sum b`. Large clusters pull the ratio towards
//! themselves, which makes their residuals too small, and a few of them decide the spread, which makes it less certain than
//! their number says. Both are put right as Bell and `McCaffrey` (2002) do for regressions ("CR2"):
//!
//! - `z_c = r_c / sqrt(1 - h_c)`, and the standard error is `sqrt(sum z_c^2) / sum b`.
//! - Degrees of freedom are Satterthwaite's, `(tr M)^2 / tr M^2`, with M the covariance of the z under a model: the items of a
//!   cluster correlate by one number, which is estimated from the data (Imbens and Kolesar 2016), and the variance of an item goes with
//!   `b^2`.
//!
//! Where all clusters weigh the same this is the usual `C / (C - 1) sum r_c^2` with C - 1 degrees of freedom.

/// Spread of one ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    pub(super) standard_error: f64,
    /// From 1 to one less than clusters.
    pub(super) df: f64,
    /// `sum z^3 / (sum z^2)^(3/2)`; 0 without spread.
    pub(super) skewness: f64,
}

/// What counts of one cluster.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cluster {
    /// Sum of a - R b.
    pub(super) residual: f64,
    /// Sum of the items' squared residuals.
    pub(super) within: f64,
    /// Sum of b.
    pub(super) size: f64,
    /// Sum of the squares of b.
    pub(super) squares: f64,
}

impl Cluster {
    /// Items (a, b) around the ratio `value`.
    pub(super) fn of(items: &[(f64, f64)], value: f64) -> Self {
        items.iter().fold(Self::default(), |sums, (a, b)| {
            let residual = a - value * b;
            Self {
                residual: sums.residual + residual,
                within: sums.within + residual * residual,
                size: sums.size + b,
                squares: sums.squares + b * b,
            }
        })
    }
}

/// Spread of a ratio over two clusters or more; `total` is the sum of b.
pub(super) fn spread(clusters: &[Cluster], total: f64) -> Spread {
    // Denominators below zero, which nobody has, could make a leverage of one or more.
    let left = |cluster: &Cluster| (1.0 - cluster.size / total).max(f64::EPSILON);
    let z = || clusters.iter().map(|cluster| cluster.residual / left(cluster).sqrt());
    let squares: f64 = z().map(|z| z * z).sum();
    let cubes: f64 = z().map(|z| z.powi(3)).sum();
    Spread {
        standard_error: squares.sqrt() / total.abs(),
        df: degrees_of_freedom(clusters, total, left),
        skewness: if squares > 0.0 { unbiased(clusters.len()) * cubes / squares.powf(1.5) } else { 0.0 },
    }
}

/// What the skewness of so many values is too small by, for normal ones (Fisher's G1); 1 where it is not defined.
fn unbiased(clusters: usize) -> f64 {
    let count = clusters as f64;
    if clusters > 2 { (count * (count - 1.0)).sqrt() / (count - 2.0) } else { 1.0 }
}

/// Correlation of the items of a cluster, from 0 to 1: products of residuals of pairs over products of their weights.
fn correlation(clusters: &[Cluster], left: impl Fn(&Cluster) -> f64) -> f64 {
    let sum = |of: &dyn Fn(&Cluster) -> f64| clusters.iter().map(of).sum::<f64>();
    let variance = sum(&|cluster| cluster.within) / sum(&|cluster| cluster.squares);
    let products = sum(&|cluster| (cluster.residual.powi(2) - cluster.within) / left(cluster));
    let weights = sum(&|cluster| cluster.size.powi(2) - cluster.squares);
    let found = products / weights / variance;
    if found.is_finite() { found.clamp(0.0, 1.0) } else { 0.0 }
}

/// `M = diag(d) + p v' + v p'`, so that both traces are sums over clusters.
fn degrees_of_freedom(clusters: &[Cluster], total: f64, left: impl Fn(&Cluster) -> f64 + Copy) -> f64 {
    let rho = correlation(clusters, left);
    let variance = |cluster: &Cluster| (1.0 - rho) * cluster.squares + rho * cluster.size.powi(2);
    let whole: f64 = clusters.iter().map(variance).sum();
    let (mut d1, mut d2, mut dpv, mut pp, mut pv, mut vv) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for cluster in clusters {
        let scale = 1.0 / left(cluster);
        let d = scale * variance(cluster);
        let p = scale.sqrt() * cluster.size / total;
        let v = whole * p / 2.0 - scale.sqrt() * variance(cluster);
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
