//! A suite's plugin reference to the bytes of a component.
//!
//! It is the id of a built-in evaluator, or the path of a file beside the suite. Built-ins are part of the
//! binary, so every machine scores with the same bytes and the binary works from any folder.

use std::{borrow::Cow, fs::File, io::Read as _, path::Path};

use crate::{
    error::{Error, Result},
    read as text,
    sandbox::MAX_COMPONENT_BYTES,
};

use super::{
    builtin::BUILT_IN,
    lock::{self, Lock},
};

/// The component that `plugin` names, unchecked; paths are relative to `folder`.
///
/// # Errors
/// Exit 2 where no built-in has this id. Exit 20 where a lock file beside it says other bytes. Exit 22 naming the file where it cannot be read or is larger than a component
/// may be.
pub fn find(plugin: &str, folder: &Path) -> Result<Cow<'static, [u8]>> {
    if is_path(plugin) {
        let path = folder.join(plugin);
        let wasm = read(&path)?;
        held_to_its_lock(&path, &wasm)?;
        return Ok(Cow::Owned(wasm));
    }
    let built_in = BUILT_IN.iter().find(|(id, _)| *id == plugin);
    built_in.map(|(_, wasm)| Cow::Borrowed(*wasm)).ok_or_else(|| unknown(plugin))
}

/// Ids of the built-in evaluators, in order.
#[must_use]
pub fn built_in() -> Vec<&'static str> {
    BUILT_IN.iter().map(|(id, _)| *id).collect()
}

/// Whether a reference is a path, not an id.
#[must_use]
pub fn is_path(reference: &str) -> bool {
    reference.contains(['/', '\\']) || Path::new(reference).extension().is_some()
}

/// Reads a component, no more of it than a component may have.
///
/// # Errors
/// Exit 22 naming the file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let unreadable = |error| Error::unreadable(path, &error);
    let most = u64::try_from(MAX_COMPONENT_BYTES).unwrap_or(u64::MAX);
    let mut wasm = Vec::new();
    File::open(path).map_err(unreadable)?.take(most + 1).read_to_end(&mut wasm).map_err(unreadable)?;
    if wasm.len() > MAX_COMPONENT_BYTES {
        return Err(Error::bad_input(format!(
            "{}: more than {MAX_COMPONENT_BYTES} bytes, which is the most that a component may have",
            path.display()
        )));
    }
    Ok(wasm)
}

/// Refuses bytes that a lock file beside the component does not know under its name. Without a lock file nothing is held.
fn held_to_its_lock(path: &Path, wasm: &[u8]) -> Result<()> {
    let lock = path.with_file_name(lock::FILE);
    if !lock.is_file() {
        return Ok(());
    }
    let found = Lock::parse(&text::text(&lock)?).map_err(|error| error.within(lock.display()))?;
    let name = path.file_name().unwrap_or_default();
    match found.plugins.iter().find(|locked| name == locked.file.as_str()) {
        Some(locked) => locked.check(wasm),
        None => Err(Error::evaluator(format!("{}: {} is not locked", lock.display(), name.display()))
            .hint("if it belongs there, run: realign plugin lock FOLDER")),
    }
}

fn unknown(plugin: &str) -> Error {
    let known = built_in().join(", ");
    Error::usage(format!("no built-in evaluator is called {plugin}"))
        .hint(format!("a file needs its path, as in ./{plugin}.wasm; built-in are {known}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_ids_and_read_beside_the_suite() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("my.wasm"), b"wasm").unwrap();
        for path in ["my.wasm", "./my.wasm"] {
            assert_eq!(find(path, folder.path()).unwrap().as_ref(), b"wasm");
        }
    }

    #[test]
    fn a_lock_file_beside_a_component_is_held() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("my.wasm"), b"wasm").unwrap();
        let locked = |file: &str, bytes: &[u8]| {
            let plugin = lock::LockedPlugin {
                id: "my".into(),
                version: "0.1.0".into(),
                kind: crate::sandbox::Kind::TraitDetector,
                file: file.into(),
                sha256: crate::ids::Digest::of(bytes),
                size: bytes.len() as u64,
            };
            std::fs::write(folder.path().join(lock::FILE), Lock::new(vec![plugin]).text()).unwrap();
            let found = find("./my.wasm", folder.path()).map(|wasm| wasm.len());
            found.map_err(|error| error.to_string().replace(&folder.path().display().to_string(), ""))
        };
        assert_eq!(locked("my.wasm", b"wasm"), Ok(4));
        insta::assert_snapshot!(locked("my.wasm", b"other").unwrap_err(), @"my: locked at d9298a10d1b0 with 5 bytes, found 336154bf67f7 with 4");
        insta::assert_snapshot!(locked("your.wasm", b"wasm").unwrap_err(), @"/lock.toml: my.wasm is not locked");
    }

    #[test]
    fn unknown_plugins_are_named() {
        let folder = Path::new("suite");
        let error = |plugin| find(plugin, folder).unwrap_err();
        insta::assert_snapshot!(error("trait-laxicon"), @"no built-in evaluator is called trait-laxicon");
        insta::assert_snapshot!(error("./none.wasm"), @"cannot read suite/./none.wasm: no such file or directory");
    }
}
