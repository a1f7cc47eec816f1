//! One instruction, and whether a response follows it. Names and arguments are those of `IFEval` (Zhou et al. 2023,
//! "Instruction-Following Evaluation for Large Language Models").
//!
//! Two things are decided otherwise than there, because they hang on libraries: sentences and words in capitals are split by
//! this SDK's rules instead of NLTK's, and the two checks of case do not ask whether the language is English. Keywords are
//! texts, not patterns.

use realign_plugin::text;
use serde::{Deserialize, Serialize};

/// Whether a number is to be reached or stayed below.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Relation {
    /// The number or more.
    #[serde(rename = "at least")]
    AtLeast,
    /// Fewer than the number.
    #[serde(rename = "less than")]
    LessThan,
}

impl Relation {
    const fn holds(self, found: usize, wanted: usize) -> bool {
        match self {
            Self::AtLeast => found >= wanted,
            Self::LessThan => found < wanted,
        }
    }
}

/// One instruction with its arguments.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "id", content = "kwargs")]
pub(crate) enum Instruction {
    #[serde(rename = "keywords:existence")]
    Existence { keywords: Vec<String> },
    #[serde(rename = "keywords:frequency")]
    Frequency { keyword: String, frequency: usize, relation: Relation },
    #[serde(rename = "keywords:forbidden_words")]
    Forbidden { forbidden_words: Vec<String> },
    #[serde(rename = "keywords:letter_frequency")]
    Letters { letter: char, let_frequency: usize, let_relation: Relation },
    #[serde(rename = "length_constraints:number_sentences")]
    Sentences { num_sentences: usize, relation: Relation },
    #[serde(rename = "length_constraints:number_paragraphs")]
    Paragraphs { num_paragraphs: usize },
    #[serde(rename = "length_constraints:number_words")]
    Words { num_words: usize, relation: Relation },
    #[serde(rename = "length_constraints:nth_paragraph_first_word")]
    FirstWord { num_paragraphs: usize, nth_paragraph: usize, first_word: String },
    #[serde(rename = "detectable_content:number_placeholders")]
    Placeholders { num_placeholders: usize },
    #[serde(rename = "detectable_content:postscript")]
    Postscript { postscript_marker: String },
    #[serde(rename = "detectable_format:number_bullet_lists")]
    Bullets { num_bullets: usize },
    #[serde(rename = "detectable_format:constrained_response")]
    Constrained {},
    #[serde(rename = "detectable_format:number_highlighted_sections")]
    Highlights { num_highlights: usize },
    #[serde(rename = "detectable_format:multiple_sections")]
    Sections { section_spliter: String, num_sections: usize },
    #[serde(rename = "detectable_format:json_format")]
    Json {},
    #[serde(rename = "detectable_format:title")]
    Title {},
    #[serde(rename = "combination:two_responses")]
    TwoResponses {},
    #[serde(rename = "combination:repeat_prompt")]
    RepeatPrompt { prompt_to_repeat: String },
    #[serde(rename = "startend:end_checker")]
    End { end_phrase: String },
    #[serde(rename = "startend:quotation")]
    Quotation {},
    #[serde(rename = "change_case:capital_word_frequency")]
    CapitalWords { capital_frequency: usize, capital_relation: Relation },
    #[serde(rename = "change_case:english_capital")]
    Capital {},
    #[serde(rename = "change_case:english_lowercase")]
    Lowercase {},
    #[serde(rename = "punctuation:no_comma")]
    NoComma {},
}

