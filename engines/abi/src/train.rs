//! Messages of training: an adapter, one step at a time.
//!
//! The host decides everything that could change a number: it tokenizes, marks what is scored, plans which rows
//! share a batch, and sets the rate of every step. The engine holds the adapter and the optimiser's moments, both
//! of which it can write and read again, so a run can go on from any step that was saved.
//!
//! A step may hold several batches: their gradients are added before the one update (accumulation). Losses are
//! normalised over the whole step, so how rows are split into batches changes nothing but rounding.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A trainable adapter, fresh or read from a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainBegin {
    /// Its shape.
    pub adapter: AdapterShape,
    /// How it is updated.
    pub optimiser: AdamW,
    /// Seed of the adapter's first values.
    pub seed: u64,
    /// A folder that [`TrainSave`] wrote: its values and moments replace the first ones.
    pub resume: Option<PathBuf>,
    /// How many processes train together; from 2 up each must have been started with the environment that MLX
    /// reads (`MLX_RANK`, `MLX_HOSTFILE`), and each gets its own rows of every step, perhaps none.
    pub ranks: u32,
}

/// The projections of a Llama block by their Hugging Face names, in the order of the block.
pub const PROJECTIONS: [&str; 7] = [
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
];

/// Which projections get a low-rank correction, and of what size (Hu et al. 2021).
///
/// An adapted projection computes `x W + scale x (x A) B` with `A` of shape `[inputs, rank]`, uniform within
/// `+-1/sqrt(inputs)` at first, and `B` of shape `[rank, outputs]`, 0 at first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdapterShape {
    /// Rank of the correction.
    pub rank: u32,
    /// Multiplies the correction directly, as in mlx-lm; in PEFT's words it is `alpha / rank`.
    pub scale: f32,
    /// The last so many blocks are adapted.
    pub layers: u32,
    /// Projections by their Hugging Face names within a block, such as `self_attn.q_proj`.
    pub modules: Vec<String>,
}

/// `AdamW` with bias correction (Loshchilov and Hutter 2019).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdamW {
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay, per step and unit of rate.
    pub weight_decay: f64,
    /// Gradients with a larger norm are scaled down to it; none leaves them as they are.
    pub clip_norm: Option<f64>,
}

/// A trainable adapter is in place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingInfo {
    /// Numbers that are trained.
    pub parameters: u64,
    /// Steps that the optimiser has taken: 0, or what the checkpoint says.
    pub steps: u64,
    /// Place of this process among those that train together, from 0.
    pub rank: u32,
}

/// A context with one answer (supervised) or two (chosen first, rejected second).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// At least one token; never scored.
    pub context: Vec<u32>,
    /// Each at least one token.
    pub answers: Vec<Answer>,
}

impl Example {
    /// Leading tokens that all answers have in common, as far as an engine runs them: the last token of an answer predicts
    /// nothing. With the context they are the beginning that answers share, wherever a tokenizer drew the line between
    /// the two.
    #[must_use]
    pub fn stem(&self) -> usize {
        let Some((first, rest)) = self.answers.split_first() else { return 0 };
        let run = |answer: &Answer| answer.tokens.len().saturating_sub(1);
        let common =
            |other: &Answer| first.tokens.iter().zip(&other.tokens).take_while(|(a, b)| a == b).count();
        rest.iter().map(|other| common(other).min(run(other))).fold(run(first), usize::min)
    }

    /// Tokens of context and answers; a beginning that answers share counts once.
    #[must_use]
    pub fn tokens(&self) -> usize {
        let answers: usize = self.answers.iter().map(|answer| answer.tokens.len()).sum();
        self.context.len() + answers - self.stem() * self.answers.len().saturating_sub(1)
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What follows the context.
    pub tokens: Vec<u32>,
    /// One mark per token: whether its log-probability counts. At least one does.
    pub scored: Vec<bool>,
}

/// An example of a training step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainRow {
    /// What is learned from.
    pub example: Example,
    /// For each answer the sum of log-probabilities under the reference; empty where the objective has none, and in all
    /// rows of a batch whose reference the step is to measure.
    pub reference: Vec<f64>,
}

/// One update of the adapter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainStep {
    /// What is minimised.
    pub objective: Objective,
    /// Batches whose gradients are added.
    pub batches: Vec<Vec<TrainRow>>,
    /// Learning rate of this step.
    pub rate: f64,
    /// Texts on which divergence from the model without its adapter costs something.
    pub anchors: Vec<KlRow>,
    /// Weight of the mean divergence per anchor token, in units of the loss per nat.
    pub kl_weight: f64,
    /// Whether to update the adapter; otherwise the step is only measured.
    pub update: bool,
}

