//! Texts that show a voice (exemplars) or other voices (contrast).
//!
//! A text is used either to fit an evaluator or to anchor and test it, never for both.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    read,
};

/// One text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoiceText {
    /// Unique in the file.
    pub id: String,
    /// What it may be used for.
    #[serde(rename = "use")]
    pub purpose: Purpose,
    /// The text.
    pub text: String,
}

/// What a text may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// Handed to evaluators that fit themselves.
    Fit,
    /// Scored, to anchor an evaluator; never handed to its fit.
    HeldOut,
}

/// Reads a file of texts.
///
/// # Errors
/// Bad input naming file, line and field.
pub fn read(path: &Path) -> Result<Vec<VoiceText>> {
    let rows: Vec<VoiceText> = read::jsonl(path)?;
    read::unique_ids(path, rows.iter().map(|row| row.id.as_str()))?;
    for (index, row) in rows.iter().enumerate() {
        if row.text.trim().is_empty() {
            return Err(Error::bad_input(format!("{} line {}: text: empty", path.display(), index + 1)));
        }
    }
    Ok(rows)
}
