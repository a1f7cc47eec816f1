//! Tensors by name: checked, widened to f32 one at a time, brought into the order that attention needs.
//!
//! A Llama GGUF stores the rows of the query and key projections so that the two halves of each rotated pair
//! are neighbours. This engine rotates the first half of a head against its second half, so the rows are put
//! back: row `2i + j` of a head becomes row `j x head/2 + i`. Skipping this does not fail, it is silently wrong.

use std::collections::BTreeSet;

use mlx_rs::Array;

use crate::{
    error::{Error, Result},
    gguf::Gguf,
    llama::config::Config,
};

/// A projection, stored `[outputs, inputs]` and seen transposed, so that rows of inputs multiply it directly.
#[derive(Debug)]
pub struct Linear(Array);

impl Linear {
    /// The projection as rows of inputs meet it, `[inputs, outputs]`.
    #[must_use]
    pub const fn array(&self) -> &Array {
        &self.0
    }

    /// `rows [n, inputs]` to `[n, outputs]`.
    ///
    /// # Errors
    /// An internal error if MLX fails.
    pub fn apply(&self, rows: &Array) -> Result<Array> {
        Ok(rows.matmul(&self.0)?)
    }
}

/// One block.
#[derive(Debug)]
pub struct Block {
    /// Scale of the norm in front of attention, `[hidden]`.
    pub attention_norm: Array,
    /// Queries: hidden to heads x head.
    pub query: Linear,
    /// Keys: hidden to `kv_heads` x head.
    pub key: Linear,
    /// Values: hidden to `kv_heads` x head.
    pub value: Linear,
    /// Heads back to hidden.
    pub output: Linear,
    /// Scale of the norm in front of the gated layer, `[hidden]`.
    pub inner_norm: Array,
    /// Hidden to inner, through the gate.
    pub gate: Linear,
    /// Hidden to inner, beside the gate.
    pub up: Linear,
    /// Inner back to hidden.
    pub down: Linear,
}

/// All weights of a model, f32.
#[derive(Debug)]
pub struct Weights {
    /// One row per token, `[vocabulary, hidden]`.
    pub embedding: Array,
    /// The blocks in order.
    pub blocks: Vec<Block>,
    /// Scale of the last norm, `[hidden]`.
    pub norm: Array,
    /// Hidden to vocabulary; the embedding itself where the file has no head of its own.
    pub head: Linear,
    /// Numbers in all tensors of the file.
    pub parameters: u64,
}

impl Weights {
    /// Loads all tensors; `progress` is told of (tensors done, tensors in all) and says whether to go on.
    ///
    /// # Errors
    /// A model error naming a tensor that is missing, unexpected or of another shape; a request error if
    /// `progress` asked to stop.
    pub fn load(file: &Gguf, config: &Config, progress: &mut dyn FnMut(u64, u64) -> bool) -> Result<Self> {
        let total = file.tensor_names().count() as u64;
        let mut loader = Loader { file, config, taken: BTreeSet::new(), total, parameters: 0, progress };
        let embedding = loader.matrix("token_embd.weight", config.vocabulary, config.hidden)?;
        let blocks = (0..config.layers).map(|index| loader.block(index)).collect::<Result<Vec<_>>>()?;
        let norm = loader.vector("output_norm.weight")?;
        let head = match file.tensor("output.weight") {
            Some(_) => loader.linear("output.weight", config.vocabulary, config.hidden)?,
            None => Linear(embedding.t()),
        };
        if let Some(name) = file.tensor_names().find(|name| !loader.taken.contains(*name)) {
            return Err(Error::model(format!("tensor {name} is not part of the llama architecture"))
                .hint("it would be ignored and the numbers would be wrong; choose a model without it"));
        }
        Ok(Self { embedding, blocks, norm, head, parameters: loader.parameters })
    }
}

struct Loader<'a> {
    file: &'a Gguf,
    config: &'a Config,
    taken: BTreeSet<String>,
    total: u64,
    parameters: u64,
    progress: &'a mut dyn FnMut(u64, u64) -> bool,
}

