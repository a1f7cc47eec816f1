//! One message in bytes.
//!
//! ```text
//! u32 length | u32 header length | JSON header | tail (raw little-endian f32 or u32)
//! `length` counts everything after itself.
//! ```
//!
//! On a pipe a frame is preceded by `length`; across the C ABI the buffer carries its own length, so only the
//! part after it is passed. Both limits are checked before anything is allocated: a peer that has gone wrong
//! cannot make this side reserve memory.

use std::io::{self, Read, Write};

use serde::{Serialize, de::DeserializeOwned};

/// Largest frame on the wire, length field excluded: 64 MiB.
pub const MAX_FRAME: usize = 64 << 20;

/// Why bytes were not a frame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The peer closed the pipe between two frames.
    #[error("the peer closed the pipe")]
    Closed,
    /// The pipe failed or ended inside a frame.
    #[error("pipe failed: {0}")]
    Io(#[from] io::Error),
    /// The frame, or its header, claims more bytes than allowed or present.
    #[error("frame of {length} bytes: the limit is {limit}")]
    TooLong {
        /// Bytes claimed.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The header is not the JSON that was expected.
    #[error("frame header is not a valid message: {0}")]
    Header(#[from] serde_json::Error),
}

/// Encodes a header and a raw tail as a frame body (everything after the length field).
///
/// # Errors
/// [`FrameError::TooLong`] above [`MAX_FRAME`], [`FrameError::Header`] if the header does not serialise.
pub fn encode<T: Serialize>(header: &T, tail: &[u8]) -> Result<Vec<u8>, FrameError> {
    let json = serde_json::to_vec(header)?;
    let length = 4 + json.len() + tail.len();
    let too_long = FrameError::TooLong { length, limit: MAX_FRAME };
    if length > MAX_FRAME {
        return Err(too_long);
    }
    let header_length = u32::try_from(json.len()).map_err(|_| too_long)?;
    let mut body = Vec::with_capacity(length);
    body.extend_from_slice(&header_length.to_le_bytes());
    body.extend_from_slice(&json);
    body.extend_from_slice(tail);
    Ok(body)
}

/// Decodes a frame body into its header and its raw tail.
///
/// # Errors
/// [`FrameError::TooLong`] if the header claims more bytes than there are, [`FrameError::Header`] if it is not `T`.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<(T, &[u8]), FrameError> {
    let too_long = |length| FrameError::TooLong { length, limit: body.len() };
    let (prefix, rest) = body.split_first_chunk::<4>().ok_or_else(|| too_long(4))?;
    let header_length = u32::from_le_bytes(*prefix) as usize;
    if header_length > rest.len() {
        return Err(too_long(header_length));
    }
    let (json, tail) = rest.split_at(header_length);
    Ok((serde_json::from_slice(json)?, tail))
}

/// Writes a frame body to a pipe, length first, and flushes.
///
/// # Errors
/// [`FrameError::Io`] if the pipe fails, [`FrameError::TooLong`] above [`MAX_FRAME`].
pub fn write(pipe: &mut impl Write, body: &[u8]) -> Result<(), FrameError> {
    let too_long = FrameError::TooLong { length: body.len(), limit: MAX_FRAME };
    if body.len() > MAX_FRAME {
        return Err(too_long);
    }
    let length = u32::try_from(body.len()).map_err(|_| too_long)?;
    pipe.write_all(&length.to_le_bytes())?;
    pipe.write_all(body)?;
    pipe.flush()?;
    Ok(())
}

/// Reads one frame body from a pipe.
///
/// # Errors
/// [`FrameError::Closed`] if the pipe ended cleanly before a frame, [`FrameError::Io`] inside one,
/// [`FrameError::TooLong`] above [`MAX_FRAME`].
pub fn read(pipe: &mut impl Read) -> Result<Vec<u8>, FrameError> {
    let mut prefix = [0; 4];
    let mut filled = 0;
    while filled < prefix.len() {
        match pipe.read(&mut prefix[filled..]) {
            Ok(0) if filled == 0 => return Err(FrameError::Closed),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let length = u32::from_le_bytes(prefix) as usize;
    if length > MAX_FRAME {
        return Err(FrameError::TooLong { length, limit: MAX_FRAME });
    }
    let mut body = vec![0; length];
    pipe.read_exact(&mut body)?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(text in ".*", tail in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut pipe = Vec::new();
            write(&mut pipe, &encode(&text, &tail).unwrap()).unwrap();
            let body = read(&mut pipe.as_slice()).unwrap();
            let (header, rest) = decode::<String>(&body).unwrap();
            prop_assert_eq!(header, text);
            prop_assert_eq!(rest, tail.as_slice());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode::<String>(&bytes);
            let _ = read(&mut bytes.as_slice());
        }
    }

    #[test]
    fn a_frame_that_claims_four_gigabytes_is_refused_before_it_is_allocated() {
        let error = read(&mut [0xff; 8].as_slice()).unwrap_err();
        assert!(matches!(error, FrameError::TooLong { length: 0xffff_ffff, .. }), "{error}");
    }

    #[test]
    fn a_pipe_that_ends_between_frames_is_closed_and_inside_one_is_broken() {
        assert!(matches!(read(&mut [].as_slice()).unwrap_err(), FrameError::Closed));
        assert!(matches!(read(&mut [9, 0].as_slice()).unwrap_err(), FrameError::Io(_)));
    }
}
