//! Characters that stand out.

use super::bytes::letters_and_blanks;

/// The characters of `text` that are neither a blank nor one of `@` to DEL, ASCII's letters among them, in order: punctuation,
/// digits, line breaks, and all that is not ASCII. What lies between them costs next to nothing.
///
/// ```
/// let found: String = realign_plugin::text::marks("No! 3 more, said Zoë.").collect();
/// assert_eq!(found, "!3,ë.");
/// ```
pub fn marks(text: &str) -> impl Iterator<Item = char> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at += letters_and_blanks(text.as_bytes(), at);
            match text.as_bytes().get(at)? {
                b' ' | 0x40..0x80 => at += 1,
                _ => {
                    let c = text[at..].chars().next()?;
                    at += c.len_utf8();
                    return Some(c);
                }
            }
        }
    })
}
