//! Which two of several answers make a pair.
//!
//! Among all pairs of an answer that may be chosen and one that may be rejected, whose scores differ by the margin and whose
//! lengths are alike, the one with the largest difference; of equals the one whose lengths are most alike, then the one that
//! comes first. Without the bound on length the choice would
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
    /// None among those that may be chosen, or among those that may be rejected.
    OneSided,
    /// No two answers lie the margin apart.
    Margin,
    /// Those that do differ too much in length.
    Length,
}

impl fmt::Display for NoPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooFew => "fewer than two whole answers",
            Self::OneSided => "no whole answer on one side",
            Self::Margin => "no two answers lie the margin apart",
            Self::Length => "answers the margin apart differ too much in length",
        })
    }
}

/// Chooses among the answers at the places `consistent` and `inconsistent`, which may be the same ones.
///
/// # Errors
/// Why there is no pair.
pub fn choose(
    candidates: &[Candidate],
    consistent: &[usize],
    inconsistent: &[usize],
    bounds: Bounds,
) -> Result<Choice, NoPair> {
    if candidates.iter().filter(|candidate| candidate.score.is_some()).count() < 2 {
        return Err(NoPair::TooFew);
    }
    let usable = |places: &[usize]| -> Vec<(usize, f64, usize)> {
        let usable = |&place: &usize| Some((place, candidates[place].score?, candidates[place].words));
        places.iter().filter_map(usable).collect()
    };
    let (better, worse) = (usable(consistent), usable(inconsistent));
    if better.is_empty() || worse.is_empty() {
        return Err(NoPair::OneSided);
    }
    let mut best: Option<(f64, f64, Choice)> = None;
    let mut apart = false;
    for &(chosen, high, words) in &better {
        for &(rejected, low, other) in &worse {
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
        let all: Vec<usize> = (0..answers.len()).collect();
        choose(&candidates, &all, &all, BOUNDS).map(|choice| (choice.chosen, choice.rejected))
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
        assert_eq!(choose(&unjudged, &[0, 1], &[0, 1], BOUNDS), Err(NoPair::TooFew));
        let judged = [unjudged[0], unjudged[1], unjudged[1]];
        assert_eq!(choose(&judged, &[0], &[1, 2], BOUNDS), Err(NoPair::OneSided));
    }

    #[test]
    fn each_side_is_chosen_among_its_own_answers() {
        let scores = [0.9, 0.6, 0.1, 0.3];
        let candidates = scores.map(|score| Candidate { score: Some(score), words: 20 });
        let found = |consistent: &[usize], inconsistent: &[usize]| {
            choose(&candidates, consistent, inconsistent, BOUNDS)
                .map(|choice| (choice.chosen, choice.rejected))
        };
        assert_eq!(found(&[0, 1], &[2, 3]), Ok((0, 2)));
        assert_eq!(found(&[1], &[3]), Ok((1, 3)));
        assert_eq!(found(&[2, 3], &[0, 1]), Err(NoPair::Margin), "the better side is never the rejected one");
    }

    proptest! {
        #[test]
        fn a_pair_keeps_to_its_bounds_and_no_allowed_pair_lies_farther_apart(
            answers in prop::collection::vec((0_u8..8, 1_usize..60), 2..12),
            sides in prop::collection::vec((any::<bool>(), any::<bool>()), 12),
        ) {
            let answers: Vec<(f64, usize)> =
                answers.into_iter().map(|(hits, words)| (f64::from(hits) / 7.0, words)).collect();
            let margin = |i: usize, j: usize| answers[i].0 - answers[j].0;
            let allowed = |i: usize, j: usize| {
                let (a, b) = (answers[i].1, answers[j].1);
                let apart = margin(i, j) >= 0.25 - 1e-9 && a.max(b) as f64 / a.min(b) as f64 <= 1.5;
                sides[i].0 && sides[j].1 && apart
            };
            let places = |side: &dyn Fn(usize) -> bool| (0..answers.len()).filter(|&i| side(i)).collect();
            let (consistent, inconsistent): (Vec<usize>, Vec<usize>) =
                (places(&|i| sides[i].0), places(&|i| sides[i].1));
            let candidates: Vec<Candidate> =
                answers.iter().map(|&(score, words)| Candidate { score: Some(score), words }).collect();
            let all = || (0..answers.len()).flat_map(|i| (0..answers.len()).map(move |j| (i, j)));
            match choose(&candidates, &consistent, &inconsistent, BOUNDS) {
                Ok(Choice { chosen: i, rejected: j }) => {
                    prop_assert!(allowed(i, j));
                    prop_assert!(all().all(|(a, b)| !allowed(a, b) || margin(a, b) <= margin(i, j) + 1e-9));
                }
                Err(_) => prop_assert!(all().all(|(a, b)| !allowed(a, b))),
            }
        }
    }
}
