//! Thrift's compact protocol, as far as sizes have to be seen before they are believed.
//!
//! A header is walked without recursion and without allocating: of each struct the fields, of each field its id and either
//! its number or where its content lies. Depth is limited, and every step moves forward within the bytes.

use super::Refusal;

/// How deep values may nest: headers of Parquet take six.
const DEPTH: usize = 16;

/// Type codes of the protocol.
const STOP: u8 = 0;
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

/// A place in a header.
#[derive(Clone, Copy)]
pub(super) struct Compact<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A field of a struct.
pub(super) struct Field {
    pub(super) id: i16,
    /// Its value where it is a whole number or a truth value.
    pub(super) number: Option<i64>,
    /// Where its content starts, for structs and lists.
    start: usize,
    kind: u8,
}

impl<'a> Compact<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes behind this place.
    pub(super) const fn position(&self) -> usize {
        self.at
    }

    fn byte(&mut self) -> Result<u8, Refusal> {
        let byte = self.bytes.get(self.at).copied().ok_or_else(ends)?;
        self.at += 1;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64, Refusal> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Refusal::Broken("a number in a header does not end".to_owned()))
    }

    /// A signed number: zigzag.
    fn number(&mut self) -> Result<i64, Refusal> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    fn advance(&mut self, count: u64) -> Result<(), Refusal> {
        let end = usize::try_from(count).ok().and_then(|count| self.at.checked_add(count));
        self.at = end.filter(|end| *end <= self.bytes.len()).ok_or_else(ends)?;
        Ok(())
    }

    /// Kind and count of a list's elements.
    fn list(&mut self) -> Result<(u8, u64), Refusal> {
        let head = self.byte()?;
        let count = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        Ok((head & 15, count))
    }

    /// The next field of a struct, its content passed over; `None` at the struct's end. `last` is the id of the one before.
    pub(super) fn field(&mut self, last: i16) -> Result<Option<Field>, Refusal> {
        let head = self.byte()?;
        let kind = head & 15;
        if kind == STOP {
            return Ok(None);
        }
        let id = match head >> 4 {
            0 => i16::try_from(self.number()?)
                .map_err(|_| Refusal::Broken("a field of a header".to_owned()))?,
            step => last.saturating_add(i16::from(step)),
        };
        let start = self.at;
        let number = match kind {
            TRUE => Some(1),
            FALSE => Some(0),
            I16 | I32 | I64 => Some(self.number()?),
            other => {
                self.skip(other, 0)?;
                None
            }
        };
        Ok(Some(Field { id, number, start, kind }))
    }

    /// The struct that a field holds.
    pub(super) fn inside(&self, field: &Field) -> Result<Self, Refusal> {
        (field.kind == STRUCT)
            .then_some(Self { bytes: self.bytes, at: field.start })
            .ok_or_else(|| Refusal::Broken(format!("field {} of a header is no struct", field.id)))
    }

    /// The first struct of the list that a field holds, and how many there are. Each ends where the next one starts.
    pub(super) fn structs(&self, field: &Field) -> Result<(Self, u64), Refusal> {
        let mut list = Self { bytes: self.bytes, at: field.start };
        if field.kind != LIST {
            return Err(Refusal::Broken(format!("field {} of a header is no list", field.id)));
        }
        let (kind, count) = list.list()?;
        if kind != STRUCT && count > 0 {
            return Err(Refusal::Broken(format!("field {} of a header is no list of structs", field.id)));
        }
        Ok((list, count))
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Result<(), Refusal> {
        if depth > DEPTH {
            return Err(Refusal::Limit {
                what: "levels in a header",
                found: depth as u64,
                limit: DEPTH as u64,
            });
        }
        match kind {
            TRUE | FALSE => Ok(()),
            BYTE => self.advance(1),
            I16 | I32 | I64 => self.varint().map(drop),
            DOUBLE => self.advance(8),
            BINARY => {
                let length = self.varint()?;
                self.advance(length)
            }
            LIST | SET => {
                let (kind, count) = self.list()?;
                for _ in 0..count {
                    // Truth values take no byte in a struct and one in a list: without it the count alone would be work.
                    if matches!(kind, TRUE | FALSE) { self.advance(1)? } else { self.skip(kind, depth + 1)? }
                }
                Ok(())
            }
            STRUCT => loop {
                let head = self.byte()?;
                if head & 15 == STOP {
                    return Ok(());
                }
                if head >> 4 == 0 {
                    self.varint()?;
                }
                self.skip(head & 15, depth + 1)?;
            },
            other => Err(Refusal::Broken(format!("type {other} in a header"))),
        }
    }
}

fn ends() -> Refusal {
    Refusal::Broken("it ends within a header".to_owned())
}
