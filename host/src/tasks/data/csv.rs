//! Comma-separated values, as pandas types their columns, because lm-eval reads them through it.
//!
//! The first line names the columns. A column of whole numbers is one, as is one of numbers or of `True` and `False`; every
//! other column is text. An empty field, or one that pandas takes for a missing value, is nothing in a column of text; in any
//! other it would change the type of all its rows, and is refused.

use std::path::Path;

use serde_json::Value;

use super::{Row, whole};
use crate::{
    error::{Error, Result},
    read,
};

/// What pandas takes for a missing value.
const MISSING: [&str; 18] = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
    "NA", "NULL", "NaN", "None", "n/a", "nan",
];

/// The rows of a file.
pub(super) fn read(path: &Path) -> Result<Vec<Row>> {
    let text = read::text(path)?;
    let wrong = |error: &csv::Error| Error::bad_input(format!("{}: {error}", path.display()));
    let mut reader = csv::ReaderBuilder::new().from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let names: Vec<String> =
        reader.headers().map_err(|error| wrong(&error))?.iter().map(str::to_owned).collect();
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return Err(Error::bad_input(format!("{}: column `{name}` stands twice", path.display())));
        }
    }
    let records: Vec<csv::StringRecord> =
        reader.records().collect::<Result<_, _>>().map_err(|error| wrong(&error))?;
    if records.is_empty() {
        return Err(Error::bad_input(format!("{}: no rows", path.display())));
    }
    let mut rows = vec![Row::new(); records.len()];
    for (index, name) in names.iter().enumerate() {
        let fields: Vec<&str> = records.iter().map(|record| &record[index]).collect();
        let values = column(&fields).map_err(|line| {
            Error::bad_input(format!("{} row {line}: column `{name}`: empty among numbers", path.display()))
        })?;
        for (row, value) in rows.iter_mut().zip(values) {
            row.insert(name.clone(), value);
        }
    }
    Ok(rows)
}

/// The values of a column; the row, from 1, of a missing value that would change its type.
fn column(fields: &[&str]) -> Result<Vec<Value>, usize> {
    let missing = |field: &&str| MISSING.contains(field) || *field == "null";
    let present = || fields.iter().filter(|field| !missing(field));
    let typed: Option<fn(&str) -> Option<Value>> = if present().next().is_none() {
        None
    } else if present().all(|field| integer(field).is_some()) {
        Some(integer)
    } else if present().all(|field| number(field).is_some()) {
        Some(number)
    } else if present().all(|field| boolean(field).is_some()) {
        Some(boolean)
    } else {
        None
    };
    let Some(typed) = typed else {
        let text =
            |field: &&str| if missing(field) { Value::Null } else { Value::String((*field).to_owned()) };
        return Ok(fields.iter().map(text).collect());
    };
    fields.iter().enumerate().map(|(row, field)| typed(field).ok_or(row + 1)).collect()
}

fn integer(field: &str) -> Option<Value> {
    field.trim().parse().ok().map(whole)
}

fn number(field: &str) -> Option<Value> {
    let plain = field.trim().chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E'));
    let number: f64 = field.trim().parse().ok().filter(|_| plain)?;
    serde_json::Number::from_f64(number).map(Value::Number)
}

fn boolean(field: &str) -> Option<Value> {
    match field {
        "True" | "TRUE" | "true" => Some(Value::Bool(true)),
        "False" | "FALSE" | "false" => Some(Value::Bool(false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(text: &str) -> Result<Vec<Row>> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        read(file.path()).map_err(|error| {
            let name = file.path().display().to_string();
            Error::bad_input(error.to_string().replace(&name, "FILE"))
        })
    }

    #[test]
    fn columns_have_the_types_that_pandas_gives_them() {
        let found = rows("q,n,f,b,t\n\"a, \"\"b\"\"\",1,1.5,True,x\nc,-2,2,False,NA\n").expect("rows");
        assert_eq!(json!(found[0]), json!({"q": "a, \"b\"", "n": 1, "f": 1.5, "b": true, "t": "x"}));
        assert_eq!(json!(found[1]), json!({"q": "c", "n": -2, "f": 2.0, "b": false, "t": null}));
    }

    #[test]
    fn what_would_change_a_type_is_refused() {
        let refusal = |text: &str| rows(text).expect_err("refused").to_string();
        insta::assert_snapshot!(refusal("n\n1\n\"\"\n"), @"FILE row 2: column `n`: empty among numbers");
        insta::assert_snapshot!(refusal("a,b\n1\n"), @"FILE: CSV error: record 1 (line: 2, byte: 4): found record with 1 fields, but the previous record has 2 fields");
        insta::assert_snapshot!(refusal("a,a\n1,2\n"), @"FILE: column `a` stands twice");
        insta::assert_snapshot!(refusal("a\n"), @"FILE: no rows");
    }
}
