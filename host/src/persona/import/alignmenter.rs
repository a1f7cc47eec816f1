//! A persona pack of Alignmenter. It has no traits by that name: what comes closest are the words for its tone.

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;
use serde_norway::Value;

use super::{LeftOut, Parts, yaml};
use crate::{
    error::Result,
    persona::profile::{ExampleInteractions, Style},
};

#[derive(Debug, Deserialize)]
struct Pack {
    #[serde(default)]
    id: String,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    exemplars: Vec<String>,
    #[serde(default)]
    lexicon: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    style_rules: Rules,
    #[serde(default)]
    response_strategy: BTreeMap<String, Vec<String>>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
struct Rules {
    #[serde(default)]
    tone: Vec<String>,
    #[serde(default)]
    formality: Option<String>,
    #[serde(default)]
    humor_type: Vec<String>,
    #[serde(default)]
    boundaries: Vec<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

pub(super) fn read(path: &Path) -> Result<Parts> {
    let pack: Pack = yaml(path)?;
    let mut left_out = Vec::new();
    let mut skip = |place: String, why: &str| left_out.push(LeftOut { place, why: why.to_owned() });
    if !pack.exemplars.is_empty() {
        let place = format!("exemplars ({})", pack.exemplars.len());
        skip(place, "texts in the persona's voice are a file of their own: exemplars.jsonl");
    }
    for (list, words) in &pack.lexicon {
        skip(
            format!("lexicon.{list} ({} phrases)", words.len()),
            "words are a detector's settings: trait-lexicon takes them",
        );
    }
    let mut guidelines = Vec::new();
    guidelines
        .extend(pack.style_rules.formality.map(|formality| format!("Formality: {}", spaced(&formality))));
    if !pack.style_rules.humor_type.is_empty() {
        guidelines.push(format!("Humour: {}", pack.style_rules.humor_type.join("; ")));
    }
    guidelines.extend(pack.style_rules.boundaries);
    for (rule, value) in pack.style_rules.rest {
        // What a rule says to people is kept; its numbers are for a detector.
        let note = value.get("note").and_then(Value::as_str);
        guidelines.extend(note.map(|note| format!("{}: {note}", spaced(&rule))));
        skip(
            format!("style_rules.{rule}"),
            "limits are a detector's settings: trait-structure takes some of them",
        );
    }
    let mut patterns = Vec::new();
    for (occasion, lines) in pack.response_strategy {
        patterns.extend(lines.into_iter().map(|line| format!("{}: {line}", spaced(&occasion))));
    }
    for key in pack.rest.keys() {
        skip(key.clone(), "a persona file has no place for it");
    }
    let traits = pack.style_rules.tone.into_iter().map(|tone| {
        let description = format!("The tone is {}.", spaced(&tone));
        (tone, description)
    });
    Ok(Parts {
        name: if pack.display_name.trim().is_empty() { pack.id } else { pack.display_name },
        description: pack.description,
        traits: traits.collect(),
        style: Style { guidelines, behavioural_patterns: patterns },
        example_interactions: ExampleInteractions::default(),
        left_out,
    })
}

fn spaced(name: &str) -> String {
    name.replace('_', " ")
}
