//! The table of rotations: rotary position embedding in the half-against-half form.
//!
//! Element `i` of the first half of a head and element `i` of its second half turn by
//! `position x base^(-2i/head)` (Su et al. 2021). Angles are computed in f64, so late positions lose nothing.

use crate::llama::config::Config;

/// Cosines and sines for every position of the context window.
#[derive(Debug)]
pub struct Rope {
    half: usize,
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

impl Rope {
    /// The table of a model: `[context, head / 2]` twice.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let half = config.head / 2;
        let size = config.context * half;
        let (mut cosines, mut sines) = (Vec::with_capacity(size), Vec::with_capacity(size));
        for position in 0..config.context {
            for pair in 0..half {
                let frequency = config.rope_base.powf(-(pair as f64) / half as f64);
                let turn = (position as f64 * frequency).sin_cos();
                #[expect(clippy::cast_possible_truncation, reason = "the table is f32, like the model")]
                {
                    cosines.push(turn.1 as f32);
                    sines.push(turn.0 as f32);
                }
            }
        }
        Self { half, cosines, sines }
    }

    /// Cosines and sines of a position, `head / 2` of each.
    ///
    /// # Panics
    /// If the position lies outside the context window; the layout checks it first.
    #[must_use]
    pub fn at(&self, position: usize) -> (&[f32], &[f32]) {
        let range = position * self.half..(position + 1) * self.half;
        (&self.cosines[range.clone()], &self.sines[range])
    }
}
