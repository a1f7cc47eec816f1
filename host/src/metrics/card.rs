//! The card of an evaluator: what its scores are worth, on texts whose right answer is known.
//!
//! Texts carry a label: in the right persona, in a wrong one, or in none. Groups (families, sessions, documents) are the
//! clusters of every interval, because texts of one group are not independent.
//!
//! - *Area*: [`crate::stats::auc`] of right against every other text, and against each label by itself. *Length-matched*
//!   pairs each right text with another one of nearly its length ([`matched`]).
//! - *Length alone*: the same areas with the number of words in place of the evaluator's, in
//!   whichever direction serves it better. Where the evaluator is not proven to tell more than that, the card says so.
//! - *Threshold*: where sensitivity minus false alarm is largest ([`threshold`]), learned on all groups but one fold and
//!   tried on that fold, fold by fold; so no text is judged by a threshold that has seen it.
//! - Fewer than [`MIN_GROUPS`] groups, or one label only, are `insufficient`. Failed cells weaken every share in both
//!   directions; over 1 % of them is `inconclusive`. Under half of the texts applicable is `insufficient`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub mod benchmark;
pub mod detector;
pub mod fold;
pub mod matched;
pub mod separation;
pub mod style;
pub mod threshold;

pub use benchmark::BenchmarkNumbers;
pub use detector::DetectorNumbers;
pub use separation::{Contrast, Separation};
pub use style::StyleNumbers;

use super::cell::MAX_FAILED;
use crate::{gates::Decision, model::Verdict};

/// Name and version of the formulas here.
pub const FORMULA: &str = "card/1";

/// Fewest groups that say something.
pub const MIN_GROUPS: usize = 20;

/// What is known of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// In the persona's voice; it shows what the trait demands.
    Right,
    /// In the voice of another persona.
    Wrong,
    /// In no persona's voice.
    None,
}

/// What an evaluator made of a text.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Reading {
    /// Its first metric.
    Score(f64),
    /// It gives no occasion to judge.
    NotApplicable,
    /// The evaluator failed.
    Failed,
}

/// One labelled text as the numbers need it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged<'a> {
    /// Unique; decides between equals.
    pub id: &'a str,
    /// Cluster.
    pub group: &'a str,
    /// What is known of it.
    pub label: Label,
    /// Number of words.
    pub words: usize,
    /// What the evaluator made of it.
    pub reading: Reading,
}

/// How texts were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// In the right persona.
    pub right: usize,
    /// In a wrong one.
    pub wrong: usize,
    /// In none.
    pub none: usize,
    /// Groups of them all.
    pub groups: usize,
    /// Texts that gave no occasion to judge.
    pub not_applicable: usize,
    /// Texts on which the evaluator failed.
    pub failed: usize,
}

impl Counts {
    /// Counts texts.
    #[must_use]
    pub fn of(texts: &[Judged<'_>]) -> Self {
        let mut counts = Self::default();
        for text in texts {
            *match text.label {
                Label::Right => &mut counts.right,
                Label::Wrong => &mut counts.wrong,
                Label::None => &mut counts.none,
            } += 1;
            match text.reading {
                Reading::Score(_) => {}
                Reading::NotApplicable => counts.not_applicable += 1,
                Reading::Failed => counts.failed += 1,
            }
        }
        let groups: BTreeSet<&str> = texts.iter().map(|text| text.group).collect();
        Self { groups: groups.len(), ..counts }
    }

    /// All texts.
    #[must_use]
    pub const fn texts(&self) -> usize {
        self.right + self.wrong + self.none
    }

    /// Why texts like these decide nothing, if they do not.
    pub(super) fn refusal(&self) -> Option<Decision> {
        let Self { right, wrong, none, groups, not_applicable, failed } = *self;
        let all = self.texts();
        if right == 0 || wrong + none == 0 {
            let missing = if right == 0 { "right" } else { "wrong or none" };
            return Some(Decision::insufficient(format!(
                "{all} texts, none of them with the label {missing}"
            )));
        }
        if groups < MIN_GROUPS {
            return Some(Decision::insufficient(format!(
                "{groups} groups of texts, {MIN_GROUPS} are needed"
            )));
        }
        if 2 * not_applicable > all {
            let reason = format!("{not_applicable} of {all} texts give no occasion to judge, over half");
            return Some(Decision::insufficient(reason));
        }
        let share = failed as f64 / (all - not_applicable).max(1) as f64;
        (share > MAX_FAILED).then(|| {
            let (share, most) = (100.0 * share, 100.0 * MAX_FAILED);
            let reason = format!("{share:.1} % of the applicable texts failed, over {most:.0} %");
            Decision::new(Verdict::Inconclusive, reason)
        })
    }
}
