//! The change that was not seen.
//!
//! Whether items of a cluster change together shows in the items that change, and hardly in few of them: where nothing was lost,
//! clusters may be lost as a whole, and one item that was lost alone does not yet tell otherwise. So one change is reckoned with beside
//! those that were seen, and all of its cluster shares it. Beside it the correlation of changes within clusters, around none, is
//!
//! ```text
//! r = (m - 1 + sum_c (s_c^2 - q_c)) / (m - 1 + sum_c q_c (m_c - 1))
//! ```
//!
//! with `q_c` changes in cluster c of `m_c` items, `s_c` of them up less those down, and `m = sum m_c^2 / sum m_c` the size of the
//! cluster in which an item finds itself on average. [`reach`] is how many items that one change then takes along: all m where nothing
//! changed, half of them beside one that changed alone, hardly more than itself beside many that did, and m again where the clusters
//! that changed did so whole. The price is width where few items changed; where many did it is nothing.
//!
//! What this cannot see is a mixture: items that are lost one by one tell that clusters are not lost whole, and then one is that was not
//! drawn. Where a claim has to hold for that too, [`super::gaffke`] bounds it.

/// Items that one more change takes along, in whole items; 1 where every cluster has one item.
///
/// `changes` are differences of which only the sign counts, so that the unit does not matter.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to the largest cluster")]
pub fn reach(changes: &[Vec<f64>]) -> usize {
    let (mut shared, mut possible) = (0.0, 0.0);
    for cluster in changes {
        let up = cluster.iter().filter(|change| **change > 0.0).count() as f64;
        let down = cluster.iter().filter(|change| **change < 0.0).count() as f64;
        shared += (up - down).powi(2) - (up + down);
        possible += (up + down) * (cluster.len() as f64 - 1.0);
    }
    let others = size(changes) - 1.0;
    if others <= 0.0 {
        return 1;
    }
    let correlation = ((others + shared) / (others + possible)).clamp(0.0, 1.0);
    (1.0 + others * correlation).round() as usize
}

fn items(clusters: &[Vec<f64>]) -> f64 {
    clusters.iter().map(Vec::len).sum::<usize>() as f64
}

/// Size of the cluster in which an item finds itself on average; 1 where there are no items.
fn size(clusters: &[Vec<f64>]) -> f64 {
    let squares = clusters.iter().map(|cluster| (cluster.len() as f64).powi(2)).sum::<f64>();
    if squares > 0.0 { squares / items(clusters) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `count` clusters of ten items; in the first `changed` of them these items change.
    fn tens(count: usize, changed: usize, items: &[f64]) -> Vec<Vec<f64>> {
        let mut clusters = vec![vec![0.0; 10]; count];
        for cluster in &mut clusters[..changed] {
            cluster[..items.len()].copy_from_slice(items);
        }
        clusters
    }

    #[test]
    fn it_is_a_whole_cluster_until_changes_come_alone() {
        let lost = |clusters: usize| reach(&tens(20, clusters, &[-1.0]));
        assert_eq!([0, 1, 8, 20].map(lost), [10, 6, 2, 1], "5.5 of one");
    }

    #[test]
    fn clusters_that_changed_whole_say_that_the_next_will() {
        let mut clusters = tens(20, 3, &[-1.0; 10]);
        assert_eq!(reach(&clusters), 10);
        clusters[1] = vec![1.0; 10];
        assert_eq!(reach(&clusters), 10, "in either direction");
    }

    #[test]
    fn losses_and_gains_of_one_cluster_are_no_common_change() {
        assert_eq!(reach(&tens(20, 6, &[-1.0, -1.0, 1.0, 1.0])), 1);
    }

    #[test]
    fn an_item_alone_takes_nothing_along() {
        assert_eq!(reach(&[]), 1);
        assert_eq!(reach(&vec![vec![-1.0]; 7]), 1);
    }

    #[test]
    fn large_clusters_count_by_their_items() {
        let sizes = [1, 1, 2, 3, 6, 12];
        let clusters: Vec<Vec<f64>> = sizes.iter().map(|size| vec![0.0; *size]).collect();
        assert_eq!(reach(&clusters), 8, "195 squares over 25 items");
    }

    proptest! {
        #[test]
        fn it_stays_between_one_item_and_the_largest_cluster(
            clusters in prop::collection::vec(prop::collection::vec(-1_i8..=1, 1..20), 1..30)
        ) {
            let largest = clusters.iter().map(Vec::len).max().expect("a cluster");
            let changes: Vec<Vec<f64>> =
                clusters.iter().map(|cluster| cluster.iter().map(|change| f64::from(*change)).collect()).collect();
            prop_assert!((1..=largest).contains(&reach(&changes)));
        }
    }
}
