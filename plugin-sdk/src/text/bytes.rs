//! Eight bytes at a time: runs of common ASCII that the other helpers may skip.
//!
//! In a sandbox every turn of a loop also counts its fuel and looks at its deadline, which costs more than looking at a byte does.
//! Here the bytes lie side by side in a number, and each has its answer in its own highest bit: no sum carries into the next byte,
//! because the highest bit is taken out before.

/// Bytes that are looked at together.
const BYTES: usize = 8;

/// The highest bit of each byte.
const HIGH: u64 = each(0x80);

/// How many of the next eight bytes are `a` to `z`, up to the first that is not; 0 where fewer than eight are left.
pub(super) fn lower_case(bytes: &[u8], at: usize) -> usize {
    run(bytes, at, |word| {
        let low = word & !HIGH;
        // At least `a`, and not beyond `z`.
        (low + each(0x80 - b'a')) & !(low + each(0x7f - b'z'))
    })
}

/// How many of the next eight bytes are a blank or one of `@` to DEL, letters most of all, up to the first that is not; 0 where
/// fewer than eight are left.
pub(super) fn letters_and_blanks(bytes: &[u8], at: usize) -> usize {
    run(bytes, at, |word| {
        let other = word ^ each(b' ');
        let blank = !(((other & !HIGH) + !HIGH) | other);
        (word << 1) | blank
    })
}

/// Eight bytes from `at` as one number, the first one lowest; none where fewer are left.
pub(super) fn eight(bytes: &[u8], at: usize) -> Option<u64> {
    let next = bytes.get(at..)?.first_chunk::<BYTES>()?;
    Some(u64::from_le_bytes(*next))
}

/// The highest bit of each byte that is one of ASCII's letters and digits; none where one of them is not ASCII, or an apostrophe, so
/// that more has to be known than the byte.
pub(super) fn letters_and_digits(word: u64) -> Option<u64> {
    let other = word ^ each(b'\'');
    let special = word | !(((other & !HIGH) + !HIGH) | other);
    if special & HIGH != 0 {
        return None;
    }
    let between = |word: u64, first: u8, last: u8| (word + each(0x80 - first)) & !(word + each(0x7f - last));
    // Capitals become small letters, and nothing else becomes one.
    Some((between(word | each(0x20), b'a', b'z') | between(word, b'0', b'9')) & HIGH)
}

/// A number with this byte everywhere.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; BYTES])
}

/// How many bytes from `at` are ASCII and have the highest bit of `answer` set, up to the first that has not.
fn run(bytes: &[u8], at: usize, answer: impl Fn(u64) -> u64) -> usize {
    let Some(word) = eight(bytes, at) else { return 0 };
    let not = !(answer(word) & !word) & HIGH;
    // The lowest byte is the first one; 64 zeros where all have their bit.
    (not.trailing_zeros() / u8::BITS) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same, one by one.
    fn plainly(bytes: &[u8], at: usize, wanted: fn(&u8) -> bool) -> usize {
        let next = bytes.get(at..at + BYTES);
        next.map_or(0, |next| next.iter().position(|byte| !wanted(byte)).unwrap_or(BYTES))
    }

    proptest! {
        #[test]
        fn eight_bytes_together_are_what_they_are_one_by_one(
            bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..20), "[a-z `{@\\[A-Z\u{7f}]{0,20}".prop_map(String::into_bytes)],
            at in 0_usize..24
        ) {
            prop_assert_eq!(lower_case(&bytes, at), plainly(&bytes, at, u8::is_ascii_lowercase));
            let plain = |byte: &u8| matches!(byte, b' ' | 0x40..0x80);
            prop_assert_eq!(letters_and_blanks(&bytes, at), plainly(&bytes, at, plain));
        }
    }

    #[test]
    fn every_byte_has_its_answer_at_every_place() {
        for byte in 0..=u8::MAX {
            for place in 0..BYTES {
                let mut bytes = *b"aaaaaaaa";
                bytes[place] = byte;
                assert_eq!(lower_case(&bytes, 0), if byte.is_ascii_lowercase() { BYTES } else { place });
                let plain = byte == b' ' || (0x40..0x80).contains(&byte);
                assert_eq!(letters_and_blanks(&bytes, 0), if plain { BYTES } else { place }, "{byte:#x}");
                let special = byte == b'\'' || !byte.is_ascii();
                let among = if byte.is_ascii_alphanumeric() { HIGH } else { HIGH & !(0xff << (8 * place)) };
                let answer = eight(&bytes, 0).and_then(letters_and_digits);
                assert_eq!(answer, (!special).then_some(among), "{byte:#x}");
            }
        }
    }
}