/// What is minimised.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// Mean negative log-likelihood of scored tokens, over all tokens of the step.
    Supervised,
    /// Mean preference loss over the pairs of the step, plus `nll` times the chosen answer's mean negative
    /// log-likelihood per token.
    Preference {
        /// Which loss.
        loss: PreferenceLoss,
        /// Weight of the likelihood term; 0 leaves it out.
        nll: f64,
    },
}

/// A loss of one pair. `d` is the policy's log-ratio of chosen over rejected minus the reference's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum PreferenceLoss {
    /// `-log sigmoid(beta d)` (Rafailov et al. 2023).
    Dpo {
        /// Strength of the tie to the reference.
        beta: f64,
    },
    /// Labels are wrong with a probability: `-(1-e) log sigmoid(beta d) - e log sigmoid(-beta d)` (Mitchell 2023).
    Cdpo {
        /// As for DPO.
        beta: f64,
        /// `e`, from 0 to below 0.5.
        label_smoothing: f64,
    },
    /// `(d/length - 1/(2 beta))^2` with log-ratios per token (Azar et al. 2023).
    Ipo {
        /// As for DPO.
        beta: f64,
    },
    /// `max(0, 1 - beta d)` (Zhao et al. 2023).
    Hinge {
        /// As for DPO.
        beta: f64,
    },
    /// DPO whose margin loses `lambda max(0, reference - policy)` of the chosen answer (Pal et al. 2024).
    Dpop {
        /// As for DPO.
        beta: f64,
        /// Weight of what the chosen answer loses.
        lambda: f64,
    },
    /// Mean negative log-likelihood of the chosen answer minus `lambda log sigmoid(log odds ratio)`, without a
    /// reference (Hong et al. 2024).
    Orpo {
        /// Weight of the odds ratio.
        lambda: f64,
    },
    /// `-log sigmoid(beta (mean chosen - mean rejected) - gamma)`, without a reference (Meng et al. 2024).
    Simpo {
        /// Scale of the mean log-probabilities.
        beta: f64,
        /// Margin that must be reached.
        gamma: f64,
    },
}

impl Objective {
    /// Whether it compares with log-probabilities under the reference.
    #[must_use]
    pub const fn needs_reference(&self) -> bool {
        match self {
            Self::Supervised => false,
            Self::Preference { loss, .. } => {
                !matches!(loss, PreferenceLoss::Orpo { .. } | PreferenceLoss::Simpo { .. })
            }
        }
    }

    /// How many answers an example has.
    #[must_use]
    pub const fn answers(&self) -> usize {
        match self {
            Self::Supervised => 1,
            Self::Preference { .. } => 2,
        }
    }
}

/// What a step did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Mean loss before the update, without the divergence term.
    pub loss: f64,
    /// Tokens whose log-probability counted.
    pub scored_tokens: u64,
    /// Tokens of the rows, anchors included. What answers share counts once; what rows share runs once and counts for each, so
    /// that no split of rows changes the number.
    pub tokens: u64,
    /// Norm of the gradient before clipping; 0 where nothing was updated.
    pub gradient_norm: f64,
    /// Mean divergence per anchor token in nats; none without anchors.
    pub kl: Option<f64>,
    /// Sums of log-probabilities of the answers of each row of this process, batch after batch; everything else
    /// is over all processes.
    pub logprobs: Vec<Vec<f64>>,
    /// The same sums under the reference, as given with a row or measured; empty for a row whose objective has none.
    pub references: Vec<Vec<f64>>,
}

/// Where a step stopped being finite; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divergence {
    /// Index of the batch; none where it is not one batch's doing: the anchors, the summed gradient, the update.
    pub batch: Option<usize>,
    /// What was not finite.
    pub what: String,
}

/// Where to write adapter and optimiser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainSave {
    /// An existing empty folder. It receives `adapters.safetensors` and `adapter_config.json` as mlx-lm reads them,
    /// and `optimizer.safetensors`; all are flushed to disk before the reply.
    pub folder: PathBuf,
}

/// Examples whose answers are measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogProbs {
    /// With the adapter, or the model without it: the reference.
    pub adapted: bool,
    /// One batch.
    pub examples: Vec<Example>,
}

/// A response and what it was given to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KlRow {
    /// The prompt; at least one token.
    pub context: Vec<u32>,
    /// The tokens that were made, the end-of-turn token excluded.
    pub response: Vec<u32>,
    /// Whether the turn was ended: its end-of-turn token counts as a token of the response.
    pub ended: bool,
}
