//! The eleven numbers.

use std::collections::BTreeSet;

use realign_plugin::text;

/// Words that variety is taken over: of a longer text it would fall with length.
const VARIETY_WORDS: usize = 50;

pub(super) const NAMES: [&str; 11] = [
    "words per sentence",
    "characters per word",
    "reading ease",
    "commas per word",
    "exclamations per sentence",
    "questions per sentence",
    "other punctuation per word",
    "capitals per character",
    "digits per character",
    "line breaks per word",
    "variety of words",
];

/// The numbers of a text, in the order of [`NAMES`]; `None` where it has no word.
pub(super) fn measure(response: &str) -> Option<Vec<f64>> {
    let words = text::words(response);
    if words.is_empty() {
        return None;
    }
    let sentences = text::sentences(response).len().max(1) as f64;
    let count = words.len() as f64;
    let letters: usize = words.iter().map(|word| word.text.chars().count()).sum();
    let syllables: usize = words.iter().map(|word| syllables(&word.text)).sum();
    let characters = response.chars().filter(|c| !c.is_whitespace()).count().max(1) as f64;
    let of = |wanted: fn(char) -> bool| response.chars().filter(|c| wanted(*c)).count() as f64;
    let first: BTreeSet<&str> = words.iter().take(VARIETY_WORDS).map(|word| word.text.as_str()).collect();
    Some(vec![
        count / sentences,
        letters as f64 / count,
        206.835 - 1.015 * count / sentences - 84.6 * syllables as f64 / count,
        of(|c| c == ',') / count,
        of(|c| c == '!') / sentences,
        of(|c| c == '?') / sentences,
        of(|c| matches!(c, ';' | ':' | '-' | '\u{2013}' | '\u{2014}' | '(' | ')' | '"' | '\u{2026}')) / count,
        of(char::is_uppercase) / characters,
        of(char::is_numeric) / characters,
        of(|c| c == '\n') / count,
        first.len() as f64 / words.len().min(VARIETY_WORDS) as f64,
    ])
}

/// Runs of vowels, at least one.
fn syllables(word: &str) -> usize {
    let mut count = 0;
    let mut in_vowels = false;
    for c in word.chars() {
        let vowel = matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
        count += usize::from(vowel && !in_vowels);
        in_vowels = vowel;
    }
    count.max(1)
}
