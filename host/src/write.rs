//! Writing result files: whole or not at all.
//!
//! A file is made beside its final place before any work starts, so that an unwritable folder costs nothing, and
//! takes its name only after its bytes are on the disk. What is no file, such as a pipe, is written to as it is: giving
//! its name to a file would take it away from everyone.
//!
//! A folder is filled inside a hidden one beside its final place, and takes its name when it is finished.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use tempfile::{NamedTempFile, TempDir};

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
    Ok(Place::Beside { temporary: temporary(folder(&target))?, target })
}

/// Readable for whoever the user's mask allows, as any file that a program makes.
#[cfg(unix)]
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt as _;
    tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o666)).tempfile_in(folder)
}

/// As the system sees fit.
#[cfg(not(unix))]
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().tempfile_in(folder)
}

fn write(place: Place, bytes: &[u8]) -> io::Result<()> {
    match place {
        Place::Straight(mut file) => file.write_all(bytes).and_then(|()| file.flush()),
        Place::Beside { mut temporary, target } => {
            temporary.write_all(bytes)?;
            temporary.as_file().sync_all()?;
            temporary.persist(&target).map_err(|error| error.error)?;
            // The name itself is safe only once the folder is on the disk too.
            sync_folder(folder(&target))
        }
    }
}

/// A folder that will exist once it is committed. Dropping it leaves nothing behind.
#[derive(Debug)]
pub struct OutputFolder {
    path: PathBuf,
    target: PathBuf,
    /// Holds the folder until it is finished.
    temporary: TempDir,
    inside: PathBuf,
}

impl OutputFolder {
    /// Reserves a name. Nothing that is there is ever replaced; an empty folder is as good as none.
    ///
    /// # Errors
    /// Exit 2 where something is there, exit 23 naming the folder where its parent is missing or cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        let failed = |error: io::Error| Error::unwritable(path, &error);
        let mut target = std::path::absolute(path).map_err(failed)?;
        if path.symlink_metadata().is_ok() {
            let empty = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
            if !empty {
                return Err(Error::usage(format!("{}: is there already", path.display()))
                    .hint("choose another name, or remove it; nothing is overwritten"));
            }
            target = fs::canonicalize(path).map_err(failed)?;
        }
        let Some(name) = target.file_name() else {
            return Err(failed(io::Error::other("it has no name")));
        };
        let temporary =
            tempfile::Builder::new().prefix(".partial-").tempdir_in(folder(&target)).map_err(failed)?;
        let inside = temporary.path().join(name);
        Ok(Self { path: path.to_owned(), target, temporary, inside })
    }

    /// Where the folder has to be made; there is nothing yet.
    #[must_use]
    pub fn inside(&self) -> &Path {
        &self.inside
    }

    /// The same error with the name that people know.
    #[must_use]
    pub fn rename_in(&self, error: &Error) -> Error {
        let inside = self.inside.display().to_string();
        let path = self.path.display().to_string();
        // The engine adds an ending of its own while it writes.
        let message = error.to_string().replace(&format!("{inside}.partial"), &path).replace(&inside, &path);
        let renamed = Error::new(error.exit(), message);
        match error.advice() {
            Some(advice) => renamed.hint(advice),
            None => renamed,
        }
    }

    /// Gives the folder its name. The files in it must be on the disk.
    ///
    /// # Errors
    /// Exit 23 naming the folder.
    pub fn commit(self) -> Result<()> {
        sync_folder(&self.inside)
            .and_then(|()| fs::rename(&self.inside, &self.target))
            .and_then(|()| sync_folder(folder(&self.target)))
            .and_then(|()| self.temporary.close())
            .map_err(|error| Error::unwritable(&self.path, &error))
    }
}

/// Gives a finished folder its name; a folder of that name is replaced. The files in it must be on the disk.
///
/// # Errors
/// Exit 23 naming the folder.
pub fn publish_folder(partial: &Path, path: &Path) -> Result<()> {
    let failed = |error: io::Error| Error::unwritable(path, &error);
    sync_folder(partial).map_err(failed)?;
    if path.exists() {
        retire_folder(path)?;
    }
    fs::rename(partial, path).map_err(failed)?;
    sync_folder(folder(path)).map_err(failed)
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

/// Brings the names in a folder to the disk. Windows opens no folder for that; names are safe there with their files.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(windows) { Ok(()) } else { File::open(folder)?.sync_all() }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(unix)]
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
    fn a_folder_appears_whole_and_replaces_nothing() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("out");
        let output = OutputFolder::create(&path).unwrap();
        fs::create_dir(output.inside()).unwrap();
        fs::write(output.inside().join("file"), "all of it").unwrap();
        assert!(!path.exists());
        output.commit().unwrap();
        assert_eq!(fs::read(path.join("file")).unwrap(), b"all of it");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        let error = OutputFolder::create(&path).unwrap_err();
        assert_eq!(error.exit(), crate::exit::Exit::Usage);
    }

    #[test]
    fn an_empty_folder_is_as_good_as_none() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("out");
        fs::create_dir(&path).unwrap();
        let output = OutputFolder::create(&path).unwrap();
        fs::create_dir(output.inside()).unwrap();
        fs::write(output.inside().join("file"), "").unwrap();
        output.commit().unwrap();
        assert!(path.join("file").exists());
    }

    #[test]
    fn a_folder_that_is_never_committed_leaves_nothing_behind() {
        let place = tempfile::tempdir().unwrap();
        let output = OutputFolder::create(&place.path().join("out")).unwrap();
        fs::create_dir(output.inside()).unwrap();
        drop(output);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_never_committed_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        drop(Output::create(&folder.path().join("out")).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
