//! One batch through the model: what is measured at its scored tokens, with or without a gradient.
//!
//! The gradient has two ways, as the pass has: `on_host` and `in_mlx`.

mod in_mlx;
mod on_host;

use std::{ops::Range, sync::Arc};

use mlx_rs::Array;

use crate::{
    adapter::Site,
    error::Result,
    llama::{
        attention::Kernels,
        cache::Cache,
        correction::Corrections,
        forward::Llama,
        layout::{Layout, index},
    },
    train::{
        batch::Batch,
        head::{divergences, log_probs},
    },
};

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub enum Measure<'a> {
    /// The token's log-probability.
    LogProb,
    /// The divergence from these states of the reference; see [`Frozen::states`].
    Divergence(&'a Array),
}

/// The arrays that are trained: `A` and `B` of each place, in order.
pub type Trained = Vec<(Site, [Array; 2])>;

/// A batch's numbers and, for each trained array in order, the gradient of their weighted sum.
#[derive(Debug)]
pub struct Gradient {
    /// A number per measured token.
    pub values: Vec<f32>,
    /// `A` and `B` of each place, in order.
    pub arrays: Vec<Array>,
}

/// Log-probabilities of the measured tokens.
///
/// # Errors
/// A request error if the batch does not fit the model or MLX.
pub fn measured_log_probs(
    model: &Llama,
    batch: &Batch,
    corrections: Option<&Corrections>,
) -> Result<Vec<f32>> {
    Frozen::new(model, batch, 0)?.log_probs(corrections)
}

/// A batch behind the blocks that nothing corrects. They compute the same for the model with corrections and for the
/// one without, so they run once for whatever is asked of both.
#[derive(Debug)]
pub struct Frozen<'a> {
    run: Run<'a>,
    /// The first block that may be corrected, and the states that enter it.
    first: usize,
    states: Array,
}

impl<'a> Frozen<'a> {
    /// Runs a batch through the blocks below `first`; nothing of them is kept but what comes out.
    ///
    /// # Errors
    /// A request error if the batch does not fit the model or MLX.
    pub fn new(model: &'a Llama, batch: &'a Batch, first: usize) -> Result<Self> {
        let run = Run::new(model, batch)?;
        let states = run.blocks(0..first, model.embed(batch.packed().into_iter())?, None)?;
        states.eval()?;
        Ok(Self { run, first, states })
    }

    /// States after the last norm of the tokens that predict the measured ones, `[measured, hidden]`. No correction may lie
    /// below the first block of this.
    ///
    /// # Errors
    /// An internal error if MLX fails.
    pub fn states(&self, corrections: Option<&Corrections>) -> Result<Array> {
        let model = self.run.model;
        let above = self.first..model.weights.blocks.len();
        model.last_norm(&self.run.blocks(above, self.states.clone(), corrections)?)
    }

    /// Log-probabilities of the measured tokens.
    ///
    /// # Errors
    /// As for [`Self::states`].
    pub fn log_probs(&self, corrections: Option<&Corrections>) -> Result<Vec<f32>> {
        let states = self.states(corrections)?;
        Ok(log_probs(&states, self.run.model.weights.head.array(), &self.run.batch.targets, false)?.values)
    }

    /// Divergences at the measured tokens of the model with corrections from the model without.
    ///
    /// # Errors
    /// As for [`Self::states`].
    pub fn divergences(&self, corrections: Option<&Corrections>) -> Result<Vec<f32>> {
        let (policy, reference) = (self.states(corrections)?, self.states(None)?);
        Ok(divergences(&policy, &reference, self.run.model.weights.head.array(), false)?.values)
    }

    /// The gradient of `sum(weight x value)` over the measured tokens with respect to the trained arrays. `weigh` is
    /// shown the values and chooses the weights; they are constants to the gradient.
    ///
    /// # Errors
    /// What `weigh` says; an internal error if MLX fails.
    pub fn gradient(
        &self,
        trained: &Trained,
        scale: f32,
        measure: Measure<'_>,
        weigh: &mut dyn FnMut(&[f32]) -> Result<Vec<f32>>,
    ) -> Result<Gradient> {
        let above = Above { run: &self.run, first: self.first, below: &self.states, trained, scale, measure };
        match self.run.model.kernels {
            Kernels::Host => on_host::gradient(&above, weigh),
            Kernels::Mlx => in_mlx::gradient(&above, weigh),
        }
    }
}

/// The first block with a trained array; 0 where nothing is trained.
#[must_use]
pub fn first_block(trained: &Trained) -> usize {
    trained.first().map_or(0, |(site, _)| site.block)
}

/// The part of a pass that a gradient goes through.
struct Above<'a> {
    run: &'a Run<'a>,
    /// The first adapted block, and the states that enter it.
    first: usize,
    below: &'a Array,
    trained: &'a Trained,
    scale: f32,
    measure: Measure<'a>,
}

impl Above<'_> {
    /// Corrections of these arrays, `A` and `B` of each place in order.
    fn corrections<'a>(&self, arrays: impl Iterator<Item = &'a Array>) -> Corrections {
        let arrays: Vec<&Array> = arrays.collect();
        let pairs = self.trained.iter().zip(arrays.chunks_exact(2));
        let factors = pairs.map(|((site, _), pair)| (*site, (pair[0].clone(), pair[1].clone()))).collect();
        Corrections { scale: self.scale, factors }
    }
}

/// What the passes of one batch share.
#[derive(Debug)]
struct Run<'a> {
    model: &'a Llama,
    batch: &'a Batch,
    layout: Arc<Layout>,
    /// The tokens that predict the measured ones: of the others the last block needs keys and values alone.
    ends: Array,
}

impl<'a> Run<'a> {
    fn new(model: &'a Llama, batch: &'a Batch) -> Result<Self> {
        let layout = Arc::new(Layout::behind(&batch.rows(), batch.lead));
        let ends = index(batch.positions.iter().copied())?;
        Ok(Self { model, batch, layout, ends })
    }

    fn blocks(&self, range: Range<usize>, states: Array, corrections: Option<&Corrections>) -> Result<Array> {
        let mut pass = self.model.pass(&self.batch.rows(), &self.layout)?;
        pass.ends = Some(self.ends.clone());
        // Exactly as many columns as the pass has: its keys and values are used once and never copied.
        let mut cache = Cache::new(&self.model.config, self.layout.rows(), self.layout.columns())?;
        self.model.blocks(&pass, &mut cache, range, states, corrections)
    }
}
