//! Texts that resemble each other, found without comparing all with all.
//!
//! `MinHash` with banding (Broder 1997; Leskovec, Rajaraman and Ullman, chapter 3): 128 minima in 32 bands of 4. Texts that agree
//! in a band are candidates, and of each candidate the index itself is computed, so a hit is never a guess. At a
//! resemblance of 0.8 a pair is overlooked once in 20 million, at 0.6 once in 90.
//!
//! The seed is fixed, so the same texts give the same hits. The published crates for this bring thread pools and hash maps of
//! their own; what is needed here is fifty lines.

use std::collections::{BTreeMap, BTreeSet};

use crate::metrics::overlap::{jaccard, mix};

const BANDS: u64 = 32;
const ROWS: u64 = 4;
const SEED: u64 = 0x5245_414c_4947_4e31;

/// Shingles of texts, to be asked which of them resemble another.
#[derive(Debug)]
pub struct Near {
    texts: Vec<Vec<u64>>,
    buckets: BTreeMap<(u64, u64), Vec<usize>>,
}

impl Near {
    /// Indexes texts by their shingles, as [`crate::metrics::overlap::shingles`] makes them; empty ones resemble nothing.
    #[must_use]
    pub fn new(texts: Vec<Vec<u64>>) -> Self {
        let mut buckets: BTreeMap<(u64, u64), Vec<usize>> = BTreeMap::new();
        for (place, shingles) in texts.iter().enumerate() {
            for bucket in bands(shingles) {
                buckets.entry(bucket).or_default().push(place);
            }
        }
        Self { texts, buckets }
    }

    /// The places of texts whose resemblance is at least `least`, ascending, each with its index.
    #[must_use]
    pub fn to(&self, shingles: &[u64], least: f64) -> Vec<(usize, f64)> {
        let candidates: BTreeSet<usize> =
            bands(shingles).filter_map(|bucket| self.buckets.get(&bucket)).flatten().copied().collect();
        candidates
            .into_iter()
            .map(|place| (place, jaccard(shingles, &self.texts[place])))
            .filter(|(_, index)| *index >= least)
            .collect()
    }

    /// For each text the first earlier one that it resembles at least so much.
    #[must_use]
    pub fn repeats(&self, least: f64) -> Vec<Option<(usize, f64)>> {
        let earlier = |(place, shingles): (usize, &Vec<u64>)| {
            self.to(shingles, least).into_iter().find(|(other, _)| *other < place)
        };
        self.texts.iter().enumerate().map(earlier).collect()
    }
}

/// The buckets of a text: band and the mixture of the band's minima.
fn bands(shingles: &[u64]) -> impl Iterator<Item = (u64, u64)> {
    let bands = if shingles.is_empty() { 0 } else { BANDS };
    (0..bands).map(move |band| {
        let minimum = |row: u64| {
            let key = mix(SEED ^ (band * ROWS + row));
            shingles.iter().map(|shingle| mix(shingle ^ key)).min().unwrap_or(u64::MAX)
        };
        (band, (0..ROWS).fold(0, |bucket, row| mix(bucket ^ minimum(row))))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::overlap::{shingles, words};

    #[test]
    fn a_text_with_one_other_word_is_found_and_another_text_is_not() {
        let of = |text: &str| shingles(&words(text));
        let text =
            "Janet's ducks lay sixteen eggs per day and she sells nine of them at the market for two dollars";
        let near =
            Near::new(vec![of("A robe takes two bolts of blue fibre and half that much white"), of(text)]);
        let found = near.to(&of(&text.replace("market", "bazaar")), 0.8);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, 1);
        assert!(found[0].1 > 0.8 && found[0].1 < 1.0, "{found:?}");
        assert!(near.to(&of(""), 0.0).is_empty());
    }

    #[test]
    fn a_repeat_names_the_first_text_that_it_resembles() {
        let of = |text: &str| shingles(&words(text));
        let texts = ["One two three.", "Something else entirely", "one, two three", "ONE TWO THREE"].map(of);
        let found = Near::new(texts.to_vec()).repeats(0.9);
        assert_eq!(found, [None, None, Some((0, 1.0)), Some((0, 1.0))]);
    }

    proptest! {
        #[test]
        fn every_hit_is_verified_and_what_resembles_much_is_found(
            common in prop::collection::btree_set(any::<u64>(), 40..120),
            more in prop::collection::btree_set(any::<u64>(), 0..10),
        ) {
            let a: Vec<u64> = common.iter().copied().collect();
            let b: Vec<u64> = common.union(&more).copied().collect();
            let found = Near::new(vec![a.clone()]).to(&b, 0.8);
            let index = jaccard(&a, &b);
            prop_assert_eq!(found, if index >= 0.8 { vec![(0, index)] } else { Vec::new() });
        }
    }
}
