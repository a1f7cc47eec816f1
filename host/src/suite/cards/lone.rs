//! The card of one component that no suite names: settings from its author, texts or rows from files.

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::json;

use super::{Examiner, benchmark_card};
use crate::{
    error::{Error, Result},
    gates::Rule,
    ids::Seed,
    metrics::style::StyleGate,
    model::Outcome,
    persona::profile::Polarity,
    plugins::card::{
        self, Card, Subject,
        cross::{self, Settings},
        text::LabelledText,
    },
    sandbox::{Evaluator, Kind, Prepared, Row},
    suite::{
        evaluators::Benchmark,
        file::{BenchmarkSpec, Better},
    },
};

/// Where seeded choices start: folds and guesses. A card of a suite takes the suite's own seed.
const SEED: Seed = Seed(0);

/// A component and what its author wants to know.
#[derive(Debug)]
pub struct Lone<'a> {
    /// The component.
    pub evaluator: &'a Evaluator,
    /// JSON of its settings.
    pub config: &'a str,
    /// Questions that it may ask.
    pub grants: BTreeSet<String>,
    /// Whether it is fitted on the texts themselves, fold by fold.
    pub fit: bool,
    /// Whether a find is what a persona would ask for.
    pub polarity: Polarity,
    /// The threshold to try; by default only the calibrated one.
    pub threshold: Option<f64>,
}

impl Lone<'_> {
    /// The card of a trait detector or a style scorer.
    ///
    /// # Errors
    /// As [`Evaluator::prepare`]; what the examiner reports.
    pub fn of_texts(&self, texts: &[LabelledText], examiner: &mut dyn Examiner) -> Result<Card> {
        self.check_grants()?;
        let about: Vec<&LabelledText> = texts.iter().collect();
        let name = self.evaluator.description().id.as_str();
        let profile = self.profile();
        let settings = Settings { config: self.config, profile: &profile, grants: &self.grants };
        let mut judge = |prepared: &Prepared, samples: &[_]| examiner.judge(prepared, name, samples);
        let (prepared, outcomes): (Prepared, Vec<Outcome>) = if self.fit {
            cross::cross_fit(self.evaluator, settings, &about, SEED.derive("card"), &mut judge)?
        } else {
            let prepared =
                self.evaluator.prepare(self.config, &profile, &[], &self.grants).map_err(|error| {
                    if error.to_string().contains("data: ") {
                        return error
                            .hint("if it learns from texts, add --fit: it is then fitted fold by fold");
                    }
                    error
                })?;
            let outcomes = judge(&prepared, &card::samples(&about))?;
            (prepared, outcomes)
        };
        let subject = Subject {
            name,
            prepared: &prepared,
            config: self.config,
            instrument: None,
            cross_fitted: self.fit,
        };
        Ok(match self.evaluator.kind() {
            Kind::StyleScorer => {
                let Rule { threshold, .. } = StyleGate::default().variation;
                card::of_style(&subject, threshold, &about, &outcomes)
            }
            Kind::TraitDetector | Kind::Benchmark => {
                let seed = SEED.derive("card");
                card::of_detector(&subject, self.polarity, self.threshold, &about, &outcomes, seed)
            }
        })
    }

    /// The card of a benchmark by its first metric.
    ///
    /// # Errors
    /// As [`Evaluator::prepare`]; bad input naming the row that it refuses; what the examiner reports.
    pub fn of_rows(&self, rows: &[Row], examiner: &mut dyn Examiner) -> Result<Card> {
        self.check_grants()?;
        let described = self.evaluator.description();
        let metric = described.metrics.first().ok_or_else(|| Error::evaluator("it measures nothing"))?;
        let prepared = self.evaluator.prepare(self.config, &self.profile(), &[], &self.grants)?;
        let items = prepared.items(rows)?;
        let spec = BenchmarkSpec {
            id: described.id.clone(),
            plugin: described.id.clone(),
            data: PathBuf::new(),
            metric: metric.name.clone(),
            direction: Better::Described,
            config: serde_json::from_str(self.config).unwrap_or_default(),
            grants: self.grants.clone(),
        };
        let benchmark = Benchmark { spec, prepared };
        let graded = examiner.grade(&benchmark, None, &items)?;
        benchmark_card(&benchmark, &items, graded.as_deref(), None, SEED)
    }

    /// Refuses questions that nobody has allowed, with the words that allow them here.
    fn check_grants(&self) -> Result<()> {
        let asks = &self.evaluator.description().asks;
        let Some(wanted) = asks.difference(&self.grants).next() else { return Ok(()) };
        let message = format!("{} asks for {wanted}, which is not granted", self.evaluator);
        Err(Error::usage(message)
            .hint(format!("if it may use a model in this way: --grant {wanted} --model MODEL")))
    }

    /// A profile with every field, since nobody has written a persona yet.
    fn profile(&self) -> String {
        json!({
            "schema": 1, "persona": "nobody", "trait": "any", "polarity": self.polarity,
            "description": "a trait of no persona", "examples": [],
        })
        .to_string()
    }
}
