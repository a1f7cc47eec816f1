//! Messages of export: adapters and models in the formats of others.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::message::AdapterFile;

/// What to write where. The model that is loaded has no part in it.
///
/// One adapter is converted, and scaled by its factor. Several become one that does what all of them do, its rank
/// the sum of theirs: each must have been trained over the model with those before it folded in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    /// The model that the adapters belong to: a GGUF file or a Hugging Face folder.
    pub model: PathBuf,
    /// The adapters; at least one unless the model itself is written.
    pub adapters: Vec<AdapterFile>,
    /// What is written.
    pub format: ExportFormat,
    /// A folder that does not exist yet. It appears complete or not at all.
    pub folder: PathBuf,
}

/// What an export writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// An adapter folder as mlx-lm reads it.
    MlxLm,
    /// An adapter folder as PEFT reads it.
    Peft,
    /// A Hugging Face model folder with the adapters folded into 32-bit weights.
    FusedF32,
    /// The same with 16-bit weights.
    FusedF16,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// Numbers in the adapter or the model.
    pub parameters: u64,
    /// Rank of the adapter; none for a model.
    pub rank: Option<u32>,
}
