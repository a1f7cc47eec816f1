//! All weights as arrays: tensors of a source, widened to f32 one at a time.

use mlx_rs::Array;

use crate::{
    adapter::{Site, names::Projection},
    error::{Error, Result},
    llama::{source::Part, tensors::Tensors},
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
    /// Loads all tensors of a model of this shape.
    ///
    /// # Errors
    /// A model error naming a tensor that is missing, unexpected or of another shape; a request error if the
    /// caller asked to stop.
    pub fn load(mut tensors: Tensors<'_>) -> Result<Self> {
        let config = tensors.config();
        let mut load = |part: Part| array(&tensors.numbers(part)?, &part.shape(config));
        let embedding = load(Part::Embedding)?;
        let blocks = (0..config.layers).map(|index| Block::load(index, &mut load)).collect::<Result<_>>()?;
        let norm = load(Part::Norm)?;
        let head = if tensors.has_own_head() {
            array(&tensors.numbers(Part::Head)?, &Part::Head.shape(config))?.t()
        } else {
            embedding.t()
        };
        Ok(Self { embedding, blocks, norm, head: Linear(head), parameters: tensors.finish()? })
    }
}

impl Block {
    fn load(block: usize, load: &mut dyn FnMut(Part) -> Result<Array>) -> Result<Self> {
        let attention_norm = load(Part::AttentionNorm(block))?;
        let inner_norm = load(Part::InnerNorm(block))?;
        let mut linear = |projection| {
            let stored = load(Part::Projection(Site { block, projection }))?;
            Ok::<_, Error>(Linear(stored.t()))
        };
        Ok(Self {
            attention_norm,
            query: linear(Projection::Query)?,
            key: linear(Projection::Key)?,
            value: linear(Projection::Value)?,
            output: linear(Projection::Output)?,
            inner_norm,
            gate: linear(Projection::Gate)?,
            up: linear(Projection::Up)?,
            down: linear(Projection::Down)?,
        })
    }
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

/// The dimensions of an array.
pub(crate) fn extents(array: &Array) -> Vec<usize> {
    (0..array.ndim()).map(|axis| extent(array, axis)).collect()
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
