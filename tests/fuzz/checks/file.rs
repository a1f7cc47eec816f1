//! Bytes as the file that a command is given: the readers take paths, so the whole of them is tried.

use std::{fs, path::Path};

use realign::error::Error;

/// Writes `bytes` as `name` into a folder of its own and hands its path over.
pub(super) fn with<R>(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> R) -> R {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("the temporary folder can be written to");
    read(&path)
}

/// A refusal is one line, whatever the file says.
pub(super) fn one_line(error: &Error) {
    let text = error.to_string();
    assert!(!text.is_empty() && !text.contains('\n'), "not one line: {text:?}");
}
