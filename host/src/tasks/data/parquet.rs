//! Parquet, as data sets on the hub are kept.
//!
//! The `parquet` crate decodes; what it may be given is decided here first, because a small file can ask for any amount of
//! memory. In this order, and nothing is decoded before its size is known:
//!
//! 1. [`limits`]: the file, its footer, how deep the schema goes, rows and values, and of every page what its header claims.
//! 2. [`columns`]: the types of the columns, then one column after the other, without copying it, how long its texts are.
//! 3. Rows, one at a time.
//!
//! Text, whole numbers, floating-point numbers, truth values, and lists and structs of them are read. Dates, decimals, bytes
//! and maps are refused: lm-eval's templates would print them in ways of Python's own.

use std::path::Path;

use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::{Field, Row as Record},
};
use serde_json::{Map, Number, Value};

use super::Row;
use crate::{
    error::{Error, Result},
    read,
};

mod columns;
mod compact;
mod contained;
mod limits;

/// Why a file is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Refusal {
    /// It asks for more than is given.
    #[error("{found} {what}, the limit is {limit}")]
    Limit { what: &'static str, found: u64, limit: u64 },
    /// A column is of a type that is not read.
    #[error("column `{column}`: {what} is not read")]
    Type { column: String, what: String },
    /// A page is packed in a way that is not read.
    #[error("a page in {0}, which is not read")]
    Packing(&'static str),
    /// It is no Parquet file, or a damaged one.
    #[error("no Parquet file that can be read: {0}")]
    Broken(String),
}

impl Refusal {
    fn broken(reason: impl std::fmt::Display) -> Self {
        // What the crate says may quote the file, line breaks and all.
        let text = reason.to_string();
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
        Self::Broken(line)
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::Limit { .. } => "split the file, or write the rows that are needed as JSON lines",
            Self::Type { .. } => "leave the column out, or write the rows as JSON lines",
            Self::Packing(_) => "write it again with snappy or zstd and the usual encodings, as pyarrow does",
            Self::Broken(_) => "fetch or write the file again",
        }
    }
}

/// Whether `found` is within the limit on `what`.
fn within(what: &'static str, found: u64, limit: u64) -> Result<(), Refusal> {
    if found > limit { Err(Refusal::Limit { what, found, limit }) } else { Ok(()) }
}

/// The rows of a file.
pub(super) fn read(path: &Path) -> Result<Vec<Row>> {
    let bytes = read::bytes(path)?;
    let rows = rows(bytes).map_err(|refusal| {
        Error::bad_input(format!("{}: {refusal}", path.display())).hint(refusal.advice())
    })?;
    if rows.is_empty() {
        return Err(Error::bad_input(format!("{}: no rows", path.display())));
    }
    Ok(rows)
}

/// The rows of a file's bytes.
fn rows(bytes: Vec<u8>) -> Result<Vec<Row>, Refusal> {
    limits::footer(&bytes)?;
    // What it decodes the crate trusts in places, and panics on bits or levels that do not fit together: a damaged file is no
    // bug of ours.
    contained::run(|| decode(bytes))
        .unwrap_or_else(|| Err(Refusal::Broken("its pages do not hold together".to_owned())))
}

fn decode(bytes: Vec<u8>) -> Result<Vec<Row>, Refusal> {
    let bytes = bytes::Bytes::from(bytes);
    let file = SerializedFileReader::new(bytes.clone()).map_err(Refusal::broken)?;
    limits::pages(&bytes, file.metadata())?;
    columns::types(file.metadata().file_metadata().schema())?;
    columns::lengths(&file)?;
    let rows = join(&file)?;
    let promised = file.metadata().file_metadata().num_rows();
    if u64::try_from(promised) != Ok(rows.len() as u64) {
        return Err(Refusal::Broken(format!("{promised} rows in its footer, {} in its pages", rows.len())));
    }
    Ok(rows)
}

/// Columns as rows.
fn join(file: &SerializedFileReader<bytes::Bytes>) -> Result<Vec<Row>, Refusal> {
    let records = file.get_row_iter(None).map_err(Refusal::broken)?;
    records.map(|record| object(&record.map_err(Refusal::broken)?)).collect()
}

fn object(record: &Record) -> Result<Map<String, Value>, Refusal> {
    record.get_column_iter().map(|(name, field)| Ok((name.clone(), value(field)?))).collect()
}

/// A field as JSON has it. Numbers that JSON does not have are nothing, as in JSON lines that Python wrote.
fn value(field: &Field) -> Result<Value, Refusal> {
    Ok(match field {
        Field::Null => Value::Null,
        Field::Bool(value) => (*value).into(),
        Field::Byte(value) => (*value).into(),
        Field::Short(value) => (*value).into(),
        Field::Int(value) => (*value).into(),
        Field::Long(value) => (*value).into(),
        Field::UByte(value) => (*value).into(),
        Field::UShort(value) => (*value).into(),
        Field::UInt(value) => (*value).into(),
        Field::ULong(value) => (*value).into(),
        Field::Float(value) => Number::from_f64(f64::from(*value)).map_or(Value::Null, Value::Number),
        Field::Double(value) => Number::from_f64(*value).map_or(Value::Null, Value::Number),
        Field::Str(value) => Value::String(value.clone()),
        Field::Group(record) => Value::Object(object(record)?),
        Field::ListInternal(list) => {
            Value::Array(list.elements().iter().map(value).collect::<Result<Vec<Value>, Refusal>>()?)
        }
        other => return Err(Refusal::broken(format!("a value {other} of a type that no column has"))),
    })
}

#[cfg(test)]
mod tests;
