//! What a model is, by content: digests of the files that an engine reads.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

use realign_engine_abi::message::{AdapterFile, EngineInfo, Load, ModelInfo};
use sha2::{Digest as _, Sha256};

use super::{
    backend::{Identity, identity},
    plan,
};
use crate::{
    error::{Error, Result},
    ids::Digest,
};

/// Endings of the files of a model folder that decide what it computes.
const MODEL_FILES: [&str; 4] = ["safetensors", "json", "jinja", "model"];
/// Files of an adapter folder, as mlx-lm and as PEFT name them.
const ADAPTER_FILES: [&str; 3] = ["adapter_config.json", "adapter_model.safetensors", "adapters.safetensors"];

/// The subject's part of the identity of a loaded model.
///
/// # Errors
/// A file cannot be read.
pub fn subject(load: &Load, model: &ModelInfo) -> Result<Identity> {
    let mut subject = identity([
        ("model", model.name.clone()),
        ("model-digest", model_digest(&load.model)?.to_string()),
        ("architecture", model.architecture.clone()),
        ("parameters", model.parameters.to_string()),
        ("dtype", model.dtype.clone()),
        ("tokenizer", model.tokenizer_digest.clone()),
        ("template", model.template_digest.clone()),
    ]);
    if !load.adapters.is_empty() {
        let digests: Vec<String> = load
            .adapters
            .iter()
            .map(|adapter| Ok(adapter_digest(adapter)?.to_string()))
            .collect::<Result<_>>()?;
        subject.insert("adapter".into(), digests.join(" + "));
    }
    Ok(subject)
}

/// The engine's part of the identity.
#[must_use]
pub fn engine(engine: &EngineInfo) -> Identity {
    identity([
        ("backend", engine.backend.clone()),
        ("version", engine.version.clone()),
        ("mlx", engine.mlx.clone()),
        ("blas", engine.blas.clone()),
        ("device", engine.device.clone()),
        ("batch-plan", plan::VERSION.to_owned()),
    ])
}

/// Digest of a model file, or of the names and contents of a model folder's files.
///
/// # Errors
/// A file cannot be read.
pub fn model_digest(path: &Path) -> Result<Digest> {
    if !path.is_dir() {
        return file_digest(path);
    }
    folder_digest(path, |name| {
        Path::new(name).extension().is_some_and(|ending| MODEL_FILES.iter().any(|known| ending == *known))
    })
}

/// Digest of an adapter's files and factor.
///
/// # Errors
/// A file cannot be read.
pub fn adapter_digest(adapter: &AdapterFile) -> Result<Digest> {
    let files = folder_digest(&adapter.folder, |name| ADAPTER_FILES.contains(&name))?;
    Ok(Digest::of_json(&(files, adapter.factor)))
}

fn folder_digest(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Digest> {
    let unreadable = |error| Error::unreadable(folder, &error);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if wanted(&name) && entry.path().is_file() {
            files.push((name, file_digest(&entry.path())?));
        }
    }
    files.sort();
    Ok(Digest::of_json(&files))
}

/// SHA-256 of a file, read in pieces.
///
/// # Errors
/// The file cannot be read.
pub fn file_digest(path: &Path) -> Result<Digest> {
    let unreadable = |error| Error::unreadable(path, &error);
    let mut file = File::open(path).map_err(unreadable)?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece).map_err(unreadable)? {
            0 => return Ok(Digest::finish(hash)),
            count => hash.update(&piece[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_a_file_is_the_digest_of_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, vec![7; (1 << 20) + 1]).unwrap();
        assert_eq!(file_digest(&path).unwrap(), Digest::of(&vec![7; (1 << 20) + 1]));
    }

    #[test]
    fn an_adapters_digest_hangs_on_weights_settings_and_factor_and_on_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("adapter_config.json", "{}");
        write("adapters.safetensors", "weights");
        let digest =
            |factor| adapter_digest(&AdapterFile { folder: folder.path().to_owned(), factor }).unwrap();
        let first = digest(1.0);
        write("train.json", "{}");
        assert_eq!(digest(1.0), first);
        assert_ne!(digest(0.5), first);
        write("adapter_config.json", "{ }");
        assert_ne!(digest(1.0), first);
    }

    #[test]
    fn a_model_folders_digest_hangs_on_the_names_of_its_files_too() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), "{}").unwrap();
        let first = model_digest(folder.path()).unwrap();
        fs::rename(folder.path().join("config.json"), folder.path().join("other.json")).unwrap();
        assert_ne!(model_digest(folder.path()).unwrap(), first);
    }
}
