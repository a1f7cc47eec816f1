//! A model on disk, opened and checked: a GGUF file or a Hugging Face folder. The tensors are read later.

use std::path::Path;

use crate::{
    adapter::Adapter,
    error::Result,
    folder::ModelFolder,
    gguf::{Gguf, header::Value},
    llama::{attention::Kernels, config::Config, forward::Llama, source::Source, tensors::Tensors},
    template::Template,
    tokenizer::Tokenizer,
};

/// An opened model.
#[derive(Debug)]
pub struct Checkpoint {
    /// The name that it gives itself; for a folder the folder's.
    pub name: String,
    /// Its shape.
    pub config: Config,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Its chat template, if it has one.
    pub template: Option<Template>,
    /// Its tensors.
    pub source: Box<dyn Source>,
}

impl Checkpoint {
    /// Opens a folder, or whatever else it is as a GGUF file.
    ///
    /// # Errors
    /// A model error naming what is missing, damaged or not supported.
    pub fn open(path: &Path) -> Result<Self> {
        if path.is_dir() { Self::folder(path) } else { Self::file(path) }
    }

    /// Reads the tensors and folds adapters in; `progress` is told of (tensors done, tensors in all) and says
    /// whether to go on.
    ///
    /// # Errors
    /// A model error if the tensors are not those of a model of this shape; a request error if `progress` asked
    /// to stop.
    pub fn load(
        &self,
        adapters: &[Adapter],
        kernels: Kernels,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Llama> {
        Llama::load(Tensors::new(&*self.source, &self.config, adapters, progress), kernels)
    }

    fn folder(path: &Path) -> Result<Self> {
        let ModelFolder { config, tensors, table, template } = ModelFolder::open(path)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self::new(name, config, Tokenizer::new(table)?, template, Box::new(tensors))
    }

    fn file(path: &Path) -> Result<Self> {
        let file = Gguf::open(path)?;
        let text = |key: &str| match file.get(key) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let tokenizer = Tokenizer::read(&file)?;
        let (name, template) = (text("general.name").unwrap_or_default(), text("tokenizer.chat_template"));
        Self::new(name, Config::read(&file)?, tokenizer, template, Box::new(file))
    }

    fn new(
        name: String,
        config: Config,
        tokenizer: Tokenizer,
        template: Option<String>,
        source: Box<dyn Source>,
    ) -> Result<Self> {
        let (bos, eos) = tokenizer.bos_and_eos();
        let template = template.map(|source| Template::new(source, bos, eos)).transpose()?;
        Ok(Self { name, config, tokenizer, template, source })
    }
}
