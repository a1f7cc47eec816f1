//! A task file with the files that it includes, as one mapping.
//!
//! `include` names one file, or a list of them, relative to its own; the keys of the file that includes win, and those of a
//! later file over those of an earlier one. As in lm-eval, a key is replaced as a whole. What needs Python (`!function`,
//! `class`) is refused with the list of all of it.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_norway::{Mapping, Value};

use crate::{
    error::{Error, Result},
    read,
};

/// Most files that one task is made of.
const MOST: usize = 16;

/// What a file and its includes say.
#[derive(Debug, Clone)]
pub struct Source {
    /// Where the file is.
    pub path: PathBuf,
    /// All keys.
    pub document: Mapping,
    /// The text, where one file says all: its lines keep their numbers.
    text: Option<String>,
}

impl Source {
    /// Reads a file with everything that it includes.
    ///
    /// # Errors
    /// A usage error naming the file: no mapping, a key that stands twice, an include that is no file name, that leads back
    /// to itself or makes too many files.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read::text(path)?;
        let document = parse(path, &text)?;
        let merged = merged(path, document.clone(), &mut vec![path.to_owned()])?;
        let text = (document == merged).then_some(text);
        Ok(Self { path: path.to_owned(), document: merged, text })
    }

    /// What stands inside another file.
    #[must_use]
    pub fn inline(path: &Path, document: Mapping) -> Self {
        Self { path: path.to_owned(), document, text: None }
    }

    /// The same with some keys replaced, as a group does with its members.
    #[must_use]
    pub fn with(mut self, overrides: &Mapping) -> Self {
        if !overrides.is_empty() {
            self.document.extend(overrides.clone());
            self.text = None;
        }
        self
    }

    /// A key's value where it is a text.
    #[must_use]
    pub fn name(&self, key: &str) -> Option<&str> {
        self.document.get(key).and_then(Value::as_str)
    }

    /// The document as `T`, without Python.
    ///
    /// # Errors
    /// A usage error naming the file and what needs Python, or the key that `T` does not have.
    pub fn fit<T: DeserializeOwned>(&self) -> Result<T> {
        refuse_python(&self.document).map_err(|error| error.within(self.path.display()))?;
        let fitted = match &self.text {
            Some(text) => serde_norway::from_str(text),
            None => serde_norway::from_value(Value::Mapping(self.document.clone())),
        };
        fitted.map_err(|error| {
            Error::usage(format!("{}: {}", self.path.display(), error.to_string().replace('\n', " ")))
                .hint("GUIDE.md lists the keys that are read")
        })
    }
}

fn parse(path: &Path, text: &str) -> Result<Mapping> {
    serde_norway::from_str(text).map_err(|error| {
        Error::usage(format!("{}: {}", path.display(), error.to_string().replace('\n', " ")))
            .hint("a task file is one YAML mapping of keys to values")
    })
}

fn merged(path: &Path, mut document: Mapping, seen: &mut Vec<PathBuf>) -> Result<Mapping> {
    let Some(include) = document.remove("include") else {
        return Ok(document);
    };
    let wrong = |message: &str| Error::usage(format!("{}: include: {message}", path.display()));
    let names = match include {
        Value::Sequence(names) => names,
        one => vec![one],
    };
    let mut base = Mapping::new();
    for name in names {
        let Value::String(name) = name else {
            return Err(wrong("not a file name"));
        };
        let included = path.parent().unwrap_or(Path::new("")).join(name);
        if seen.contains(&included) {
            return Err(wrong("includes itself"));
        }
        if seen.len() >= MOST {
            return Err(wrong(&format!("more than {MOST} files")));
        }
        seen.push(included.clone());
        base.extend(merged(&included, parse(&included, &read::text(&included)?)?, seen)?);
    }
    base.extend(document);
    Ok(base)
}

/// Names every key whose value runs Python.
fn refuse_python(document: &Mapping) -> Result<()> {
    let mut found = Vec::new();
    for (key, value) in document {
        let key = key.as_str().unwrap_or("?");
        if key == "class" {
            found.push(format!("class ({})", value.as_str().unwrap_or("?")));
        } else {
            collect(key, value, &mut found);
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    found.sort();
    // Keys and tagged texts are the file's, and may have line breaks in them.
    let found = found.join(", ").replace(char::is_control, " ");
    Err(Error::usage(format!("needs Python, which is refused: {found}"))
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
