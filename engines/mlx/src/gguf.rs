//! A strict reader for GGUF model files.
//!
//! The file is untrusted: it is parsed and bounds-checked completely before MLX sees a tensor. Nothing is
//! allocated on the word of a length field alone, every offset is checked against the real length of the file,
//! and only the tensor types that the engine can widen are accepted. The file is read with positioned reads and
//! not mapped, so one that is cut short while it is read is an error and not a signal.
//!
//! - [`header`]: counts, metadata and the tensor directory
//! - [`tensor`]: one directory entry, checked
//! - [`dequantise`]: stored blocks to f32
//! - [`names`]: what the tensors of the architecture are called

pub mod dequantise;
pub mod header;
pub mod names;
pub mod tensor;

use std::{fs::File, io::BufReader, os::unix::fs::FileExt, path::Path};

use crate::{
    error::{Error, Result},
    gguf::{
        header::{Header, Value},
        tensor::Tensor,
    },
};

/// An open model file with its checked header.
#[derive(Debug)]
pub struct Gguf {
    file: File,
    header: Header,
}

impl Gguf {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// A model error if the file cannot be read or is not a GGUF file that this engine understands.
    pub fn open(path: &Path) -> Result<Self> {
        let unreadable = |error: std::io::Error| {
            Error::model(format!("cannot be read: {}", error.kind()))
                .hint("check the path and that this user may read it")
        };
        let file = File::open(path).map_err(unreadable)?;
        let details = file.metadata().map_err(unreadable)?;
        if !details.is_file() {
            return Err(Error::model("is not a regular file").hint("name the .gguf file itself"));
        }
        let header = Header::read(BufReader::with_capacity(1 << 20, &file), details.len())?;
        Ok(Self { file, header })
    }

    /// The metadata value under `key`, if there is one.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.header.metadata.get(key)
    }

    /// All metadata keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.header.metadata.keys().map(String::as_str)
    }

    /// The directory entry of a tensor, if there is one.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.header.tensors.get(name)
    }

    /// All tensor names, in order.
    pub fn tensor_names(&self) -> impl Iterator<Item = &str> {
        self.header.tensors.keys().map(String::as_str)
    }

    /// Reads a tensor of this file and widens it to f32, in the order in which it is stored.
    ///
    /// # Errors
    /// A model error if the file has become shorter since it was opened.
    pub fn read(&self, name: &str, tensor: &Tensor) -> Result<Vec<f32>> {
        let mut bytes = vec![0; tensor.bytes];
        self.file.read_exact_at(&mut bytes, self.header.data_start + tensor.offset).map_err(|error| {
            Error::model(format!("tensor {name}: {} bytes cannot be read: {}", tensor.bytes, error.kind()))
                .hint("the file changed while it was read; fetch it again")
        })?;
        Ok(dequantise::widen(tensor.kind, &bytes))
    }
}
