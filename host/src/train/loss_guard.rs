//! When a loss has exploded.
//!
//! The rule: a loss above 3 times the median of the last 20 losses, plus 1. It is not applied before 5 losses are known.
//! The summand keeps losses near 0 from tripping it; the median keeps one odd batch from raising it.

/// Losses that are remembered.
pub const MEMORY: usize = 20;
/// Losses that must be known before the rule is applied.
const FEWEST: usize = 5;

/// Adds a loss to the remembered ones, oldest first.
pub fn remember(recent: &mut Vec<f64>, loss: f64) {
    recent.push(loss);
    let surplus = recent.len().saturating_sub(MEMORY);
    recent.drain(..surplus);
}

/// The limit that a loss must not exceed; `None` while too few are known.
#[must_use]
pub fn limit(recent: &[f64]) -> Option<f64> {
    if recent.len() < FEWEST {
        return None;
    }
    let mut sorted = recent.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median = if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    } else {
        sorted[middle]
    };
    Some(3.0 * median + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_three_medians_and_one() {
        assert_eq!(limit(&[1.0, 2.0, 3.0, 4.0, 100.0]), Some(10.0));
        assert_eq!(limit(&[1.0, 2.0, 3.0, 4.0, 5.0, 100.0]), Some(11.5));
    }

    #[test]
    fn nothing_is_judged_by_fewer_than_five_losses() {
        assert_eq!(limit(&[1.0; 4]), None);
    }

    #[test]
    fn only_the_last_twenty_losses_are_remembered() {
        let mut recent = Vec::new();
        for loss in 0..25 {
            remember(&mut recent, f64::from(loss));
        }
        assert_eq!((recent.len(), recent[0]), (20, 5.0));
    }
}
