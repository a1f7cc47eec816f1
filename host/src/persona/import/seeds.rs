//! The seeds' profile.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;
use serde_norway::Value;

use super::{LeftOut, Parts, yaml};
use crate::{
    error::{Error, Result},
    persona::profile::{ExampleInteractions, Style},
};

#[derive(Debug, Deserialize)]
struct File {
    persona: Profile,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize)]
struct Profile {
    name: String,
    core_traits: Traits,
    #[serde(default)]
    communication_style: BTreeMap<String, String>,
    #[serde(default)]
    behavioral_patterns: Vec<String>,
    #[serde(default)]
    example_interactions: BTreeMap<String, String>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

/// The seeds write a list of maps with one key each, and read one map: both are taken, a map in the order of its file.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Traits {
    List(Vec<serde_norway::Mapping>),
    Map(serde_norway::Mapping),
}

/// Aspects of style that the seeds name.
const ASPECTS: [&str; 4] = ["tone", "formality", "humor", "empathy"];

pub(super) fn read(path: &Path) -> Result<Parts> {
    let File { persona, rest } = yaml(path)?;
    let entries: Vec<(Value, Value)> = match persona.core_traits {
        Traits::List(maps) => maps.into_iter().flatten().collect(),
        Traits::Map(map) => map.into_iter().collect(),
    };
    let mut traits = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        let (Value::String(name), Value::String(description)) = entry else {
            let message =
                format!("{}: persona.core_traits[{index}]: no name with a description", path.display());
            return Err(Error::bad_input(message).hint("write each trait as NAME: \"what it means\""));
        };
        traits.push((name, description));
    }
    let mut left_out = Vec::new();
    let mut skip = |place: String| {
        left_out.push(LeftOut { place, why: "a persona file has no place for it".into() });
    };
    for key in rest.keys() {
        skip(key.clone());
    }
    for key in persona.rest.keys() {
        skip(format!("persona.{key}"));
    }
    let mut style = Style { behavioural_patterns: persona.behavioral_patterns, ..Style::default() };
    let (known, other): (Vec<_>, Vec<_>) =
        persona.communication_style.into_iter().partition(|(aspect, _)| ASPECTS.contains(&aspect.as_str()));
    for aspect in ASPECTS {
        let said = known.iter().find(|(name, _)| name == aspect);
        style.guidelines.extend(said.map(|(name, how)| format!("{}: {how}", capital(name))));
    }
    style.guidelines.extend(other.into_iter().map(|(name, how)| format!("{}: {how}", capital(&name))));
    let mut interactions = ExampleInteractions::default();
    for (moment, said) in persona.example_interactions {
        match moment.as_str() {
            "greeting" => interactions.greeting = said,
            "clarification" => interactions.clarification = said,
            "conclusion" => interactions.conclusion = said,
            _ => skip(format!("persona.example_interactions.{moment}")),
        }
    }
    Ok(Parts {
        name: persona.name,
        description: String::new(),
        traits,
        style,
        example_interactions: interactions,
        left_out,
    })
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}
