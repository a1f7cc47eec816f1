//! Over-characterisation: how much of the persona leaks into tasks that ask for none of it.
//!
//! A persona that is trained too hard answers a sum in character. Neutral tasks (code, facts, arithmetic) are answered as
//! deployed, and the style scorer's anchored match m' is their intensity: 0 like the contrast texts, 1 like the exemplars.
//! The value is its mean, tasks as clusters. Beside it stand the exemplars' own 95th percentile (nearest rank) and the
//! share of answers above it. It is advice, not a gate: how much character a neutral answer may have is for people to say.

use serde::{Deserialize, Serialize};

use super::style::Anchors;
use crate::stats::{Evidence, by_cluster, mean};

/// Name and version of the formula.
pub const FORMULA: &str = "over-characterisation/1";

/// Intensity on neutral tasks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OverCharacterisation {
    /// Mean m'.
    pub intensity: Evidence,
    /// 95th percentile of the held-out exemplars' m'.
    pub exemplars: f64,
    /// Share of answers above it.
    pub above: f64,
}

/// Intensity of `answers`, each a task's id with its score. `None` where there are fewer than two, where the texts cannot
/// anchor the scorer, or where a score is not finite.
#[must_use]
pub fn over_characterisation(
    answers: &[(&str, f64)],
    exemplars: &[f64],
    contrast: &[f64],
) -> Option<OverCharacterisation> {
    let anchors = Anchors::of(exemplars, contrast).ok()?;
    let placed = answers.iter().map(|&(task, score)| (task, anchors.place(score)));
    let intensity = mean::clustered(&by_cluster(placed.clone()))?.evidence()?;
    let mut voice: Vec<f64> = exemplars.iter().map(|&score| anchors.place(score)).collect();
    voice.sort_by(f64::total_cmp);
    let exemplars = voice[(voice.len() * 95).div_ceil(100) - 1];
    let above = placed.filter(|&(_, value)| value > exemplars).count() as f64 / answers.len() as f64;
    Some(OverCharacterisation { intensity, exemplars, above })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOICE: [f64; 4] = [0.8, 0.9, 1.0, 1.1];
    const OTHER: [f64; 4] = [-0.1, 0.0, 0.0, 0.1];

    #[test]
    fn intensity_is_placed_between_contrast_and_exemplars() {
        let found =
            over_characterisation(&[("a", 0.0), ("b", 0.95), ("c", 1.9)], &VOICE, &OTHER).expect("anchored");
        assert!((found.intensity.estimate.value - 1.0).abs() < 1e-12, "{found:?}");
        assert!((found.exemplars - 1.1 / 0.95).abs() < 1e-12);
        assert!((found.above - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!((found.intensity.estimate.n, found.intensity.estimate.clusters), (3, 3));
    }

    #[test]
    fn nothing_and_texts_that_cannot_anchor_are_no_intensity() {
        assert_eq!(over_characterisation(&[], &VOICE, &OTHER), None);
        assert_eq!(over_characterisation(&[("a", 1.0), ("b", 0.0)], &OTHER, &VOICE), None);
        assert_eq!(over_characterisation(&[("a", 1.0), ("b", 0.0)], &VOICE[..3], &OTHER), None);
    }
}
