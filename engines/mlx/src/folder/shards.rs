//! The tensors of a folder: one file, or several that an index names.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    disk::{Folder, object::Object},
    error::{Error, Result},
    llama::source::{Head, Part, Source},
    tensor_file::TensorFile,
};

/// The only file of a small model.
pub const SINGLE: &str = "model.safetensors";
/// Which file of a large model holds which tensor.
const INDEX: &str = "model.safetensors.index.json";
/// Most files; all of them stay open.
const MAX_FILES: usize = 256;

/// Open files with checked headers, together exactly what the index says.
#[derive(Debug)]
pub struct Shards {
    files: Vec<TensorFile>,
    /// Which file holds a tensor.
    place: BTreeMap<String, usize>,
    tied: bool,
}

impl Shards {
    /// Opens the files; `tied` says that the embedding is the head.
    ///
    /// # Errors
    /// A model error naming the file or tensor that is wrong.
    pub fn open(folder: &Folder, tied: bool) -> Result<Self> {
        let expected = match (folder.has(SINGLE), folder.has(INDEX)) {
            (true, false) => None,
            (false, true) => Some(index(&folder.object(INDEX)?)?),
            (true, true) => {
                return Err(Error::model(format!("holds both {SINGLE} and {INDEX}"))
                    .hint("remove the one that is not the model"));
            }
            (false, false) => {
                return Err(Error::model(format!("holds neither {SINGLE} nor {INDEX}"))
                    .hint("name a folder with a model in safetensors format"));
            }
        };
        let names: BTreeSet<&str> = match &expected {
            None => [SINGLE].into(),
            Some(expected) => expected.values().map(String::as_str).collect(),
        };
        if names.len() > MAX_FILES {
            return Err(Error::model(format!(
                "{INDEX}: names {} files; the limit is {MAX_FILES}",
                names.len()
            )));
        }
        let (mut files, mut place) = (Vec::new(), BTreeMap::new());
        for (number, &name) in names.iter().enumerate() {
            let file = TensorFile::read(folder.file(name)?).map_err(|error| error.within(name))?;
            for tensor in file.names() {
                let indexed = expected
                    .as_ref()
                    .is_none_or(|expected| expected.get(tensor).is_some_and(|file| file == name));
                if !indexed {
                    return Err(Error::model(format!("{name}: tensor {tensor} is not where {INDEX} says")));
                }
                place.insert(tensor.to_owned(), number);
            }
            files.push(file);
        }
        match expected.iter().flatten().find(|(tensor, _)| !place.contains_key(*tensor)) {
            None => Ok(Self { files, place, tied }),
            Some((tensor, file)) => Err(Error::model(format!("{file}: tensor {tensor} is missing"))
                .hint("the folder is incomplete; fetch it again")),
        }
    }

    fn file(&self, name: &str) -> Option<&TensorFile> {
        self.place.get(name).and_then(|&number| self.files.get(number))
    }
}

/// Tensor name to file name.
fn index(object: &Object) -> Result<BTreeMap<String, String>> {
    let files = object.object("weight_map")?;
    files
        .keys()
        .map(|tensor| match files.text(tensor)? {
            Some(file) => Ok((tensor.to_owned(), file.to_owned())),
            None => Err(files.wrong(tensor, "a file name")),
        })
        .collect()
}

impl Source for Shards {
    fn names(&self) -> Vec<&str> {
        self.place.keys().map(String::as_str).collect()
    }

    fn name(&self, part: Part) -> String {
        name(part)
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.file(name)?.shape(name)
    }

    fn numbers(&self, name: &str) -> Result<Vec<f32>> {
        let file = self.file(name).ok_or_else(|| Error::model(format!("tensor {name} is missing")))?;
        file.numbers(name)
    }

    fn pairs_are_neighbours(&self) -> bool {
        false
    }

    fn head(&self) -> Head {
        if self.tied { Head::Tied } else { Head::Own }
    }
}

/// What a tensor of the architecture is called in a folder.
#[must_use]
pub fn name(part: Part) -> String {
    match part {
        Part::Embedding => "model.embed_tokens.weight".into(),
        Part::AttentionNorm(block) => format!("model.layers.{block}.input_layernorm.weight"),
        Part::InnerNorm(block) => format!("model.layers.{block}.post_attention_layernorm.weight"),
        Part::Projection(site) => format!("{site}.weight"),
        Part::Norm => "model.norm.weight".into(),
        Part::Head => "lm_head.weight".into(),
    }
}
