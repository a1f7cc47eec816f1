//! Sentences by punctuation and line breaks.

use std::ops::Range;

/// Abbreviations whose full stop never ends a sentence.
const ABBREVIATIONS: [&str; 10] = ["mr", "mrs", "ms", "dr", "prof", "st", "vs", "e.g", "i.e", "approx"];

/// The sentences of `text` as byte ranges, in order, without the white space around them.
///
/// A sentence ends at a line break, at an ideographic full stop, or at `.`, `!`, `?` or `…` (with the quotes and
/// brackets that follow) before white space or the end. A full stop does not end one after a common abbreviation, after
/// a list number at the start (`1.`), or after a dotted abbreviation such as `a.m.` or `etc.` when a lower-case letter
/// follows. Stretches without a letter or digit are no sentences.
///
/// ```
/// let text = "Thanks, Dr. Grey! It is 3.5 km.";
/// let found: Vec<_> = realign_plugin::text::sentences(text).into_iter().map(|range| &text[range]).collect();
/// assert_eq!(found, ["Thanks, Dr. Grey!", "It is 3.5 km."]);
/// ```
#[must_use]
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(gap) = text.as_bytes()[at..].iter().position(|byte| may_end(*byte)) {
        at += gap;
        let Some(c) = text[at..].chars().next() else { break };
        let next = at + c.len_utf8();
        let end = match c {
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => Some(next),
            '。' | '！' | '？' => Some(closing(text, next)),
            '.' | '!' | '?' | '…' => terminal(text, start, at),
            _ => None,
        };
        at = end.unwrap_or(next);
        if end.is_some() {
            found.extend(trimmed(text, start, at));
            start = at;
        }
    }
    found.extend(trimmed(text, start, text.len()));
    found
}

/// Whether a character that begins with this byte may end a sentence.
const fn may_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | b'.' | b'!' | b'?' | 0x80..)
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
    let lower = token.to_lowercase();
    let list_number =
        !token.is_empty() && token.chars().all(|c| c.is_ascii_digit()) && before.trim() == token;
    let dotted =
        lower == "etc" || (token.contains('.') && token.chars().all(|c| c == '.' || c.is_alphabetic()));
    let goes_on = rest.trim_start().chars().next().is_some_and(char::is_lowercase);
    list_number || ABBREVIATIONS.contains(&lower.as_str()) || (dotted && goes_on)
}

fn trimmed(text: &str, start: usize, end: usize) -> Option<Range<usize>> {
    let slice = &text[start..end];
    let from = start + slice.len() - slice.trim_start().len();
    let to = start + slice.trim_end().len();
    slice.chars().any(char::is_alphanumeric).then_some(from..to)
}
