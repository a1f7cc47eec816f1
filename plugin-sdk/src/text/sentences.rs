//! Sentences by punctuation and line breaks.

use std::{iter, ops::Range};

use super::bytes::letters_and_blanks;

/// Abbreviations whose full stop never ends a sentence.
const ABBREVIATIONS: [&str; 10] = ["mr", "mrs", "ms", "dr", "prof", "st", "vs", "e.g", "i.e", "approx"];

/// The sentences of `text` as byte ranges, in order, without the white space around them. Found one by one: who wants only the
/// first pays for no more.
///
/// A sentence ends at a line break, at an ideographic full stop, or at `.`, `!`, `?` or `…` (with the quotes and
/// brackets that follow) before white space or the end. A full stop does not end one after a common abbreviation, after
/// a list number at the start (`1.`), or after a dotted abbreviation such as `a.m.` or `etc.` when a lower-case letter
/// follows. Stretches without a letter or digit are no sentences.
///
/// ```
/// let text = "Thanks, Dr. Grey! It is 3.5 km.";
/// let found: Vec<_> = realign_plugin::text::sentences(text).map(|range| &text[range]).collect();
/// assert_eq!(found, ["Thanks, Dr. Grey!", "It is 3.5 km."]);
/// ```
pub fn sentences(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    iter::from_fn(move || {
        while start < text.len() {
            let from = start;
            start = end(text, from);
            let found = trimmed(text, from, start);
            if found.is_some() {
                return found;
            }
        }
        None
    })
}

/// One past the last byte of the stretch that begins at `start`, up to where a sentence may end.
fn end(text: &str, start: usize) -> usize {
    let mut at = start;
    while let Some(found) = next_end(text.as_bytes(), at) {
        at = found;
        let Some(c) = text[at..].chars().next() else { break };
        let next = at + c.len_utf8();
        let end = match c {
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => Some(next),
            '。' | '！' | '？' => Some(closing(text, next)),
            '.' | '!' | '?' | '…' => terminal(text, start, at),
            _ => None,
        };
        match end {
            Some(end) => return end,
            None => at = next,
        }
    }
    text.len()
}

/// Where the next character begins that may end a sentence.
fn next_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += letters_and_blanks(bytes, at);
        match bytes.get(at)? {
            b'\n' | b'\r' | b'.' | b'!' | b'?' | 0x80.. => return Some(at),
            _ => at += 1,
        }
    }
}

/// Where the sentence ends whose closing punctuation begins at `at`, if it ends there.
fn terminal(text: &str, start: usize, at: usize) -> Option<usize> {
    let run = text[at..].len() - text[at..].trim_start_matches(['.', '!', '?', '…']).len();
    let end = closing(text, at + run);
    let rest = &text[end..];
    if rest.chars().next().is_some_and(|next| !next.is_whitespace()) {
        return None;
    }
    let lone_stop = text[at..].starts_with('.') && run == 1;
    (!(lone_stop && abbreviates(&text[start..at], rest))).then_some(end)
}

/// Skips the quotes, brackets and emphasis marks that close with a sentence.
fn closing(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    at + rest.len() - rest.trim_start_matches(['"', '\'', '”', '’', '»', ')', ']', '*', '_']).len()
}

/// Whether the full stop between `before` and `rest` belongs to an abbreviation or a list number.
fn abbreviates(before: &str, rest: &str) -> bool {
    let token =
        before.rsplit(char::is_whitespace).next().unwrap_or("").trim_start_matches(['(', '"', '“', '\'']);
    let is = |abbreviation: &&str| token.eq_ignore_ascii_case(abbreviation);
    let list_number =
        || !token.is_empty() && token.chars().all(|c| c.is_ascii_digit()) && before.trim() == token;
    let dotted =
        || is(&"etc") || (token.contains('.') && token.chars().all(|c| c == '.' || c.is_alphabetic()));
    let goes_on = || rest.trim_start().chars().next().is_some_and(char::is_lowercase);
    ABBREVIATIONS.iter().any(is) || list_number() || (goes_on() && dotted())
}

fn trimmed(text: &str, start: usize, end: usize) -> Option<Range<usize>> {
    let slice = &text[start..end];
    let from = start + slice.len() - slice.trim_start().len();
    let to = start + slice.trim_end().len();
    slice.chars().any(char::is_alphanumeric).then_some(from..to)
}
