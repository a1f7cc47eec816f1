//! White space as Python counts it: Unicode's, and the four separators of ASCII.

/// Whether Python's `str.isspace` holds.
#[must_use]
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// As `text.strip()`.
#[must_use]
pub fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Parts between runs of white space, as `len(re.split(r"\s+", text))`: a text that begins or ends with one has an empty
/// part there, and an empty text is one part.
#[must_use]
pub fn words(text: &str) -> usize {
    let mut before = false;
    let runs = text.chars().filter(|c| {
        let begins = is_space(*c) && !before;
        before = is_space(*c);
        begins
    });
    1 + runs.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_as_python_splits() {
        assert_eq!([words(""), words("a"), words(" a  b\n"), words("a\u{1f}b")], [1, 1, 4, 2]);
        assert_eq!(trim("\u{1c} a\u{a0}"), "a");
    }
}