impl Instruction {
    /// Whether a response follows it. One without anything but white space follows none.
    #[must_use]
    pub(crate) fn holds(&self, response: &str) -> bool {
        let trimmed = response.trim();
        if trimmed.is_empty() {
            return false;
        }
        let lower = response.to_lowercase();
        match self {
            Self::Existence { keywords } => keywords.iter().all(|word| lower.contains(&word.to_lowercase())),
            Self::Frequency { keyword, frequency, relation } => {
                relation.holds(lower.matches(&keyword.to_lowercase()).count(), *frequency)
            }
            Self::Forbidden { forbidden_words } => {
                !forbidden_words.iter().any(|word| has_word(&lower, &word.to_lowercase()))
            }
            Self::Letters { letter, let_frequency, let_relation } => {
                let letter: String = letter.to_lowercase().collect();
                let_relation.holds(lower.matches(&letter).count(), *let_frequency)
            }
            Self::Sentences { num_sentences, relation } => {
                relation.holds(text::sentences(response).count(), *num_sentences)
            }
            Self::Paragraphs { num_paragraphs } => parts(response, "***") == Some(*num_paragraphs),
            Self::Words { num_words, relation } => relation.holds(words(response), *num_words),
            Self::FirstWord { num_paragraphs, nth_paragraph, first_word } => {
                begins(response, *num_paragraphs, *nth_paragraph, &first_word.to_lowercase())
            }
            Self::Placeholders { num_placeholders } => placeholders(response) >= *num_placeholders,
            Self::Postscript { postscript_marker } => postscript(&lower, postscript_marker),
            Self::Bullets { num_bullets } => {
                response.lines().filter(|line| is_bullet(line)).count() == *num_bullets
            }
            Self::Constrained {} => {
                ["yes", "no", "maybe"].iter().any(|word| response.contains(&format!("My answer is {word}.")))
            }
            Self::Highlights { num_highlights } => highlights(response) >= *num_highlights,
            Self::Sections { section_spliter, num_sections } => {
                sections(response, section_spliter) >= *num_sections
            }
            Self::Json {} => serde_json::from_str::<serde_json::Value>(unfenced(trimmed)).is_ok(),
            Self::Title {} => response.lines().any(is_title),
            Self::TwoResponses {} => two_responses(response),
            Self::RepeatPrompt { prompt_to_repeat } => {
                trimmed.to_lowercase().starts_with(&prompt_to_repeat.trim().to_lowercase())
            }
            Self::End { end_phrase } => {
                let end = trimmed.trim_matches('"').to_lowercase();
                end.ends_with(&end_phrase.trim().to_lowercase())
            }
            Self::Quotation {} => trimmed.len() > 1 && trimmed.starts_with('"') && trimmed.ends_with('"'),
            Self::CapitalWords { capital_frequency, capital_relation } => {
                let count = response
                    .split(|c: char| !is_word(c))
                    .filter(|word| one_case(word, char::is_uppercase))
                    .count();
                capital_relation.holds(count, *capital_frequency)
            }
            Self::Capital {} => one_case(response, char::is_uppercase),
            Self::Lowercase {} => one_case(response, char::is_lowercase),
            Self::NoComma {} => !response.contains(','),
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Runs of letters, digits and underscores.
fn words(text: &str) -> usize {
    text.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()).count()
}

/// Whether every letter that has case has this one, and there is such a letter.
fn one_case(text: &str, case: fn(char) -> bool) -> bool {
    let mut cased = text.chars().filter(|c| c.is_uppercase() || c.is_lowercase()).peekable();
    cased.peek().is_some() && cased.all(case)
}

/// Whether a word stands there by itself.
fn has_word(text: &str, word: &str) -> bool {
    !word.is_empty()
        && text.match_indices(word).any(|(start, found)| {
            let before = text[..start].chars().next_back().is_none_or(|c| !is_word(c));
            before && text[start + found.len()..].chars().next().is_none_or(|c| !is_word(c))
        })
}

/// Parts between dividers; one that is empty is forgiven at both ends only.
fn parts(text: &str, divider: &str) -> Option<usize> {
    let all: Vec<&str> = text.split(divider).map(str::trim).collect();
    let last = all.len() - 1;
    let empty_inside =
        all.iter().enumerate().any(|(place, part)| part.is_empty() && place != 0 && place != last);
    (!empty_inside).then(|| all.iter().filter(|part| !part.is_empty()).count())
}

/// Whether there are so many paragraphs, and one of them, counted from 1, begins with a word.
fn begins(text: &str, wanted: usize, nth: usize, word: &str) -> bool {
    let all: Vec<&str> = text.split("\n\n").collect();
    let filled = all.iter().filter(|paragraph| !paragraph.trim().is_empty()).count();
    let paragraph = nth.checked_sub(1).filter(|_| nth <= filled).and_then(|place| all.get(place));
    let Some(first) = paragraph.and_then(|paragraph| paragraph.split_whitespace().next()) else {
        return false;
    };
    let first = first.trim_start_matches('\'').trim_start_matches('"').to_lowercase();
    let bare: String =
        first.chars().take_while(|c| !matches!(c, '.' | ',' | '?' | '!' | '\'' | '"')).collect();
    filled == wanted && bare == word
}

/// Texts in square brackets on one line.
fn placeholders(text: &str) -> usize {
    let in_line = |line: &str| {
        let (mut rest, mut count) = (line, 0);
        while let Some((_, behind)) = rest.split_once('[') {
            let Some((_, after)) = behind.split_once(']') else { break };
            (rest, count) = (after, count + 1);
        }
        count
    };
    text.lines().map(in_line).sum()
}

/// Whether a marker stands there; spaces between the letters of the two common ones do not matter.
fn postscript(lower: &str, marker: &str) -> bool {
    let tight = || lower.replace(". ", ".");
    match marker.trim() {
        "P.P.S" => tight().contains("p.p.s"),
        "P.S." => tight().contains("p.s."),
        other => lower.contains(&other.to_lowercase()),
    }
}

fn is_bullet(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('-')
        || line.strip_prefix('*').is_some_and(|rest| rest.chars().next().is_some_and(|c| c != '*'))
}

/// Texts between single stars, and between double ones, with something in them.
fn highlights(text: &str) -> usize {
    let in_line = |line: &str| {
        let doubled: Vec<&str> = line.split("**").collect();
        let double = doubled.iter().skip(1).step_by(2).take(doubled.len().saturating_sub(1) / 2);
        let double = double.filter(|part| !part.trim().is_empty() && !part.contains('*')).count();
        let singles: Vec<&str> = doubled.iter().step_by(2).copied().collect();
        let single = |part: &str| {
            let parts: Vec<&str> = part.split('*').collect();
            parts
                .iter()
                .skip(1)
                .step_by(2)
                .take(parts.len().saturating_sub(1) / 2)
                .filter(|part| !part.trim().is_empty())
                .count()
        };
        double + singles.into_iter().map(single).sum::<usize>()
    };
    text.lines().map(in_line).sum()
}

/// Headings of a word and a number.
fn sections(text: &str, word: &str) -> usize {
    if word.is_empty() {
        return 0;
    }
    let numbered = |(start, found): (usize, &str)| {
        let behind = &text[start + found.len()..];
        let mut next = behind.chars();
        let first = next.next();
        first.is_some_and(|c| c.is_ascii_digit())
            || first.is_some_and(char::is_whitespace) && next.next().is_some_and(|c| c.is_ascii_digit())
    };
    text.match_indices(word).filter(|found| numbered(*found)).count()
}

fn unfenced(text: &str) -> &str {
    let inner = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    let inner = inner.map(|inner| {
        let names = ["json", "Json", "JSON"];
        names.iter().find_map(|name| inner.strip_prefix(name)).unwrap_or(inner)
    });
    inner.unwrap_or(text).trim()
}

fn is_title(line: &str) -> bool {
    let inner = line.find("<<").zip(line.rfind(">>")).filter(|(start, end)| start + 2 < *end);
    inner.is_some_and(|(start, end)| !line[start..end].trim_matches(['<', '>']).trim().is_empty())
}

fn two_responses(text: &str) -> bool {
    let all: Vec<&str> = text.split("******").map(str::trim).collect();
    parts(text, "******") == Some(2) && {
        let filled: Vec<&&str> = all.iter().filter(|part| !part.is_empty()).collect();
        filled[0] != filled[1]
    }
}

#[cfg(test)]
mod tests;
