//! One entry of a GGUF tensor directory, checked.

use crate::error::{Error, Result};

/// How the numbers of a tensor are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 32-bit floats.
    F32,
    /// 16-bit floats.
    F16,
    /// 16-bit floats with the exponent of 32-bit ones.
    Bf16,
    /// Blocks of 32: an f16 scale, 32 four-bit steps around 8.
    Q4_0,
    /// Blocks of 32: an f16 scale, an f16 minimum, 32 four-bit steps.
    Q4_1,
    /// Blocks of 32: an f16 scale, 32 signed bytes.
    Q8_0,
}

impl Kind {
    /// The kind behind a type number of the format, if it is one that this engine reads.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::F32),
            1 => Some(Self::F16),
            2 => Some(Self::Q4_0),
            3 => Some(Self::Q4_1),
            8 => Some(Self::Q8_0),
            30 => Some(Self::Bf16),
            _ => None,
        }
    }

    /// Numbers in one block.
    #[must_use]
    pub const fn block(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::Bf16 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q8_0 => 32,
        }
    }

    /// Bytes of one block.
    #[must_use]
    pub const fn block_bytes(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::Q4_0 => 18,
            Self::Q4_1 => 20,
            Self::Q8_0 => 34,
        }
    }
}

/// A tensor whose place and size have been checked against the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Row-major shape, slowest dimension first (the file stores it the other way round).
    pub shape: Vec<usize>,
    /// How its numbers are stored.
    pub kind: Kind,
    /// First byte, counted from the start of the data section.
    pub offset: u64,
    /// Bytes in the file.
    pub bytes: usize,
}

impl Tensor {
    /// Checks what the directory says about a tensor: `dimensions` fastest first, as stored.
    ///
    /// # Errors
    /// A model error if the type is unknown, a dimension is 0, the size overflows or does not fill whole
    /// blocks, or the offset is not a multiple of `alignment`.
    pub fn checked(dimensions: &[u64], number: u32, offset: u64, alignment: u64) -> Result<Self> {
        let kind = Kind::from_number(number).ok_or_else(|| {
            Error::model(format!("type {number} is not supported")).hint(
                "this engine reads F32, F16, BF16, Q4_0, Q4_1 and Q8_0; convert the model to one of them",
            )
        })?;
        let damaged = |what: String| Error::model(what).hint("the file is damaged; fetch it again");
        let size = dimensions
            .iter()
            .try_fold(1_u64, |product, &dimension| product.checked_mul(dimension))
            .filter(|&size| size > 0 && i32::try_from(size).is_ok())
            .ok_or_else(|| damaged(format!("dimensions {dimensions:?} are empty or too large")))?;
        let block = kind.block() as u64;
        if dimensions.first().is_none_or(|fastest| fastest % block != 0) {
            return Err(damaged(format!("rows of {dimensions:?} do not fill blocks of {block}")));
        }
        if !offset.is_multiple_of(alignment) {
            return Err(damaged(format!("offset {offset} is not a multiple of {alignment}")));
        }
        let shape =
            dimensions.iter().rev().filter_map(|&dimension| usize::try_from(dimension).ok()).collect();
        let bytes = usize::try_from(size / block * kind.block_bytes() as u64)
            .map_err(|_| damaged(format!("dimensions {dimensions:?} are too large")))?;
        Ok(Self { shape, kind, offset, bytes })
    }
}
