//! A step's batches and what they add up to.

use mlx_rs::Array;
use realign_engine_abi::train::{Objective, StepReport, TrainRow, TrainStep};

use crate::{
    error::{Error, Result},
    llama::config::Config,
    train::{
        batch::Batch,
        loss::{Side, pair_loss},
        pass::Trained,
    },
};

/// A step's batches, checked before the first one runs.
pub(super) struct Work {
    pub(super) batches: Vec<Batch>,
    /// Texts on which divergence costs something.
    pub(super) anchors: Option<Batch>,
    /// What losses are divided by.
    pub(super) counts: Counts,
}

/// How much a step holds, over all ranks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    /// Scored tokens: what supervised losses are divided by.
    pub(super) tokens: f64,
    /// Rows: what preference losses are divided by.
    pub(super) rows: f64,
    /// Tokens of anchors: what divergence is divided by.
    pub(super) anchors: f64,
}

impl Work {
    pub(super) fn plan(config: &Config, step: &TrainStep, end: u32) -> Result<Self> {
        let batch = |(number, rows): (usize, &Vec<TrainRow>)| {
            checked(config, step.objective, rows).map_err(|error| error.within(format!("batch {number}")))
        };
        let batches = step.batches.iter().enumerate().map(batch).collect::<Result<Vec<_>>>()?;
        if !(step.rate.is_finite() && step.rate >= 0.0 && step.kl_weight.is_finite() && step.kl_weight >= 0.0)
        {
            let (rate, weight) = (step.rate, step.kl_weight);
            return Err(Error::request(format!(
                "rate {rate} or kl weight {weight} is not a number from 0 up"
            )));
        }
        let anchors = (!step.anchors.is_empty())
            .then(|| Batch::of_responses(config, &step.anchors, end))
            .transpose()
            .map_err(|error| error.within("anchors"))?;
        let counts = Counts {
            tokens: batches.iter().map(Batch::scored).sum::<usize>() as f64,
            rows: step.batches.iter().map(Vec::len).sum::<usize>() as f64,
            anchors: anchors.as_ref().map_or(0, Batch::scored) as f64,
        };
        Ok(Self { batches, anchors, counts })
    }

    pub(super) fn total(&self) -> u64 {
        (self.batches.len() + usize::from(self.anchors.is_some())) as u64
    }
}

fn checked(config: &Config, objective: Objective, rows: &[TrainRow]) -> Result<Batch> {
    let measured = measures_reference(objective, rows);
    let wanted = if objective.needs_reference() && !measured { 2 } else { 0 };
    if let Some(row) = rows.iter().position(|row| row.reference.len() != wanted) {
        let found = rows[row].reference.len();
        return Err(Error::request(format!("row {row}: {found} reference numbers, not {wanted}")));
    }
    let examples: Vec<_> = rows.iter().map(|row| &row.example).collect();
    Batch::new(config, &examples, Some(objective.answers()))
}

/// Whether a batch comes without the reference that its objective needs, which is then measured with it. That is for all
/// of its rows or for none: a row may owe its last bits to its neighbours.
pub(super) fn measures_reference(objective: Objective, rows: &[TrainRow]) -> bool {
    objective.needs_reference() && rows.iter().all(|row| row.reference.is_empty())
}

/// What the batches of a step add up to.
#[derive(Debug, Clone)]
pub(super) struct Sum {
    pub(super) loss: f64,
    /// Sum of divergences over the tokens of anchors.
    pub(super) divergence: f64,
    /// Scored tokens and tokens that were run.
    tokens: [f64; 2],
    log_probs: Vec<Vec<f64>>,
    /// Of each row, the last ones of the batch that runs now.
    references: Vec<Vec<f64>>,
    /// `A` and `B` of each place, in order.
    pub(super) gradients: Vec<Vec<f32>>,
}

impl Sum {
    pub(super) fn new(trained: &Trained) -> Self {
        let zero = |array: &Array| vec![0.0; array.size()];
        let gradients = trained.iter().flat_map(|(_, factors)| factors).map(zero).collect();
        let [log_probs, references] = [const { Vec::new() }; 2];
        Self { loss: 0.0, divergence: 0.0, tokens: [0.0; 2], log_probs, references, gradients }
    }

    /// Takes what the reference says of the rows of the batch that comes next.
    pub(super) fn refer(&mut self, references: impl IntoIterator<Item = Vec<f64>>) {
        self.references.extend(references);
    }

