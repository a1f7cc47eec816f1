//! What is known of an adapter's divergence, from the trainings that are in it.

use serde::{Deserialize, Serialize};

use super::record::{Divergence, Part, Training};
use crate::model::Verdict;

/// Ending of the name of a folder whose divergence is not proven to be under its limit.
pub const MARK: &str = "over-limit";

/// What is known of an adapter's divergence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Over a limit, or not proven to be under it.
    Unproven,
    /// No limit was ever measured against.
    Unmeasured,
    /// The upper 95 % bound of every training in it met its limit.
    Proven,
}

impl Standing {
    /// The worst of the parts; of no parts, nothing was measured.
    #[must_use]
    pub fn of(parts: &[Part]) -> Self {
        let alone = parts.len() == 1;
        parts.iter().map(|part| part.standing(alone)).min().unwrap_or(Self::Unmeasured)
    }

    /// Its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unproven => "unproven",
            Self::Unmeasured => "unmeasured",
            Self::Proven => "proven",
        }
    }
}

impl Part {
    fn divergence(&self) -> Option<&Divergence> {
        self.training.as_ref()?.divergence.as_ref()
    }

    fn is_whole(&self) -> bool {
        (self.factor - 1.0).abs() < f32::EPSILON
    }

    /// What is known of this part. Among several, each was measured over the whole effect of those before it: then no
    /// other factor than 1 keeps the proof.
    fn standing(&self, alone: bool) -> Standing {
        let holds = self.is_whole() || alone && self.factor < 1.0;
        match self.divergence() {
            None => Standing::Unmeasured,
            Some(divergence) if divergence.verdict == Verdict::Pass && holds => Standing::Proven,
            Some(_) => Standing::Unproven,
        }
    }

    /// Why, in a sentence.
    #[must_use]
    pub fn why(&self, alone: bool) -> String {
        let Some(Training { id, name, divergence, .. }) = &self.training else {
            return format!(
                "adapter {}: made elsewhere, its divergence was not measured",
                self.digest.short()
            );
        };
        let said = match divergence {
            None => "trained without a limit, its divergence was not measured".to_owned(),
            Some(Divergence { limit, bound: Some(bound), verdict: Verdict::Pass }) => {
                format!("divergence at most {bound:.3} nats/token, limit {limit}{}", self.since(alone))
            }
            Some(Divergence { limit, bound, .. }) => {
                let bound = bound.map_or("too little was measured".to_owned(), |bound| {
                    format!("95 % bound {bound:.3} nats/token")
                });
                format!("divergence not proven to be under the limit {limit}: {bound}")
            }
        };
        format!("{name} (run {id}): {said}")
    }

    /// What became of a proof since.
    fn since(&self, alone: bool) -> String {
        if self.is_whole() {
            return String::new();
        }
        let then = if self.standing(alone) == Standing::Proven {
            "where it is no larger; it was not measured again"
        } else {
            "which voids the proof"
        };
        format!("; multiplied by {} since, {then}", self.factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::Digest, train::config::Kind};

    fn part(verdict: Option<Verdict>, factor: f32) -> Part {
        let divergence = verdict.map(|verdict| Divergence { limit: 0.1, bound: Some(0.08), verdict });
        let training = Training {
            id: "0123".into(),
            name: "sft".into(),
            kind: Kind::Sft,
            model_digest: "model".into(),
            over: None,
            divergence,
        };
        Part { digest: Digest::of(b"adapter"), factor, training: Some(training) }
    }

    fn elsewhere() -> Part {
        Part { training: None, ..part(None, 1.0) }
    }

    #[test]
    fn a_smaller_factor_keeps_a_proof_and_a_larger_one_voids_it() {
        let standing = |factor| Standing::of(&[part(Some(Verdict::Pass), factor)]);
        assert_eq!([0.5, 1.0, 1.01].map(standing), [Standing::Proven, Standing::Proven, Standing::Unproven]);
    }

    #[test]
    fn no_factor_makes_an_adapter_over_its_limit_one_that_passed() {
        for verdict in [Verdict::Fail, Verdict::Inconclusive, Verdict::Insufficient, Verdict::NotReached] {
            assert_eq!(Standing::of(&[part(Some(verdict), 0.1)]), Standing::Unproven);
        }
    }

    #[test]
    fn the_worst_part_decides() {
        let (passed, failed) = (part(Some(Verdict::Pass), 1.0), part(Some(Verdict::Fail), 1.0));
        assert_eq!(Standing::of(&[passed.clone(), passed.clone()]), Standing::Proven);
        assert_eq!(Standing::of(&[passed.clone(), elsewhere()]), Standing::Unmeasured);
        assert_eq!(Standing::of(&[elsewhere(), failed, passed]), Standing::Unproven);
        assert_eq!(Standing::of(&[]), Standing::Unmeasured);
    }

    #[test]
    fn of_several_parts_none_may_have_another_factor() {
        let (whole, half) = (part(Some(Verdict::Pass), 1.0), part(Some(Verdict::Pass), 0.5));
        assert_eq!(Standing::of(&[half, whole]), Standing::Unproven);
    }

    #[test]
    fn the_reason_names_training_bound_limit_and_factor() {
        let failed = part(Some(Verdict::Fail), 1.0);
        let why = [
            part(Some(Verdict::Pass), 1.0).why(true),
            part(Some(Verdict::Pass), 0.5).why(true),
            part(Some(Verdict::Pass), 2.0).why(true),
            failed.why(true),
            part(None, 1.0).why(true),
            elsewhere().why(true),
        ];
        insta::assert_snapshot!(why.join("\n"), @r"
        sft (run 0123): divergence at most 0.080 nats/token, limit 0.1
        sft (run 0123): divergence at most 0.080 nats/token, limit 0.1; multiplied by 0.5 since, where it is no larger; it was not measured again
        sft (run 0123): divergence at most 0.080 nats/token, limit 0.1; multiplied by 2 since, which voids the proof
        sft (run 0123): divergence not proven to be under the limit 0.1: 95 % bound 0.080 nats/token
        sft (run 0123): trained without a limit, its divergence was not measured
        adapter ae1eae1d76e5: made elsewhere, its divergence was not measured
        ");
    }
}
