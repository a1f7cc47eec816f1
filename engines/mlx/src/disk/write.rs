//! Writing that leaves nothing half done: files are flushed to disk, a folder appears under its name complete.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::error::{Error, Result};

/// A file that is being written.
#[derive(Debug)]
pub struct Out {
    inner: BufWriter<File>,
    path: PathBuf,
}

impl Out {
    /// Appends bytes.
    ///
    /// # Errors
    /// An unwritable error if they cannot be.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.inner.write_all(bytes).map_err(|error| unwritable(&error, &self.path))
    }
}

/// Writes a new file and flushes it to disk.
///
/// # Errors
/// An unwritable error if the file is there already or cannot be written; whatever `fill` gives.
pub fn file(folder: &Path, name: &str, fill: impl FnOnce(&mut Out) -> Result<()>) -> Result<()> {
    let path = folder.join(name);
    let new = OpenOptions::new().write(true).create_new(true).open(&path);
    let new = new.map_err(|error| unwritable(&error, &path))?;
    let mut out = Out { inner: BufWriter::with_capacity(1 << 20, new), path };
    fill(&mut out)?;
    let Out { inner, path } = out;
    let written = inner.into_inner().map_err(std::io::IntoInnerError::into_error);
    written.and_then(|file| file.sync_all()).map_err(|error| unwritable(&error, &path))
}

/// Writes a JSON value as a new file.
///
/// # Errors
/// As [`file()`].
pub fn json(folder: &Path, name: &str, value: &Value) -> Result<()> {
    file(folder, name, |out| out.bytes(format!("{value:#}\n").as_bytes()))
}

/// Flushes the names in a folder to disk.
///
/// # Errors
/// An unwritable error if that fails.
pub fn sync(folder: &Path) -> Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| unwritable(&error, folder))
}

/// Makes a folder that is filled under another name first, so it is complete or not there.
///
/// # Errors
/// An unwritable error if the target exists or cannot be written; whatever `fill` gives. Nothing is left behind.
pub fn folder<T>(target: &Path, fill: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    if target.symlink_metadata().is_ok() {
        return Err(Error::unwritable(format!("{}: is there already", target.display()))
            .hint("name a folder that does not exist yet"));
    }
    let partial = partial(target)?;
    if partial.symlink_metadata().is_ok() {
        return Err(Error::unwritable(format!(
            "{}: is left of an export that was cut off",
            partial.display()
        ))
        .hint("remove it if no other export is running"));
    }
    fs::create_dir(&partial).map_err(|error| unwritable(&error, &partial))?;
    let filled = fill(&partial).and_then(|value| {
        sync(&partial)?;
        fs::rename(&partial, target).map_err(|error| unwritable(&error, target))?;
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

fn unwritable(error: &std::io::Error, path: &Path) -> Error {
    Error::unwritable(format!("{}: cannot be written: {}", path.display(), error.kind()))
        .hint("check that the folder above exists, may be written and has room")
}
