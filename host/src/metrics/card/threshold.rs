//! Where to draw the line between found and not found, and what comes of it.
//!
//! The line is drawn where sensitivity minus false alarm (Youden 1950) is largest, midway between two neighbouring scores; of
//! equally good places the one in the widest gap, then the lowest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Judged, Label, Reading};
use crate::{
    gates::Evidence,
    metrics::cell::{CautiousShare, CellState, Tally},
};

/// Which text a detector took for what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Right texts taken for right.
    pub right_taken: usize,
    /// Right texts refused.
    pub right_refused: usize,
    /// Other texts taken for right.
    pub other_taken: usize,
    /// Other texts refused.
    pub other_refused: usize,
}

/// What a threshold gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operating {
    /// Which text was taken for what.
    pub confusion: Confusion,
    /// Share of texts taken for what they are.
    pub accuracy: Option<Evidence>,
    /// Share of right texts taken for right.
    pub sensitivity: Option<Evidence>,
    /// Share of others taken for right.
    pub false_alarm: Option<Evidence>,
    /// The same by label, where there are both.
    pub false_alarm_by_label: BTreeMap<Label, Evidence>,
}

/// The line that separates right texts from others best; `None` where one side has no score or all scores are equal.
///
/// `wanted` says whether a find is what the persona asks for.
#[must_use]
pub fn calibrate<'a, 'b: 'a>(texts: impl IntoIterator<Item = &'a Judged<'b>>, wanted: bool) -> Option<f64> {
    let mut scores: Vec<(f64, bool)> = texts
        .into_iter()
        .filter_map(|text| match text.reading {
            Reading::Score(score) => Some((score, text.label == Label::Right)),
            Reading::NotApplicable | Reading::Failed => None,
        })
        .collect();
    scores.sort_by(|a, b| a.0.total_cmp(&b.0));
    let right = scores.iter().filter(|(_, right)| *right).count() as f64;
    let others = scores.len() as f64 - right;
    if right == 0.0 || others == 0.0 {
        return None;
    }
    let sign = if wanted { 1.0 } else { -1.0 };
    let (mut below_right, mut below_others) = (0.0, 0.0);
    let mut best: Option<(f64, f64, f64)> = None;
    for pair in scores.windows(2) {
        *(if pair[0].1 { &mut below_right } else { &mut below_others }) += 1.0;
        let gap = pair[1].0 - pair[0].0;
        let line = f64::midpoint(pair[0].0, pair[1].0);
        if gap <= 0.0 || line <= pair[0].0 {
            continue;
        }
        let gain = sign * (below_others / others - below_right / right);
        if best.is_none_or(|(most, widest, _)| gain > most || (gain >= most && gap > widest)) {
            best = Some((gain, gap, line));
        }
    }
    best.map(|(.., line)| line)
}

/// What thresholds give; each text is held against its own. `None` as a threshold leaves the text unjudged.
#[must_use]
pub fn operate(
    texts: &[Judged<'_>],
    wanted: bool,
    threshold: impl Fn(&Judged<'_>) -> Option<f64>,
) -> Operating {
    let mut confusion = Confusion::default();
    let mut taken: Vec<(&Judged<'_>, CellState)> = Vec::with_capacity(texts.len());
    for text in texts {
        let state = match (text.reading, threshold(text)) {
            (Reading::Failed, _) => CellState::Failed,
            (Reading::Score(score), Some(line)) => {
                let right = (score >= line) == wanted;
                *match (text.label == Label::Right, right) {
                    (true, true) => &mut confusion.right_taken,
                    (true, false) => &mut confusion.right_refused,
                    (false, true) => &mut confusion.other_taken,
                    (false, false) => &mut confusion.other_refused,
                } += 1;
                if right { CellState::Hit } else { CellState::Miss }
            }
            (Reading::NotApplicable, _) | (Reading::Score(_), None) => CellState::NotApplicable,
        };
        taken.push((text, state));
    }
    let share = |among: &dyn Fn(Label) -> bool| {
        share(taken.iter().filter(|(text, _)| among(text.label)).map(|(text, state)| (text.group, *state)))
    };
    let correct = taken.iter().map(|(text, state)| {
        let state = match (state, text.label) {
            (CellState::Hit, Label::Wrong | Label::None) => CellState::Miss,
            (CellState::Miss, Label::Wrong | Label::None) => CellState::Hit,
            (state, _) => *state,
        };
        (text.group, state)
    });
    let labels = [Label::Wrong, Label::None].map(|label| Some((label, share(&|other| other == label)?)));
    Operating {
        confusion,
        accuracy: self::share(correct),
        sensitivity: share(&|label| label == Label::Right),
        false_alarm: share(&|label| label != Label::Right),
        false_alarm_by_label: if labels.iter().all(Option::is_some) {
            labels.into_iter().flatten().collect()
        } else {
            BTreeMap::new()
        },
    }
}

/// Share of hits, by group; failed texts weaken it in both directions.
fn share<'a>(states: impl Iterator<Item = (&'a str, CellState)>) -> Option<Evidence> {
    let mut groups: BTreeMap<&str, Tally> = BTreeMap::new();
    for (group, state) in states {
        groups.entry(group).or_default().add(state);
    }
    Some(CautiousShare::of(&[groups.into_values().collect()])?.evidence())
}
