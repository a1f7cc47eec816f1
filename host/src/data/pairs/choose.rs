//! Which two of several answers make a pair.
//!
//! Among all pairs whose scores differ by the margin and whose lengths are alike, the one with the largest difference; of
//! equals the one whose lengths are most alike, then the one that comes first. Without the bound on length the choice would
//! mostly teach length: whatever counts finds finds more in longer texts.

use std::fmt;

use super::candidates::Candidate;

/// Scores are shares of a few traits; differences that are equal on paper may differ in the last bit.
const ROUNDING: f64 = 1e-9;

/// What the two answers of a pair have to keep to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Least difference of their scores.
    pub least_margin: f64,
    /// Most words of the longer one over those of the shorter one.
    pub most_length_ratio: f64,
}

/// Places of the two answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The one with the higher score.
    pub chosen: usize,
    /// The other one.
    pub rejected: usize,
}

/// Why a scenario gives no pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoPair {
    /// Fewer than two whole answers that could be judged.
    TooFew,
    /// No two answers lie the margin apart.
    Margin,
    /// Those that do differ too much in length.
    Length,
}

impl fmt::Display for NoPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooFew => "fewer than two whole answers",
            Self::Margin => "no two answers lie the margin apart",
            Self::Length => "answers the margin apart differ too much in length",
        })
    }
}

/// Chooses.
///
/// # Errors
/// Why there is no pair.
pub fn choose(candidates: &[Candidate], bounds: Bounds) -> Result<Choice, NoPair> {
    let usable: Vec<(usize, f64, usize)> = candidates
        .iter()
        .enumerate()
        .filter_map(|(place, candidate)| Some((place, candidate.score?, candidate.words)))
        .collect();
    if usable.len() < 2 {
        return Err(NoPair::TooFew);
    }
    let mut best: Option<(f64, f64, Choice)> = None;
    let mut apart = false;
    for &(chosen, high, words) in &usable {
        for &(rejected, low, other) in &usable {
            let margin = high - low;
            if margin <= 0.0 || margin < bounds.least_margin - ROUNDING {
                continue;
            }
            apart = true;
            let ratio = words.max(other) as f64 / words.min(other).max(1) as f64;
            if ratio > bounds.most_length_ratio {
                continue;
            }
            let better = best.is_none_or(|(known, length, _)| {
                margin > known + ROUNDING || (margin > known - ROUNDING && ratio < length)
            });
            if better {
                best = Some((margin, ratio, Choice { chosen, rejected }));
            }
        }
    }
    best.map(|(_, _, choice)| choice).ok_or(if apart { NoPair::Length } else { NoPair::Margin })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Bounds = Bounds { least_margin: 0.25, most_length_ratio: 1.5 };

    fn found(answers: &[(f64, usize)]) -> Result<(usize, usize), NoPair> {
        let candidates: Vec<Candidate> =
            answers.iter().map(|&(score, words)| Candidate { score: Some(score), words }).collect();
        choose(&candidates, BOUNDS).map(|choice| (choice.chosen, choice.rejected))
    }

    #[test]
    fn the_answers_farthest_apart_are_paired_if_their_lengths_are_alike() {
        assert_eq!(found(&[(0.2, 40), (0.9, 44), (0.5, 41)]), Ok((1, 0)));
        assert_eq!(found(&[(0.2, 10), (0.9, 44), (0.5, 41)]), Ok((1, 2)), "the worst one is too short");
    }

    #[test]
    fn of_equal_margins_the_most_alike_lengths_win_and_then_the_first() {
        assert_eq!(found(&[(0.2, 30), (0.9, 40), (0.9, 31)]), Ok((2, 0)));
        assert_eq!(found(&[(0.2, 30), (0.9, 30), (0.9, 30)]), Ok((1, 0)));
    }

    #[test]
    fn why_there_is_no_pair_is_told() {
        assert_eq!(found(&[(0.2, 30)]), Err(NoPair::TooFew));
        assert_eq!(found(&[(0.5, 30), (0.6, 30)]), Err(NoPair::Margin));
        assert_eq!(found(&[(0.2, 10), (0.9, 30)]), Err(NoPair::Length));
        let unjudged = [Candidate { score: None, words: 9 }, Candidate { score: Some(1.0), words: 9 }];
        assert_eq!(choose(&unjudged, BOUNDS), Err(NoPair::TooFew));
    }

    proptest! {
        #[test]
        fn a_pair_keeps_to_its_bounds_and_no_allowed_pair_lies_farther_apart(
            answers in prop::collection::vec((0_u8..8, 1_usize..60), 2..12),
        ) {
            let answers: Vec<(f64, usize)> =
                answers.into_iter().map(|(hits, words)| (f64::from(hits) / 7.0, words)).collect();
            let margin = |i: usize, j: usize| answers[i].0 - answers[j].0;
            let allowed = |i: usize, j: usize| {
                let (a, b) = (answers[i].1, answers[j].1);
                margin(i, j) >= 0.25 - 1e-9 && a.max(b) as f64 / a.min(b) as f64 <= 1.5
            };
            let all = || (0..answers.len()).flat_map(|i| (0..answers.len()).map(move |j| (i, j)));
            match found(&answers) {
                Ok((i, j)) => {
                    prop_assert!(allowed(i, j));
                    prop_assert!(all().all(|(a, b)| !allowed(a, b) || margin(a, b) <= margin(i, j) + 1e-9));
                }
                Err(_) => prop_assert!(all().all(|(a, b)| !allowed(a, b))),
            }
        }
    }
}
