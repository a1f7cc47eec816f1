//! The model: token ids to hidden states, hidden states to logits.

use mlx_rs::{Array, fast::rms_norm, ops::sigmoid, transforms::eval};

use crate::{
    error::{Error, Result},
    host::swiglu::swiglu,
    llama::{
        attention::{Kernels, Pass},
        cache::Cache,
        config::Config,
        layout::{Layout, Row, index},
        rope::Rope,
        tensors::Tensors,
        weights::{Block, Weights},
    },
};

/// A loaded Llama model.
#[derive(Debug)]
pub struct Llama {
    /// Its shape.
    pub config: Config,
    /// Its weights.
    pub weights: Weights,
    rope: Rope,
    kernels: Kernels,
}

/// Hidden states of the new tokens of a batch.
#[derive(Debug)]
pub struct Hidden {
    /// `[tokens, hidden]`, packed, before the last norm.
    states: Array,
    layout: Layout,
}

impl Hidden {
    /// The packed index of a row's new token.
    #[must_use]
    pub fn token(&self, row: usize, index: usize) -> usize {
        self.layout.start(row) + index
    }
}

impl Llama {
    /// Loads a model of this shape.
    ///
    /// # Errors
    /// A model error if the tensors are not those of such a model.
    pub fn load(config: Config, tensors: Tensors<'_>, kernels: Kernels) -> Result<Self> {
        let weights = Weights::load(tensors, &config)?;
        let rope = Rope::new(&config);
        Ok(Self { config, weights, rope, kernels })
    }

    /// Runs the new tokens of each row, at least one per row, through all blocks and adds them to the cache.
    ///
    /// # Errors
    /// A request error if a token is outside the vocabulary or a row leaves the context window.
    pub fn forward(&self, rows: &[Row<'_>], cache: &mut Cache) -> Result<Hidden> {
        let layout = cache.layout(rows);
        self.check(rows, &layout)?;
        let pass = Pass::new(&self.config, &self.rope, &layout, self.kernels)?;
        let ids = index(rows.iter().flat_map(Row::tokens).map(|token| token as usize))?;
        let mut states = self.weights.embedding.take_axis(ids, 0)?;
        for (number, block) in self.weights.blocks.iter().enumerate() {
            states = self.block(&pass, cache, number, block, &states)?;
        }
        cache.advance(&layout);
        Ok(Hidden { states, layout })
    }

    /// The logits `[tokens, vocabulary]` of the given packed tokens, evaluated.
    ///
    /// # Errors
    /// A model error if a logit is not finite, an internal error if MLX fails.
    pub fn logits(&self, hidden: &Hidden, tokens: &[usize]) -> Result<Array> {
        let wanted = hidden.states.take_axis(index(tokens.iter().copied())?, 0)?;
        let logits = self.weights.head.apply(&self.norm(&wanted, &self.weights.norm)?)?;
        if logits.try_as_slice::<f32>()?.iter().any(|logit| !logit.is_finite()) {
            return Err(Error::model("the model computes logits that are not finite")
                .hint("its weights are damaged; fetch the file again"));
        }
        Ok(logits)
    }

    fn check(&self, rows: &[Row<'_>], layout: &Layout) -> Result<()> {
        let context = self.config.context;
        for (row, tokens) in rows.iter().enumerate() {
            self.config.check_tokens(tokens.tokens())?;
            let length = layout.position(row, 0) + tokens.depth();
            if tokens.is_empty() || length > context {
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
        block: &Block,
        states: &Array,
    ) -> Result<Array> {
        let normed = self.norm(states, &block.attention_norm)?;
        let projected = [block.query.apply(&normed)?, block.key.apply(&normed)?, block.value.apply(&normed)?];
        let attended = block.output.apply(&pass.attend(cache, number, projected)?)?;
        let states = states.add(attended)?;
        let normed = self.norm(&states, &block.inner_norm)?;
        let (gate, up) = (block.gate.apply(&normed)?, block.up.apply(&normed)?);
        let activated = if pass.on_host() {
            eval([&gate, &up])?;
            swiglu(&gate, &up)?
        } else {
            gate.multiply(sigmoid(&gate)?)?.multiply(up)?
        };
        Ok(states.add(block.down.apply(&activated)?)?)
    }

    fn norm(&self, states: &Array, scale: &Array) -> Result<Array> {
        Ok(rms_norm(states, Some(scale), self.config.epsilon)?)
    }
}
