//! A strict reader for Hugging Face model folders.
//!
//! The folder is untrusted, as a GGUF file is. What would change a number is either understood or refused: keys of
//! the configuration, tensors beyond the architecture, another tokenizer.
//!
//! - [`config`]: `config.json` to a checked shape
//! - [`shards`]: one `.safetensors` file, or several with an index, as one source of tensors
//! - [`vocabulary`]: `tokenizer.json` and who says what its special tokens are
//! - [`mod@write`]: the same folder, made from a model that the engine has read

pub mod config;
pub mod shards;
pub mod vocabulary;
pub mod write;

use std::path::Path;

use serde_json::Value;

use crate::{
    disk::{Folder, object::Object},
    error::Result,
    folder::shards::Shards,
    llama::config::Config,
    tokenizer::table::Table,
};

/// What a model folder holds, checked; the tensors are still on disk.
#[derive(Debug)]
pub struct ModelFolder {
    /// The shape.
    pub config: Config,
    /// The tensors.
    pub tensors: Shards,
    /// Tokens, merges and special ids.
    pub(crate) table: Table,
    /// The chat template, if there is one.
    pub template: Option<String>,
}

impl ModelFolder {
    /// Reads everything but the tensors.
    ///
    /// # Errors
    /// A model error naming the file and the key that is missing, damaged or not supported.
    pub fn open(path: &Path) -> Result<Self> {
        let folder = Folder::open(path)?;
        let about = folder.object("config.json")?;
        let (config, tied) = config::read(&about)?;
        let optional =
            |name: &str| if folder.has(name) { folder.object(name) } else { Object::parse(name, "{}") };
        let (tokenizer, generation) =
            (optional("tokenizer_config.json")?, optional("generation_config.json")?);
        let table = vocabulary::read(&folder.object("tokenizer.json")?, &tokenizer, &generation, &about)?;
        if table.tokens.len() != config.vocabulary {
            let (tokens, rows) = (table.tokens.len(), config.vocabulary);
            return Err(about.error(format!("vocab_size is {rows}; tokenizer.json has {tokens} tokens")));
        }
        let template = template(&folder, &tokenizer)?;
        Ok(Self { config, tensors: Shards::open(&folder, tied)?, table, template })
    }
}

fn template(folder: &Folder, tokenizer: &Object) -> Result<Option<String>> {
    const FILE: &str = "chat_template.jinja";
    if folder.has(FILE) {
        return folder.text(FILE).map(Some);
    }
    match tokenizer.get("chat_template") {
        None => Ok(None),
        Some(Value::String(source)) => Ok(Some(source.clone())),
        Some(Value::Array(_)) => Err(tokenizer
            .error("chat_template is a list of templates")
            .hint("put the one to use into chat_template.jinja")),
        Some(_) => Err(tokenizer.wrong("chat_template", "a text")),
    }
}
