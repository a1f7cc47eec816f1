//! Lock files: which bytes a plugin has to be.
//!
//! ```toml
//! format = 1
//!
//! [[plugin]]
//! id = "trait-lexicon"
//! version = "0.1.0"
//! kind = "trait-detector"
//! file = "trait-lexicon.wasm"
//! sha256 = "..."
//! size = 74123
//! ```

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    ids::Digest,
    sandbox::Kind,
};

/// Format that this program reads and writes.
const FORMAT: u32 = 1;

/// Name of a lock file, beside the components that it locks.
pub const FILE: &str = "lock.toml";

/// A whole lock file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    format: u32,
    /// In the order of their ids.
    #[serde(rename = "plugin", default)]
    pub plugins: Vec<LockedPlugin>,
}

/// One plugin as it was when it was locked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedPlugin {
    /// Id in its description.
    pub id: String,
    /// Version in its description.
    pub version: String,
    /// What it is for.
    pub kind: Kind,
    /// Name of the file beside the lock file.
    pub file: String,
    /// Digest of the file.
    pub sha256: Digest,
    /// Bytes of the file.
    pub size: u64,
}

impl Lock {
    /// A lock of plugins, put in the order of their ids.
    #[must_use]
    pub fn new(mut plugins: Vec<LockedPlugin>) -> Self {
        plugins.sort_by(|a, b| a.id.cmp(&b.id));
        Self { format: FORMAT, plugins }
    }

    /// Reads a lock file's text.
    ///
    /// # Errors
    /// Exit 22 where it is not a lock file of this format, an id comes twice, a file is not a plain name, or a digest
    /// is not one.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |message: String| Error::bad_input(format!("lock file: {message}"));
        let lock: Self = toml::from_str(text).map_err(|error| invalid(error.message().to_owned()))?;
        if lock.format != FORMAT {
            return Err(invalid(format!("format {}, this program reads {FORMAT}", lock.format)));
        }
        let mut ids = BTreeSet::new();
        for LockedPlugin { id, file, sha256, .. } in &lock.plugins {
            if !ids.insert(id) {
                return Err(invalid(format!("plugin {id} comes twice")));
            }
            let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
            if !file.strip_suffix(".wasm").is_some_and(|stem| !stem.is_empty() && stem.bytes().all(plain)) {
                return Err(invalid(format!(
                    "plugin {id}: file {file:?} is not a-z, 0-9 and - with .wasm behind"
                )));
            }
            let digits = sha256.as_str();
            if digits.len() != 64 || !digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
                return Err(invalid(format!("plugin {id}: sha256 is not 64 digits of 0-9 and a-f")));
            }
        }
        Ok(lock)
    }

    /// The file's text.
    ///
    /// # Panics
    /// Never: every field has a TOML form.
    #[must_use]
    pub fn text(&self) -> String {
        toml::to_string(self).expect("strings and small numbers have a TOML form")
    }
}

impl LockedPlugin {
    /// Whether these are the bytes that were locked.
    ///
    /// # Errors
    /// Exit 20 naming the plugin and both digests.
    pub fn check(&self, wasm: &[u8]) -> Result<()> {
        let digest = Digest::of(wasm);
        if digest == self.sha256 && u64::try_from(wasm.len()) == Ok(self.size) {
            return Ok(());
        }
        let (id, locked, got) = (&self.id, self.sha256.short(), digest.short());
        Err(Error::evaluator(format!(
            "{id}: locked at {locked} with {} bytes, found {got} with {}",
            self.size,
            wasm.len()
        ))
        .hint("if the change is meant, lock it again"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Lock {
        let plugin = |id: &str| LockedPlugin {
            id: id.to_owned(),
            version: "0.1.0".into(),
            kind: Kind::TraitDetector,
            file: format!("{id}.wasm"),
            sha256: Digest::of(b"wasm"),
            size: 4,
        };
        Lock::new(vec![plugin("b"), plugin("a")])
    }

    #[test]
    fn lock_reads_what_it_writes() {
        let lock = example();
        assert_eq!(Lock::parse(&lock.text()).unwrap(), lock);
        assert_eq!(lock.plugins[0].id, "a");
    }

    #[test]
    fn other_bytes_are_refused() {
        let plugin = &example().plugins[0];
        assert_eq!(plugin.check(b"wasm"), Ok(()));
        insta::assert_snapshot!(plugin.check(b"masw").unwrap_err(), @"a: locked at 336154bf67f7 with 4 bytes, found 71bab7770b9f with 4");
    }

    #[test]
    fn lock_files_are_read_strictly() {
        let text = example().text();
        let error = |from: &str, to: &str| Lock::parse(&text.replace(from, to)).unwrap_err().to_string();
        let lines = [
            error("format = 1", "format = 2"),
            error("format = 1", "format = 1\nsigned = true"),
            error("id = \"b\"", "id = \"a\""),
            error("a.wasm", "../a.wasm"),
            error("a.wasm", ".wasm"),
            error(Digest::of(b"wasm").as_str(), "0"),
            error("trait-detector", "shell"),
        ];
        insta::assert_snapshot!(lines.join("\n"), @r#"
        lock file: format 2, this program reads 1
        lock file: unknown field `signed`, expected `format` or `plugin`
        lock file: plugin a comes twice
        lock file: plugin a: file "../a.wasm" is not a-z, 0-9 and - with .wasm behind
        lock file: plugin a: file ".wasm" is not a-z, 0-9 and - with .wasm behind
        lock file: plugin a: sha256 is not 64 digits of 0-9 and a-f
        lock file: unknown variant `shell`, expected one of `trait-detector`, `style-scorer`, `benchmark`
        "#);
    }
}
