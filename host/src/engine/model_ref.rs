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
    /// A file or a folder for the engine, with the adapters that are named.
    Files(Load),
    /// Recorded answers.
    Recorded(PathBuf),
}

const FORMS: &str =
    "use a GGUF file, a model folder, smollm2, each with +ADAPTER_DIR if wanted, or recorded:FILE.jsonl";

impl ModelRef {
    /// Reads `FILE.gguf`, a Hugging Face model folder, `smollm2` (set up in `home`), each with `+ADAPTER_DIR` if
    /// wanted, perhaps several times, or `recorded:FILE.jsonl`. What exists under the whole name comes first, so that names may contain `+`.
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
        if let Some(load) = files(text, home)? {
            return Ok(Self::Files(load));
        }
        Err(Error::usage(format!("--model {text}: no such file or folder")).hint(FORMS))
    }

    /// The same model without its adapters; `None` where it has none.
    #[must_use]
    pub fn without_adapters(&self) -> Option<Self> {
        match self {
            Self::Files(load) if !load.adapters.is_empty() => {
                Some(Self::Files(Load { adapters: Vec::new(), ..load.clone() }))
            }
            Self::Files(_) | Self::Recorded(_) => None,
        }
    }
}

/// A model with the adapters behind it; `None` where the name begins with none.
fn files(text: &str, home: &Home) -> Result<Option<Load>> {
    if let Some(model) = model(text, home)? {
        return Ok(Some(Load { model, adapters: Vec::new() }));
    }
    let Some((base, folder)) = text.rsplit_once('+') else { return Ok(None) };
    let Some(mut load) = files(base, home)? else { return Ok(None) };
    let folder = PathBuf::from(folder);
    if !folder.join("adapter_config.json").is_file() {
        let message =
            format!("--model {text}: no adapter in {}: no file adapter_config.json", folder.display());
        return Err(Error::usage(message).hint("name the `adapter` folder that `realign train` made"));
    }
    load.adapters.push(AdapterFile { folder, factor: 1.0 });
    Ok(Some(load))
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
        ModelRef::Files(Load { model, adapters: Vec::new() })
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
        let file = AdapterFile { folder: adapter.clone(), factor: 1.0 };
        let files = |adapters| ModelRef::Files(Load { model: model.clone(), adapters });
        assert_eq!(parse(&name).unwrap(), files(vec![file.clone()]));
        let twice = format!("{name}+{}", adapter.display());
        assert_eq!(parse(&twice).unwrap(), files(vec![file.clone(), file]), "in the order of the name");
        assert_eq!(parse(&twice).unwrap().without_adapters(), Some(plain(model.clone())));
        assert_eq!(plain(model.clone()).without_adapters(), None);
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
