//! Length matching: every right text beside another one of nearly its length, each used once.
//!
//! Two texts match if their numbers of words differ by at most a twentieth, or by one word. Right texts choose in the order
//! of their length; the nearest other one is taken, and of equally near ones the shorter, then the first by id. What finds
//! no partner is left out.

use std::collections::BTreeSet;

use super::separation::Oriented;

/// Largest difference of two matching texts, as a share of the longer one's words.
const CALIPER: f64 = 0.05;

/// Pairs of a right text and another one.
pub(super) fn pairs<'a>(
    right: &[Oriented<'a>],
    others: &[Oriented<'a>],
) -> Vec<(Oriented<'a>, Oriented<'a>)> {
    let mut free: BTreeSet<(usize, &str, usize)> =
        others.iter().enumerate().map(|(place, other)| (other.text.words, other.text.id, place)).collect();
    let mut ordered: Vec<&Oriented<'a>> = right.iter().collect();
    ordered.sort_by_key(|text| (text.text.words, text.text.id));
    let mut pairs = Vec::new();
    for text in ordered {
        let words = text.text.words;
        let above = free.range((words, "", 0)..).next().copied();
        // Of the longest of the shorter ones the first by id.
        let below = free.range(..(words, "", 0)).next_back().map(|found| found.0);
        let below = below.and_then(|words| free.range((words, "", 0)..).next().copied());
        let distance = |found: &(usize, &str, usize)| found.0.abs_diff(words);
        let near = |found: &(usize, &str, usize)| {
            let limit = (CALIPER * found.0.max(words) as f64).max(1.0);
            distance(found) as f64 <= limit
        };
        let Some(found) = [below, above].into_iter().flatten().filter(near).min_by_key(distance) else {
            continue;
        };
        free.remove(&found);
        pairs.push((*text, others[found.2]));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::card::{Judged, Label, Reading};

    fn text(id: &str, words: usize) -> Oriented<'_> {
        let text = Judged { id, group: id, label: Label::Right, words, reading: Reading::NotApplicable };
        Oriented { text, score: 0.0 }
    }

    fn matched(right: &[(&str, usize)], others: &[(&str, usize)]) -> Vec<String> {
        let [right, others] =
            [right, others].map(|side| side.iter().map(|(id, words)| text(id, *words)).collect::<Vec<_>>());
        pairs(&right, &others).iter().map(|(a, b)| format!("{}-{}", a.text.id, b.text.id)).collect()
    }

    #[test]
    fn the_nearest_is_taken_once_and_what_is_too_far_is_left_out() {
        let found = matched(&[("a", 40), ("b", 41), ("c", 9)], &[("x", 43), ("y", 38), ("z", 90)]);
        assert_eq!(found, ["a-y", "b-x"]);
    }

    #[test]
    fn short_texts_may_differ_by_a_word_and_no_order_of_input_matters() {
        assert_eq!(matched(&[("a", 3)], &[("x", 4)]), ["a-x"]);
        assert_eq!(matched(&[("a", 3)], &[("x", 5)]), [""; 0]);
        let others = [("x", 20), ("y", 20), ("z", 22)];
        let mut backward = others;
        backward.reverse();
        let right = [("a", 21), ("b", 20)];
        assert_eq!(matched(&right, &others), matched(&right, &backward));
        assert_eq!(matched(&right, &others), ["b-x", "a-y"]);
    }
}
