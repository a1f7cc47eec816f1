//! Blocks on a processor whose gradient will be wanted, and that gradient.
//!
//! Every loop between two matrix products has its backward twin in [`crate::host`], so the chain rule is written down
//! here, block by block, and MLX records nothing: an array that it records keeps its whole past alive, which every
//! evaluation walks through again. What a block keeps is given up once its gradient is taken.
//!
//! Of the last block nothing is wanted but the tokens that predict a measured one. Only those go on behind its attention;
//! the gradient of the others there is 0.

use std::{collections::BTreeMap, sync::Arc};

use mlx_rs::{Array, ops::addmm, transforms::eval};

use crate::{
    adapter::{Site, names::Projection},
    error::Result,
    host::{
        attention::Attention,
        norm::{norm, norm_backward},
        swiglu::{swiglu, swiglu_backward},
    },
    llama::{
        correction::Corrections,
        forward::Llama,
        layout::Layout,
        weights::{Linear, array, extent},
    },
};

/// Gradients with respect to the factors of each corrected projection.
pub type FactorGradients = BTreeMap<Site, [Array; 2]>;

/// A pass through corrected blocks.
#[derive(Debug)]
pub struct Recorded<'a> {
    model: &'a Llama,
    corrections: &'a Corrections,
    attention: Attention,
    /// The packed tokens that the last block finishes.
    ends: Ends<'a>,
    /// The first block that was run, and what it and those above it keep.
    first: usize,
    kept: Vec<Kept>,
}

/// Indices of packed tokens, for MLX and for Rust; a token can be named twice, where two answers follow it.
pub type Ends<'a> = (&'a Array, &'a [usize]);

/// What a block's gradient needs of its forward pass; all rows are packed tokens, and from `attended` on, in the last
/// block, its ends.
#[derive(Debug)]
struct Kept {
    states: Array,
    normed: Array,
    projected: [Array; 3],
    weights: Array,
    attended: Array,
    middle: Array,
    inner: Array,
    gate: Array,
    up: Array,
    activated: Array,
    /// `scale x (x A)` of each corrected projection.
    narrow: BTreeMap<Projection, Array>,
}

impl<'a> Recorded<'a> {
    /// Runs states `[tokens, hidden]` through the blocks from `first` up; returns what comes out, `[ends, hidden]`.
    ///
    /// # Errors
    /// An internal error if MLX fails.
    pub fn run(
        model: &'a Llama,
        layout: &Arc<Layout>,
        ends: Ends<'a>,
        first: usize,
        mut states: Array,
        corrections: &'a Corrections,
    ) -> Result<(Self, Array)> {
        let attention = Attention::new(&model.config, layout, &model.rope);
        let mut recorded = Self { model, corrections, attention, ends, first, kept: Vec::new() };
        for number in first..model.weights.blocks.len() {
            states = recorded.forward(number, states)?;
        }
        Ok((recorded, states))
    }

    /// The gradients with respect to all factors, from the gradient with respect to what came out.
    ///
    /// # Errors
    /// An internal error if MLX fails.
    pub fn backward(mut self, mut gradient: Array) -> Result<FactorGradients> {
        let mut found = FactorGradients::new();
        while let Some(kept) = self.kept.pop() {
            let number = self.first + self.kept.len();
            let Some(below) = self.block_backward(number, &kept, &gradient, &mut found)? else { break };
            gradient = below;
        }
        Ok(found)
    }

    fn forward(&mut self, number: usize, states: Array) -> Result<Array> {
        let (block, epsilon) = (&self.model.weights.blocks[number], self.model.config.epsilon);
        let mut narrow = BTreeMap::new();
        let mut project = |sum: Option<&Array>, linear: &Linear, projection, rows: &Array| -> Result<Array> {
            let out = multiplied(sum, rows, linear.array())?;
            let Some((a, b)) = self.corrections.factors.get(&Site { block: number, projection }) else {
                return Ok(out);
            };
            let slim = rows.matmul(a)?.multiply(Array::from_f32(self.corrections.scale))?;
            let out = multiplied(Some(&out), &slim, b)?;
            narrow.insert(projection, slim);
            Ok(out)
        };
        let normed = norm(&states, &block.attention_norm, epsilon)?;
        let projected = [
            project(None, &block.query, Projection::Query, &normed)?,
            project(None, &block.key, Projection::Key, &normed)?,
            project(None, &block.value, Projection::Value, &normed)?,
        ];
        let [attended, weights] = self.attention.forward(&projected)?;
        let (before, attended) = if self.is_last(number) {
            (states.take_axis(self.ends.0, 0)?, attended.take_axis(self.ends.0, 0)?)
        } else {
            (states.clone(), attended)
        };
        let middle = project(Some(&before), &block.output, Projection::Output, &attended)?;
        let inner = norm(&middle, &block.inner_norm, epsilon)?;
        let gate = project(None, &block.gate, Projection::Gate, &inner)?;
        let up = project(None, &block.up, Projection::Up, &inner)?;
        eval([&gate, &up])?;
        let activated = swiglu(&gate, &up)?;
        let out = project(Some(&middle), &block.down, Projection::Down, &activated)?;
        out.eval()?;
        self.kept.push(Kept {
            states,
            normed,
            projected,
            weights,
            attended,
            middle,
            inner,
            gate,
            up,
            activated,
            narrow,
        });
        Ok(out)
    }

