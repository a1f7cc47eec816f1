//! Types of columns, and how much text they hold.
//!
//! A dictionary lets a column of a few bytes hold the same long text a million times, so pages do not bound what rows take.
//! Columns are therefore read once without copying: a text is then a place in its page, whatever its length.

use parquet::{
    basic::{ConvertedType, Repetition, Type as Physical},
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::DataType,
    file::reader::{FileReader as _, SerializedFileReader},
    schema::types::{ColumnDescriptor, Type},
};

use super::{Refusal, within};

/// Bytes of all rows as they are kept: texts, names of fields and numbers.
const KEPT: u64 = 256 << 20;

/// What a value takes beside its text.
const OVERHEAD: u64 = 32;

/// Records that are looked at together.
const BATCH: usize = 256;

/// Whether all columns are of types that are read.
pub(super) fn types(schema: &Type) -> Result<(), Refusal> {
    schema.get_fields().iter().try_for_each(|field| one_type(field, field.name()))
}

/// Recursion is as deep as the schema, which [`super::limits`] bounds.
fn one_type(field: &Type, column: &str) -> Result<(), Refusal> {
    let refused = |what: String| {
        let column = column.chars().filter(|c| !c.is_control()).take(100).collect();
        Err(Refusal::Type { column, what })
    };
    let info = field.get_basic_info();
    let kind = info.converted_type();
    if field.is_primitive() {
        return match (field.get_physical_type(), kind) {
            (Physical::BYTE_ARRAY, ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON)
            | (Physical::BOOLEAN | Physical::FLOAT | Physical::DOUBLE, ConvertedType::NONE)
            | (
                Physical::INT32,
                ConvertedType::NONE
                | ConvertedType::INT_8
                | ConvertedType::INT_16
                | ConvertedType::INT_32
                | ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32,
            )
            | (Physical::INT64, ConvertedType::NONE | ConvertedType::INT_64 | ConvertedType::UINT_64) => {
                Ok(())
            }
            (physical, ConvertedType::NONE) => refused(format!("type {physical}")),
            (_, converted) => refused(format!("type {converted}")),
        };
    }
    let children = field.get_fields();
    match kind {
        // A list is a group of one repeated field, which holds at least one.
        ConvertedType::LIST => {
            let [repeated] = children else { return refused("a list without its one field".to_owned()) };
            let repeats = repeated.get_basic_info().repetition() == Repetition::REPEATED;
            if !repeats || (repeated.is_group() && repeated.get_fields().is_empty()) {
                return refused("a list that does not repeat".to_owned());
            }
            one_type(repeated, column)
        }
        ConvertedType::NONE if !children.is_empty() => {
            children.iter().try_for_each(|child| one_type(child, column))
        }
        ConvertedType::NONE => refused("a struct without fields".to_owned()),
        other => refused(format!("type {other}")),
    }
}

/// Bytes that the rows of a file will take. Levels are looked at too: the crate panics on one that its column does not have.
pub(super) fn lengths(file: &SerializedFileReader<bytes::Bytes>) -> Result<(), Refusal> {
    let mut kept = 0_u64;
    for index in 0..file.num_row_groups() {
        let group = file.get_row_group(index).map_err(Refusal::broken)?;
        for column in 0..group.num_columns() {
            let chunk = group.metadata().column(column);
            let names: usize = chunk.column_path().parts().iter().map(String::len).sum();
            let values = u64::try_from(chunk.num_values()).unwrap_or(u64::MAX);
            kept = kept.saturating_add(values.saturating_mul(names as u64 + OVERHEAD));
            within("bytes of rows", kept, KEPT)?;
            let kept = &mut kept;
            match group.get_column_reader(column).map_err(Refusal::broken)? {
                ColumnReader::ByteArrayColumnReader(reader) => {
                    walk(reader, chunk.column_descr(), kept, |text| text.len() as u64)?;
                }
                ColumnReader::BoolColumnReader(reader) => walk(reader, chunk.column_descr(), kept, |_| 0)?,
                ColumnReader::Int32ColumnReader(reader) => walk(reader, chunk.column_descr(), kept, |_| 0)?,
                ColumnReader::Int64ColumnReader(reader) => walk(reader, chunk.column_descr(), kept, |_| 0)?,
                ColumnReader::FloatColumnReader(reader) => walk(reader, chunk.column_descr(), kept, |_| 0)?,
                ColumnReader::DoubleColumnReader(reader) => walk(reader, chunk.column_descr(), kept, |_| 0)?,
                _ => return Err(Refusal::Broken("a column of another type than its schema says".to_owned())),
            }
        }
    }
    Ok(())
}

/// Reads a column; `length` is what a value takes beside its place.
fn walk<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    column: &ColumnDescriptor,
    kept: &mut u64,
    length: impl Fn(&T::T) -> u64,
) -> Result<(), Refusal> {
    let (mut definitions, mut repetitions, mut values) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let (records, levels, _) = reader
            .read_records(BATCH, Some(&mut definitions), Some(&mut repetitions), &mut values)
            .map_err(Refusal::broken)?;
        if records == 0 && levels == 0 {
            return Ok(());
        }
        let over = |levels: &[i16], most: i16| levels.iter().any(|level| !(0..=most).contains(level));
        if over(&definitions, column.max_def_level()) || over(&repetitions, column.max_rep_level()) {
            return Err(Refusal::Broken("a level that its column does not have".to_owned()));
        }
        *kept = kept.saturating_add(values.iter().map(&length).sum());
        within("bytes of rows", *kept, KEPT)?;
        definitions.clear();
        repetitions.clear();
        values.clear();
    }
}
