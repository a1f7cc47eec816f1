//! Bytes to a compiled component, by way of the artefact cache.
//!
//! Compiling is the one step on untrusted bytes that no fuel limits, so the size is capped before it. Text is never
//! accepted, whatever features wasmtime was built with.

use std::hash::{Hash as _, Hasher};

use sha2::{Digest as _, Sha256};
use wasmtime::{Engine, component::Component};

use super::{artefact::ArtefactCache, engine::Engines, outcome::one_line};
use crate::{
    error::{Error, Result},
    exit::Exit,
    ids::Digest,
};

/// Largest component that is compiled. The largest tool-made ones (Python) have about 20 MB.
pub const MAX_COMPONENT_BYTES: usize = 64 << 20;

/// What every WebAssembly binary starts with.
const WASM: &[u8] = b"\0asm";
/// Version and layer of a core module, after [`WASM`].
const CORE_MODULE: &[u8] = &[1, 0, 0, 0];

/// A compiled component from `wasm`, whose digest is `digest`.
pub(super) fn component(
    engines: &Engines,
    cache: Option<&ArtefactCache>,
    wasm: &[u8],
    digest: &Digest,
) -> Result<Component> {
    check_form(wasm)?;
    let kept = cache.map(|cache| (cache, key(engines.compiler(), digest)));
    let found = kept.as_ref().and_then(|(cache, key)| cache.get(key));
    if let Some(component) = found.and_then(|artefact| place(engines, &artefact)) {
        return Ok(component);
    }
    let artefact = engines.compiler().precompile_component(wasm).map_err(|error| {
        Error::evaluator(format!("it does not compile: {}", one_line(&error)))
            .hint("the file is cut, damaged or of a newer kind; build it again: realign plugin build")
    })?;
    if let Some((cache, key)) = kept {
        cache.put(&key, &artefact);
    }
    place(engines, &artefact)
        .ok_or_else(|| Error::new(Exit::Bug, "a component that was compiled just now cannot be loaded"))
}

/// Refuses by the first bytes what is certainly no component, and says what it is.
fn check_form(wasm: &[u8]) -> Result<()> {
    if wasm.len() > MAX_COMPONENT_BYTES {
        let size = wasm.len();
        return Err(Error::evaluator(format!("it has {size} bytes, {MAX_COMPONENT_BYTES} are allowed")));
    }
    match wasm.strip_prefix(WASM) {
        None => Err(Error::evaluator("it is not WebAssembly")
            .hint("an evaluator is a binary component; PLUGINS.md shows how to build one")),
        Some(rest) if rest.starts_with(CORE_MODULE) => {
            Err(Error::evaluator("it is a core module, not a component")
                .hint("`realign plugin build` makes a component of it"))
        }
        Some(_) => Ok(()),
    }
}

#[expect(unsafe_code, reason = "the one place that brings native code into the process")]
fn place(engines: &Engines, artefact: &[u8]) -> Option<Component> {
    // SAFETY: the bytes are those that `Engine::precompile_component` of this wasmtime gave for a compatible engine, just
    // now or when they were cached. The cache hands out a file only if we own it and its folder, nobody else may write to
    // either, and the digest in its header fits its name and its bytes; the name covers component, engine and version.
    // The bytes are a copy in our memory: a later change of the file cannot reach them.
    engines.place(|engine| unsafe { Component::deserialize(engine, artefact) }.ok())
}

/// Digest of everything that the compiled form depends on.
pub(super) fn key(engine: &Engine, digest: &Digest) -> Digest {
    let mut hash = Sha256Hasher(Sha256::new_with_prefix(env!("CARGO_PKG_VERSION")));
    digest.as_str().hash(&mut hash);
    engine.precompile_compatibility_hash().hash(&mut hash);
    Digest::finish(hash.0)
}

/// Lets what implements [`std::hash::Hash`] be digested with SHA-256; 64 bits would not do for a name.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0.clone().finalize()[..8]);
        u64::from_le_bytes(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Limits;

    fn engines() -> Engines {
        Engines::new(&Limits::default(), 1).unwrap()
    }

    #[test]
    fn compiled_component_is_found_again_and_a_damaged_one_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let cache = ArtefactCache::open(&folder.path().join("cache")).unwrap();
        let engines = engines();
        let wasm = wat::parse_str("(component)").unwrap();
        let digest = Digest::of(&wasm);
        let key = key(engines.compiler(), &digest);

        assert_eq!(cache.get(&key), None);
        component(&engines, Some(&cache), &wasm, &digest).unwrap();
        let artefact = cache.get(&key).expect("it was kept");
        assert!(place(&engines, &artefact).is_some());

        // An artefact of another engine: whole and ours, but not of this configuration.
        cache.put(&key, b"whole, but nothing that wasmtime wrote");
        component(&engines, Some(&cache), &wasm, &digest).unwrap();
        assert_eq!(cache.get(&key).unwrap(), artefact);
    }

    #[test]
    fn key_changes_with_the_engine() {
        let digest = Digest::of(b"component");
        let ours = engines();
        assert_ne!(key(ours.compiler(), &digest), key(&Engine::default(), &digest));
        assert_eq!(key(ours.compiler(), &digest), key(engines().compiler(), &digest));
    }

    #[test]
    fn text_is_not_accepted() {
        let engines = engines();
        let text = b"(component)";
        let error = component(&engines, None, text, &Digest::of(text)).unwrap_err();
        insta::assert_snapshot!(error, @"it is not WebAssembly");
    }
}
