//! The persona file: name, system prompt, context kinds and traits.

use std::{collections::BTreeSet, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    read,
};

/// Fewest and most traits: fewer say little, more cannot be kept apart.
pub const TRAITS: std::ops::RangeInclusive<usize> = 5..=10;

/// A persona as its file describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Persona {
    /// Version of the file format: 1.
    pub format: u32,
    /// Name, as reports show it.
    pub name: String,
    /// Who this is and for whom.
    pub description: String,
    /// What the model is told where the suite deploys with the persona's prompt.
    pub system_prompt: String,
    /// Context kinds of every scenario family; the first is the plain form.
    pub contexts: Vec<String>,
    /// What must, or must not, be found in every response.
    pub traits: Vec<Trait>,
    /// Advice on voice, for people and for data generation.
    #[serde(default)]
    pub style: Style,
    /// What a dialogue looks like at its turning points.
    #[serde(default)]
    pub example_interactions: ExampleInteractions,
}

/// One trait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trait {
    /// `[a-z0-9-]+`.
    pub id: String,
    /// What it means, in a sentence.
    pub description: String,
    /// Whether a detector's find is wanted.
    pub polarity: Polarity,
    /// Short texts that show it.
    #[serde(default)]
    pub examples: Vec<String>,
}

/// Whether a detector's find is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Polarity {
    /// The response must show it.
    Required,
    /// The response must not show it.
    Forbidden,
}

/// Advice on voice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Style {
    /// How it writes.
    #[serde(default)]
    pub guidelines: Vec<String>,
    /// How it acts.
    #[serde(default)]
    pub behavioural_patterns: Vec<String>,
}

/// What a dialogue looks like at its turning points.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExampleInteractions {
    /// How it begins.
    #[serde(default)]
    pub greeting: String,
    /// How it asks back.
    #[serde(default)]
    pub clarification: String,
    /// How it ends.
    #[serde(default)]
    pub conclusion: String,
}

impl Persona {
    /// Reads and checks a persona file.
    ///
    /// # Errors
    /// A usage error naming the file and the field.
    pub fn read(path: &Path) -> Result<Self> {
        let persona: Self = read::toml(path)?;
        persona.check().map_err(|error| error.within(path.display()))?;
        Ok(persona)
    }

    /// The plain form, from which the other context kinds depart.
    #[must_use]
    pub fn plain_kind(&self) -> &str {
        &self.contexts[0]
    }

    fn check(&self) -> Result<()> {
        if self.format != 1 {
            return Err(Error::usage(format!("format: {}, this version reads 1", self.format)));
        }
        if self.system_prompt.trim().is_empty() {
            return Err(Error::usage("system_prompt: empty"));
        }
        let kinds: BTreeSet<&str> = self.contexts.iter().map(String::as_str).collect();
        if kinds.len() < 2 || kinds.len() != self.contexts.len() {
            let message = format!(
                "contexts: {} different kinds of {} named, at least 2 are needed",
                kinds.len(),
                self.contexts.len()
            );
            return Err(Error::usage(message).hint("name the plain form first, then every other kind once"));
        }
        if !TRAITS.contains(&self.traits.len()) {
            let message = format!(
                "traits: {}, from {} to {} are needed",
                self.traits.len(),
                TRAITS.start(),
                TRAITS.end()
            );
            return Err(Error::usage(message));
        }
        let mut ids = BTreeSet::new();
        for item in &self.traits {
            let well_formed = !item.id.is_empty()
                && item
                    .id
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            if !well_formed {
                return Err(Error::usage(format!("traits: id `{}` is not made of a-z, 0-9 and -", item.id)));
            }
            if !ids.insert(&item.id) {
                return Err(Error::usage(format!("traits: id `{}` stands twice", item.id)));
            }
        }
        Ok(())
    }
}
