//! Tasks that ask for nothing of the persona: code, facts, arithmetic.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    read,
};

/// One task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeutralTask {
    /// Unique in the file.
    pub id: String,
    /// What is asked.
    pub prompt: String,
}

/// Reads a file of tasks.
///
/// # Errors
/// Bad input naming file, line and field.
pub fn read(path: &Path) -> Result<Vec<NeutralTask>> {
    let rows: Vec<NeutralTask> = read::jsonl(path)?;
    read::unique_ids(path, rows.iter().map(|row| row.id.as_str()))?;
    for (index, row) in rows.iter().enumerate() {
        if row.prompt.trim().is_empty() {
            return Err(Error::bad_input(format!("{} line {}: prompt: empty", path.display(), index + 1)));
        }
    }
    Ok(rows)
}
