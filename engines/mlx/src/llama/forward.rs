//! The model: token ids to hidden states, hidden states to logits.

use std::{ops::Range, sync::Arc};

use mlx_rs::{Array, fast::rms_norm, ops::sigmoid, transforms::eval};

use crate::{
    adapter::{Site, names::Projection},
    error::{Error, Result},
    host::{norm::norm, swiglu::swiglu},
    llama::{
        attention::{Kernels, Pass},
        cache::Cache,
        config::Config,
        correction::{Corrections, correction},
        layout::{Layout, Row, index},
        rope::Rope,
        tensors::Tensors,
        weights::{Block, Linear, Weights},
    },
};

/// A loaded Llama model.
#[derive(Debug)]
pub struct Llama {
    /// Its shape.
    pub config: Config,
    /// Its weights.
    pub weights: Weights,
    /// Corrections that every pass uses unless it says otherwise.
    pub corrections: Option<Corrections>,
    /// The table of its rotations.
    pub rope: Arc<Rope>,
    /// Where the operations between its matrix products run.
    pub kernels: Kernels,
}

/// Hidden states of the new tokens of a batch.
#[derive(Debug)]
pub struct Hidden {
    /// `[tokens, hidden]`, packed, before the last norm.
    states: Array,
    layout: Arc<Layout>,
}

impl Hidden {
    /// The packed index of a row's new token.
    #[must_use]
    pub fn token(&self, row: usize, index: usize) -> usize {
        self.layout.token(row, index)
    }
}

impl Llama {
    /// Loads a model.
    ///
    /// # Errors
    /// A model error if the tensors are not those of a model of this shape.
    pub fn load(tensors: Tensors<'_>, kernels: Kernels) -> Result<Self> {
        let config = tensors.config().clone();
        let weights = Weights::load(tensors)?;
        let rope = Arc::new(Rope::new(&config));
        Ok(Self { config, weights, corrections: None, rope, kernels })
    }

    /// Runs the new tokens of each row through all blocks and adds them to the cache. A row without new tokens, which only
    /// a cache that holds tokens may have, computes nothing.
    ///
    /// # Errors
    /// A request error if a token is outside the vocabulary or a row leaves the context window.
    pub fn forward(&self, rows: &[Row<'_>], cache: &mut Cache) -> Result<Hidden> {
        let layout = Arc::new(cache.layout(rows));
        let pass = self.pass(rows, &layout)?;
        let states = self.embed(rows.iter().flat_map(Row::tokens))?;
        let all = 0..self.weights.blocks.len();
        let states = self.blocks(&pass, cache, all, states, self.corrections.as_ref())?;
        cache.advance(&layout);
        Ok(Hidden { states, layout })
    }

    /// Prepares a pass over rows that lie as `layout` says.
    ///
    /// # Errors
    /// A request error if a token is outside the vocabulary or a row leaves the context window.
    pub fn pass<'a>(&'a self, rows: &[Row<'_>], layout: &'a Arc<Layout>) -> Result<Pass<'a>> {
        self.check(rows, layout)?;
        Pass::new(&self.config, &self.rope, layout, self.kernels)
    }

    /// The embeddings `[tokens, hidden]` of checked tokens.
    ///
    /// # Errors
    /// A request error if there are too many tokens for MLX.
    pub fn embed(&self, tokens: impl Iterator<Item = u32>) -> Result<Array> {
        let ids = index(tokens.map(|token| token as usize))?;
        Ok(self.weights.embedding.take_axis(ids, 0)?)
    }

    /// Runs states `[tokens, hidden]` through a range of blocks. Out of the model's last block come the rows that the pass
    /// names as its ends.
    ///
    /// # Errors
    /// An internal error if MLX fails.
    pub fn blocks(
        &self,
        pass: &Pass<'_>,
        cache: &mut Cache,
        range: Range<usize>,
        mut states: Array,
        corrections: Option<&Corrections>,
    ) -> Result<Array> {
        for number in range {
            states = self.block(pass, cache, number, &states, corrections)?;
        }
        Ok(states)
    }

    /// The logits `[tokens, vocabulary]` of the given packed tokens, evaluated.
    ///
    /// # Errors
    /// A model error if a logit is not finite, an internal error if MLX fails.
    pub fn logits(&self, hidden: &Hidden, tokens: &[usize]) -> Result<Array> {
        let wanted = hidden.states.take_axis(index(tokens.iter().copied())?, 0)?;
        let logits = self.weights.head.apply(&self.last_norm(&wanted)?)?;
        if logits.try_as_slice::<f32>()?.iter().any(|logit| !logit.is_finite()) {
            return Err(Error::model("the model computes logits that are not finite")
                .hint("its weights are damaged; fetch the file again"));
        }
        Ok(logits)
    }

    /// The last norm, in front of the head.
    ///
    /// # Errors
    /// An internal error if MLX fails.
    pub fn last_norm(&self, states: &Array) -> Result<Array> {
        self.norm(states, &self.weights.norm)
    }

    fn check(&self, rows: &[Row<'_>], layout: &Layout) -> Result<()> {
        let context = self.config.context;
        for (row, tokens) in rows.iter().enumerate() {
            self.config.check_tokens(tokens.tokens())?;
            let length = layout.seen(row) + tokens.depth();
            if length == 0 || length > context {
                return Err(Error::request(format!(
                    "row {row} makes a sequence of {length} tokens; it must have at least 1 and at most {context}"
                ))
                .hint("shorten the text; the model has no room for more"));
            }
        }
        Ok(())
    }

    fn block(
        &self,
        pass: &Pass<'_>,
        cache: &mut Cache,
        number: usize,
        states: &Array,
        corrections: Option<&Corrections>,
    ) -> Result<Array> {
        let block: &Block = &self.weights.blocks[number];
        let project = |linear: &Linear, projection: Projection, rows: &Array| {
            let site = Site { block: number, projection };
            match corrections.and_then(|all| Some((all.factors.get(&site)?, all.scale))) {
                None => linear.apply(rows),
                Some((factors, scale)) => Ok(linear.apply(rows)?.add(correction(rows, factors, scale)?)?),
            }
        };
        let normed = self.norm(states, &block.attention_norm)?;
        let projected = [
            project(&block.query, Projection::Query, &normed)?,
            project(&block.key, Projection::Key, &normed)?,
            project(&block.value, Projection::Value, &normed)?,
        ];
        let attended = pass.attend(cache, number, projected)?;
        let (states, attended) = match &pass.ends {
            Some(ends) if number + 1 == self.weights.blocks.len() => {
                (&states.take_axis(ends, 0)?, attended.take_axis(ends, 0)?)
            }
            _ => (states, attended),
        };
        let states = states.add(project(&block.output, Projection::Output, &attended)?)?;
        let normed = self.norm(&states, &block.inner_norm)?;
        let gate = project(&block.gate, Projection::Gate, &normed)?;
        let up = project(&block.up, Projection::Up, &normed)?;
        let activated = match self.kernels {
            Kernels::Host => {
                eval([&gate, &up])?;
                swiglu(&gate, &up)?
            }
            Kernels::Mlx => gate.multiply(sigmoid(&gate)?)?.multiply(up)?,
        };
        Ok(states.add(project(&block.down, Projection::Down, &activated)?)?)
    }

    fn norm(&self, states: &Array, scale: &Array) -> Result<Array> {
        let epsilon = self.config.epsilon;
        match self.kernels {
            Kernels::Host => norm(states, scale, epsilon),
            Kernels::Mlx => Ok(rms_norm(states, Some(scale), epsilon)?),
        }
    }
}
