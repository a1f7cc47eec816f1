//! Writing that leaves nothing half done: files are flushed to disk, a folder appears under its name complete.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::error::{Error, Result};

/// Writes a new file and flushes it to disk.
///
/// # Errors
/// A request error if the file is there already or cannot be written; whatever `fill` gives.
pub fn file(folder: &Path, name: &str, fill: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let path = folder.join(name);
    let failed = |error: std::io::Error| unwritable(&error).within(path.display());
    let file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed)?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    fill(&mut out).map_err(|error| error.within(path.display()))?;
    let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)
}

/// Writes a JSON value as a new file.
///
/// # Errors
/// As [`file`].
pub fn json(folder: &Path, name: &str, value: &Value) -> Result<()> {
    file(folder, name, |out| {
        serde_json::to_writer_pretty(&mut *out, value).map_err(|error| unwritable(&error.into()))?;
        bytes(out, b"\n")
    })
}

/// Passes bytes on.
///
/// # Errors
/// A request error if they cannot be written.
pub fn bytes(out: &mut dyn Write, bytes: &[u8]) -> Result<()> {
    out.write_all(bytes).map_err(|error| unwritable(&error))
}

/// Flushes the names in a folder to disk.
///
/// # Errors
/// A request error if that fails.
pub fn sync(folder: &Path) -> Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| unwritable(&error).within(folder.display()))
}

/// Makes a folder that is filled under another name first, so it is complete or not there.
///
/// # Errors
/// A request error if the target exists or cannot be written; whatever `fill` gives. Nothing is left behind.
pub fn folder<T>(target: &Path, fill: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let failed = |error: std::io::Error| unwritable(&error).within(target.display());
    if target.symlink_metadata().is_ok() {
        return Err(Error::request(format!("{}: is there already", target.display()))
            .hint("name a folder that does not exist yet"));
    }
    let partial = partial(target)?;
    fs::create_dir(&partial).map_err(|error| unwritable(&error).within(partial.display()))?;
    let filled = fill(&partial).and_then(|value| {
        sync(&partial)?;
        fs::rename(&partial, target).map_err(failed)?;
        Ok(value)
    });
    if filled.is_err() {
        // The error that matters is the first one; what cannot be removed is called `.partial` anyway.
        let _ = fs::remove_dir_all(&partial);
    } else {
        sync(parent(target))?;
    }
    filled
}

fn parent(target: &Path) -> &Path {
    target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The name beside the target under which it grows.
fn partial(target: &Path) -> Result<PathBuf> {
    let mut name = target
        .file_name()
        .ok_or_else(|| Error::request(format!("{}: does not end in a name", target.display())))?
        .to_owned();
    name.push(".partial");
    Ok(parent(target).join(name))
}

pub(crate) fn unwritable(error: &std::io::Error) -> Error {
    Error::request(format!("cannot be written: {}", error.kind()))
        .hint("check that the folder above exists, may be written and has room")
}
