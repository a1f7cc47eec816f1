//! A response cut into parts: evidence begins or ends between them, and so does what another response does not say.

use std::{collections::BTreeSet, ops::Range};

use serde::Serialize;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::{model::Span, report::text::clean};

/// Longest responses that are compared word by word; beyond that it takes too long and helps nobody.
const MOST_WORDS: usize = 2000;

/// A stretch of a response: text, places of its labels, and 1 where the other response does not say it.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Part(String, Vec<usize>, u8);

/// The parts of `text`; together they are the text. Spans that do not lie on its characters are left out.
pub(super) fn parts(text: &str, evidence: &[(&Span, usize)], other: Option<&str>) -> Vec<Part> {
    let fits = |range: &Range<usize>| text.get(range.clone()).is_some_and(|part| !part.is_empty());
    let evidence: Vec<(Range<usize>, usize)> = evidence
        .iter()
        .map(|(span, label)| (span.start as usize..span.end as usize, *label))
        .filter(|(range, _)| fits(range))
        .collect();
    let differing = other.map_or_else(Vec::new, |other| differing(text, other));
    let mut cuts: BTreeSet<usize> = [0, text.len()].into();
    cuts.extend(
        evidence.iter().map(|(range, _)| range).chain(&differing).flat_map(|range| [range.start, range.end]),
    );
    let cuts: Vec<usize> = cuts.into_iter().collect();
    let part = |pair: &[usize]| {
        let within = |range: &Range<usize>| range.start <= pair[0] && pair[1] <= range.end;
        let labels: BTreeSet<usize> =
            evidence.iter().filter(|(range, _)| within(range)).map(|(_, label)| *label).collect();
        let differs = u8::from(differing.iter().any(within));
        Part(clean(&text[pair[0]..pair[1]]), labels.into_iter().collect(), differs)
    };
    cuts.windows(2).map(part).collect()
}

/// Where `text` has words that `other` does not have at that place.
fn differing(text: &str, other: &str) -> Vec<Range<usize>> {
    if text == other {
        return Vec::new();
    }
    let (mine, theirs) = (words(text), words(other));
    if mine.len() > MOST_WORDS || theirs.len() > MOST_WORDS {
        return Vec::new();
    }
    let mut starts = vec![0];
    for word in &mine {
        starts.push(starts[starts.len() - 1] + word.len());
    }
    capture_diff_slices(Algorithm::Myers, &theirs, &mine)
        .into_iter()
        .filter(|op| !matches!(op, DiffOp::Equal { .. }))
        .map(|op| op.new_range())
        .filter(|range| !range.is_empty())
        .map(|range| starts[range.start]..starts[range.end])
        .collect()
}

/// Words with the blanks behind them; together they are the text.
fn words(text: &str) -> Vec<&str> {
    text.split_inclusive(char::is_whitespace).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(start: u32, end: u32) -> Span {
        Span { start, end, label: "found".into() }
    }

    fn part(text: &str, labels: &[usize], differs: u8) -> Part {
        Part(text.into(), labels.to_vec(), differs)
    }

    #[test]
    fn overlapping_evidence_and_differences_cut_the_text_where_they_meet() {
        let (one, other) = (span(0, 6), span(3, 9));
        let found = parts("thanks a lot", &[(&one, 0), (&other, 1)], Some("thanks a bit"));
        let expected =
            [part("tha", &[0], 0), part("nks", &[0, 1], 0), part(" a ", &[1], 0), part("lot", &[], 1)];
        assert_eq!(found, expected);
    }

    #[test]
    fn spans_that_do_not_fit_the_text_are_left_out() {
        let spans = [span(1, 2), span(0, 99), span(4, 3), span(2, 2)];
        let evidence: Vec<(&Span, usize)> = spans.iter().map(|span| (span, 0)).collect();
        assert_eq!(parts("für", &evidence, None), [part("für", &[], 0)]);
        assert_eq!(parts("", &evidence, Some("x")), []);
    }

    proptest! {
        #[test]
        fn the_parts_are_the_text(text in "[aäb \n]{0,40}", other in "[aäb \n]{0,40}", start: u8, length: u8) {
            let span = span(u32::from(start % 40), u32::from(start % 40) + u32::from(length % 20));
            let found = parts(&text, &[(&span, 0)], Some(&other));
            prop_assert_eq!(found.into_iter().map(|part| part.0).collect::<String>(), text);
        }
    }
}
