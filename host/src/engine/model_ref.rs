//! What `--model` names.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use realign_engine_abi::place::Home;
use sha2::{Digest as _, Sha256};

use crate::{
    error::{Error, Result},
    ids::Digest,
};

/// A model that can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelRef {
    /// A GGUF file for the engine.
    Gguf(PathBuf),
    /// Recorded answers.
    Recorded(PathBuf),
}

impl ModelRef {
    /// Reads `FILE.gguf`, `smollm2` (set up in `home`), or `recorded:FILE.jsonl`.
    ///
    /// # Errors
    /// Usage errors: forms that are known but not built yet, and names that are nothing of this.
    pub fn parse(text: &str, home: &Home) -> Result<Self> {
        let not_built = |what: &str| {
            Error::usage(format!("--model {text}: {what} are not built yet"))
                .hint("use a GGUF file, smollm2, or recorded:FILE.jsonl")
        };
        if let Some(path) = text.strip_prefix("recorded:") {
            return Ok(Self::Recorded(path.into()));
        }
        if text.starts_with("openai:") {
            return Err(not_built("servers"));
        }
        let path = Path::new(text);
        if path.is_file() {
            return Ok(Self::Gguf(path.to_owned()));
        }
        if path.is_dir() {
            return Err(not_built("model folders"));
        }
        if text.contains('+') {
            return Err(not_built("adapters"));
        }
        if text == "smollm2" {
            let path = home.small_model();
            if path.is_file() {
                return Ok(Self::Gguf(path));
            }
            return Err(Error::usage(format!("model smollm2 is not set up: no file {}", path.display()))
                .hint("run: cargo xtask setup"));
        }
        Err(Error::usage(format!("--model {text}: no such file"))
            .hint("use a GGUF file, smollm2, or recorded:FILE.jsonl"))
    }
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
    use std::fs;

    use super::*;
    use crate::exit::Exit;

    fn parse(text: &str) -> Result<ModelRef> {
        ModelRef::parse(text, &Home::at("/no-such-home"))
    }

    fn refusal(text: &str) -> String {
        let error = parse(text).unwrap_err();
        assert_eq!(error.exit(), Exit::Usage);
        error.to_string()
    }

    #[test]
    fn a_file_that_exists_is_a_model_even_with_a_plus_in_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a+b.gguf");
        fs::write(&path, "").unwrap();
        assert_eq!(parse(path.to_str().unwrap()).unwrap(), ModelRef::Gguf(path));
    }

    #[test]
    fn the_small_model_lies_in_the_home_folder() {
        let home = tempfile::tempdir().unwrap();
        let home = Home::at(home.path());
        let path = home.small_model();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        assert_eq!(ModelRef::parse("smollm2", &home).unwrap(), ModelRef::Gguf(path));
    }

    #[test]
    fn recorded_answers_are_named_with_a_prefix() {
        assert_eq!(parse("recorded:a.jsonl").unwrap(), ModelRef::Recorded("a.jsonl".into()));
    }

    #[test]
    fn what_is_not_built_and_what_does_not_exist_is_a_usage_error() {
        insta::assert_snapshot!(refusal("openai:http://localhost#name"), @"--model openai:http://localhost#name: servers are not built yet");
        insta::assert_snapshot!(refusal("smollm2+adapter"), @"--model smollm2+adapter: adapters are not built yet");
        insta::assert_snapshot!(refusal("/"), @"--model /: model folders are not built yet");
        insta::assert_snapshot!(refusal("smollm2"), @"model smollm2 is not set up: no file /no-such-home/models/SmolLM2-135M-Instruct.Q4_1.gguf");
        insta::assert_snapshot!(refusal("missing.gguf"), @"--model missing.gguf: no such file");
    }

    #[test]
    fn the_digest_of_a_file_is_the_digest_of_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, vec![7; (1 << 20) + 1]).unwrap();
        assert_eq!(file_digest(&path).unwrap(), Digest::of(&vec![7; (1 << 20) + 1]));
    }
}
