//! What an evaluator is prepared with besides its configuration: the persona's profile and rows of data.

use serde::Deserialize;

use crate::contract::{Failure, Row};

/// Newest shape of the profile that this SDK reads.
const PROFILE_SCHEMA: u32 = 1;

/// Whether the persona wants a trait or rules it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Polarity {
    /// Responses should show it.
    Required,
    /// Responses should not show it. The detector reports presence all the same: the host turns it round.
    Forbidden,
}

/// The persona's part that concerns this evaluator.
///
/// Trait detectors get every field; style scorers and benchmarks only `schema` and `persona`. Fields that a later
/// host adds are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Profile {
    /// Version of the shape; 1 today.
    pub schema: u32,
    /// The persona's name.
    pub persona: String,
    /// Id of the trait.
    #[serde(rename = "trait", default)]
    pub trait_id: Option<String>,
    /// Whether the persona wants the trait.
    #[serde(default)]
    pub polarity: Option<Polarity>,
    /// What the trait means, for people.
    #[serde(default)]
    pub description: String,
    /// Texts that show the trait.
    #[serde(default)]
    pub examples: Vec<String>,
}

impl Profile {
    /// Reads the profile's JSON.
    pub(crate) fn read(json: &str) -> Result<Self, Failure> {
        let profile: Self =
            serde_json::from_str(json).map_err(|error| Failure::profile(error.to_string()))?;
        if profile.schema > PROFILE_SCHEMA {
            let schema = profile.schema;
            return Err(Failure::profile(format!(
                "profile has schema {schema}, this evaluator reads {PROFILE_SCHEMA}"
            )));
        }
        Ok(profile)
    }
}

/// The persona and the data that the suite hands to `prepare`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup<'a> {
    /// The persona's part.
    pub profile: Profile,
    /// Rows of data, in the suite's order.
    pub rows: &'a [Row],
}

/// Texts of the voice and texts of other voices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Voices {
    /// Texts in the persona's voice.
    pub exemplars: Vec<String>,
    /// Texts in other voices.
    pub contrast: Vec<String>,
}

impl Setup<'_> {
    /// The rows as texts of two voices; a row's body is `{"text", "label"}` with label `exemplars` or `contrast`.
    ///
    /// # Errors
    ///
    /// A `data` failure if a row has another shape, or a side has fewer than `fewest` texts.
    pub fn voices(&self, fewest: usize) -> Result<Voices, Failure> {
        let mut voices = Voices::default();
        for row in self.rows {
            match row.read()? {
                Labelled { text, label: Label::Exemplars } => voices.exemplars.push(text),
                Labelled { text, label: Label::Contrast } => voices.contrast.push(text),
            }
        }
        for (label, texts) in [("exemplars", &voices.exemplars), ("contrast", &voices.contrast)] {
            if texts.len() < fewest {
                return Err(Failure::data(format!(
                    "{} rows of {label}, at least {fewest} are needed",
                    texts.len()
                )));
            }
        }
        Ok(voices)
    }
}

/// Body of a row of [`Setup::voices`].
#[derive(Deserialize)]
struct Labelled {
    text: String,
    label: Label,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Label {
    Exemplars,
    Contrast,
}
