//! What a file claims of itself, held against limits before anything is decoded.
//!
//! The footer is walked before the crate parses it, because the crate builds nested types by recursion. Pages are walked by
//! their headers: the size that a page is unpacked to is the header's word, and the crate allocates what it says.

use parquet::{
    basic::Compression,
    file::metadata::{ParquetMetaData, RowGroupMetaData},
};

use super::{Refusal, compact::Compact, within};

/// Largest footer, in bytes.
const FOOTER: u64 = 16 << 20;
/// Rows of a file.
const ROWS: u64 = 1 << 20;
/// Columns, those within lists and structs counted one by one.
const COLUMNS: u64 = 1000;
/// Groups of rows.
const GROUPS: u64 = 10_000;
/// How deep lists and structs go; each list counts as two levels.
const LEVELS: u64 = 12;
/// Values of all columns, those in lists and missing ones too.
const VALUES: u64 = 4 << 20;
/// Bytes of a page, unpacked.
const PAGE: u64 = 64 << 20;
/// Bytes of a column within a group of rows, unpacked.
const CHUNK: u64 = 256 << 20;
/// Bytes of all pages, unpacked.
const UNPACKED: u64 = 512 << 20;

/// The mark at both ends of a file.
const MAGIC: &[u8; 4] = b"PAR1";

/// Sizes in the footer of a file.
pub(super) fn footer(bytes: &[u8]) -> Result<(), Refusal> {
    let end = bytes.len().checked_sub(8).filter(|end| *end >= 4);
    let (Some(end), true, true) = (end, bytes.starts_with(MAGIC), bytes.ends_with(MAGIC)) else {
        return Err(Refusal::Broken("it does not start and end with PAR1".to_owned()));
    };
    let length = u32::from_le_bytes([bytes[end], bytes[end + 1], bytes[end + 2], bytes[end + 3]]);
    within("bytes in the footer", u64::from(length), FOOTER)?;
    let start = end.checked_sub(length as usize).filter(|start| *start >= 4);
    let start =
        start.ok_or_else(|| Refusal::Broken(format!("a footer of {length} bytes in {}", bytes.len())))?;
    let mut footer = Compact::new(&bytes[start..end]);
    let mut last = 0;
    while let Some(field) = footer.field(last)? {
        last = field.id;
        match field.id {
            2 => levels(footer.structs(&field)?)?,
            3 => within("rows", claimed("rows", field.number)?, ROWS)?,
            4 => within("groups of rows", footer.structs(&field)?.1, GROUPS)?,
            _ => {}
        }
    }
    Ok(())
}

/// How deep the schema goes, and how many elements it has. Its elements stand in the order of a walk, each with its
/// number of children.
fn levels((mut elements, count): (Compact<'_>, u64)) -> Result<(), Refusal> {
    within("columns", count, COLUMNS)?;
    let mut open: Vec<u64> = Vec::new();
    for _ in 0..count {
        let (mut last, mut children) = (0, 0);
        while let Some(field) = elements.field(last)? {
            last = field.id;
            if field.id == 5 {
                children = claimed("children in its schema", field.number)?;
            }
        }
        while open.last() == Some(&0) {
            open.pop();
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        open.push(children);
        within("levels of lists and structs", open.len() as u64 - 1, LEVELS)?;
    }
    Ok(())
}

/// Sizes in the headers of all pages.
pub(super) fn pages(bytes: &[u8], metadata: &ParquetMetaData) -> Result<(), Refusal> {
    let (mut values, mut unpacked) = (0, 0);
    for chunk in metadata.row_groups().iter().flat_map(RowGroupMetaData::columns) {
        if !matches!(
            chunk.compression(),
            Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::ZSTD(_)
        ) {
            return Err(Refusal::Packing("a compression other than snappy and zstd"));
        }
        if chunk.file_path().is_some() {
            return Err(Refusal::Packing("another file"));
        }
        let start = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
        let outside = || Refusal::Broken("a column outside of the file".to_owned());
        let start = usize::try_from(start).map_err(|_| outside())?;
        let length = usize::try_from(chunk.compressed_size()).map_err(|_| outside())?;
        let end = start.checked_add(length).ok_or_else(outside)?;
        let found = column(bytes.get(start..end).ok_or_else(outside)?)?;
        if chunk.num_values() != i64::try_from(found.values).unwrap_or(-1) {
            let (said, is) = (chunk.num_values(), found.values);
            return Err(Refusal::Broken(format!(
                "{said} values of a column in its footer, {is} in its pages"
            )));
        }
        values += found.values;
        unpacked += found.unpacked;
        within("values", values, VALUES)?;
        within("bytes once unpacked", unpacked, UNPACKED)?;
    }
    Ok(())
}

/// What the headers of one column's pages claim.
#[derive(Default)]
struct Claimed {
    values: u64,
    unpacked: u64,
}

/// Walks the pages of a column within a group of rows.
fn column(mut bytes: &[u8]) -> Result<Claimed, Refusal> {
    let mut all = Claimed::default();
    while !bytes.is_empty() {
        let mut header = Compact::new(bytes);
        let (mut last, mut packed, mut unpacked) = (0, None, None);
        while let Some(field) = header.field(last)? {
            last = field.id;
            match field.id {
                2 => unpacked = field.number,
                3 => packed = field.number,
                // Data, an entry of a dictionary, and data of the second version; the encoding's place differs.
                5 => all.values += page(header.inside(&field)?, 2)?,
                7 => drop(page(header.inside(&field)?, 2)?),
                8 => all.values += page(header.inside(&field)?, 4)?,
                _ => {}
            }
        }
        let size = claimed("bytes of a page", unpacked)?;
        within("bytes of a page once unpacked", size, PAGE)?;
        all.unpacked += size;
        within("bytes of a column once unpacked", all.unpacked, CHUNK)?;
        let body = usize::try_from(claimed("bytes of a page", packed)?).unwrap_or(usize::MAX);
        let next = header.position().checked_add(body).and_then(|next| bytes.get(next..));
        bytes = next.ok_or_else(|| Refusal::Broken("a page longer than its column".to_owned()))?;
    }
    Ok(all)
}

/// Values of one page. Encodings that build a value out of the one before are refused: what they unpack to stands nowhere.
fn page(mut header: Compact<'_>, encoding: i16) -> Result<u64, Refusal> {
    /// Plain, dictionary of the first version, runs, dictionary.
    const READ: [i64; 4] = [0, 2, 3, 8];
    let (mut last, mut values) = (0, None);
    while let Some(field) = header.field(last)? {
        last = field.id;
        if field.id == 1 {
            values = field.number;
        } else if field.id == encoding && !field.number.is_some_and(|code| READ.contains(&code)) {
            return Err(Refusal::Packing("an encoding other than plain and dictionary"));
        }
    }
    let values = claimed("values of a page", values)?;
    within("values", values, VALUES)?;
    Ok(values)
}

/// A count that a header has to give.
fn claimed(what: &str, number: Option<i64>) -> Result<u64, Refusal> {
    let wrong = || Refusal::Broken(format!("no count of {what}"));
    number.and_then(|number| u64::try_from(number).ok()).ok_or_else(wrong)
}
