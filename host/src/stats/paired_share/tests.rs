use proptest::prelude::*;

use super::*;
use crate::stats::proportion::wilson;

/// Newcombe's hybrid score interval (1998, method 10) of `p2 - p1`: an independent way to the same number.
fn newcombe(both: usize, lost: usize, gained: usize, neither: usize, confidence: f64) -> Interval {
    let items = both + lost + gained + neither;
    let [kept, worse, better, never, size] = [both, lost, gained, neither, items].map(|count| count as f64);
    let (first, second) = ((kept + better) / size, (kept + worse) / size);
    let one = wilson(both + gained, items, confidence).expect("items");
    let other = wilson(both + lost, items, confidence).expect("items");
    let product = (kept + worse) * (better + never) * (kept + better) * (worse + never);
    let excess = kept * never - worse * better;
    let excess = if excess > 0.0 { (excess - size / 2.0).max(0.0) } else { excess };
    let phi = if product > 0.0 { excess / product.sqrt() } else { 0.0 };
    let half = |x: f64, y: f64| (x * x - 2.0 * phi * x * y + y * y).sqrt();
    let value = first - second;
    Interval {
        low: value - half(first - one.low, other.high - second),
        high: value + half(one.high - first, second - other.low),
    }
}

fn close(found: Interval, low: f64, high: f64, within: f64) {
    assert!(
        (found.low - low).abs() <= within && (found.high - high).abs() <= within,
        "{found:?} is not {low} to {high}"
    );
}

/// Airway hyper-responsiveness before and after transplantation, (1, 1, 7, 12): Tango -0.517 to -0.026, Newcombe -0.507
/// to -0.026 in Fagerland, Lydersen and Laake (2014).
#[test]
fn both_score_intervals_agree_with_a_published_example() {
    close(tango(1.0, 7.0, 21.0, 0.95).expect("items"), -0.517, -0.026, 6e-4);
    close(newcombe(1, 7, 1, 12, 0.95), -0.507, -0.026, 6e-4);
}

/// `PropCIs::scoreci.mp(25, 28, 618)` in R gives -0.0148 to 0.0247 at 90 %.
#[test]
fn tango_agrees_with_r() {
    close(tango(28.0, 25.0, 618.0, 0.90).expect("items"), -0.0148, 0.0247, 6e-5);
}

/// Closed form where nothing changed: `z^2 / (n + z^2)` on both sides.
#[test]
fn where_nothing_changed_the_interval_still_has_a_width() {
    let edge = 1.959_963_984_540_054_f64.powi(2);
    close(tango(0.0, 0.0, 40.0, 0.95).expect("items"), -edge / (40.0 + edge), edge / (40.0 + edge), 1e-9);
    let same = vec![vec![0.0; 5]; 8];
    assert_eq!(clustered_tango(&same, 0.95), tango(0.0, 0.0, 8.0, 0.95), "as many as clusters, not as items");
}

#[test]
fn items_that_change_together_say_less_than_independent_ones() {
    let together: Vec<Vec<f64>> = (0..20).map(|i| vec![if i < 4 { -1.0 } else { 0.0 }; 10]).collect();
    let apart: Vec<Vec<f64>> = together.iter().flatten().map(|value| vec![*value]).collect();
    let wide = clustered_tango(&together, 0.95).expect("items");
    let narrow = clustered_tango(&apart, 0.95).expect("items");
    assert!(wide.high > 0.0 && narrow.high < 0.0, "{wide:?} {narrow:?}");
}

/// Before, one item lost and one gained among 14 clusters of 14 put the ends at 0.028, and none at 0.215.
#[test]
fn few_changes_narrow_the_interval_little_by_little() {
    let clusters = |changed: usize| -> Vec<Vec<f64>> {
        let mut clusters = vec![vec![0.0; 14]; 14];
        for (index, cluster) in clusters.iter_mut().take(changed).enumerate() {
            cluster[0] = if index.is_multiple_of(2) { 1.0 } else { -1.0 };
        }
        clusters
    };
    let ends = |changed: usize| {
        let found = clustered_tango(&clusters(changed), 0.95).expect("items");
        (found.high - found.low) / 2.0
    };
    let found = [0, 1, 2, 4, 8].map(ends);
    assert!(found.is_sorted_by(|more, fewer| more > fewer) && found[2] > 0.08, "{found:?}");
    let apart: Vec<Vec<f64>> = clusters(14).iter().flatten().map(|value| vec![*value]).collect();
    let single = clustered_tango(&apart, 0.95).expect("items").high;
    assert!(ends(14) < 1.25 * single, "many changes that come alone: {} and {single}", ends(14));
}

#[test]
fn no_item_and_impossible_counts_have_no_interval() {
    assert_eq!(tango(0.0, 0.0, 0.0, 0.95), None);
    assert_eq!(tango(3.0, 3.0, 5.0, 0.95), None);
    assert_eq!(clustered_tango(&[], 0.95), None);
}

proptest! {
    #[test]
    fn the_interval_holds_its_value_and_turns_with_the_sides(
        gained in 0_usize..60, lost in 0_usize..60, same in 1_usize..200
    ) {
        let (g, l, n) = (gained as f64, lost as f64, (gained + lost + same) as f64);
        let found = tango(g, l, n, 0.95).expect("items");
        prop_assert!(found.contains((g - l) / n) && found.low >= -1.0 && found.high <= 1.0);
        let turned = tango(l, g, n, 0.95).expect("items");
        prop_assert!((found.low + turned.high).abs() < 1e-9 && (found.high + turned.low).abs() < 1e-9);
    }

    #[test]
    fn two_independent_methods_agree_on_many_items(
        both in 200_usize..800, neither in 200_usize..800, lost in 20_usize..200, gained in 20_usize..200
    ) {
        let n = (both + lost + gained + neither) as f64;
        let found = tango(gained as f64, lost as f64, n, 0.95).expect("items");
        let other = newcombe(both, lost, gained, neither, 0.95);
        prop_assert!((found.low - other.low).abs() < 0.004 && (found.high - other.high).abs() < 0.004, "{:?} {:?}", found, other);
    }
}
