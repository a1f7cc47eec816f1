//! Words: runs of letters and digits with the apostrophes inside them.
//!
//! Most text is ASCII, which is looked up byte by byte in a table of its own; only what is not goes through Unicode's. A word
//! that stands in the text as it is compared is borrowed from it, which spares a block of memory for most of them.

use std::{borrow::Cow, str::Chars};

use super::{
    bytes::{eight, letters_and_digits, lower_case},
    straight,
};

/// A word and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word<'a> {
    /// Lower case, apostrophes straight.
    pub text: Cow<'a, str>,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// The words of `text`, in order.
///
/// A word is a longest run of letters, digits and combining accents; an apostrophe, straight or curly, belongs to it
/// when a letter or digit stands on both sides. A hyphen separates.
///
/// ```
/// let words = realign_plugin::text::words("Don’t re-send!");
/// let texts: Vec<_> = words.iter().map(|word| &*word.text).collect();
/// assert_eq!(texts, ["don't", "re", "send"]);
/// ```
#[must_use]
pub fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::with_capacity(text.len() / USUAL_BYTES + 1);
    let mut at = 0;
    while let Some(start) = start(text, at) {
        let (end, seen) = end(text, start);
        words.push(word(text, start, end, seen));
        at = end;
    }
    words
}

/// How many [`words`] there are, which is found faster than they are.
///
/// ```
/// assert_eq!(realign_plugin::text::word_count("Don’t re-send!"), 3);
/// ```
#[must_use]
pub fn word_count(text: &str) -> usize {
    // Whether the byte before `at` belongs to a word that was counted, and may go on.
    let (mut at, mut inside, mut count) = (0, false, 0);
    loop {
        if let Some(among) = eight(text.as_bytes(), at).and_then(letters_and_digits) {
            // A word begins where a letter or digit follows a byte that is none. The first byte is the lowest.
            let before = (among << u8::BITS) | (u64::from(inside) << (u8::BITS - 1));
            count += (among & !before).count_ones() as usize;
            inside = among >> (u64::BITS - 1) != 0;
            at += 8;
        } else if inside {
            (at, _) = end(text, at);
            inside = false;
        } else if let Some(start) = start(text, at) {
            count += 1;
            (at, _) = end(text, start);
        } else {
            return count;
        }
    }
}

/// Bytes of a word and what follows it, in most languages that write spaces: a little less than they have.
const USUAL_BYTES: usize = 5;

/// Classes of bytes, one bit each, so that those of a run can be gathered.
const LETTER_OR_DIGIT: u8 = 1;
/// Comes with [`LETTER_OR_DIGIT`].
const UPPER: u8 = 2;
const APOSTROPHE: u8 = 4;
const NOT_ASCII: u8 = 8;

/// The class of each byte.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = u8::MAX;
    loop {
        classes[byte as usize] = match byte {
            b'A'..=b'Z' => LETTER_OR_DIGIT | UPPER,
            b'a'..=b'z' | b'0'..=b'9' => LETTER_OR_DIGIT,
            b'\'' => APOSTROPHE,
            0x80.. => NOT_ASCII,
            _ => 0,
        };
        let Some(next) = byte.checked_sub(1) else { break classes };
        byte = next;
    }
};

/// The class of the byte at `at`; none behind the end.
fn class(text: &str, at: usize) -> u8 {
    text.as_bytes().get(at).map_or(0, |byte| CLASSES[usize::from(*byte)])
}

/// First byte of the next word, at `at` or behind it.
fn start(text: &str, mut at: usize) -> Option<usize> {
    loop {
        let may_begin = |byte: &u8| CLASSES[usize::from(*byte)] & (LETTER_OR_DIGIT | NOT_ASCII) != 0;
        at += text.as_bytes()[at..].iter().position(may_begin)?;
        if class(text, at) != NOT_ASCII {
            return Some(at);
        }
        let c = text[at..].chars().next()?;
        if c.is_alphanumeric() {
            return Some(at);
        }
        at += c.len_utf8();
    }
}

/// One past the last byte of the word that begins at `start`, and the classes of its bytes.
fn end(text: &str, start: usize) -> (usize, u8) {
    let (mut at, mut seen) = (start, 0);
    loop {
        let class = class(text, at);
        if class & LETTER_OR_DIGIT != 0 {
            at += 1 + lower_case(text.as_bytes(), at + 1);
        } else if class == 0 {
            return (at, seen);
        } else {
            let mut chars = text[at..].chars();
            match chars.next() {
                Some(c) if c.is_alphanumeric() || joins(c, &chars) => at += c.len_utf8(),
                _ => return (at, seen),
            }
        }
        seen |= class;
    }
}

/// Whether a word goes on over `c`: a combining accent of decomposed text, or an apostrophe inside it.
fn joins(c: char, behind: &Chars<'_>) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
        || (straight(c) == '\'' && behind.clone().next().is_some_and(char::is_alphanumeric))
}

fn word(text: &str, start: usize, end: usize, seen: u8) -> Word<'_> {
    let raw = &text[start..end];
    let text = if seen & NOT_ASCII != 0 {
        Cow::Owned(raw.chars().map(straight).flat_map(char::to_lowercase).collect())
    } else if seen & UPPER != 0 {
        Cow::Owned(raw.to_ascii_lowercase())
    } else {
        Cow::Borrowed(raw)
    };
    Word { text, start, end }
}
