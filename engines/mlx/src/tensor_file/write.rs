//! Writing `.safetensors`: tensors are made one at a time, so a model larger than memory can pass through.

use half::f16;
use safetensors::{
    Dtype,
    tensor::{Metadata, TensorInfo},
};

use crate::{
    disk::write::Out,
    error::{Error, Result},
};

/// How numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// 32-bit floats.
    F32,
    /// 16-bit floats; a number that does not fit is an error.
    F16,
}

impl Stored {
    const fn width(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
        }
    }

    const fn kind(self) -> Dtype {
        match self {
            Self::F32 => Dtype::F32,
            Self::F16 => Dtype::F16,
        }
    }
}

/// Writes tensors in the given order. `format` is what loaders look for: `mlx` or `pt`.
///
/// # Errors
/// An unwritable error if something cannot be written; a request error if a number does not fit its type; whatever
/// `numbers` gives.
pub fn tensors(
    out: &mut Out,
    format: &str,
    stored: Stored,
    shapes: &[(String, Vec<usize>)],
    mut numbers: impl FnMut(usize) -> Result<Vec<f32>>,
) -> Result<()> {
    let mut end = 0;
    let infos = shapes.iter().map(|(name, shape)| {
        let start = end;
        end += shape.iter().product::<usize>() * stored.width();
        let info = TensorInfo { dtype: stored.kind(), shape: shape.clone(), data_offsets: (start, end) };
        (name.clone(), info)
    });
    let about = [("format".to_owned(), format.to_owned())].into_iter().collect();
    let header = Metadata::new(Some(about), infos.collect())
        .map_err(|error| Error::internal(format!("header of tensors: {error}")))?;
    let mut header = serde_json::to_vec(&header)
        .map_err(|error| Error::internal(format!("header of tensors: {error}")))?;
    // Readers that map the file want the numbers aligned.
    header.resize(header.len().next_multiple_of(8), b' ');
    out.bytes(&(header.len() as u64).to_le_bytes())?;
    out.bytes(&header)?;
    for (index, (name, shape)) in shapes.iter().enumerate() {
        let numbers = numbers(index)?;
        if numbers.len() != shape.iter().product::<usize>() {
            return Err(Error::internal(format!("tensor {name}: {} numbers for {shape:?}", numbers.len())));
        }
        out.bytes(&narrow(stored, &numbers).map_err(|error| error.within(format!("tensor {name}")))?)?;
    }
    Ok(())
}

fn narrow(stored: Stored, numbers: &[f32]) -> Result<Vec<u8>> {
    if stored == Stored::F32 {
        return Ok(numbers.iter().flat_map(|number| number.to_le_bytes()).collect());
    }
    let halves = numbers.iter().map(|&number| {
        let half = f16::from_f32(number);
        half.is_finite().then(|| half.to_le_bytes()).ok_or_else(|| {
            Error::request(format!("{number} does not fit 16 bits; the limit is {}", f16::MAX))
                .hint("export 32-bit weights")
        })
    });
    Ok(halves.collect::<Result<Vec<_>>>()?.concat())
}
