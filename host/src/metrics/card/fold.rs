//! Folds: groups dealt into parts, so that what is learned on some is tried on others.

use std::collections::BTreeMap;

use super::{Judged, Label};
use crate::ids::Seed;

/// Parts that groups are dealt into, where there are as many groups.
pub const FOLDS: usize = 10;

/// The fold of every group. Groups with a right text, and then the others, are dealt one by one in a seeded order, so that
/// every fold has its share of both.
#[must_use]
pub fn folds<'a>(texts: impl IntoIterator<Item = (&'a str, Label)>, seed: Seed) -> BTreeMap<&'a str, usize> {
    let mut groups: BTreeMap<&str, bool> = BTreeMap::new();
    for (group, label) in texts {
        *groups.entry(group).or_default() |= label == Label::Right;
    }
    let mut order: Vec<(bool, Seed, &str)> =
        groups.iter().map(|(group, right)| (!right, seed.derive(group), *group)).collect();
    order.sort_unstable();
    let count = FOLDS.min(order.len()).max(1);
    order.into_iter().enumerate().map(|(place, (.., group))| (group, place % count)).collect()
}

/// As [`folds`], of texts that were judged.
#[must_use]
pub fn of_judged<'a>(texts: &[Judged<'a>], seed: Seed) -> BTreeMap<&'a str, usize> {
    folds(texts.iter().map(|text| (text.group, text.label)), seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fold_gets_its_share_of_right_groups_and_the_seed_decides_which() {
        let names: Vec<String> = (0..40).map(|index| format!("g{index}")).collect();
        let label = |index: usize| if index < 20 { Label::Right } else { Label::Wrong };
        let texts = || names.iter().enumerate().map(|(index, name)| (name.as_str(), label(index)));
        let dealt = folds(texts(), Seed(1));
        for fold in 0..FOLDS {
            let right = (0..20).filter(|index| dealt[names[*index].as_str()] == fold).count();
            let all = dealt.values().filter(|other| **other == fold).count();
            assert_eq!((right, all), (2, 4), "fold {fold}");
        }
        assert_eq!(dealt, folds(texts().collect::<Vec<_>>().into_iter().rev(), Seed(1)));
        assert_ne!(dealt, folds(texts(), Seed(2)));
    }

    #[test]
    fn fewer_groups_than_folds_are_a_fold_each() {
        let dealt = folds([("a", Label::Right), ("b", Label::None), ("a", Label::None)], Seed(1));
        assert_eq!(dealt.len(), 2);
        assert_ne!(dealt["a"], dealt["b"]);
    }
}
