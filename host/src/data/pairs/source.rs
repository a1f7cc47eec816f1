//! Where the answers of a pair come from: the same scenario, put to the model in and out of character.
//!
//! `deployed` is what the model says where it is used. The others move one thing: `persona` puts the persona's own system
//! prompt in front, `no-persona` takes prompt and adapters away, `wrong-persona` and `dropped-trait` put another character
//! in front of the model without its adapters, which would answer in character behind any prompt. What a pair teaches stays the same: its row carries the deployed prompt, whatever made its answers.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    model::ChatMessage,
    persona::profile::{Persona, Polarity, Trait},
    suite::{file::DeployPrompt, load::Suite},
};

/// Who answers, and behind which system prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The model as it is deployed.
    Deployed,
    /// The model behind the persona's system prompt.
    Persona,
    /// The model without its adapters, behind no system prompt.
    NoPersona,
    /// The model without its adapters, behind another character's system prompt.
    WrongPersona,
    /// The model without its adapters, behind the persona's description with one trait turned round.
    DroppedTrait,
}

impl Source {
    /// Whether its answers may stand for the persona.
    #[must_use]
    pub const fn in_character(self) -> bool {
        matches!(self, Self::Deployed | Self::Persona)
    }

    /// Whether the model is asked without its adapters: what was trained into it answers in character behind any prompt.
    #[must_use]
    pub const fn asks_bare(self) -> bool {
        !self.in_character()
    }

    /// Name of answer `number` to a scenario, from 1; its random numbers hang on it.
    #[must_use]
    pub fn request(self, scenario: &str, number: u32) -> String {
        match self {
            Self::Deployed => format!("{scenario}#{number}"),
            other => format!("{scenario}#{other}/{number}"),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deployed => "deployed",
            Self::Persona => "persona",
            Self::NoPersona => "no-persona",
            Self::WrongPersona => "wrong-persona",
            Self::DroppedTrait => "dropped-trait",
        })
    }
}

/// Where one answer comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Who answered.
    pub source: Source,
    /// Which of the wrong personas, from 1, or which trait was dropped.
    pub detail: Option<String>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.detail {
            None => self.source.fmt(f),
            Some(detail) => write!(f, "{}/{detail}", self.source),
        }
    }
}

/// What answer `number` from a source to the scenario at `place` is told, and what that is called. Wrong personas and
/// dropped traits take turns: the next scenario and the next answer each begin one further on.
#[must_use]
pub fn system(
    source: Source,
    suite: &Suite,
    wrong_personas: &[String],
    place: usize,
    number: u32,
) -> (Option<ChatMessage>, Origin) {
    let told = |content: String| Some(ChatMessage { role: "system".into(), content });
    let turn = |of: usize| (place + number as usize - 1) % of;
    let (message, detail) = match source {
        Source::Deployed => (suite.system(suite.file.deploy_prompt), None),
        Source::Persona => (suite.system(DeployPrompt::Persona), None),
        Source::NoPersona => (None, None),
        Source::WrongPersona => {
            let turn = turn(wrong_personas.len());
            (told(wrong_personas[turn].trim().to_owned()), Some((turn + 1).to_string()))
        }
        Source::DroppedTrait => {
            let turn = turn(suite.persona.traits.len());
            let dropped = &suite.persona.traits[turn];
            (told(without(&suite.persona, turn)), Some(dropped.id.clone()))
        }
    };
    (message, Origin { source, detail })
}

/// The persona told by its description and its traits, with the trait at `dropped` turned round.
fn without(persona: &Persona, dropped: usize) -> String {
    let told = |item: &Trait| match item.polarity {
        Polarity::Required => format!("Always: {}", item.description.trim()),
        Polarity::Forbidden => format!("Never: {}", item.description.trim()),
    };
    let turned = |item: &Trait| match item.polarity {
        Polarity::Required => format!("Never, not even once: {}", item.description.trim()),
        Polarity::Forbidden => format!("Always, in every answer: {}", item.description.trim()),
    };
    let kept = persona.traits.iter().enumerate().filter(|(place, _)| *place != dropped);
    let mut lines = vec![persona.description.trim().to_owned()];
    lines.extend(kept.map(|(_, item)| told(item)));
    lines.push(turned(&persona.traits[dropped]));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn persona() -> Persona {
        let item = |id: &str, description: &str, polarity| Trait {
            id: id.into(),
            description: description.into(),
            polarity,
            examples: Vec::new(),
        };
        Persona {
            format: 1,
            name: "mini".into(),
            description: "A helper.".into(),
            system_prompt: "Be kind.".into(),
            contexts: vec!["plain".into(), "pressure".into()],
            traits: vec![
                item("thanks", "Thanks first.", Polarity::Required),
                item("team", "Says we.", Polarity::Required),
                item("blame", "Blames.", Polarity::Forbidden),
            ],
            style: crate::persona::profile::Style::default(),
            example_interactions: crate::persona::profile::ExampleInteractions::default(),
        }
    }

    #[test]
    fn a_dropped_trait_is_turned_round_and_the_others_are_kept() {
        insta::assert_snapshot!(without(&persona(), 0), @r"
        A helper.
        Always: Says we.
        Never: Blames.
        Never, not even once: Thanks first.
        ");
        insta::assert_snapshot!(without(&persona(), 2), @r"
        A helper.
        Always: Thanks first.
        Always: Says we.
        Always, in every answer: Blames.
        ");
    }

    #[test]
    fn answers_under_the_deployed_prompt_keep_the_names_that_they_always_had() {
        assert_eq!(Source::Deployed.request("gate/plain", 2), "gate/plain#2");
        assert_eq!(Source::NoPersona.request("gate/plain", 2), "gate/plain#no-persona/2");
    }

    #[test]
    fn the_name_of_a_source_is_the_one_that_the_file_uses() {
        for source in
            [Source::Deployed, Source::Persona, Source::NoPersona, Source::WrongPersona, Source::DroppedTrait]
        {
            assert_eq!(serde_json::to_value(source).expect("a name"), source.to_string());
        }
    }
}
