//! Whether a text is another one, with what is to be ignored taken out of both.

use serde::{Deserialize, Serialize};
use serde_norway::Value as Yaml;

use crate::{
    error::{Error, Result},
    tasks::{file::MetricSpec, regex::Pattern},
};

/// Settings of `exact_match`, applied to both sides in this order.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExactMatch {
    #[serde(default)]
    regexes_to_ignore: Vec<String>,
    #[serde(skip)]
    ignored: Vec<Pattern>,
    #[serde(default)]
    ignore_case: bool,
    #[serde(default)]
    ignore_punctuation: bool,
    #[serde(default)]
    ignore_numbers: bool,
}

impl ExactMatch {
    pub(super) fn new(spec: &MetricSpec) -> Result<Self> {
        let mapping = spec.settings.iter().map(|(key, value)| (Yaml::String(key.clone()), value.clone()));
        let found: Self = serde_norway::from_value(Yaml::Mapping(mapping.collect())).map_err(|error| {
            Error::usage(format!("exact_match: {}", error.to_string().replace('\n', " ")))
        })?;
        let ignored = found.regexes_to_ignore.iter().map(|pattern| Pattern::new(pattern));
        let ignored = ignored
            .collect::<Result<_, _>>()
            .map_err(|message| Error::usage(format!("exact_match: regexes_to_ignore: {message}")))?;
        Ok(Self { ignored, ..found })
    }

    /// Whether a text is one of those that are right.
    pub(super) fn matches(&self, text: &str, right: &[String]) -> Result<bool, String> {
        let text = self.plain(text)?;
        for right in right {
            if self.plain(right)? == text {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn plain(&self, text: &str) -> Result<String, String> {
        let mut text = text.to_owned();
        for pattern in &self.ignored {
            text = pattern.replace_all(&text, "")?;
        }
        if self.ignore_case {
            text = text.to_lowercase();
        }
        text.retain(|c| {
            !(self.ignore_punctuation && c.is_ascii_punctuation()
                || self.ignore_numbers && c.is_ascii_digit())
        });
        Ok(text)
    }
}
