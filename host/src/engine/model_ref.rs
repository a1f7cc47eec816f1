//! What `--model` names.

use std::path::{Path, PathBuf};

use realign_engine_abi::{
    message::{AdapterFile, Load},
    place::Home,
};

use crate::error::{Error, Result};

/// A model that can be asked.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelRef {
    /// A file or a folder for the engine, with an adapter where one is named.
    Files(Load),
    /// Recorded answers.
    Recorded(PathBuf),
}

const FORMS: &str =
    "use a GGUF file, a model folder, smollm2, each with +ADAPTER_DIR if wanted, or recorded:FILE.jsonl";

impl ModelRef {
    /// Reads `FILE.gguf`, a Hugging Face model folder, `smollm2` (set up in `home`), each with `+ADAPTER_DIR` if
    /// wanted, or `recorded:FILE.jsonl`. What exists under the whole name comes first, so that names may contain `+`.
    ///
    /// # Errors
    /// Usage errors: forms that are known but not built yet, and names that are nothing of this.
    pub fn parse(text: &str, home: &Home) -> Result<Self> {
        if let Some(path) = text.strip_prefix("recorded:") {
            return Ok(Self::Recorded(path.into()));
        }
        if text.starts_with("openai:") {
            return Err(Error::usage(format!("--model {text}: servers are not built yet")).hint(FORMS));
        }
        if let Some(model) = model(text, home)? {
            return Ok(Self::Files(Load { model, adapter: None }));
        }
        if let Some((base, folder)) = text.rsplit_once('+') {
            let folder = PathBuf::from(folder);
            if let Some(model) = model(base, home)? {
                check_adapter(&folder).map_err(|error| error.within(format!("--model {text}")))?;
                let adapter = AdapterFile { folder, factor: 1.0 };
                return Ok(Self::Files(Load { model, adapter: Some(adapter) }));
            }
        }
        Err(Error::usage(format!("--model {text}: no such file or folder")).hint(FORMS))
    }
}

/// Refuses a folder that holds no adapter.
///
/// # Errors
/// A usage error naming the file that is missing.
pub fn check_adapter(folder: &Path) -> Result<()> {
    if folder.join("adapter_config.json").is_file() {
        return Ok(());
    }
    let message = format!("no adapter in {}: no file adapter_config.json", folder.display());
    Err(Error::usage(message).hint("name the `adapter` folder that `realign train` made"))
}

/// A file, a folder, or the small model; `None` where the name is neither.
fn model(text: &str, home: &Home) -> Result<Option<PathBuf>> {
    let path = Path::new(text);
    if path.is_file() || path.is_dir() {
        return Ok(Some(path.to_owned()));
    }
    if text != "smollm2" {
        return Ok(None);
    }
    let path = home.small_model();
    if path.is_file() {
        return Ok(Some(path));
    }
    Err(Error::usage(format!("model smollm2 is not set up: no file {}", path.display()))
        .hint("run: cargo xtask setup"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::exit::Exit;

    fn parse(text: &str) -> Result<ModelRef> {
        ModelRef::parse(text, &Home::at("/no-such-home"))
    }

    fn plain(model: PathBuf) -> ModelRef {
        ModelRef::Files(Load { model, adapter: None })
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
        assert_eq!(parse(path.to_str().unwrap()).unwrap(), plain(path));
    }

    #[test]
    fn the_small_model_lies_in_the_home_folder() {
        let home = tempfile::tempdir().unwrap();
        let home = Home::at(home.path());
        let path = home.small_model();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        assert_eq!(ModelRef::parse("smollm2", &home).unwrap(), plain(path));
    }

    #[test]
    fn an_adapter_is_named_behind_a_plus() {
        let folder = tempfile::tempdir().unwrap();
        let (model, adapter) = (folder.path().join("a.gguf"), folder.path().join("adapter"));
        fs::write(&model, "").unwrap();
        fs::create_dir(&adapter).unwrap();
        let name = format!("{}+{}", model.display(), adapter.display());
        assert!(refusal(&name).ends_with("adapter: no file adapter_config.json"));
        fs::write(adapter.join("adapter_config.json"), "{}").unwrap();
        let adapter = Some(AdapterFile { folder: adapter, factor: 1.0 });
        assert_eq!(parse(&name).unwrap(), ModelRef::Files(Load { model, adapter }));
    }

    #[test]
    fn a_folder_is_a_model() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(parse(folder.path().to_str().unwrap()).unwrap(), plain(folder.path().to_owned()));
    }

    #[test]
    fn recorded_answers_are_named_with_a_prefix() {
        assert_eq!(parse("recorded:a.jsonl").unwrap(), ModelRef::Recorded("a.jsonl".into()));
    }

    #[test]
    fn what_is_not_built_and_what_does_not_exist_is_a_usage_error() {
        insta::assert_snapshot!(refusal("openai:http://localhost#name"), @"--model openai:http://localhost#name: servers are not built yet");
        insta::assert_snapshot!(refusal("smollm2+adapter"), @"model smollm2 is not set up: no file /no-such-home/models/SmolLM2-135M-Instruct.Q4_1.gguf");
        insta::assert_snapshot!(refusal("smollm2"), @"model smollm2 is not set up: no file /no-such-home/models/SmolLM2-135M-Instruct.Q4_1.gguf");
        insta::assert_snapshot!(refusal("missing.gguf"), @"--model missing.gguf: no such file or folder");
        insta::assert_snapshot!(refusal("missing.gguf+adapter"), @"--model missing.gguf+adapter: no such file or folder");
    }
}
