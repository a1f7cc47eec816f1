//! Writing result files: whole or not at all.
//!
//! A file is made beside its final place before any work starts, so that an unwritable folder costs nothing, and
//! takes its name only after its bytes are on the disk. What is no file, such as a pipe, is written to as it is: giving
//! its name to a file would take it away from everyone.

use std::{
    fs::{self, File, Permissions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// A file that will exist once it is committed.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// A file that takes the name of `target`.
    Beside { temporary: NamedTempFile, target: PathBuf },
    /// A pipe or a device.
    Straight(File),
}

impl Output {
    /// Reserves a place. What is there already stays until [`Self::commit`].
    ///
    /// # Errors
    /// Exit 23 naming the file where its folder is missing or cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        let place = reserve(path).map_err(|error| Error::unwritable(path, &error))?;
        Ok(Self { path: path.to_owned(), place })
    }

    /// Writes the bytes, syncs them and gives the file its name.
    ///
    /// # Errors
    /// Exit 23 naming the file; what was there before is still there.
    pub fn commit(self, bytes: &[u8]) -> Result<()> {
        write(self.place, bytes).map_err(|error| Error::unwritable(&self.path, &error))
    }
}

fn reserve(path: &Path) -> io::Result<Place> {
    let target = match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(io::Error::other("it is a folder")),
        // A link stays a link: the file behind it is replaced.
        Ok(found) if found.is_file() => fs::canonicalize(path)?,
        Ok(_) => return File::options().write(true).open(path).map(Place::Straight),
        Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    // Readable for whoever the user's mask allows, as any file that a program makes.
    let permissions = Permissions::from_mode(0o666);
    let temporary = tempfile::Builder::new().permissions(permissions).tempfile_in(folder(&target))?;
    Ok(Place::Beside { temporary, target })
}

fn write(place: Place, bytes: &[u8]) -> io::Result<()> {
    match place {
        Place::Straight(mut file) => file.write_all(bytes).and_then(|()| file.flush()),
        Place::Beside { mut temporary, target } => {
            temporary.write_all(bytes)?;
            temporary.as_file().sync_all()?;
            temporary.persist(&target).map_err(|error| error.error)?;
            // The name itself is safe only once the folder is on the disk too.
            File::open(folder(&target)).and_then(|folder| folder.sync_all())
        }
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileTypeExt as _, symlink};

    use super::*;

    #[test]
    fn a_pipe_is_written_to_and_stays_a_pipe() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)
            .unwrap();
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        Output::create(&pipe).unwrap().commit(b"all of it").unwrap();
        assert_eq!(reader.join().unwrap(), b"all of it");
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    }

    #[test]
    fn a_link_stays_a_link_and_its_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        symlink("file", &link).unwrap();
        Output::create(&link).unwrap().commit(b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
    }

    #[test]
    fn what_is_never_committed_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        drop(Output::create(&folder.path().join("out")).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
