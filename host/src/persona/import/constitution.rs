//! A constitution of `OpenCharacterTraining`: one trait a line, in the first person, with questions that call for it.

use std::path::Path;

use serde::Deserialize;

use super::{LeftOut, Parts};
use crate::{
    error::{Error, Result},
    persona::profile::{ExampleInteractions, Style},
    read,
};

/// Words that tell nothing in a trait's name.
const EMPTY: [&str; 21] = [
    "i", "my", "am", "a", "an", "the", "to", "and", "of", "in", "it", "that", "is", "are", "when", "with",
    "always", "even", "for", "or", "try",
];
/// Words of a trait's name.
const WORDS: usize = 4;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    r#trait: String,
    #[serde(default)]
    questions: Vec<String>,
    #[serde(default)]
    additional_questions: Vec<String>,
}

pub(super) fn read(path: &Path) -> Result<Parts> {
    let lines: Vec<Line> = read::jsonl(path)?;
    let mut questions = 0;
    let mut traits = Vec::new();
    for (index, line) in lines.into_iter().enumerate() {
        if line.r#trait.trim().is_empty() {
            return Err(Error::bad_input(format!("{} line {}: trait: empty", path.display(), index + 1)));
        }
        questions += line.questions.len() + line.additional_questions.len();
        traits.push((name(&line.r#trait), line.r#trait));
    }
    let mut left_out = Vec::new();
    if questions > 0 {
        left_out.push(LeftOut {
            place: format!("questions and additional_questions ({questions} in all)"),
            why: "scenarios are a file of their own, each told in every context kind".into(),
        });
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Parts {
        name: stem,
        description: String::new(),
        traits,
        style: Style::default(),
        example_interactions: ExampleInteractions::default(),
        left_out,
    })
}

/// The first words of a trait that tell something.
fn name(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let telling = words.filter(|word| !EMPTY.contains(&word.to_lowercase().as_str()));
    telling.take(WORDS).collect::<Vec<_>>().join("-")
}
