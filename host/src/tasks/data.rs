//! Rows of a split, from local files below the task's folder.
//!
//! A file keeps its reader by `dataset_path`, as there: `json` (one object a line, or one array of objects), `csv` or
//! `parquet`. Paths are relative to the task's file and may not leave its folder. Columns are those of any row, as they are
//! where the data is a table.

use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::{
    file::TaskFile,
    render::{Columns, Row},
};
use crate::{
    error::{Error, Result},
    read,
};

mod csv;
mod parquet;

/// A split.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// Its files, for messages.
    pub place: String,
    /// In their order.
    pub rows: Vec<Row>,
    /// Names of all columns.
    pub columns: Columns,
}

impl Split {
    /// Rows that stand in the task file itself.
    #[must_use]
    pub fn inline(place: &str, rows: Vec<Row>) -> Self {
        let columns = rows.iter().flat_map(Row::keys).cloned().collect();
        Self { place: place.to_owned(), rows, columns }
    }

    /// Where a row stands.
    #[must_use]
    pub fn row(&self, index: usize) -> String {
        format!("{} row {}", self.place, index + 1)
    }

    /// Reads a split of a task in a folder.
    ///
    /// # Errors
    /// A usage error where the task names no file for it, or a file outside its folder; bad input where a file cannot be
    /// read as rows.
    pub fn read(file: &TaskFile, folder: &Path, name: &str) -> Result<Self> {
        let reader: fn(&Path) -> Result<Vec<Row>> = match file.dataset_path.as_str() {
            "json" => json,
            "csv" => csv::read,
            "parquet" => parquet::read,
            other => {
                let message = format!(
                    "dataset_path: `{other}` is no local data that is read; json, csv and parquet are"
                );
                return Err(Error::usage(message).hint(
                    "put the rows into a file beside the task and name it in dataset_kwargs.data_files",
                ));
            }
        };
        let files =
            file.dataset_kwargs.data_files.get(name).ok_or_else(|| {
                Error::usage(format!("dataset_kwargs.data_files: no file for split `{name}`"))
            })?;
        let mut rows = Vec::new();
        for path in files.list() {
            rows.extend(reader(&below(folder, path)?)?);
        }
        Ok(Self::inline(&files.list().join(" and "), rows))
    }
}

/// A path below a folder.
fn below(folder: &Path, path: &str) -> Result<PathBuf> {
    let plain = |component: Component<'_>| matches!(component, Component::Normal(_) | Component::CurDir);
    if path.is_empty() || !Path::new(path).components().all(plain) {
        let message = format!("dataset_kwargs.data_files: `{path}` is not below the task's folder");
        return Err(Error::usage(message).hint("name files relative to the task file, without `..`"));
    }
    Ok(folder.join(path))
}

/// One object a line, or one array of them.
fn json(path: &Path) -> Result<Vec<Row>> {
    let text = read::text(path)?;
    if !text.trim_start().starts_with('[') {
        return read::jsonl(path);
    }
    let rows: Vec<Row> = serde_json::from_str(&text)
        .map_err(|error| Error::bad_input(format!("{}: {error}", path.display())))?;
    if rows.is_empty() {
        return Err(Error::bad_input(format!("{}: no rows", path.display())));
    }
    Ok(rows)
}

/// A number without a fraction, as a whole number.
fn whole(number: i64) -> Value {
    Value::Number(number.into())
}
