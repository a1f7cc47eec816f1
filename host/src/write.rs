//! Writing result files: whole or not at all.
//!
//! A file is made beside its final place before any work starts, so that an unwritable folder costs nothing, and
//! takes its name only after its bytes are on the disk.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// A file that will exist once it is committed.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    temporary: NamedTempFile,
}

impl Output {
    /// Reserves a place. What is there already stays until [`Self::commit`].
    ///
    /// # Errors
    /// Exit 23 naming the file where its folder is missing or cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        let failed = |error: io::Error| Error::unwritable(path, &error);
        if path.is_dir() {
            return Err(failed(io::Error::other("it is a folder")));
        }
        let temporary = NamedTempFile::new_in(folder(path)).map_err(failed)?;
        Ok(Self { path: path.to_owned(), temporary })
    }

    /// Writes the bytes, syncs them and gives the file its name.
    ///
    /// # Errors
    /// Exit 23 naming the file; what was there before is still there.
    pub fn commit(mut self, bytes: &[u8]) -> Result<()> {
        let failed = |error: io::Error| Error::unwritable(&self.path, &error);
        self.temporary.write_all(bytes).map_err(failed)?;
        self.temporary.as_file().sync_all().map_err(failed)?;
        self.temporary.persist(&self.path).map_err(|error| failed(error.error))?;
        // The name itself is safe only once the folder is on the disk too.
        File::open(folder(&self.path)).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

/// Gives a finished folder its name; a folder of that name is replaced. The files in it must be on the disk.
///
/// # Errors
/// Exit 23 naming the folder.
pub fn publish_folder(partial: &Path, path: &Path) -> Result<()> {
    let failed = |error: io::Error| Error::unwritable(path, &error);
    File::open(partial).and_then(|folder| folder.sync_all()).map_err(failed)?;
    if path.exists() {
        retire_folder(path)?;
    }
    fs::rename(partial, path).map_err(failed)?;
    File::open(folder(path)).and_then(|folder| folder.sync_all()).map_err(failed)
}

/// Removes a folder so that nobody ever sees half of it: it loses its name first.
///
/// # Errors
/// Exit 23 naming the folder.
pub fn retire_folder(path: &Path) -> Result<()> {
    let failed = |error: io::Error| Error::unwritable(path, &error);
    let retired = path.with_extension("old.partial");
    if retired.exists() {
        fs::remove_dir_all(&retired).map_err(failed)?;
    }
    fs::rename(path, &retired).and_then(|()| fs::remove_dir_all(&retired)).map_err(failed)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
