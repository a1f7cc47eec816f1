//! Scalars in a TensorBoard event file.
//!
//! The format is small: records of length, checksum, bytes, checksum, each holding one `Event` message of two or three
//! fields. The crate that exists for it brings an image library and a protocol buffer runtime along, of which nothing
//! would be used, so it is written here. A run that goes on writes the file anew from `steps.jsonl`.
//!
//! ```text
//! record  = u64 length | u32 masked CRC-32C of length | bytes | u32 masked CRC-32C of bytes      (little-endian)
//! Event   = 1: double wall_time, 2: int64 step, 3: string file_version, 5: Summary
//! Summary = 1: repeated Value { 1: string tag, 2: float simple_value }
//! ```

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
};

use super::log::Line;
use crate::error::{Error, Result};

/// An open event file.
#[derive(Debug)]
pub struct Events {
    path: PathBuf,
    file: File,
}

impl Events {
    /// Begins the event file of a folder anew.
    ///
    /// # Errors
    /// The folder or the file cannot be written.
    pub fn create(folder: &Path) -> Result<Self> {
        let path = folder.join("events.out.tfevents.0.realign");
        let file = fs::create_dir_all(folder)
            .and_then(|()| File::create(&path))
            .map_err(|error| Error::unwritable(&path, &error))?;
        let mut events = Self { path, file };
        let mut event = Vec::new();
        field_double(&mut event, 1, 0.0);
        field_bytes(&mut event, 3, b"brain.Event:2");
        events.record(&event)?;
        Ok(events)
    }

    /// Adds the numbers of a step.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, line: &Line) -> Result<()> {
        let mut summary = Vec::new();
        for (tag, value) in scalars(line) {
            let mut scalar = Vec::new();
            field_bytes(&mut scalar, 1, tag.as_bytes());
            #[expect(clippy::cast_possible_truncation, reason = "TensorBoard shows single precision")]
            field_float(&mut scalar, 2, value as f32);
            field_bytes(&mut summary, 1, &scalar);
        }
        let mut event = Vec::new();
        field_double(&mut event, 1, line.time);
        field_varint(&mut event, 2, u64::from(line.step));
        field_bytes(&mut event, 5, &summary);
        self.record(&event)
    }

    fn record(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(&record(bytes)).map_err(|error| Error::unwritable(&self.path, &error))
    }
}

/// The numbers of a step under their names.
fn scalars(line: &Line) -> Vec<(&'static str, f64)> {
    let always = [
        ("train/loss", line.loss),
        ("train/rate", line.rate),
        ("train/gradient_norm", line.gradient_norm),
        ("train/tokens_per_second", line.tokens_per_second),
    ];
    let sometimes = [
        ("train/margin", line.margin),
        ("train/reward_accuracy", line.reward_accuracy),
        ("kl/anchors", line.anchor_kl),
        ("kl/weight", line.kl_weight),
        ("kl/policy", line.policy_kl),
        ("kl/policy_upper", line.policy_kl_upper),
        ("validation/loss", line.validation_loss),
    ];
    let known = sometimes.into_iter().filter_map(|(tag, value)| Some((tag, value?)));
    always.into_iter().chain(known).collect()
}

fn record(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(masked(&length).to_le_bytes());
    record.extend(bytes);
    record.extend(masked(bytes).to_le_bytes());
    record
}

fn masked(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli), bit by bit: a few hundred bytes a step need no table.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

fn varint(into: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            into.push(low & 0x7f);
            return;
        }
        into.push(low | 0x80);
    }
}

fn field_varint(into: &mut Vec<u8>, field: u64, value: u64) {
    varint(into, field << 3);
    varint(into, value);
}

fn field_double(into: &mut Vec<u8>, field: u64, value: f64) {
    varint(into, field << 3 | 1);
    into.extend(value.to_le_bytes());
}

fn field_bytes(into: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    varint(into, field << 3 | 2);
    varint(into, bytes.len() as u64);
    into.extend(bytes);
}

fn field_float(into: &mut Vec<u8>, field: u64, value: f32) {
    varint(into, field << 3 | 5);
    into.extend(value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standard() {
        // RFC 3720, appendix B.4.
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn whole_numbers_have_seven_bits_a_byte() {
        let encoded = |value| {
            let mut bytes = Vec::new();
            varint(&mut bytes, value);
            bytes
        };
        assert_eq!((encoded(0), encoded(1), encoded(300)), (vec![0], vec![1], vec![0xac, 0x02]));
    }

    #[test]
    fn a_file_is_whole_records_and_begins_with_its_version() {
        let folder = tempfile::tempdir().unwrap();
        let mut events = Events::create(folder.path()).unwrap();
        events.write(&Line { step: 7, loss: 0.5, margin: Some(1.0), ..Line::default() }).unwrap();
        let bytes = fs::read(&events.path).unwrap();
        let mut rest = bytes.as_slice();
        let mut records = Vec::new();
        while let Some((length, _)) = rest.split_first_chunk::<8>() {
            let length = usize::try_from(u64::from_le_bytes(*length)).unwrap();
            let event = &rest[12..12 + length];
            assert_eq!(record(event), rest[..16 + length], "checksums");
            records.push(event);
            rest = &rest[16 + length..];
        }
        assert_eq!(records.len(), 2);
        assert!(records[0].ends_with(b"\x1a\x0dbrain.Event:2"));
        // Step 7, and the first scalar: tag train/loss with the float 0.5.
        assert!(records[1].windows(2).any(|window| window == [0x10, 7]));
        let scalar = b"\x0a\x0atrain/loss\x15\x00\x00\x00\x3f";
        assert!(records[1].windows(scalar.len()).any(|window| window == scalar));
    }
}
