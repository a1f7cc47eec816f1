//! Counts, metadata and the tensor directory of a GGUF file.
//!
//! Layout (little-endian): magic `GGUF`, u32 version, u64 tensor count, u64 key count, the keys with their typed
//! values, the tensor directory, padding to the alignment, tensor data. Strings are u64 length and UTF-8.
//!
//! # Limits
//!
//! A string or array is read only if the rest of the file could hold it, and the elements of all arrays
//! together are at most [`MAX_ELEMENTS`]: memory stays within a small multiple of what the file holds.

use std::{collections::BTreeMap, io::Read};

use crate::{
    error::{Error, Result},
    gguf::tensor::Tensor,
};

/// Most keys, and most tensors.
pub const MAX_ENTRIES: u64 = 65_536;
/// Most elements of all metadata arrays together.
pub const MAX_ELEMENTS: u64 = 1 << 22;
/// Longest string in bytes.
pub const MAX_STRING: u64 = 1 << 20;
/// Where tensors are placed unless `general.alignment` says otherwise.
const DEFAULT_ALIGNMENT: u64 = 32;

/// A metadata value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// An unsigned number of any width.
    Unsigned(u64),
    /// A signed number of any width.
    Signed(i64),
    /// A float of any width.
    Float(f64),
    /// A text.
    Text(String),
    /// A list of values of one type; never a list of lists.
    List(Vec<Value>),
}

/// A value as an error message shows it: short, whatever the file holds.
pub(crate) fn shown(value: Option<&Value>) -> String {
    match value {
        None => "missing".into(),
        Some(Value::List(list)) => format!("a list of {}", list.len()),
        Some(Value::Text(text)) => format!("{:?}", text.chars().take(40).collect::<String>()),
        Some(Value::Bool(value)) => value.to_string(),
        Some(Value::Unsigned(value)) => value.to_string(),
        Some(Value::Signed(value)) => value.to_string(),
        Some(Value::Float(value)) => value.to_string(),
    }
}

/// Everything in front of the tensor data, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Values by key.
    pub metadata: BTreeMap<String, Value>,
    /// Directory entries by name; each lies inside the file.
    pub tensors: BTreeMap<String, Tensor>,
    /// First byte of the data section, counted from the start of the file.
    pub data_start: u64,
}

impl Header {
    /// Reads a header from the start of a file of `length` bytes.
    ///
    /// # Errors
    /// A model error naming the key or tensor that is wrong, the value found and the limit.
    pub fn read(input: impl Read, length: u64) -> Result<Self> {
        let mut input = Input { inner: input, position: 0, length, elements: MAX_ELEMENTS };
        let (tensor_count, key_count) = input.preamble()?;
        let mut metadata = BTreeMap::new();
        for index in 0..key_count {
            let key = input.text().map_err(|error| error.within(format!("key {index}")))?;
            let value = input.value().map_err(|error| error.within(&key))?;
            if metadata.insert(key.clone(), value).is_some() {
                return Err(damaged(format!("key {key} comes twice")));
            }
        }
        let alignment = alignment(&metadata)?;
        let mut tensors = BTreeMap::new();
        for index in 0..tensor_count {
            let name = input.text().map_err(|error| error.within(format!("tensor {index}")))?;
            let place = format!("tensor {name}");
            let tensor = input.tensor(alignment).map_err(|error| error.within(&place))?;
            if tensors.insert(name, tensor).is_some() {
                return Err(damaged(format!("{place} comes twice")));
            }
        }
        let data_start = input.position.next_multiple_of(alignment);
        let room = length.saturating_sub(data_start);
        for (name, tensor) in &tensors {
            let end = tensor.offset.checked_add(tensor.bytes as u64);
            if end.is_none_or(|end| end > room) {
                let (offset, bytes) = (tensor.offset, tensor.bytes);
                return Err(damaged(format!(
                    "tensor {name}: {bytes} bytes at {offset} do not fit into the {room} bytes of the data section"
                )));
            }
        }
        Ok(Self { metadata, tensors, data_start })
    }
}

fn alignment(metadata: &BTreeMap<String, Value>) -> Result<u64> {
    match metadata.get("general.alignment") {
        None => Ok(DEFAULT_ALIGNMENT),
        Some(Value::Unsigned(value)) if value.is_power_of_two() && (8..=65_536).contains(value) => Ok(*value),
        other => {
            Err(damaged(format!("general.alignment is {}, not a power of two from 8 to 65536", shown(other))))
        }
    }
}

fn damaged(message: impl Into<String>) -> Error {
    Error::model(message).hint("the file is damaged or not a model; fetch it again")
}

