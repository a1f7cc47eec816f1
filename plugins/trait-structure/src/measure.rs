//! What is counted and recognised in a response.

use realign_plugin::text;

/// Words as the SDK splits them.
pub(crate) fn words(response: &str) -> usize {
    text::word_count(response)
}

/// Sentences as the SDK splits them.
pub(crate) fn sentences(response: &str) -> usize {
    text::sentences(response).count()
}

/// Exclamation marks, also full-width and inverted ones.
pub(crate) fn exclamations(response: &str) -> usize {
    text::marks(response).filter(|c| matches!(c, '!' | '！' | '¡')).count()
}

/// Whether a line starts with a bullet (`-`, `*`, `+`, `•`) or with a number and `.` or `)`, and text follows after a
/// space.
pub(crate) fn has_list(response: &str) -> bool {
    response.lines().any(|line| {
        let line = line.trim_start();
        let after_bullet = line.strip_prefix(['-', '*', '+', '•']);
        let after_number = line.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix(['.', ')']);
        let numbered = line.starts_with(|c: char| c.is_ascii_digit());
        [after_bullet, after_number.filter(|_| numbered)].into_iter().flatten().any(opens_text)
    })
}

/// Whether a line is a heading: one to six `#` and a space before text, or a whole line in `**bold**`.
pub(crate) fn has_heading(response: &str) -> bool {
    response.lines().map(str::trim).any(|line| {
        let after = line.trim_start_matches('#');
        let hashes = line.len() - after.len();
        let inner = line.strip_prefix("**").and_then(|rest| rest.trim_end_matches(':').strip_suffix("**"));
        ((1..=6).contains(&hashes) && opens_text(after))
            || inner.is_some_and(|inner| !inner.is_empty() && !inner.contains("**"))
    })
}

/// Whether the response, without white space at its end, ends with `ending`.
pub(crate) fn ends_with(response: &str, ending: &str) -> bool {
    response.trim_end().ends_with(ending)
}

/// Whether a space and then some text come first.
fn opens_text(rest: &str) -> bool {
    rest.starts_with([' ', '\t']) && !rest.trim().is_empty()
}
