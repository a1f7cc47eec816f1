//! Trait detector: phrases in a chosen part of a response.
//!
//! Presence is 1 if a phrase of `any` occurs in the window and no phrase of `none` does, else 0. Phrases are runs of
//! whole words, without regard to case, and never reach over the end of a sentence. The finds of `any` are marked, also
//! where `none` cancels them, so that a reader sees what was overruled.

use realign_plugin::{
    prelude::*,
    text::{Phrase, Phrases},
};

/// Settings from the suite.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(rename = "where")]
    window: Window,
    any: Vec<String>,
    #[serde(default)]
    none: Vec<String>,
}

/// The part of a response that is looked at.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Window {
    FirstSentence,
    LastSentence,
    Anywhere,
}

/// A prepared lexicon.
#[derive(Serialize, Deserialize)]
pub struct Lexicon {
    window: Window,
    any: Phrases,
    none: Phrases,
}

impl TraitDetector for Lexicon {
    type Config = Config;
    const ABOUT: About = about!(include_str!("../config.schema.json"));

    fn prepare(config: Config, _: &Setup<'_>) -> Result<Self, Failure> {
        if config.any.is_empty() {
            return Err(Failure::config("any is empty, at least one phrase is needed"));
        }
        Ok(Self {
            window: config.window,
            any: phrases("any", &config.any)?,
            none: phrases("none", &config.none)?,
        })
    }

    fn detect(&self, sample: &Sample, _: &Answers<'_>) -> Result<Outcome, Failure> {
        let mut found = Vec::new();
        let mut cancelled = false;
        for sentence in self.window(&sample.response) {
            let words = text::words(&sample.response[sentence.clone()]);
            cancelled |= self.none.is_in(&words);
            let finds = self.any.find(&words).into_iter();
            found.extend(finds.map(|find| (sentence.start + find.start, sentence.start + find.end)));
        }
        found.sort_unstable();
        found.dedup();
        let presence = f64::from(!found.is_empty() && !cancelled);
        let label = if cancelled { "cancelled" } else { "found" };
        let scored = Scored::value("presence", presence);
        Ok(found.into_iter().fold(scored, |scored, (start, end)| scored.span(start, end, label)).into())
    }
}

impl Lexicon {
    /// The sentences to look at, as byte ranges.
    fn window(&self, response: &str) -> Vec<std::ops::Range<usize>> {
        let sentences = text::sentences(response);
        match self.window {
            Window::Anywhere => sentences.collect(),
            Window::FirstSentence => sentences.take(1).collect(),
            Window::LastSentence => sentences.last().into_iter().collect(),
        }
    }
}

fn phrases(list: &str, phrases: &[String]) -> Result<Phrases, Failure> {
    let parse = |phrase: &String| {
        Phrase::new(phrase).ok_or_else(|| Failure::config(format!("phrase {phrase:?} in {list} has no word")))
    };
    phrases.iter().map(parse).collect()
}

export_trait_detector!(Lexicon);

#[cfg(test)]
mod tests {
    use realign_plugin::testing::{self, Mismatch};

    #[test]
    fn cases_hold() -> Result<(), Mismatch> {
        testing::trait_detector::<super::Lexicon>(include_str!("../cases.toml"))
    }
}
