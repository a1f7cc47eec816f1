//! A task file with the files that it includes, as one.
//!
//! `include` names a file relative to its own; the keys of the file that includes win. As in lm-eval, a key is replaced as a
//! whole. What needs Python (`!function`) is refused here, with the list of all of it.

use std::path::{Path, PathBuf};

use serde_norway::{Mapping, Value};

use crate::{
    error::{Error, Result},
    read,
};

/// Longest chain of includes.
const MOST: usize = 16;

/// The text of a task file; of one that includes others, the text of all of them together.
///
/// # Errors
/// A usage error naming the file: no mapping, an include that is no file name, that leads back to itself or is too long a
/// chain, or Python.
pub fn read(path: &Path) -> Result<String> {
    let text = read::text(path)?;
    let document = parse(path, &text)?;
    let merged = merged(path, document.clone(), &mut vec![path.to_owned()])?;
    refuse_python(&merged).map_err(|error| error.within(path.display()))?;
    if document == merged {
        // Without includes lines keep their numbers.
        return Ok(text);
    }
    serde_norway::to_string(&merged).map_err(|error| Error::usage(format!("{}: {error}", path.display())))
}

fn parse(path: &Path, text: &str) -> Result<Mapping> {
    serde_norway::from_str(text).map_err(|error| {
        Error::usage(format!("{}: {}", path.display(), error.to_string().replace('\n', " ")))
            .hint("a task file is one YAML mapping of keys to values")
    })
}

fn merged(path: &Path, mut document: Mapping, chain: &mut Vec<PathBuf>) -> Result<Mapping> {
    let Some(include) = document.remove("include") else {
        return Ok(document);
    };
    let wrong = |message: &str| Error::usage(format!("{}: include: {message}", path.display()));
    let Value::String(name) = include else {
        return Err(wrong("not a file name"));
    };
    let included = path.parent().unwrap_or(Path::new("")).join(name);
    if chain.contains(&included) {
        return Err(wrong("includes itself"));
    }
    if chain.len() >= MOST {
        return Err(wrong("too long a chain"));
    }
    chain.push(included.clone());
    let mut base = merged(&included, parse(&included, &read::text(&included)?)?, chain)?;
    base.extend(document);
    Ok(base)
}

/// Names every key whose value runs Python.
fn refuse_python(document: &Mapping) -> Result<()> {
    let mut found = Vec::new();
    for (key, value) in document {
        collect(key.as_str().unwrap_or("?"), value, &mut found);
    }
    if found.is_empty() {
        return Ok(());
    }
    found.sort();
    Err(Error::usage(format!("needs Python, which is refused: {}", found.join(", ")))
        .hint("write it as Jinja templates, or as an evaluator component"))
}

fn collect(key: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Tagged(tagged) => {
            let what = tagged.value.as_str().unwrap_or("?");
            found.push(format!("{key} ({what})"));
        }
        Value::Sequence(values) => values.iter().for_each(|value| collect(key, value, found)),
        Value::Mapping(mapping) => {
            for (inner, value) in mapping {
                collect(&format!("{key}.{}", inner.as_str().unwrap_or("?")), value, found);
            }
        }
        _ => {}
    }
}
