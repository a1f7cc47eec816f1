//! Where tensors come from: a GGUF file or a Hugging Face folder, which differ in names and in the order of rows.

use crate::{adapter::Site, error::Result, llama::config::Config};

/// One tensor of the architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// One row per token.
    Embedding,
    /// Scale of the norm in front of a block's attention.
    AttentionNorm(usize),
    /// Scale of the norm in front of a block's gated layer.
    InnerNorm(usize),
    /// A projection of a block.
    Projection(Site),
    /// Scale of the last norm.
    Norm,
    /// Hidden to vocabulary.
    Head,
}

impl Part {
    /// The shape in a model, `[outputs, inputs]` for what multiplies.
    #[must_use]
    pub fn shape(self, config: &Config) -> Vec<usize> {
        match self {
            Self::Embedding | Self::Head => vec![config.vocabulary, config.hidden],
            Self::AttentionNorm(_) | Self::InnerNorm(_) | Self::Norm => vec![config.hidden],
            Self::Projection(site) => {
                let (inputs, outputs) = site.projection.shape(config);
                vec![outputs, inputs]
            }
        }
    }
}

/// Whether a model has a head of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// It has.
    Own,
    /// The embedding is the head.
    Tied,
    /// It has if the tensor is there.
    IfPresent,
}

/// Named tensors on disk, checked against the file but not yet against the architecture.
pub trait Source: std::fmt::Debug {
    /// All names, in order.
    fn names(&self) -> Vec<&str>;

    /// What a tensor of the architecture is called here.
    fn name(&self, part: Part) -> String;

    /// The shape of a tensor, slowest dimension first, if there is one of this name.
    fn shape(&self, name: &str) -> Option<&[usize]>;

    /// Reads a tensor and widens it to f32, in the order in which it is stored.
    ///
    /// # Errors
    /// A model error if it cannot be read.
    fn numbers(&self, name: &str) -> Result<Vec<f32>>;

    /// Whether the two halves of each rotated pair are neighbours in the rows of queries and keys.
    fn pairs_are_neighbours(&self) -> bool;

    /// Whether the model has a head of its own.
    fn head(&self) -> Head;
}