    /// Adds the losses of a batch whose reference was taken; returns the weight of each measured
    /// token's log-probability in the gradient.
    pub(super) fn losses(
        &mut self,
        objective: Objective,
        batch: &Batch,
        work: &Work,
        values: &[f32],
    ) -> Vec<f32> {
        let sums = batch.sums(values);
        // The derivative of the loss with respect to each answer's sum.
        let mut slopes = Vec::new();
        match objective {
            Objective::Supervised => {
                self.loss -= sums.iter().flatten().sum::<f64>() / work.counts.tokens;
                slopes.resize(sums.len(), -1.0 / work.counts.tokens);
            }
            Objective::Preference { loss, nll } => {
                let references = &self.references[self.log_probs.len()..];
                for ((sums, lengths), reference) in sums.iter().zip(batch.lengths()).zip(references) {
                    let side = |answer: usize| Side {
                        policy: sums[answer],
                        reference: reference.get(answer).copied().unwrap_or(0.0),
                        tokens: lengths[answer],
                    };
                    let pair = pair_loss(loss, nll, side(0), side(1));
                    self.loss += pair.loss / work.counts.rows;
                    slopes.extend([pair.chosen / work.counts.rows, pair.rejected / work.counts.rows]);
                }
            }
        }
        self.log_probs.extend(sums);
        batch.weights(&slopes)
    }

    pub(super) fn add(&mut self, gradients: &[Array]) -> Result<()> {
        for (sum, gradient) in self.gradients.iter_mut().zip(gradients) {
            let gradient = gradient.contiguous()?;
            for (sum, gradient) in sum.iter_mut().zip(gradient.try_as_slice::<f32>()?) {
                *sum += gradient;
            }
        }
        Ok(())
    }

    /// What is not finite, if anything is.
    pub(super) fn unsound(&self) -> Option<&'static str> {
        if self.references.iter().flatten().any(|sum| !sum.is_finite()) {
            return Some("log-probability of the model without its adapter");
        }
        if !self.loss.is_finite() {
            return Some("loss");
        }
        (!self.divergence.is_finite()).then_some("divergence of the anchors")
    }

    /// Counts the tokens of a batch that was run; those of anchors are not scored.
    pub(super) fn count(&mut self, batch: &Batch, scored: bool) {
        self.tokens[0] += if scored { batch.scored() as f64 } else { 0.0 };
        self.tokens[1] += batch.tokens() as f64;
    }

    /// Appends what ranks add up.
    #[expect(clippy::cast_possible_truncation, reason = "ranks exchange f32")]
    pub(super) fn write(&self, numbers: &mut Vec<f32>) {
        let [scored, run] = self.tokens;
        numbers.extend([self.loss, self.divergence, scored, run].map(|number| number as f32));
        self.gradients.iter().for_each(|gradients| numbers.extend_from_slice(gradients));
    }

    /// Takes over what the ranks added up, in the order of [`Self::write`].
    pub(super) fn read(&mut self, numbers: &[f32]) {
        let (head, mut rest) = numbers.split_at(4);
        (self.loss, self.divergence) = (head[0].into(), head[1].into());
        self.tokens = [head[2].into(), head[3].into()];
        for gradients in &mut self.gradients {
            let (own, others) = rest.split_at(gradients.len());
            gradients.copy_from_slice(own);
            rest = others;
        }
    }

    pub(super) fn report(self, counts: Counts) -> StepReport {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole counts")]
        let [scored_tokens, tokens] = self.tokens.map(|count| count as u64);
        let kl = (counts.anchors > 0.0).then(|| self.divergence / counts.anchors);
        let (logprobs, references) = (self.log_probs, self.references);
        StepReport { loss: self.loss, scored_tokens, tokens, gradient_norm: 0.0, kl, logprobs, references }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_names_what_is_not_finite() {
        let mut sum = Sum::new(&Vec::new());
        assert_eq!(sum.unsound(), None);
        sum.divergence = f64::NAN;
        assert_eq!(sum.unsound(), Some("divergence of the anchors"));
        sum.loss = f64::INFINITY;
        assert_eq!(sum.unsound(), Some("loss"));
        sum.refer([vec![-1.0, f64::NAN]]);
        assert_eq!(sum.unsound(), Some("log-probability of the model without its adapter"));
    }
}
