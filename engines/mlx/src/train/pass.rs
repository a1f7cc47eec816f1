//! One batch through the model: what is measured at its scored tokens, with or without a gradient.

use std::{collections::BTreeMap, sync::Arc};

use mlx_rs::{
    Array,
    error::Exception,
    transforms::{eval, value_and_grad_with_argnums},
};

use crate::{
    adapter::Site,
    error::Result,
    llama::{
        attention::Tape,
        cache::Cache,
        correction::Corrections,
        forward::Llama,
        layout::{Layout, index},
        weights::array,
    },
    raw::custom::take_failure,
    train::{
        batch::Batch,
        head::{divergences, log_probs, taped_divergences, taped_log_probs},
    },
};

/// What is measured at each scored token.
#[derive(Debug, Clone, Copy)]
pub enum Measure<'a> {
    /// The token's log-probability.
    LogProb,
    /// The divergence from these states of the reference; see [`states`].
    Divergence(&'a Array),
}

/// The arrays that are trained: `A` and `B` of each place, in order.
pub type Trained = Vec<(Site, [Array; 2])>;

/// A batch's numbers and, for each trained array in order, the gradient of their weighted sum.
#[derive(Debug)]
pub struct Gradient {
    /// A number per scored token.
    pub values: Vec<f32>,
    /// `A` and `B` of each place, in order.
    pub arrays: Vec<Array>,
}

/// States after the last norm of the tokens that predict the scored ones, `[scored, hidden]`.
///
/// # Errors
/// A request error if the batch does not fit the model or MLX.
pub fn states(model: &Llama, batch: &Batch, corrections: Option<&Corrections>) -> Result<Array> {
    let run = Run::new(model, batch);
    let all = 0..model.weights.blocks.len();
    let embedded = model.embed(&batch.rows())?;
    let out = run.blocks(Tape::Off, all, embedded, corrections)?;
    run.predicting(&out, Tape::Off)
}

/// Log-probabilities of the scored tokens.
///
/// # Errors
/// A request error if the batch does not fit the model or MLX.
pub fn measured_log_probs(
    model: &Llama,
    batch: &Batch,
    corrections: Option<&Corrections>,
) -> Result<Vec<f32>> {
    let states = states(model, batch, corrections)?;
    Ok(log_probs(&states, model.weights.head.array(), &batch.targets, false)?.values)
}

/// Divergences at the scored tokens of the model with corrections from the model without. The reference may see other
/// contexts before the same tokens.
///
/// # Errors
/// A request error if a batch does not fit the model or MLX.
pub fn measured_divergences(
    model: &Llama,
    batch: &Batch,
    reference: &Batch,
    corrections: Option<&Corrections>,
) -> Result<Vec<f32>> {
    let (policy, reference) = (states(model, batch, corrections)?, states(model, reference, None)?);
    Ok(divergences(&policy, &reference, model.weights.head.array(), false)?.values)
}

/// The gradient of `sum(weight x value)` over the scored tokens with respect to the trained arrays. `weigh` is
/// shown the values and chooses the weights; they are constants to the gradient.
///
/// # Errors
/// What `weigh` says; a request error if the batch does not fit the model or MLX.
pub fn gradient(
    model: &Llama,
    batch: &Batch,
    trained: &Trained,
    scale: f32,
    measure: Measure<'_>,
    weigh: &mut dyn FnMut(&[f32]) -> Result<Vec<f32>>,
) -> Result<Gradient> {
    let run = Run::new(model, batch);
    let first = trained.first().map_or(0, |(site, _)| site.block);
    let below = run.blocks(Tape::Off, 0..first, model.embed(&batch.rows())?, None)?;
    below.eval()?;
    let arrays: Vec<Array> = trained.iter().flat_map(|(_, factors)| factors.clone()).collect();
    let all: Vec<i32> = (0..).take(arrays.len()).collect();
    let (mut values, mut failure) = (Vec::new(), None);
    let mut loss = |arrays: &[Array]| -> Result<Array> {
        let factors = trained.iter().zip(arrays.chunks_exact(2));
        let factors: BTreeMap<_, _> =
            factors.map(|((site, _), pair)| (*site, (pair[0].clone(), pair[1].clone()))).collect();
        let corrections = Corrections { scale, factors };
        let above = first..model.weights.blocks.len();
        let out = run.blocks(Tape::On, above, below.clone(), Some(&corrections))?;
        let states = run.predicting(&out, Tape::On)?;
        let head = model.weights.head.array();
        let found = match measure {
            Measure::LogProb => taped_log_probs(&states, head, &batch.targets)?,
            Measure::Divergence(reference) => taped_divergences(&states, reference, head)?,
        };
        values = found.try_as_slice::<f32>()?.to_vec();
        let weights = weigh(&values)?;
        Ok(found.multiply(array(&weights, &[weights.len()])?)?.sum(None)?)
    };
    let recorded = |arrays: &[Array]| {
        loss(arrays).map(|loss| vec![loss]).map_err(|error| {
            failure = Some(error);
            Exception::custom("see the engine's own error")
        })
    };
    let found = value_and_grad_with_argnums(recorded, all.as_slice())(&arrays);
    let (_, gradients) =
        found.map_err(|error| failure.or_else(take_failure).unwrap_or_else(|| error.into()))?;
    eval(&gradients)?;
    Ok(Gradient { values, arrays: gradients })
}

/// What the passes of one batch share.
struct Run<'a> {
    model: &'a Llama,
    batch: &'a Batch,
    layout: Arc<Layout>,
}

impl<'a> Run<'a> {
    fn new(model: &'a Llama, batch: &'a Batch) -> Self {
        let rows = batch.rows();
        let nothing = vec![Vec::new(); rows.len()];
        let layout = Arc::new(Layout::new(&rows, 0, &nothing));
        Self { model, batch, layout }
    }

    fn blocks(
        &self,
        tape: Tape,
        range: std::ops::Range<usize>,
        states: Array,
        corrections: Option<&Corrections>,
    ) -> Result<Array> {
        let pass = self.model.pass(&self.batch.rows(), &self.layout, tape)?;
        // Exactly as many columns as the pass has: its keys and values are used once and never copied.
        let mut cache = Cache::new(&self.model.config, self.layout.rows(), self.layout.columns())?;
        self.model.blocks(&pass, &mut cache, range, states, corrections)
    }

    fn predicting(&self, states: &Array, tape: Tape) -> Result<Array> {
        let wanted = states.take_axis(index(self.batch.positions.iter().copied())?, 0)?;
        self.model.last_norm(&wanted, tape)
    }
}
