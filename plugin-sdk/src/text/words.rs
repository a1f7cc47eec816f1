//! Words: runs of letters and digits with the apostrophes inside them.

use std::str::Chars;

use super::straight;

/// A word and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Lower case, apostrophes straight.
    pub text: String,
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
/// let texts: Vec<_> = words.iter().map(|word| word.text.as_str()).collect();
/// assert_eq!(texts, ["don't", "re", "send"]);
/// ```
#[must_use]
pub fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(gap) = text[at..].find(char::is_alphanumeric) {
        let start = at + gap;
        at = end(text, start);
        words.push(word(text, start, at));
    }
    words
}

/// One past the last byte of the word that begins at `start`.
fn end(text: &str, start: usize) -> usize {
    let mut chars = text[start..].chars();
    loop {
        let rest = chars.as_str().len();
        match chars.next() {
            Some(c) if c.is_alphanumeric() || joins(c, &chars) => {}
            _ => return text.len() - rest,
        }
    }
}

/// Whether a word goes on over `c`: a combining accent of decomposed text, or an apostrophe inside it.
fn joins(c: char, behind: &Chars<'_>) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
        || (straight(c) == '\'' && behind.clone().next().is_some_and(char::is_alphanumeric))
}

fn word(text: &str, start: usize, end: usize) -> Word {
    let raw = &text[start..end];
    // Most words are ASCII, where lower case is the same for every language and as long.
    let text = if raw.is_ascii() {
        raw.to_ascii_lowercase()
    } else {
        raw.chars().map(straight).flat_map(char::to_lowercase).collect()
    };
    Word { text, start, end }
}