impl Loader<'_> {
    fn block(&mut self, index: usize) -> Result<Block> {
        let Config { hidden, inner, heads, kv_heads, head, .. } = *self.config;
        let (all, shared) = (heads * head, kv_heads * head);
        let name = |part: &str| format!("blk.{index}.{part}.weight");
        Ok(Block {
            attention_norm: self.vector(&name("attn_norm"))?,
            query: self.rotated(&name("attn_q"), heads)?,
            key: self.rotated(&name("attn_k"), kv_heads)?,
            value: self.linear(&name("attn_v"), shared, hidden)?,
            output: self.linear(&name("attn_output"), hidden, all)?,
            inner_norm: self.vector(&name("ffn_norm"))?,
            gate: self.linear(&name("ffn_gate"), inner, hidden)?,
            up: self.linear(&name("ffn_up"), inner, hidden)?,
            down: self.linear(&name("ffn_down"), hidden, inner)?,
        })
    }

    fn vector(&mut self, name: &str) -> Result<Array> {
        let shape = [self.config.hidden];
        let numbers = self.numbers(name, &shape)?;
        array(&numbers, &shape)
    }

    fn matrix(&mut self, name: &str, rows: usize, columns: usize) -> Result<Array> {
        let numbers = self.numbers(name, &[rows, columns])?;
        array(&numbers, &[rows, columns])
    }

    fn linear(&mut self, name: &str, outputs: usize, inputs: usize) -> Result<Linear> {
        Ok(Linear(self.matrix(name, outputs, inputs)?.t()))
    }

    fn rotated(&mut self, name: &str, heads: usize) -> Result<Linear> {
        let Config { hidden, head, .. } = *self.config;
        let shape = [heads * head, hidden];
        let numbers = unpermute(&self.numbers(name, &shape)?, head, hidden);
        Ok(Linear(array(&numbers, &shape)?.t()))
    }

    fn numbers(&mut self, name: &str, want: &[usize]) -> Result<Vec<f32>> {
        let tensor = self.file.tensor(name).ok_or_else(|| {
            Error::model(format!("tensor {name} is missing"))
                .hint("the file is incomplete or not a llama model; fetch it again")
        })?;
        if tensor.shape != want {
            return Err(Error::model(format!("tensor {name} has shape {:?}, not {want:?}", tensor.shape))
                .hint("the tensors do not fit the metadata; fetch the file again"));
        }
        let numbers = self.file.read(name, tensor)?;
        if let Some(index) = numbers.iter().position(|number| !number.is_finite()) {
            return Err(Error::model(format!("tensor {name} holds {} at {index}", numbers[index]))
                .hint("the file is damaged; fetch it again"));
        }
        self.taken.insert(name.to_owned());
        self.parameters += numbers.len() as u64;
        if !(self.progress)(self.taken.len() as u64, self.total) {
            return Err(Error::stopped());
        }
        Ok(numbers)
    }
}

/// Puts the rows of rotated pairs back: row `2i + j` of each head to row `j x head/2 + i`.
fn unpermute(stored: &[f32], head: usize, inputs: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(stored.len());
    for rows in stored.chunks_exact(head * inputs) {
        for target in 0..head {
            let (half, pair) = (target / (head / 2), target % (head / 2));
            let source = (2 * pair + half) * inputs;
            out.extend_from_slice(&rows[source..source + inputs]);
        }
    }
    out
}

/// A slice as an MLX array.
///
/// # Errors
/// An internal error if a dimension does not fit MLX's 32-bit shapes.
pub(crate) fn array(numbers: &[f32], shape: &[usize]) -> Result<Array> {
    Ok(Array::from_slice(numbers, &dimensions(shape)?))
}

/// A dimension of an array.
pub(crate) fn extent(array: &Array, axis: usize) -> usize {
    usize::try_from(array.shape()[axis]).expect("a dimension is never negative")
}

/// A shape in MLX's type.
///
/// # Errors
/// An internal error if a dimension or the product does not fit 32 bits.
pub(crate) fn dimensions(shape: &[usize]) -> Result<Vec<i32>> {
    let product = shape.iter().try_fold(1_usize, |product, &dimension| product.checked_mul(dimension));
    product
        .filter(|&product| i32::try_from(product).is_ok())
        .and_then(|_| shape.iter().map(|&dimension| i32::try_from(dimension).ok()).collect())
        .ok_or_else(|| {
            Error::request(format!("a batch needs an array of {shape:?}; the limit is 2^31 numbers"))
                .hint("ask for smaller batches")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_neighbouring_pairs_are_put_into_two_halves() {
        let stored: Vec<f32> = (0_u8..16).map(f32::from).collect();
        // Two heads of width 4 with 2 inputs: rows 0 2 1 3 of each head.
        let expected = [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15_u8].map(f32::from);
        assert_eq!(unpermute(&stored, 4, 2), expected);
    }
}
