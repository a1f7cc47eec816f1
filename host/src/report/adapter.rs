//! An adapter or a model that was written, as people read it.

use std::fmt::Write as _;

use realign_engine_abi::export::ExportFormat;

use super::number;
use crate::adapter::record::Record;

/// What was written into `folder`, and what is known of its divergence.
#[must_use]
pub fn render(record: &Record, folder: &str) -> String {
    let what = match record.written {
        ExportFormat::MlxLm => "adapter as mlx-lm reads it",
        ExportFormat::Peft => "adapter as PEFT reads it",
        ExportFormat::FusedF32 => "model folder in 32-bit floats",
        ExportFormat::FusedF16 => "model folder in 16-bit floats",
    };
    let mut text = format!("{folder}: {what}, {} parameters", number::short_count(record.parameters));
    if let Some(rank) = record.rank {
        let _ = write!(text, ", rank {rank}");
    }
    let _ = write!(text, "\ndivergence: {}", record.standing.name());
    for why in &record.why {
        let _ = write!(text, "\n  {why}");
    }
    text
}
