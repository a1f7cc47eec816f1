//! Deterministic text helpers. Nothing here depends on locale, time, hash seeds or the order of earlier calls.
//!
//! Offsets are UTF-8 bytes into the text that was given, on character boundaries, so they can go into spans as they
//! are. Words are split by character class, without dictionaries: text in a script that writes no spaces is one long
//! word per run.

use std::collections::BTreeMap;

mod bytes;
mod phrase;
mod phrases;
mod sentences;
mod words;

pub use phrase::Phrase;
pub use phrases::Phrases;
pub use sentences::sentences;
pub use words::{Word, words};

/// Lower case, straight quotes, and single spaces between what white space separated.
///
/// ```
/// assert_eq!(realign_plugin::text::normalise("  It’s  “FINE”\n"), "it's \"fine\"");
/// ```
#[must_use]
pub fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().map(straight).flat_map(char::to_lowercase));
    }
    out
}

/// The straight form of a typographic quote; any other character as it is.
fn straight(c: char) -> char {
    match c {
        '‘' | '’' | 'ʼ' | '′' => '\'',
        '“' | '”' | '„' => '"',
        other => other,
    }
}

/// Runs of `n` consecutive words, joined by single spaces. Empty where there are fewer words, or `n` is 0.
#[must_use]
pub fn ngrams(words: &[Word<'_>], n: usize) -> Vec<String> {
    if n == 0 {
        return Vec::new();
    }
    words.windows(n).map(joined).collect()
}

/// The words with single spaces between them.
fn joined(words: &[Word<'_>]) -> String {
    let bytes = words.iter().map(|word| word.text.len() + 1).sum();
    let mut text = String::with_capacity(bytes);
    for word in words {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&word.text);
    }
    text
}

/// How often each string occurs.
#[must_use]
pub fn counts<S: Ord>(strings: impl IntoIterator<Item = S>) -> BTreeMap<S, u64> {
    let mut counts = BTreeMap::new();
    for string in strings {
        *counts.entry(string).or_insert(0) += 1;
    }
    counts
}
