//! `plugin lock`: which bytes the components of a folder have to be.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{sandbox, terminal};
use crate::{
    error::{Error, Result},
    exit::Exit,
    plugins::{
        lock::{FILE, Lock, LockedPlugin},
        registry,
    },
    settings::Settings,
    write::Output,
};

/// Describes every component of a folder in its `lock.toml`, or holds them against it.
pub(super) fn run(settings: &Settings, folder: &Path, check: bool) -> Result<Exit> {
    if check { hold(folder) } else { write(settings, folder) }
}

/// Paths of the components of a folder, in order.
///
/// # Errors
/// Exit 22 where the folder cannot be read, or holds none.
pub(super) fn components(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| Error::unreadable(folder, &error))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| Error::unreadable(folder, &error))?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(Error::bad_input(format!("{}: no component (.wasm) is there", folder.display())));
    }
    found.sort();
    Ok(found)
}

fn write(settings: &Settings, folder: &Path) -> Result<Exit> {
    let sandbox = sandbox(settings)?;
    let paths = components(folder)?;
    let place = Output::create(&folder.join(FILE))?;
    let mut locked = Vec::new();
    for path in paths {
        let wasm = registry::read(&path)?;
        let evaluator = sandbox.load(&wasm).map_err(|error| error.within(path.display()))?;
        locked.push(LockedPlugin {
            id: evaluator.description().id.clone(),
            version: evaluator.description().version.clone(),
            kind: evaluator.kind(),
            file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            sha256: evaluator.digest().clone(),
            size: wasm.len() as u64,
        });
    }
    let lock = Lock::new(locked);
    let text = lock.text();
    // What no reader would take is not written: two components of one id, a name that is none.
    Lock::parse(&text)?;
    place.commit(text.as_bytes())?;
    terminal::note(&format!("{}: {} components", folder.join(FILE).display(), lock.plugins.len()));
    Ok(Exit::Done)
}

/// Every component is the locked one, and every locked one is there.
fn hold(folder: &Path) -> Result<Exit> {
    let path = folder.join(FILE);
    let text = crate::read::text(&path)?;
    let lock = Lock::parse(&text).map_err(|error| error.within(path.display()))?;
    for found in components(folder)? {
        let name = found.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(locked) = lock.plugins.iter().find(|locked| locked.file == name) else {
            let message = format!("{}: {name} is not locked", path.display());
            return Err(Error::evaluator(message).hint("if it belongs there, lock the folder again"));
        };
        locked.check(&registry::read(&found)?)?;
    }
    if let Some(missing) = lock.plugins.iter().find(|locked| !folder.join(&locked.file).is_file()) {
        return Err(Error::evaluator(format!("{}: {} is locked and missing", path.display(), missing.file)));
    }
    terminal::note(&format!("{}: {} components, all as locked", path.display(), lock.plugins.len()));
    Ok(Exit::Done)
}
