//! Two samples that share no items: has the mean moved?
//!
//! Clusters are what is exchangeable: under "nothing changed" each cluster might as well have come from the other sample.
//! Clusters weigh the same, whatever they hold.

use rand_chacha::rand_core::Rng;

use super::bootstrap::{self, Bootstrap};

/// Differences that differ by less than this part are ties.
const TIE: f64 = 1e-12;

/// Mean over clusters of the clusters' means; `None` where there is none or a value is not finite.
#[must_use]
pub fn mean_of_means(clusters: &[Vec<f64>]) -> Option<f64> {
    let means = means(clusters)?;
    (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64)
}

/// Two-sided p-value of the permutation test on the difference between two samples of clusters: `bootstrap.replicates`
/// seeded divisions of all clusters, `(1 + exceedances) / (1 + replicates)` (Phipson and Smyth 2010), which is never 0.
/// 1 where a side is empty or a value is not finite.
#[must_use]
pub fn permutation(first: &[Vec<f64>], second: &[Vec<f64>], bootstrap: Bootstrap) -> f64 {
    let (Some(a), Some(b)) = (means(first), means(second)) else { return 1.0 };
    if a.is_empty() || b.is_empty() {
        return 1.0;
    }
    let pooled: Vec<f64> = a.iter().chain(&b).copied().collect();
    let total: f64 = pooled.iter().sum();
    let (n, m) = (a.len() as f64, b.len() as f64);
    // With the total fixed the difference hangs on the first sample's sum alone.
    let difference = |sum: f64| (sum / n - (total - sum) / m).abs();
    let observed = difference(a.iter().sum());
    let extreme = (0..bootstrap.replicates)
        .filter(|replicate| {
            let mut rng = bootstrap::replicate_rng(bootstrap.seed, *replicate);
            difference(drawn(&pooled, a.len(), &mut rng)) >= observed * (1.0 - TIE)
        })
        .count();
    (1 + extreme) as f64 / (1 + bootstrap.replicates) as f64
}

/// Sum of `count` values, drawn without putting back.
fn drawn(pooled: &[f64], count: usize, rng: &mut impl Rng) -> f64 {
    // Selection sampling (Knuth, algorithm S): each value in turn with the chance that keeps the count.
    let (mut left, mut sum) = (count, 0.0);
    for (place, value) in pooled.iter().enumerate() {
        let rest = (pooled.len() - place) as f64;
        if (f64::from(rng.next_u32()) / f64::from(u32::MAX)) * rest < left as f64 && left > 0 {
            sum += value;
            left -= 1;
        }
    }
    // The last draw of the generator may be exactly 1: the values that are missing are the last ones.
    sum + pooled.iter().rev().take(left).sum::<f64>()
}

fn means(clusters: &[Vec<f64>]) -> Option<Vec<f64>> {
    let filled = clusters.iter().filter(|cluster| !cluster.is_empty());
    let mean = |cluster: &Vec<f64>| cluster.iter().sum::<f64>() / cluster.len() as f64;
    let means: Vec<f64> = filled.map(mean).collect();
    means.iter().all(|mean| mean.is_finite()).then_some(means)
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};

    use super::*;

    const BOOTSTRAP: Bootstrap = Bootstrap { replicates: 999, seed: 5 };

    fn sample(count: usize, seed: u64, shift: f64) -> Vec<Vec<f64>> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..count).map(|_| vec![f64::from(rng.next_u32()) / f64::from(u32::MAX) + shift; 2]).collect()
    }

    #[test]
    fn a_shift_is_seen_and_none_is_not() {
        assert!(permutation(&sample(30, 1, 0.0), &sample(30, 2, 0.5), BOOTSTRAP) < 0.01);
        assert!(permutation(&sample(30, 1, 0.0), &sample(30, 2, 0.0), BOOTSTRAP) > 0.05);
    }

    #[test]
    fn false_alarms_come_as_often_as_stated() {
        let bootstrap = |seed| Bootstrap { replicates: 199, seed };
        let alarms = (0..1_000)
            .filter(|&run| {
                permutation(&sample(12, 2 * run, 0.0), &sample(9, 2 * run + 1, 0.0), bootstrap(run)) <= 0.05
            })
            .count();
        assert!((30..=70).contains(&alarms), "{alarms} of 1000 at 5 %");
    }

    #[test]
    fn clusters_weigh_the_same_and_an_empty_side_proves_nothing() {
        assert_eq!(mean_of_means(&[vec![1.0; 9], vec![0.0]]), Some(0.5));
        assert_eq!(mean_of_means(&[]), None);
        assert!(permutation(&[], &sample(5, 1, 0.0), BOOTSTRAP) >= 1.0);
        assert!(permutation(&[vec![f64::NAN]], &sample(5, 1, 9.0), BOOTSTRAP) >= 1.0);
    }
}
