//! Reading the files that people write: TOML and JSON lines.
//!
//! Every error names the file and the line, in one line. A row is never skipped: a blank row, a bad byte or a
//! field too many stops the command, because a number over part of the data would look like a number over all.

use std::{fs::File, io::Read as _, path::Path};

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Largest file that is read into memory: 256 MiB.
const MAX_BYTES: u64 = 256 << 20;

/// Reads a file as it is.
///
/// # Errors
/// Bad input where the file is missing, unreadable or over 256 MiB.
pub fn bytes(path: &Path) -> Result<Vec<u8>> {
    let unreadable = |error| Error::unreadable(path, &error);
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    // Counted while it is read: a device or a pipe has no size to look at, and a file may grow.
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        let message = format!("{}: more than {MAX_BYTES} bytes, which is the limit", path.display());
        return Err(Error::bad_input(message).hint("split the file"));
    }
    Ok(bytes)
}

/// Reads a UTF-8 text file.
///
/// # Errors
/// As [`bytes()`], and bad input where it is not UTF-8 (with the line of the first bad byte).
pub fn text(path: &Path) -> Result<String> {
    String::from_utf8(bytes(path)?).map_err(|error| {
        let start = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..start].split(|byte| *byte == b'\n').count();
        Error::bad_input(format!(
            "{} line {line}: byte 0x{:02x} is not UTF-8",
            path.display(),
            error.as_bytes()[start]
        ))
        .hint("save the file as UTF-8")
    })
}

/// Reads a configuration file; unknown keys are refused by the types.
///
/// # Errors
/// As [`text`], and a usage error with line and column where the file does not fit `T`.
pub fn toml<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = text(path)?;
    toml::from_str(&text).map_err(|error| {
        let place = error.span().map_or_else(String::new, |span| {
            let before = &text[..span.start.min(text.len())];
            let line = 1 + before.matches('\n').count();
            format!(" line {line}")
        });
        Error::usage(format!("{}{place}: {}", path.display(), error.message().replace('\n', " ")))
    })
}

/// Reads one JSON object per line, in order.
///
/// # Errors
/// As [`text`], and bad input with the line where a row is blank or does not fit `T`, or where there is no row.
pub fn jsonl<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    Ok(lines(path)?.into_iter().map(|(_, row)| row).collect())
}

/// As [`jsonl`], each row with the line that it stands on, as it was written.
///
/// # Errors
/// As [`jsonl`].
pub fn lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<(String, T)>> {
    let text = text(path)?;
    let mut rows = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let place = format!("{} line {}", path.display(), index + 1);
        if line.trim().is_empty() {
            return Err(Error::bad_input(format!("{place}: empty row")).hint("remove the line"));
        }
        let row = serde_json::from_str(line).map_err(|error| {
            let message = error.to_string();
            // A key of the file stands in the message as it is, perhaps with a line break in it.
            let message = message.split(" at line ").next().unwrap_or(&message).replace(['\n', '\r'], " ");
            Error::bad_input(format!("{place} column {}: {message}", error.column()))
        })?;
        rows.push((line.to_owned(), row));
    }
    if rows.is_empty() {
        return Err(
            Error::bad_input(format!("{}: no rows", path.display())).hint("write one JSON object a line")
        );
    }
    Ok(rows)
}

/// Refuses a file in which two rows have the same id.
///
/// # Errors
/// Bad input naming file, id and both lines.
pub fn unique_ids<'a>(path: &Path, ids: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = std::collections::BTreeMap::new();
    for (index, id) in ids.enumerate() {
        if let Some(first) = seen.insert(id, index + 1) {
            let second = index + 1;
            let message = format!("{} line {second}: id `{id}` stands on line {first} too", path.display());
            return Err(Error::bad_input(message).hint("give every row an id of its own"));
        }
    }
    Ok(())
}

/// Checks a number of a configuration file.
///
/// # Errors
/// A usage error naming field, value and both limits, which are allowed themselves.
pub fn within(field: &str, value: f64, low: f64, high: f64) -> Result<()> {
    if value.is_finite() && (low..=high).contains(&value) {
        return Ok(());
    }
    Err(Error::usage(format!("{field}: {value} is outside {low} to {high}")))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Row {
        id: String,
    }

    /// A file in a folder of its own, and the error of reading it as rows, without the folder's name.
    fn refusal(bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("rows.jsonl");
        fs::write(&path, bytes).unwrap();
        let error = jsonl::<Row>(&path)
            .and_then(|rows| unique_ids(&path, rows.iter().map(|row| row.id.as_str())))
            .unwrap_err();
        error.to_string().replace(&folder.path().display().to_string(), "")
    }

    #[test]
    fn a_bad_byte_is_named_with_its_line() {
        insta::assert_snapshot!(refusal(b"{\"id\":\"a\"}\n{\"id\":\"\xff\"}\n"), @"/rows.jsonl line 2: byte 0xff is not UTF-8");
    }

    #[test]
    fn an_empty_row_is_an_error_and_a_line_break_at_the_end_is_not() {
        insta::assert_snapshot!(refusal(b"{\"id\":\"a\"}\n\n{\"id\":\"b\"}\n"), @"/rows.jsonl line 2: empty row");
    }

    #[test]
    fn an_empty_file_is_an_error() {
        insta::assert_snapshot!(refusal(b""), @"/rows.jsonl: no rows");
    }

    #[test]
    fn a_duplicate_id_is_named_with_both_lines() {
        insta::assert_snapshot!(refusal(b"{\"id\":\"a\"}\n{\"id\":\"a\"}\n"), @"/rows.jsonl line 2: id `a` stands on line 1 too");
    }

    #[test]
    fn a_misspelt_field_and_broken_json_are_named_with_line_and_column() {
        insta::assert_snapshot!(refusal(b"{\"ID\":\"a\"}\n"), @"/rows.jsonl line 1 column 5: unknown field `ID`, expected `id`");
        insta::assert_snapshot!(refusal(b"{\"id\":\"a\"\n"), @"/rows.jsonl line 1 column 9: EOF while parsing an object");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_never_ends_is_refused_at_the_limit() {
        let error = text(Path::new("/dev/zero")).unwrap_err();
        insta::assert_snapshot!(error, @"/dev/zero: more than 268435456 bytes, which is the limit");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = text(Path::new("/no/such/file")).unwrap_err();
        insta::assert_snapshot!(error, @"cannot read /no/such/file: no such file or directory");
    }
}
