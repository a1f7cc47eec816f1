//! A strict reader and a writer for `.safetensors` files.
//!
//! Layout: u64 length of a JSON header, the header (name, type, shape and byte range of each tensor), tensor data.
//! The file is untrusted: the header is read only if the file could hold it, the byte ranges must follow each
//! other without gap or overlap and end where the file ends, and only types that can be widened are accepted. As
//! with GGUF the file is read with positioned reads and not mapped.

pub mod write;

use std::{collections::BTreeMap, fs::File, os::unix::fs::FileExt};

use half::{bf16, f16};
use safetensors::{
    Dtype,
    tensor::{Metadata, TensorInfo},
};

use crate::error::{Error, Result};

/// Longest header in bytes: room for 65 536 tensors.
const MAX_HEADER: u64 = 16 << 20;
/// Longest tensor name in bytes.
const MAX_NAME: usize = 256;
/// Most dimensions of a tensor.
const MAX_RANK: usize = 4;
/// Bytes of the length in front of the header.
const LENGTH: u64 = size_of::<u64>() as u64;

/// An open file with its checked header.
#[derive(Debug)]
pub struct TensorFile {
    file: File,
    tensors: BTreeMap<String, TensorInfo>,
    /// First byte of the data, counted from the start of the file.
    data_start: u64,
}

impl TensorFile {
    /// Reads the header of a file.
    ///
    /// # Errors
    /// A model error naming what is wrong with it.
    pub fn read(file: File) -> Result<Self> {
        let length = file.metadata().map_err(|error| crate::disk::unreadable(&error))?.len();
        let mut bytes = [0; size_of::<u64>()];
        file.read_exact_at(&mut bytes, 0)
            .map_err(|_| damaged(format!("has {length} bytes, fewer than the length of a header")))?;
        let header_length = u64::from_le_bytes(bytes);
        if header_length > MAX_HEADER || header_length > length - LENGTH {
            return Err(damaged(format!(
                "claims a header of {header_length} bytes; the file has {length} and the limit is {MAX_HEADER}"
            )));
        }
        // Within MAX_HEADER, so it may be reserved.
        let mut header = vec![0; usize::try_from(header_length).map_err(|_| damaged("header too long"))?];
        file.read_exact_at(&mut header, LENGTH)
            .map_err(|error| damaged(format!("header cannot be read: {}", error.kind())))?;
        let header: Metadata = serde_json::from_slice(&header)
            .map_err(|error| damaged(format!("header is not valid: {error}")))?;
        let (data_start, data) = (LENGTH + header_length, header.data_len() as u64);
        if data != length - data_start {
            let rest = length - data_start;
            return Err(damaged(format!("header describes {data} bytes of tensors; the file has {rest}")));
        }
        let tensors = header.offset_keys().into_iter().map(|name| checked(&header, name));
        Ok(Self { file, tensors: tensors.collect::<Result<_>>()?, data_start })
    }

    /// All tensor names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// The shape of a tensor, slowest dimension first, if there is one of this name.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|tensor| tensor.shape.as_slice())
    }

    /// Reads a tensor and widens it to f32.
    ///
    /// # Errors
    /// A model error if there is none of this name, or the file has become shorter since it was opened.
    pub fn numbers(&self, name: &str) -> Result<Vec<f32>> {
        let tensor =
            self.tensors.get(name).ok_or_else(|| Error::model(format!("tensor {name} is missing")))?;
        let (start, end) = tensor.data_offsets;
        let mut bytes = vec![0; end - start];
        self.file.read_exact_at(&mut bytes, self.data_start + start as u64).map_err(|error| {
            Error::model(format!("tensor {name}: {} bytes cannot be read: {}", end - start, error.kind()))
                .hint("the file changed while it was read; fetch it again")
        })?;
        Ok(widen(tensor.dtype, &bytes))
    }
}

fn checked(header: &Metadata, name: String) -> Result<(String, TensorInfo)> {
    if name.len() > MAX_NAME {
        return Err(damaged(format!("has a tensor name of {} bytes; the limit is {MAX_NAME}", name.len())));
    }
    let tensor = header.info(&name).ok_or_else(|| damaged(format!("tensor {name} is missing")))?;
    if !matches!(tensor.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
        return Err(Error::model(format!("tensor {name} has type {}", tensor.dtype))
            .hint("this engine reads F32, F16 and BF16; choose a model that is not quantised"));
    }
    if tensor.shape.len() > MAX_RANK {
        let rank = tensor.shape.len();
        return Err(damaged(format!("tensor {name} has {rank} dimensions; the limit is {MAX_RANK}")));
    }
    let size = tensor.shape.iter().product::<usize>();
    if size == 0 || i32::try_from(size).is_err() {
        return Err(damaged(format!("tensor {name} has shape {:?}: empty or too large", tensor.shape)));
    }
    Ok((name, tensor.clone()))
}

fn widen(kind: Dtype, bytes: &[u8]) -> Vec<f32> {
    let pairs = || bytes.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
    match kind {
        Dtype::F16 => pairs().map(|pair| f16::from_le_bytes(pair).to_f32()).collect(),
        Dtype::BF16 => pairs().map(|pair| bf16::from_le_bytes(pair).to_f32()).collect(),
        _ => bytes
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
            .collect(),
    }
}

fn damaged(message: impl Into<String>) -> Error {
    Error::model(message).hint("the file is damaged; fetch it again")
}
