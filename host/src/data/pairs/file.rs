//! `pairs.toml` as people write it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{choose::Bounds, source::Source};
use crate::{
    error::{Error, Result},
    ids::Seed,
    read::{self, within},
    suite::{file::DeployPrompt, load::Suite},
};

/// How pairs are built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairsFile {
    /// Version of the file format: 1.
    pub format: u32,
    /// What `--model` would name; the command line comes first.
    pub model: Option<String>,
    /// Persona, scenarios and evaluators; relative to this file. Of its scenarios the train families are used.
    pub suite: PathBuf,
    /// Where every random number starts.
    pub seed: Seed,
    /// Which system prompt the answers are given under, instead of the suite's own choice.
    pub deploy_prompt: Option<DeployPrompt>,
    /// Where the answers come from of which the better one of a pair is chosen.
    #[serde(default = "deployed", skip_serializing_if = "is_deployed")]
    pub consistent: Vec<Source>,
    /// Where the answers come from of which the other one is chosen.
    #[serde(default = "deployed", skip_serializing_if = "is_deployed")]
    pub inconsistent: Vec<Source>,
    /// System prompts of the characters that `wrong-persona` answers as, in turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrong_personas: Vec<String>,
    /// Answers to each scenario from each source.
    #[serde(default = "eight")]
    pub samples: u32,
    /// Temperature of the answers; 1 samples from the model as it is.
    #[serde(default = "one")]
    pub temperature: f32,
    /// At most so many families; a seeded choice, the same every time.
    pub families: Option<usize>,
    /// Share of the choosing evaluators' traits by which the two answers of a pair differ, at least.
    #[serde(default = "quarter")]
    pub least_margin: f64,
    /// The longer answer has at most so many times the words of the shorter one.
    #[serde(default = "half_more")]
    pub most_length_ratio: f64,
    /// Traits whose detectors take no part in the choice. The style scorer never does.
    pub held_out: BTreeSet<String>,
}

fn deployed() -> Vec<Source> {
    vec![Source::Deployed]
}
fn is_deployed(sources: &[Source]) -> bool {
    sources == [Source::Deployed]
}
const fn eight() -> u32 {
    8
}
const fn one() -> f32 {
    1.0
}
const fn quarter() -> f64 {
    0.25
}
const fn half_more() -> f64 {
    1.5
}

impl PairsFile {
    /// Reads and checks a file; `change` puts the command line over it.
    ///
    /// # Errors
    /// A usage error naming file and field.
    pub fn read(path: &Path, change: impl FnOnce(&mut Self)) -> Result<Self> {
        let mut file: Self = read::toml(path)?;
        change(&mut file);
        file.check().map_err(|error| error.within(path.display()))?;
        Ok(file)
    }

    fn check(&self) -> Result<()> {
        if self.format != 1 {
            return Err(Error::usage(format!("format: {}, this version reads 1", self.format)));
        }
        self.check_sources()?;
        // One source alone has to differ from itself.
        let fewest = if self.sources().len() == 1 { 2.0 } else { 1.0 };
        within("samples", f64::from(self.samples), fewest, 256.0)?;
        within("temperature", f64::from(self.temperature), 0.05, 5.0)?;
        within("least_margin", self.least_margin, 0.01, 1.0)?;
        within("most_length_ratio", self.most_length_ratio, 1.0, 100.0)?;
        if self.held_out.is_empty() {
            return Err(Error::usage("held_out: empty, at least one trait is needed").hint(
                "an evaluator that takes no part in the choice is what shows that the choice is not a trick",
            ));
        }
        Ok(())
    }

    fn check_sources(&self) -> Result<()> {
        for (field, sources) in [("consistent", &self.consistent), ("inconsistent", &self.inconsistent)] {
            if sources.is_empty() {
                return Err(Error::usage(format!("{field}: empty, at least one source is needed")));
            }
            let twice = sources.iter().enumerate().find(|(place, source)| sources[..*place].contains(source));
            if let Some((_, source)) = twice {
                return Err(Error::usage(format!("{field}: `{source}` stands twice")));
            }
        }
        if let Some(source) = self.consistent.iter().find(|source| !source.in_character()) {
            let message = format!("consistent: `{source}` is out of character by what it is told");
            return Err(Error::usage(message).hint("name deployed, persona or both"));
        }
        let asked = self.inconsistent.contains(&Source::WrongPersona);
        if asked == self.wrong_personas.is_empty() {
            let message = if asked {
                "wrong_personas: empty, and inconsistent names wrong-persona"
            } else {
                "wrong_personas: given, and inconsistent does not name wrong-persona"
            };
            return Err(Error::usage(message)
                .hint("wrong_personas holds one system prompt for each character that is not the persona"));
        }
        match self.wrong_personas.iter().position(|prompt| prompt.trim().is_empty()) {
            None => Ok(()),
            Some(place) => Err(Error::usage(format!("wrong_personas[{place}]: empty"))),
        }
    }

    /// Every source once, those of the better answers first.
    #[must_use]
    pub fn sources(&self) -> Vec<Source> {
        let others = self.inconsistent.iter().filter(|source| !self.consistent.contains(source));
        self.consistent.iter().chain(others).copied().collect()
    }

    /// Whether the two answers of a pair come from different sources.
    #[must_use]
    pub fn contrasts(&self) -> bool {
        self.consistent != self.inconsistent
    }

    /// Checks the file against its suite: there is something to choose with, and something held out from it.
    ///
    /// # Errors
    /// A usage error naming the field.
    pub fn check_against(&self, suite: &Suite) -> Result<()> {
        let detectors = &suite.file.detector;
        let known = |trait_id: &str| detectors.iter().any(|spec| spec.trait_id == trait_id);
        if let Some(unknown) = self.held_out.iter().find(|trait_id| !known(trait_id)) {
            let message = format!("held_out: the suite has no detector of a trait `{unknown}`");
            return Err(Error::usage(message));
        }
        if self.held_out.len() == detectors.len() {
            return Err(Error::usage("held_out: names every trait, none is left to choose with"));
        }
        Ok(())
    }

    /// What the two answers of a pair have to keep to.
    #[must_use]
    pub const fn bounds(&self) -> Bounds {
        Bounds { least_margin: self.least_margin, most_length_ratio: self.most_length_ratio }
    }
}
