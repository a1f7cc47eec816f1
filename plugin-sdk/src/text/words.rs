//! Words: runs of letters and digits with the apostrophes inside them.

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
    let mut start = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|&(_, next)| next);
        let inside = c.is_alphanumeric() || (start.is_some() && joins(c, next));
        match (inside, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                words.push(word(text, from, at));
                start = None;
            }
            _ => {}
        }
    }
    words.extend(start.map(|from| word(text, from, text.len())));
    words
}

/// Whether a word that has begun goes on over `c`: a combining accent of decomposed text, or an apostrophe inside it.
fn joins(c: char, next: Option<char>) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c) || (straight(c) == '\'' && next.is_some_and(char::is_alphanumeric))
}

fn word(text: &str, start: usize, end: usize) -> Word {
    let text = text[start..end].chars().map(straight).flat_map(char::to_lowercase).collect();
    Word { text, start, end }
}
