//! What `--model` names.

use std::path::{Path, PathBuf};

use realign_engine_abi::{
    message::{AdapterFile, Load},
    place::Home,
};

use super::openai::address::Address;
use crate::error::{Error, Result};

/// A model that can be asked.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelRef {
    /// A file or a folder for the engine, with the adapters that are named.
    Files(Load),
    /// Recorded answers.
    Recorded(PathBuf),
    /// A server's model.
    OpenAi(Address),
}

const FORMS: &str = "use a GGUF file, a model folder, smollm2, each with +ADAPTER_DIR if wanted, recorded:FILE.jsonl, or openai:BASE_URL#MODEL";

impl ModelRef {
    /// Reads `FILE.gguf`, a Hugging Face model folder, `smollm2` (set up in `home`), each with `+ADAPTER_DIR` if
    /// wanted, perhaps several times, `recorded:FILE.jsonl`, or `openai:BASE_URL#MODEL`. What exists under the whole name comes first, so that names may contain `+`.
    ///
    /// # Errors
    /// Usage errors: names that are nothing of this, and what the forms themselves refuse.
    pub fn parse(text: &str, home: &Home) -> Result<Self> {
        if let Some(path) = text.strip_prefix("recorded:") {
            return Ok(Self::Recorded(path.into()));
        }
        if let Some(text) = text.strip_prefix("openai:") {
            return server(text).map(Self::OpenAi);
        }
        if let Some(load) = files(text, home)? {
            return Ok(Self::Files(load));
        }
        Err(Error::usage(format!("--model {text}: no such file or folder")).hint(FORMS))
    }

    /// The files of a model that can be trained, and whose divergence can be measured. `name` is what the user typed.
    ///
    /// # Errors
    /// A usage error where there are no weights here.
    pub fn trainable(self, name: &str) -> Result<Load> {
        let what = match self {
            Self::Files(load) => return Ok(load),
            Self::Recorded(_) => "recorded responses cannot be trained",
            Self::OpenAi(_) => "a server's model cannot be trained: its weights are not here",
        };
        Err(Error::usage(format!("--model {name}: {what}"))
            .hint("use a GGUF file, a model folder, or smollm2"))
    }

    /// The same model without its adapters; `None` where it has none.
    #[must_use]
    pub fn without_adapters(&self) -> Option<Self> {
        match self {
            Self::Files(load) if !load.adapters.is_empty() => {
                Some(Self::Files(Load { adapters: Vec::new(), ..load.clone() }))
            }
            Self::Files(_) | Self::Recorded(_) | Self::OpenAi(_) => None,
        }
    }
}

/// A server's model, which takes no adapter of ours.
fn server(text: &str) -> Result<Address> {
    let address = Address::parse(text)?;
    let adapter = address.model().rsplit_once('+').map(|(_, folder)| Path::new(folder));
    if adapter.is_some_and(|folder| folder.join("adapter_config.json").is_file()) {
        let message = format!("--model openai:{text}: an adapter cannot be put on a server's model");
        return Err(Error::usage(message).hint("let the server load it, or name the model's files"));
    }
    Ok(address)
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
    fn a_server_takes_no_adapter() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("adapter_config.json"), "{}").unwrap();
        let name = format!("openai:http://h#m+{}", folder.path().display());
        let shown = refusal(&name).replace(&folder.path().display().to_string(), "[folder]");
        insta::assert_snapshot!(shown, @"--model openai:http://h#m+[folder]: an adapter cannot be put on a server's model");
        assert!(
            matches!(parse("openai:http://h#m+other").unwrap(), ModelRef::OpenAi(_)),
            "a name may hold a plus"
        );
    }

    #[test]
    fn what_does_not_exist_is_a_usage_error() {
        insta::assert_snapshot!(refusal("openai:http://localhost"), @"--model openai: no #MODEL behind the URL");
        insta::assert_snapshot!(refusal("smollm2+adapter"), @"model smollm2 is not set up: no file /no-such-home/models/SmolLM2-135M-Instruct.Q4_1.gguf");
        insta::assert_snapshot!(refusal("smollm2"), @"model smollm2 is not set up: no file /no-such-home/models/SmolLM2-135M-Instruct.Q4_1.gguf");
        insta::assert_snapshot!(refusal("missing.gguf"), @"--model missing.gguf: no such file or folder");
        insta::assert_snapshot!(refusal("missing.gguf+adapter"), @"--model missing.gguf+adapter: no such file or folder");
    }
}
