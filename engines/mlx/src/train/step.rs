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
    /// Scored tokens of the step: what supervised losses are divided by.
    tokens: f64,
    /// Rows of the step: what preference losses are divided by.
    rows: f64,
}

impl Work {
    pub(super) fn plan(config: &Config, step: &TrainStep, end: u32) -> Result<Self> {
        let batch = |(number, rows): (usize, &Vec<TrainRow>)| {
            let wanted = if step.objective.needs_reference() { 2 } else { 0 };
            if let Some(row) = rows.iter().position(|row| row.reference.len() != wanted) {
                let found = rows[row].reference.len();
                return Err(Error::request(format!("row {row}: {found} reference numbers, not {wanted}")));
            }
            let examples: Vec<_> = rows.iter().map(|row| &row.example).collect();
            Batch::new(config, &examples, Some(step.objective.answers()))
                .map_err(|error| error.within(format!("batch {number}")))
        };
        let batches = step.batches.iter().enumerate().map(batch).collect::<Result<Vec<_>>>()?;
        if batches.is_empty() {
            return Err(Error::request("the step has no batches"));
        }
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
        let tokens = batches.iter().map(|batch| batch.targets.len()).sum::<usize>() as f64;
        let rows = step.batches.iter().map(Vec::len).sum::<usize>() as f64;
        Ok(Self { batches, anchors, tokens, rows })
    }

    pub(super) fn total(&self) -> u64 {
        (self.batches.len() + usize::from(self.anchors.is_some())) as u64
    }
}

/// What the batches of a step add up to.
pub(super) struct Sum {
    pub(super) loss: f64,
    pub(super) kl: Option<f64>,
    log_probs: Vec<Vec<f64>>,
    /// `A` and `B` of each place, in order.
    pub(super) gradients: Vec<Vec<f32>>,
}

impl Sum {
    pub(super) fn new(trained: &Trained) -> Self {
        let zero = |array: &Array| vec![0.0; array.size()];
        let gradients = trained.iter().flat_map(|(_, factors)| factors).map(zero).collect();
        Self { loss: 0.0, kl: None, log_probs: Vec::new(), gradients }
    }

    /// Adds a batch's losses; returns the weight of each scored token's log-probability in the gradient.
    pub(super) fn losses(
        &mut self,
        objective: Objective,
        batch: &Batch,
        rows: &[TrainRow],
        work: &Work,
        values: &[f32],
    ) -> Vec<f32> {
        let sums = batch.sums(values);
        // The derivative of the loss with respect to each answer's sum.
        let mut slopes = Vec::new();
        match objective {
            Objective::Supervised => {
                self.loss -= sums.iter().flatten().sum::<f64>() / work.tokens;
                slopes.resize(sums.len(), -1.0 / work.tokens);
            }
            Objective::Preference { loss, nll } => {
                for ((sums, lengths), row) in sums.iter().zip(batch.lengths()).zip(rows) {
                    let side = |answer: usize| Side {
                        policy: sums[answer],
                        reference: row.reference.get(answer).copied().unwrap_or(0.0),
                        tokens: lengths[answer],
                    };
                    let pair = pair_loss(loss, nll, side(0), side(1));
                    self.loss += pair.loss / work.rows;
                    slopes.extend([pair.chosen / work.rows, pair.rejected / work.rows]);
                }
            }
        }
        self.log_probs.extend(sums);
        #[expect(clippy::cast_possible_truncation, reason = "weights of f32 gradients")]
        batch.owners.iter().map(|&owner| slopes[owner] as f32).collect()
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

    pub(super) fn report(&self, work: &Work) -> StepReport {
        let all = || work.batches.iter().chain(&work.anchors);
        StepReport {
            loss: self.loss,
            scored_tokens: work.batches.iter().map(|batch| batch.targets.len() as u64).sum(),
            tokens: all().map(|batch| batch.tokens() as u64).sum(),
            gradient_norm: 0.0,
            kl: self.kl,
            logprobs: self.log_probs.clone(),
        }
    }
}