/// A reader that knows how much of the file is left.
struct Input<R> {
    inner: R,
    position: u64,
    length: u64,
    /// Array elements that may still be read.
    elements: u64,
}

impl<R: Read> Input<R> {
    /// Magic, version and counts: (tensors, keys).
    fn preamble(&mut self) -> Result<(u64, u64)> {
        let magic = self.bytes::<4>()?;
        if &magic != b"GGUF" {
            return Err(damaged(format!("starts with {magic:02x?}, not with GGUF")));
        }
        let version = self.u32()?;
        if !(2..=3).contains(&version) {
            return Err(Error::model(format!("gguf version {version} is not supported"))
                .hint("this engine reads versions 2 and 3, little-endian"));
        }
        let (tensors, keys) = (self.u64()?, self.u64()?);
        for (what, count) in [("tensors", tensors), ("keys", keys)] {
            if count > MAX_ENTRIES {
                return Err(damaged(format!("claims {count} {what}; the limit is {MAX_ENTRIES}")));
            }
        }
        Ok((tensors, keys))
    }

    fn value(&mut self) -> Result<Value> {
        let number = self.u32()?;
        if number != 9 {
            return self.scalar(number);
        }
        let (element, count) = (self.u32()?, self.u64()?);
        let smallest = scalar_bytes(element)?;
        if count > self.elements || count.saturating_mul(smallest) > self.length - self.position {
            return Err(damaged(format!("claims a list of {count} values; the file cannot hold it")));
        }
        self.elements -= count;
        (0..count).map(|_| self.scalar(element)).collect::<Result<_>>().map(Value::List)
    }

    fn scalar(&mut self, number: u32) -> Result<Value> {
        Ok(match number {
            0 => Value::Unsigned(u64::from(self.bytes::<1>()?[0])),
            1 => Value::Signed(i64::from(self.bytes::<1>()?[0].cast_signed())),
            2 => Value::Unsigned(u64::from(u16::from_le_bytes(self.bytes()?))),
            3 => Value::Signed(i64::from(i16::from_le_bytes(self.bytes()?))),
            4 => Value::Unsigned(u64::from(self.u32()?)),
            5 => Value::Signed(i64::from(i32::from_le_bytes(self.bytes()?))),
            6 => Value::Float(f64::from(f32::from_le_bytes(self.bytes()?))),
            7 => match self.bytes::<1>()?[0] {
                0 => Value::Bool(false),
                1 => Value::Bool(true),
                other => return Err(damaged(format!("a truth value is {other}, not 0 or 1"))),
            },
            8 => Value::Text(self.text()?),
            10 => Value::Unsigned(self.u64()?),
            11 => Value::Signed(i64::from_le_bytes(self.bytes()?)),
            12 => Value::Float(f64::from_le_bytes(self.bytes()?)),
            other => {
                return Err(damaged(format!("value type {other} is unknown or a list of lists")));
            }
        })
    }

    fn text(&mut self) -> Result<String> {
        let length = self.u64()?;
        if length > MAX_STRING || length > self.length - self.position {
            return Err(damaged(format!("claims a text of {length} bytes; the file cannot hold it")));
        }
        // Within MAX_STRING, so it fits and may be reserved.
        let mut bytes = vec![0; usize::try_from(length).map_err(|_| damaged("text too long"))?];
        self.fill(&mut bytes)?;
        String::from_utf8(bytes).map_err(|_| damaged("a text is not valid UTF-8"))
    }

    fn tensor(&mut self, alignment: u64) -> Result<Tensor> {
        let rank = self.u32()?;
        if !(1..=4).contains(&rank) {
            return Err(damaged(format!("has {rank} dimensions; the limit is 4")));
        }
        let dimensions = (0..rank).map(|_| self.u64()).collect::<Result<Vec<_>>>()?;
        let (number, offset) = (self.u32()?, self.u64()?);
        Tensor::checked(&dimensions, number, offset, alignment)
    }

    fn u32(&mut self) -> Result<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<()> {
        self.inner
            .read_exact(bytes)
            .map_err(|error| damaged(format!("ends or fails at byte {}: {}", self.position, error.kind())))?;
        self.position += bytes.len() as u64;
        if self.position > self.length {
            return Err(damaged(format!("grew beyond {} bytes while it was read", self.length)));
        }
        Ok(())
    }
}

/// Fewest bytes that a value of a type takes.
fn scalar_bytes(number: u32) -> Result<u64> {
    match number {
        0 | 1 | 7 => Ok(1),
        2 | 3 => Ok(2),
        4..=6 => Ok(4),
        8 | 10..=12 => Ok(8),
        other => Err(damaged(format!("value type {other} is unknown or a list of lists"))),
    }
}
