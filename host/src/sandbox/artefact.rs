//! Compiled components on disk: a folder of native code that only we have written.
//!
//! A compiled component is machine code that runs without further checks, so a file is used only if
//!
//! - folder and file belong to us and nobody else may write to them (looked up on the open files, not by name),
//! - its name is the digest of everything it depends on: the component, how the engine compiles, our version,
//! - the digest in its header is that of this name and of every byte behind the header.
//!
//! Anything else is a miss: the component is compiled again and the file replaced. The digest finds damage and
//! mixed-up files; it is no defence against someone who can write as us, and nothing here could be.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Read as _, Write as _},
    os::{fd::OwnedFd, unix::fs::DirBuilderExt as _},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Mode, OFlags},
    process::geteuid,
};
use sha2::{Digest as _, Sha256};

use crate::{
    error::{Error, Result},
    ids::Digest,
};

/// First bytes of every file; the number changes with the layout of the header.
const MAGIC: &[u8] = b"realign artefact 1\n";

/// Magic, 64 digits and a line feed.
const HEADER: usize = MAGIC.len() + 64 + 1;

/// Largest file that is read: no component compiles to more.
const MAX_BYTES: u64 = 1 << 30;

/// A folder of compiled components.
#[derive(Debug)]
pub(super) struct ArtefactCache {
    path: PathBuf,
}

impl ArtefactCache {
    /// Opens the folder, making it if needed.
    pub(super) fn open(path: &Path) -> Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| Error::unwritable(path, &error))?;
        let folder = open_folder(path).map_err(|error| Error::unreadable(path, &error))?;
        if ours(&folder).map_err(|error| Error::unreadable(path, &error))? {
            Ok(Self { path: path.to_owned() })
        } else {
            Err(Error::usage(format!("{}: others may write to this folder of native code", path.display()))
                .hint(format!("make it yours alone: chmod 700 {}", path.display())))
        }
    }

    /// The bytes kept under `key`, if there are any and they are ours and whole.
    pub(super) fn get(&self, key: &Digest) -> Option<Vec<u8>> {
        // Whatever is wrong with a file, the answer is to compile again.
        let (header, artefact) = self.read(key).ok()??;
        (header == header_of(key, &artefact)).then_some(artefact)
    }

    /// Keeps bytes under `key`. A cache that cannot be written costs time at the next start and nothing else, so
    /// failing is not an error of the run.
    pub(super) fn put(&self, key: &Digest, artefact: &[u8]) {
        let _ = self.write(key, artefact);
    }

    fn file_name(key: &Digest) -> String {
        format!("{key}.cwasm")
    }

    /// Header and artefact as they are on disk; apart from the start, since artefacts have megabytes.
    fn read(&self, key: &Digest) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
        let folder = open_folder(&self.path)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&folder, Self::file_name(key), flags, Mode::empty())?;
        if !ours(&folder)? || !ours(&file)? {
            return Ok(None);
        }
        let file = File::from(file);
        let length = file.metadata()?.len().min(MAX_BYTES);
        let mut file = file.take(MAX_BYTES);
        let mut header = vec![0; HEADER];
        file.read_exact(&mut header)?;
        let mut artefact = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        file.read_to_end(&mut artefact)?;
        Ok(Some((header, artefact)))
    }

    fn write(&self, key: &Digest, artefact: &[u8]) -> io::Result<()> {
        // A temporary file is made with mode 0600.
        let mut file = tempfile::Builder::new().prefix(".artefact-").tempfile_in(&self.path)?;
        file.write_all(&header_of(key, artefact))?;
        file.write_all(artefact)?;
        file.as_file().sync_all()?;
        file.persist(self.path.join(Self::file_name(key)))?;
        fs::File::open(&self.path)?.sync_all()
    }
}

fn open_folder(path: &Path) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Whether an open file or folder is owned by us and writable by nobody else.
fn ours(file: &OwnedFd) -> io::Result<bool> {
    let stat = rustix::fs::fstat(file)?;
    let mode = Mode::from_raw_mode(stat.st_mode);
    Ok(stat.st_uid == geteuid().as_raw() && !mode.intersects(Mode::WGRP | Mode::WOTH))
}

/// The header of a file: bound to its name, so that a file cannot stand in for another.
fn header_of(key: &Digest, artefact: &[u8]) -> Vec<u8> {
    let mut bound = Sha256::new_with_prefix(key.as_str());
    bound.update(artefact);
    [MAGIC, Digest::finish(bound).as_str().as_bytes(), b"\n"].concat()
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

    use super::*;

    fn cache() -> (tempfile::TempDir, ArtefactCache, Digest) {
        let folder = tempfile::tempdir().unwrap();
        let cache = ArtefactCache::open(&folder.path().join("made/on/demand")).unwrap();
        let key = Digest::of(b"key");
        cache.put(&key, b"machine code");
        (folder, cache, key)
    }

    #[test]
    fn what_was_put_comes_back_and_is_private() {
        let (_folder, cache, key) = cache();
        assert_eq!(cache.get(&key).unwrap(), b"machine code");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&cache.path), 0o700);
        assert_eq!(mode(&cache.path.join(ArtefactCache::file_name(&key))), 0o600);
        assert_eq!(cache.get(&Digest::of(b"other")), None);
    }

    #[test]
    fn damaged_short_and_renamed_files_are_misses() {
        let (_folder, cache, key) = cache();
        let path = cache.path.join(ArtefactCache::file_name(&key));
        let whole = fs::read(&path).unwrap();

        let other = Digest::of(b"other");
        fs::copy(&path, cache.path.join(ArtefactCache::file_name(&other))).unwrap();
        assert_eq!(cache.get(&other), None, "a file under another name");

        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(cache.get(&key), None, "cut to {length} bytes");
        }
        let mut flipped = whole.clone();
        *flipped.last_mut().unwrap() ^= 1;
        fs::write(&path, &flipped).unwrap();
        assert_eq!(cache.get(&key), None, "one bit flipped");
        fs::write(&path, &whole).unwrap();
        assert!(cache.get(&key).is_some());
    }

    #[test]
    fn files_that_others_may_write_are_not_used() {
        let (_folder, cache, key) = cache();
        let path = cache.path.join(ArtefactCache::file_name(&key));
        for mode in [0o620, 0o602] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(cache.get(&key), None, "mode {mode:o}");
        }
        cache.put(&key, b"machine code");
        assert!(cache.get(&key).is_some(), "the file was replaced by a private one");
    }

    #[test]
    fn links_are_not_followed() {
        let (_folder, cache, key) = cache();
        let path = cache.path.join(ArtefactCache::file_name(&key));
        let elsewhere = cache.path.join("elsewhere");
        fs::rename(&path, &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        assert_eq!(cache.get(&key), None);
    }

    #[test]
    fn folder_that_others_may_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o770)).unwrap();
        let error = ArtefactCache::open(folder.path()).unwrap_err();
        let text = error.to_string().replace(&folder.path().display().to_string(), "FOLDER");
        insta::assert_snapshot!(text, @"FOLDER: others may write to this folder of native code");
    }
}
