//! Cards: what an evaluator's scores are worth, and exactly which evaluator they are the scores of.
//!
//! ```text
//! suite, rows of labelled text -> texts -> outcomes -> metrics::card -> Card
//! ```
//!
//! - [`text`]: texts whose right answer is known, from files
//! - [`cross`]: a detector fitted on the other folds of the very texts that judge it
//! - [`guess`]: answers of a model that knows nothing
//!
//! A card holds no clock and no path. What it was made with is in it: the component's digest, its settings, the state that
//! it made of settings and data, the texts and the threshold. [`Card::instrument`] is what a run's identity says of the same
//! evaluator, so a card and a run that do not belong together can be told apart.

pub mod cross;
pub mod guess;
pub mod text;

use serde::{Deserialize, Serialize};

use self::text::LabelledText;
use crate::{
    gates::Decision,
    ids::{Digest, Seed},
    metrics::card::{
        BenchmarkNumbers, DetectorNumbers, FORMULA, Judged, Label, Reading, StyleNumbers, detector, style,
    },
    model::{Outcome, Sample, Value},
    persona::profile::Polarity,
    sandbox::{Kind, Prepared},
};

/// Version of the card; raised when an old reader would misread a new one.
pub const FORMAT: u32 = 1;

/// Texts shown of each kind of mistake.
const SHOWN: usize = 5;
/// Characters shown of a text.
const EXCERPT: usize = 240;

/// What an evaluator's scores are worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// [`FORMAT`].
    pub format: u32,
    /// Name and version of the formulas.
    pub formula: String,
    /// What it judges: a trait, `style`, or a benchmark.
    pub name: String,
    /// Which evaluator.
    pub evaluator: Carded,
    /// Whether a find is wanted; of trait detectors.
    pub polarity: Option<Polarity>,
    /// The threshold that travels with the card: the suite's where it names one, else the calibrated one.
    pub threshold: Option<f64>,
    /// Whether the evaluator was fitted on the texts themselves, fold by fold.
    pub cross_fitted: bool,
    /// What the scores are worth.
    pub numbers: Numbers,
    /// The clearest mistakes.
    pub worst: Vec<Mistake>,
}

/// An evaluator, by everything that changes its scores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carded {
    /// Id of the component.
    pub id: String,
    /// Its version.
    pub version: String,
    /// What it is for.
    pub kind: Kind,
    /// Digest of the component.
    pub component: Digest,
    /// Digest of its settings.
    pub config: Digest,
    /// Digest of the state that it made of settings, profile and data.
    pub state: Digest,
    /// Digest of the texts, or of the items, that the card is about.
    pub data: Digest,
    /// What the identity of a run says of this evaluator, where a suite names it.
    pub instrument: Option<String>,
}

/// What scores are worth, by kind of evaluator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Numbers {
    /// Of a trait detector.
    Detector(Box<DetectorNumbers>),
    /// Of a style scorer.
    Style(Box<StyleNumbers>),
    /// Of a benchmark.
    Benchmark(Box<BenchmarkNumbers>),
}

/// A text that was taken for what it is not, or is nearest to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mistake {
    /// Text.
    pub id: String,
    /// What is known of it.
    pub label: Label,
    /// The evaluator's first metric.
    pub score: f64,
    /// Its beginning.
    pub text: String,
}

/// Which evaluator a card is about.
#[derive(Debug)]
pub struct Subject<'a> {
    /// What it judges.
    pub name: &'a str,
    /// The component with settings and data.
    pub prepared: &'a Prepared,
    /// JSON of its settings.
    pub config: &'a str,
    /// What the identity of a run says of it.
    pub instrument: Option<String>,
    /// Whether it was fitted on the texts themselves, fold by fold.
    pub cross_fitted: bool,
}

/// The card of a trait detector. `given` is the suite's threshold.
#[must_use]
pub fn of_detector(
    subject: &Subject<'_>,
    polarity: Polarity,
    given: Option<f64>,
    texts: &[&LabelledText],
    outcomes: &[Outcome],
    seed: Seed,
) -> Card {
    let judged = judged(texts, outcomes);
    let wanted = polarity == Polarity::Required;
    let numbers = detector::detector(&judged, wanted, given, seed);
    let threshold = given.or(numbers.at_calibrated.as_ref().map(|at| at.threshold));
    let worst = threshold.map_or_else(Vec::new, |threshold| {
        mistakes(texts, &judged, if wanted { 1.0 } else { -1.0 }, |score, right| {
            ((score >= threshold) == wanted) != right
        })
    });
    Card {
        polarity: Some(polarity),
        threshold,
        worst,
        ..subject.card(Digest::of_json(&texts), Numbers::Detector(Box::new(numbers)))
    }
}

