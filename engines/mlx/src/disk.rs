//! Folders on disk: untrusted ones read within limits, own ones written for good.
//!
//! A folder that someone else made is only entered by plain file names. What a name leads to must be a regular
//! file that lies in the folder itself; a link may leave it only into the `blobs` of the Hugging Face cache that
//! the folder is a snapshot of.
//!
//! - [`object`]: JSON files, key by key
//! - [`mod@write`]: files and folders that are complete or not there

pub mod object;
pub mod write;

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Component, Path, PathBuf},
};

use crate::{
    disk::object::Object,
    error::{Error, Result},
};

/// Largest file that is read as a whole: a tokenizer of a large vocabulary is about half of it.
const MAX_TEXT: u64 = 32 << 20;

/// An untrusted folder.
#[derive(Debug)]
pub struct Folder {
    /// Without links.
    path: PathBuf,
}

impl Folder {
    /// Enters a folder.
    ///
    /// # Errors
    /// A model error if it is not there or not a folder.
    pub fn open(path: &Path) -> Result<Self> {
        let path = fs::canonicalize(path).map_err(|error| unreadable(&error))?;
        if !path.is_dir() {
            return Err(Error::model("is not a folder").hint("name the folder that holds the files"));
        }
        Ok(Self { path })
    }

    /// Whether there is something under a name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        is_plain(name) && self.path.join(name).symlink_metadata().is_ok()
    }

    /// Opens a file of the folder.
    ///
    /// # Errors
    /// A model error if the name is not a plain file name, or what it leads to is not a regular file that belongs
    /// to the folder.
    pub fn file(&self, name: &str) -> Result<File> {
        if !is_plain(name) {
            return Err(Error::model(format!("file name {name:?} leads out of the folder"))
                .hint("all files of a model lie in one folder"));
        }
        let place = |error: Error| error.within(name);
        let path = fs::canonicalize(self.path.join(name)).map_err(|error| place(unreadable(&error)))?;
        if !self.owns(&path) {
            return Err(place(Error::model("is a link that leaves the folder"))
                .hint("put the file itself into the folder"));
        }
        // Asked before opening: opening a pipe would wait for a writer.
        if !path.is_file() {
            return Err(place(Error::model("is not a regular file")));
        }
        File::open(path).map_err(|error| place(unreadable(&error)))
    }

    /// Reads a file that must be text of moderate size.
    ///
    /// # Errors
    /// As [`Folder::file`]; a model error if the file is too large or not UTF-8.
    pub fn text(&self, name: &str) -> Result<String> {
        let mut bytes = Vec::new();
        let file = self.file(name)?;
        file.take(MAX_TEXT + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error).within(name))?;
        if bytes.len() as u64 > MAX_TEXT {
            return Err(Error::model(format!("{name}: is longer than {MAX_TEXT} bytes")));
        }
        String::from_utf8(bytes).map_err(|_| Error::model(format!("{name}: is not valid UTF-8")))
    }

    /// Reads a file that must be a JSON object.
    ///
    /// # Errors
    /// As [`Folder::text`]; a model error if the text is not a JSON object.
    pub fn object(&self, name: &str) -> Result<Object> {
        Object::parse(name, &self.text(name)?)
    }

    fn owns(&self, path: &Path) -> bool {
        let snapshots = self.path.parent().filter(|parent| parent.ends_with("snapshots"));
        let blobs = snapshots.and_then(Path::parent).map(|repository| repository.join("blobs"));
        path.starts_with(&self.path) || blobs.is_some_and(|blobs| path.starts_with(blobs))
    }
}

fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
}

pub(crate) fn unreadable(error: &std::io::Error) -> Error {
    Error::model(format!("cannot be read: {}", error.kind()))
        .hint("check the path and that this user may read it")
}
