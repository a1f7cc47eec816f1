//! A suite's plugin reference to the bytes of a component.
//!
//! A reference is the id of a built-in evaluator, or the path of a file beside the suite. Built-ins are part of the
//! binary, so every machine scores with the same bytes and the binary works from any folder.

use std::{
    borrow::Cow,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result},
    sandbox::MAX_COMPONENT_BYTES,
};

use super::builtin::BUILT_IN;

/// A plugin that has been found; nobody has looked inside yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// The reference, for messages.
    pub name: String,
    /// The component.
    pub wasm: Cow<'static, [u8]>,
}

/// Finds what `reference` names; paths are relative to `folder`.
///
/// # Errors
/// Exit 2 where no built-in has this id. Exit 22 naming the file where it cannot be read or is larger than a component
/// may be.
pub fn find(reference: &str, folder: &Path) -> Result<Plugin> {
    let wasm = if is_path(reference) {
        Cow::Owned(read(&folder.join(reference))?)
    } else {
        let built_in = BUILT_IN.iter().find(|(id, _)| *id == reference);
        let (_, wasm) = built_in.ok_or_else(|| unknown(reference))?;
        Cow::Borrowed(*wasm)
    };
    Ok(Plugin {
        name: reference.to_owned(),
        wasm,
    })
}

/// Ids of the built-in evaluators, in order.
pub fn built_in() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(id, _)| *id)
}

fn is_path(reference: &str) -> bool {
    reference.contains(['/', '\\']) || Path::new(reference).extension().is_some()
}

fn read(path: &PathBuf) -> Result<Vec<u8>> {
    let unreadable = |error| Error::unreadable(path, &error);
    let most = u64::try_from(MAX_COMPONENT_BYTES).unwrap_or(u64::MAX);
    let mut wasm = Vec::new();
    File::open(path)
        .map_err(unreadable)?
        .take(most + 1)
        .read_to_end(&mut wasm)
        .map_err(unreadable)?;
    if wasm.len() > MAX_COMPONENT_BYTES {
        return Err(Error::bad_input(format!(
            "{}: more than {MAX_COMPONENT_BYTES} bytes, which is the most that a component may have",
            path.display()
        )));
    }
    Ok(wasm)
}

fn unknown(reference: &str) -> Error {
    let known = built_in().collect::<Vec<_>>().join(", ");
    Error::usage(format!("no built-in evaluator is called {reference}")).hint(format!(
        "built-in are {known}; a file needs its path, as in ./{reference}.wasm"
    ))
}