    fn is_last(&self, number: usize) -> bool {
        number + 1 == self.model.weights.blocks.len()
    }

    /// Takes the gradient of a block; returns the one with respect to what went in, unless nothing below wants it.
    fn block_backward(
        &self,
        number: usize,
        kept: &Kept,
        gradient: &Array,
        found: &mut FactorGradients,
    ) -> Result<Option<Array>> {
        let (block, epsilon) = (&self.model.weights.blocks[number], self.model.config.epsilon);
        let mut factors = |projection, rows: &Array, gradient: &Array| -> Result<Option<(Array, &Array)>> {
            let site = Site { block: number, projection };
            let Some((a, b)) = self.corrections.factors.get(&site) else { return Ok(None) };
            let narrow = gradient.matmul(b.t())?.multiply(Array::from_f32(self.corrections.scale))?;
            let of_b = kept.narrow[&projection].t().matmul(gradient)?;
            found.insert(site, [rows.t().matmul(&narrow)?, of_b]);
            Ok(Some((narrow, a)))
        };
        let mut pull = |sum: Option<&Array>,
                        linear: &Linear,
                        projection,
                        rows: &Array,
                        gradient: &Array|
         -> Result<Array> {
            let through = multiplied(sum, gradient, &linear.array().t())?;
            match factors(projection, rows, gradient)? {
                Some((narrow, a)) => multiplied(Some(&through), &narrow, &a.t()),
                None => Ok(through),
            }
        };
        let of_activated = pull(None, &block.down, Projection::Down, &kept.activated, gradient)?;
        let [of_gate, of_up] = swiglu_backward(&kept.gate, &kept.up, &of_activated)?;
        let of_inner = pull(None, &block.gate, Projection::Gate, &kept.inner, &of_gate)?;
        let of_inner = pull(Some(&of_inner), &block.up, Projection::Up, &kept.inner, &of_up)?;
        let mut of_middle =
            gradient.add(norm_backward(&kept.middle, &block.inner_norm, &of_inner, epsilon)?)?;
        let mut of_attended = pull(None, &block.output, Projection::Output, &kept.attended, &of_middle)?;
        if self.is_last(number) {
            let tokens = extent(&kept.states, 0);
            of_middle = scattered(&of_middle, self.ends.1, tokens)?;
            of_attended = scattered(&of_attended, self.ends.1, tokens)?;
        }
        let [of_queries, of_keys, of_values] =
            self.attention.backward(&kept.projected, &kept.weights, &of_attended)?;
        let below = if number == self.first {
            factors(Projection::Query, &kept.normed, &of_queries)?;
            factors(Projection::Key, &kept.normed, &of_keys)?;
            factors(Projection::Value, &kept.normed, &of_values)?;
            None
        } else {
            let sum = pull(None, &block.query, Projection::Query, &kept.normed, &of_queries)?;
            let sum = pull(Some(&sum), &block.key, Projection::Key, &kept.normed, &of_keys)?;
            let of_normed = pull(Some(&sum), &block.value, Projection::Value, &kept.normed, &of_values)?;
            let through = norm_backward(&kept.states, &block.attention_norm, &of_normed, epsilon)?;
            Some(of_middle.add(through)?)
        };
        // Evaluated here, so that nothing of the block is needed any more.
        let own = found.iter().filter(|(site, _)| site.block == number).flat_map(|(_, pair)| pair);
        eval(own.chain(&below))?;
        Ok(below)
    }
}

/// `sum + left right`, or the product alone. The sum is the product's first term, so nothing passes over the result again.
fn multiplied(sum: Option<&Array>, left: &Array, right: &Array) -> Result<Array> {
    Ok(match sum {
        Some(sum) => addmm(sum, left, right, 1.0, 1.0)?,
        None => left.matmul(right)?,
    })
}

/// Adds rows `[ends, width]` at their places of `[tokens, width]`.
fn scattered(rows: &Array, ends: &[usize], tokens: usize) -> Result<Array> {
    let (rows, width) = (rows.contiguous()?, extent(rows, 1));
    let mut all = vec![0.0; tokens * width];
    for (row, &end) in rows.try_as_slice::<f32>()?.chunks_exact(width).zip(ends) {
        for (sum, number) in all[end * width..][..width].iter_mut().zip(row) {
            *sum += number;
        }
    }
    array(&all, &[tokens, width])
}
