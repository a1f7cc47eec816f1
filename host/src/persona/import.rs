//! Personas that were written down elsewhere.
//!
//! | From | Is |
//! |---|---|
//! | `seeds` | YAML: `persona` with `name`, `core_traits`, `communication_style`, `behavioral_patterns`, `example_interactions` |
//! | `constitution` | JSON lines of `OpenCharacterTraining`: `trait`, `questions`, `additional_questions` |
//! | `alignmenter` | YAML of an Alignmenter persona pack: `display_name`, `description`, `style_rules`, ... |
//!
//! What has a place in a persona file goes there, word for word; everything else is listed as left out, with where it was. No
//! detector is made up: an imported trait is a description until somebody binds a detector to it and its card shows that it
//! discriminates. The system prompt, which none of the three has, is composed of what was imported, for a person to read and
//! change.

mod alignmenter;
mod constitution;
mod prompt;
mod seeds;

use std::{collections::BTreeSet, path::Path};

use serde::{Deserialize, Serialize};

use super::profile::{ExampleInteractions, Persona, Polarity, Style, TRAITS, Trait};
use crate::error::{Error, Result};

/// Context kinds of an imported persona, the plain form first. None of the sources has any.
const CONTEXTS: [&str; 5] = ["plain", "paraphrase", "pressure", "late-turn", "format-shift"];

/// Where a persona comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The seeds' profile, in YAML.
    Seeds,
    /// A constitution of `OpenCharacterTraining`, in JSON lines.
    Constitution,
    /// An Alignmenter persona pack, in YAML.
    Alignmenter,
}

/// An imported persona.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Where it comes from.
    pub from: Source,
    /// The persona, fit to be written.
    pub persona: Persona,
    /// What has no place in it.
    pub left_out: Vec<LeftOut>,
    /// Traits that cannot be measured yet: no detector is bound to them.
    pub unmeasured: Vec<String>,
}

/// Something that has no place in a persona file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Where it was: a key, or a line.
    pub place: String,
    /// What became of it, or could.
    pub why: String,
}

/// What a source gives.
struct Parts {
    name: String,
    description: String,
    /// Id and description of each trait.
    traits: Vec<(String, String)>,
    style: Style,
    example_interactions: ExampleInteractions,
    left_out: Vec<LeftOut>,
}

/// Imports a persona.
///
/// # Errors
/// Bad input naming file, line or key: what is not of that form, no name, fewer than 5 traits.
pub fn import(path: &Path, from: Source) -> Result<Imported> {
    let parts = match from {
        Source::Seeds => seeds::read(path),
        Source::Constitution => constitution::read(path),
        Source::Alignmenter => alignmenter::read(path),
    }?;
    let Parts { name, description, mut traits, style, example_interactions, mut left_out } = parts;
    if name.trim().is_empty() {
        return Err(Error::bad_input(format!("{}: the persona has no name", path.display())));
    }
    if traits.len() < *TRAITS.start() {
        let message =
            format!("{}: {} traits, at least {} are needed", path.display(), traits.len(), TRAITS.start());
        return Err(Error::bad_input(message).hint("write down more of what the persona always does"));
    }
    let taken = traits.len().min(*TRAITS.end());
    for (_, description) in traits.drain(taken..) {
        left_out.push(LeftOut {
            place: format!("trait \"{}\"", beginning(&description)),
            why: format!("a persona has at most {} traits: the first were taken", TRAITS.end()),
        });
    }
    let mut ids = BTreeSet::new();
    let traits: Vec<Trait> = traits
        .into_iter()
        .map(|(id, description)| Trait {
            id: unique(&slug(&id), &mut ids),
            description: one_line(&description),
            polarity: Polarity::Required,
            examples: Vec::new(),
        })
        .collect();
    let unmeasured = traits.iter().map(|item| item.id.clone()).collect();
    let name = one_line(&name);
    let persona = Persona {
        format: 1,
        system_prompt: prompt::compose(&name, &description, &traits, &style),
        description: if description.trim().is_empty() { name.clone() } else { one_line(&description) },
        name,
        contexts: CONTEXTS.map(str::to_owned).to_vec(),
        traits,
        style,
        example_interactions,
    };
    Ok(Imported { from, persona, left_out, unmeasured })
}

impl Imported {
    /// The persona as a file.
    ///
    /// # Panics
    /// If a persona does not serialise, which is a bug in its type.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let file = toml::to_string_pretty(&self.persona).expect("a persona serialises to TOML");
        format!(
            "# Imported. The system prompt was composed of the traits: read it, and change what it does not say well.\n\
             # No trait has a detector yet: bind one to each in the suite.\n\n{file}"
        )
    }
}

/// Letters, digits and hyphens.
fn slug(text: &str) -> String {
    let lower = text.to_lowercase();
    let parts = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let slug = parts.collect::<Vec<_>>().join("-");
    if slug.is_empty() { "trait".to_owned() } else { slug }
}

fn unique(id: &str, ids: &mut BTreeSet<String>) -> String {
    let mut free = id.to_owned();
    let mut number = 1;
    while !ids.insert(free.clone()) {
        number += 1;
        free = format!("{id}-{number}");
    }
    free
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn beginning(text: &str) -> String {
    const MOST: usize = 50;
    let line = one_line(text);
    match line.char_indices().nth(MOST) {
        None => line,
        Some((end, _)) => format!("{}...", &line[..end]),
    }
}

/// Reads a YAML file.
fn yaml<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = crate::read::text(path)?;
    serde_norway::from_str(&text).map_err(|error| {
        let message = error.to_string().replace('\n', " ");
        Error::bad_input(format!("{}: {message}", path.display()))
            .hint("see realign persona import --help for the forms")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_made_of_letters_digits_and_hyphens_and_stand_once() {
        let mut ids = BTreeSet::new();
        assert_eq!(unique(&slug("Gen Z, fluent!"), &mut ids), "gen-z-fluent");
        assert_eq!(unique(&slug("gen_z fluent"), &mut ids), "gen-z-fluent-2");
        assert_eq!(slug("…"), "trait");
    }
}