/// The card of a style scorer. `gate` is what the suite wants the variation to be below.
#[must_use]
pub fn of_style(subject: &Subject<'_>, gate: f64, texts: &[&LabelledText], outcomes: &[Outcome]) -> Card {
    let judged = judged(texts, outcomes);
    let numbers = style::style(&judged, gate);
    let middle = numbers.mean_right.zip(numbers.mean_others).map(|(a, b)| f64::midpoint(a, b));
    let worst = middle.map_or_else(Vec::new, |middle| {
        mistakes(texts, &judged, 1.0, |score, right| (score >= middle) != right)
    });
    Card { worst, ..subject.card(Digest::of_json(&texts), Numbers::Style(Box::new(numbers))) }
}

impl Subject<'_> {
    /// A card without what only some kinds have.
    #[must_use]
    pub fn card(&self, data: Digest, numbers: Numbers) -> Card {
        let evaluator = self.prepared.evaluator();
        let described = evaluator.description();
        Card {
            format: FORMAT,
            formula: FORMULA.into(),
            name: self.name.into(),
            evaluator: Carded {
                id: described.id.clone(),
                version: described.version.clone(),
                kind: evaluator.kind(),
                component: evaluator.digest().clone(),
                config: Digest::of(self.config.as_bytes()),
                state: self.prepared.digest().clone(),
                data,
                instrument: self.instrument.clone(),
            },
            polarity: None,
            threshold: None,
            cross_fitted: self.cross_fitted,
            numbers,
            worst: Vec::new(),
        }
    }
}

impl Card {
    /// What the card concludes.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        match &self.numbers {
            Numbers::Detector(numbers) => &numbers.decision,
            Numbers::Style(numbers) => &numbers.decision,
            Numbers::Benchmark(numbers) => &numbers.decision,
        }
    }

    /// What the identity of a run says of this evaluator, where a suite names it.
    #[must_use]
    pub fn instrument(&self) -> Option<&str> {
        self.evaluator.instrument.as_deref()
    }
}

/// Texts as an evaluator is given them: answers to no scenario.
#[must_use]
pub fn samples(texts: &[&LabelledText]) -> Vec<Sample> {
    texts.iter().map(|text| text.sample()).collect()
}

fn judged<'a>(texts: &[&'a LabelledText], outcomes: &[Outcome]) -> Vec<Judged<'a>> {
    let one = |(text, outcome): (&&'a LabelledText, &Outcome)| Judged {
        id: &text.id,
        group: &text.group,
        label: text.label,
        words: text.text.split_whitespace().count(),
        reading: match outcome {
            Outcome::Scored { values, .. } => {
                values.first().map(Value::ratio).map_or(Reading::Failed, Reading::Score)
            }
            Outcome::NotApplicable(_) => Reading::NotApplicable,
            Outcome::Failed(_) => Reading::Failed,
        },
    };
    texts.iter().zip(outcomes).map(one).collect()
}

/// Of either side the mistakes that lie farthest from where they belong.
fn mistakes(
    texts: &[&LabelledText],
    judged: &[Judged<'_>],
    sign: f64,
    wrong: impl Fn(f64, bool) -> bool,
) -> Vec<Mistake> {
    let mut found: Vec<(f64, &LabelledText, f64)> = Vec::new();
    for (text, judged) in texts.iter().zip(judged) {
        if let Reading::Score(score) = judged.reading
            && wrong(score, text.label == Label::Right)
        {
            found.push((sign * score, text, score));
        }
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.id.cmp(&b.1.id)));
    let mistake = |(_, text, score): &(f64, &LabelledText, f64)| Mistake {
        id: text.id.clone(),
        label: text.label,
        score: *score,
        text: excerpt(&text.text),
    };
    let missed = found.iter().filter(|(_, text, _)| text.label == Label::Right).take(SHOWN);
    let alarms = found.iter().rev().filter(|(_, text, _)| text.label != Label::Right).take(SHOWN);
    missed.chain(alarms).map(mistake).collect()
}

/// The beginning of a text on one line.
fn excerpt(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = line.chars().take(EXCERPT).collect();
    if short.len() < line.len() {
        short.push('\u{2026}');
    }
    short
}
