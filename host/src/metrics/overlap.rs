//! How much of one text stands in another, and which share of a file is free of it.
//!
//! - Words: the text in Unicode's NFKC form, in lower case, split into words by Unicode's rules (UAX #29); punctuation, spaces
//!   and symbols are none. Ideographs are words of their own.
//! - N-gram share: share of the runs of 13 words of one text that stand in the other.
//! - Resemblance (Broder 1997): Jaccard index of the sets of runs of 5 characters of the words, joined by single blanks. A
//!   shorter text is one run. Runs are kept as 64-bit hashes; two that collide would raise an index by one run.
//! - Score: `1 - contaminated / rows`, families as clusters.

use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

use super::aggregate::mean_evidence;
use crate::{
    gates::{Decide, Evidence, Rule},
    stats::by_cluster,
};

/// Name and version of the formulas.
pub const FORMULA: &str = "overlap/1";

/// Words of a run, as is usual in decontamination (GPT-3's report and those after it).
pub const NGRAM: usize = 13;

/// Characters of a run for resemblance.
const SHINGLE: usize = 5;

/// Words of a text, normalised.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let text: String = text.nfkc().flat_map(char::to_lowercase).collect();
    text.unicode_words().map(str::to_owned).collect()
}

/// Hashes of a text's runs of characters, ascending and without repeats.
#[must_use]
pub fn shingles(words: &[String]) -> Vec<u64> {
    let characters: Vec<char> = words.join(" ").chars().collect();
    let mut hashes: Vec<u64> = if characters.is_empty() {
        Vec::new()
    } else {
        characters.windows(SHINGLE.min(characters.len())).map(hash).collect()
    };
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

/// FNV-1a over the characters, then mixed so that every bit of the result depends on all of them.
fn hash(run: &[char]) -> u64 {
    let folded = run.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, character| {
        (hash ^ u64::from(u32::from(*character))).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(folded)
}

/// The finaliser of `SplitMix64` (Steele, Lea and Flood 2014).
#[must_use]
pub const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Jaccard index of two ascending lists without repeats; 0 where both are empty.
#[must_use]
pub fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    let (mut i, mut j, mut common) = (0, 0, 0_usize);
    while let (Some(left), Some(right)) = (a.get(i), b.get(j)) {
        match left.cmp(right) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, common) = (i + 1, j + 1, common + 1),
        }
    }
    let all = a.len() + b.len() - common;
    if all == 0 { 0.0 } else { common as f64 / all as f64 }
}

/// Share of rows that are clean; a row is its family and whether it is contaminated. `None` where there is no row.
#[must_use]
pub fn clean<'a>(rows: impl IntoIterator<Item = (&'a str, bool)>) -> Option<Evidence> {
    let values = rows.into_iter().map(|(family, contaminated)| (family, f64::from(u8::from(!contaminated))));
    mean_evidence(&by_cluster(values), None)
}

/// The rule of the score. Every row was examined, so the score is a fact about the file and is held against the
/// threshold itself; its interval speaks of further rows of the same origin.
#[must_use]
pub const fn clean_rule(threshold: f64) -> Rule {
    Rule { decide: Decide::Point, ..Rule::at_least(threshold) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_do_not_depend_on_case_punctuation_spacing_or_the_form_of_a_letter() {
        let plain = ["the", "café", "opens", "at", "9.30"];
        assert_eq!(words("The  CAFÉ opens at 9.30!"), plain);
        assert_eq!(words("“the cafe\u{301}” opens\nat 9.30"), plain);
        assert_eq!(words("Ｔｈｅ café, opens at 9.30"), plain, "full width");
        assert_eq!(words("東京は"), ["東", "京", "は"]);
        assert!(words(" -- !? ").is_empty());
    }

    #[test]
    fn resemblance_is_the_jaccard_index_of_runs_of_five_characters() {
        // "abcdef" has abcde and bcdef, "abcdeg" has abcde and bcdeg: one of three is common.
        let of = |text: &str| shingles(&words(text));
        assert!((jaccard(&of("abcdef"), &of("abcdeg")) - 1.0 / 3.0).abs() < 1e-12);
        assert!((jaccard(&of("abc"), &of("ABC!")) - 1.0).abs() < 1e-12, "a short text is one run");
        assert!(jaccard(&of(""), &of("")).abs() < 1e-12);
    }

    #[test]
    fn the_score_is_the_share_of_rows_without_a_hit() {
        let rows = [("a", false), ("b", true), ("c", false), ("d", false)];
        let found = clean(rows).expect("rows");
        assert!((found.estimate.value - 0.75).abs() < 1e-12);
        assert_eq!((found.estimate.n, found.estimate.clusters), (4, 4));
        assert_eq!(clean([]), None);
        assert!(clean_rule(0.9).holds(0.9));
    }

    proptest! {
        #[test]
        fn the_index_is_that_of_sets(a in prop::collection::btree_set(0_u64..40, 0..30), b in prop::collection::btree_set(0_u64..40, 0..30)) {
            let union = a.union(&b).count();
            let expected = if union == 0 { 0.0 } else { a.intersection(&b).count() as f64 / union as f64 };
            let (a, b): (Vec<u64>, Vec<u64>) = (a.into_iter().collect(), b.into_iter().collect());
            prop_assert!((jaccard(&a, &b) - expected).abs() < 1e-12);
        }
    }
}
