//! `multi_choice_regex`: which of the row's `choices` a text names, as `(A)`.
//!
//! Tried in this order: the task's own pattern; the text of a choice, longest first, both sides with what is ignored taken
//! out; a bare letter behind a colon.

use serde::{Deserialize, Serialize};

use super::{Regex, RegexSettings, final_number, invalid};
use crate::{
    error::{Error, Result},
    tasks::{regex::Pattern, render::Row, whitespace::trim},
};

/// Signs of Unicode's categories P.
const PUNCTUATION: &str = r"\p{P}";

#[derive(Debug, Clone, Serialize)]
pub(super) struct ChoiceRegex {
    regex: Regex,
    ignore_case: bool,
    ignore_punctuation: bool,
    regexes_to_ignore: Vec<String>,
    #[serde(skip)]
    ignored: Vec<Pattern>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChoiceSettings {
    #[serde(default = "final_number")]
    regex_pattern: String,
    #[serde(default)]
    group_select: i64,
    #[serde(default = "invalid")]
    fallback: String,
    #[serde(default)]
    ignore_case: bool,
    #[serde(default)]
    ignore_punctuation: bool,
    #[serde(default)]
    regexes_to_ignore: Vec<String>,
}

impl ChoiceRegex {
    pub(super) fn new(settings: ChoiceSettings) -> Result<Self> {
        let ChoiceSettings {
            regex_pattern,
            group_select,
            fallback,
            ignore_case,
            ignore_punctuation,
            regexes_to_ignore,
        } = settings;
        let ignored = regexes_to_ignore.iter().map(|pattern| Pattern::new(pattern));
        let ignored = ignored
            .collect::<Result<_, _>>()
            .map_err(|message| Error::usage(format!("regexes_to_ignore: {message}")))?;
        let regex = Regex::new(RegexSettings { regex_pattern, group_select, fallback })?;
        Ok(Self { regex, ignore_case, ignore_punctuation, regexes_to_ignore, ignored })
    }

    pub(super) fn apply(&self, texts: &[String], row: &Row) -> Result<Vec<String>, String> {
        let choices = row.get("choices").and_then(serde_json::Value::as_array);
        let texts_of = |choices: &Vec<serde_json::Value>| -> Option<Vec<String>> {
            choices.iter().map(|choice| choice.as_str().map(str::to_owned)).collect()
        };
        let choices = choices.and_then(texts_of).filter(|choices| (1..=26).contains(&choices.len()));
        let choices =
            choices.ok_or("multi_choice_regex: the row has no `choices`, a list of 1 to 26 texts")?;
        let stripped: Vec<String> =
            choices.iter().map(|choice| self.without_ignored(trim(choice))).collect::<Result<_, _>>()?;
        texts.iter().map(|text| self.one(text, &stripped)).collect()
    }

    fn one(&self, text: &str, choices: &[String]) -> Result<String, String> {
        let found = self.regex.select(&self.regex.pattern.find_all(text)?);
        if let Some(found) = found.filter(|found| !found.is_empty()) {
            return Ok(found);
        }
        let mut longest: Vec<String> = choices.iter().map(|choice| escaped(choice)).collect();
        longest.sort_by_key(|choice| std::cmp::Reverse(choice.chars().count()));
        let any = Pattern::new(&longest.join("|"))?;
        let found = self.regex.select(&any.find_all(&self.without_ignored(text)?)?);
        if let Some(found) = found.filter(|found| !found.is_empty()) {
            // The last of equal choices: it took the place of the earlier ones in a table.
            let place = choices.iter().rposition(|choice| *choice == found);
            return Ok(place.map_or(found, |place| format!("({})", letter(place))));
        }
        let letters: Vec<String> = (0..choices.len()).map(|place| letter(place).to_string()).collect();
        let bare = Pattern::new(&format!(r":[\s]*({})", letters.join("|")))?;
        let found = self.regex.select(&bare.find_all(text)?);
        let found = found.filter(|found| !found.is_empty());
        Ok(found.map_or_else(|| self.regex.fallback.clone(), |letter| format!("({letter})")))
    }

    fn without_ignored(&self, text: &str) -> Result<String, String> {
        let mut text = text.to_owned();
        for pattern in &self.ignored {
            text = pattern.replace_all(&text, "")?;
        }
        if self.ignore_case {
            text = text.to_lowercase();
        }
        if self.ignore_punctuation {
            text = Pattern::new(PUNCTUATION)?.replace_all(&text, "")?;
        }
        Ok(text)
    }
}

fn letter(place: usize) -> char {
    char::from(b'A' + u8::try_from(place).unwrap_or(0))
}

/// With a backslash before every ASCII sign, which takes its meaning away.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation() && c != '_' {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
