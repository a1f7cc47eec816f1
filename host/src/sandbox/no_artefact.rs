//! Systems on which nobody can tell who owns a file: no compiled component is kept, every start compiles.

use std::path::Path;

use crate::{error::Result, ids::Digest};

/// A cache that keeps nothing.
#[derive(Debug)]
pub(super) struct ArtefactCache;

impl ArtefactCache {
    /// Opens nothing.
    #[expect(clippy::unnecessary_wraps, reason = "the cache of other systems may fail here")]
    pub(super) fn open(_: &Path) -> Result<Self> {
        Ok(Self)
    }

    /// Never there.
    #[expect(clippy::unused_self, reason = "the cache of other systems looks into its folder")]
    pub(super) fn get(&self, _: &Digest) -> Option<Vec<u8>> {
        None
    }

    /// Forgets it.
    #[expect(clippy::unused_self, reason = "the cache of other systems writes into its folder")]
    pub(super) fn put(&self, _: &Digest, _: &[u8]) {}
}
